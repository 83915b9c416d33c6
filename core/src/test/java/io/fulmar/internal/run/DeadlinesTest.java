package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.fulmar.Change;
import io.fulmar.DeliveryException;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.run.HangingDestination.Call;
import io.fulmar.internal.run.HangingDestination.Manners;
import io.fulmar.internal.store.FakeStore;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Calls that do not end, in a run over a store whose plan the test writes, with a deadline of 60 s
 * by a time that the test moves: what is cut off, who goes on, and what becomes of a late answer.
 */
class DeadlinesTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.fulmar.run");

  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time);
  private final List<RunEvent.AnsweredLate> late = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch heardLate = new CountDownLatch(1);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private ThreadFactory threads = RunnerSettings.defaults().threads();
  private HangingDestination destination = hanging((call, number, batch) -> null);
  private Runner runner = runner();

  @BeforeEach
  void listen() {
    lines.start();
    LOG.setLevel(Level.WARN);
    LOG.setAdditive(false);
    LOG.addAppender(lines);
  }

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    destination.letGo();
    runner.close();
    assertThat(store.breaches()).isEmpty();
    EngineThreads.assertNoneLeft();
    LOG.detachAppender(lines);
    LOG.setAdditive(true);
    LOG.setLevel(null);
  }

  private HangingDestination hanging(HangingDestination.Hangs hangs) {
    return new HangingDestination(store::sent, hangs);
  }

  private Runner runner() {
    return new Runner(
        store,
        RunnerSettings.defaults()
            .withClock(time)
            .withWaiter(time)
            .withNanoTime(() -> destination.nanoTime())
            .withThreads(task -> threads.newThread(task)));
  }

  private Sync.Builder sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE)
        .callDeadline(DEADLINE)
        .batchRows(2)
        .listener(
            event -> {
              if (event instanceof RunEvent.AnsweredLate answered) {
                late.add(answered);
                heardLate.countDown();
              }
            });
  }

  private FutureTask<SyncReport> inBackground(Sync sync) {
    FutureTask<SyncReport> task = new FutureTask<>(() -> runner.run(sync));
    new Thread(task, "caller").start();
    return task;
  }

  private void awaitLateAnswer() throws InterruptedException {
    assertThat(heardLate.await(20, TimeUnit.SECONDS)).isTrue();
    EngineThreads.assertNoneLeft();
  }

  private List<String> lines() {
    return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  @DisplayName("J-04: a call that ignores the interrupt is left behind, and another thread goes on")
  void callThatIgnoresTheInterruptIsLeftBehind() throws Exception {
    destination =
        hanging(
            (call, number, batch) -> call == Call.WRITE && number == 1 ? Manners.IGNORES : null);
    store.plan(Changes.added(5));
    long began = time.millis();
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    SyncReport report = run.get().throwIfFailed();

    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(5, 5, 0, 0));
    assertThat(report.abandonedCalls()).isEqualTo(1);
    assertThat(report.calls()).isEqualTo(4);
    assertThat(destination.log())
        .as("the same batch goes out again, by a writer of its own")
        .containsExactly(
            "open",
            "write 1: c0+2",
            "open",
            "write 2: c0+2",
            "write 2: c2+2",
            "write 2: c4+1",
            "close 2",
            "closed 2");
    List<Outcome> outcomes = store.outcomes();
    assertThat(outcomes).allMatch(outcome -> outcome.kind() == Kind.ACCEPTED);
    assertThat(outcomes.subList(0, 2))
        .as("the first call may act until its deadline")
        .allMatch(outcome -> outcome.until() == began + DEADLINE.toMillis());
    assertThat(lines())
        .containsExactly(
            "sync=crm run=%d abandoned=1: calls that did not end, left behind with their threads"
                .formatted(report.run()));
  }

  @Test
  @DisplayName("J-04, I-02: a late answer is told to listener and log, and changes nothing")
  void lateAnswerIsToldAndChangesNothing() throws Exception {
    destination =
        hanging(
            (call, number, batch) -> call == Call.WRITE && number == 1 ? Manners.IGNORES : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    SyncReport report = run.get();
    List<Outcome> before = store.outcomes();
    List<String> stepsBefore = store.log();
    assertThat(late).isEmpty();

    destination.letGo();
    awaitLateAnswer();
    assertThat(late)
        .containsExactly(
            new RunEvent.AnsweredLate("crm", report.run(), "write: answered", 2, 2, 0, 0));
    assertThat(store.outcomes()).isEqualTo(before);
    assertThat(store.log()).as("nothing is noted after the run").isEqualTo(stepsBefore);
    assertThat(destination.log())
        .as("the thread that was left behind closes its writer itself")
        .endsWith("close 1", "closed 1");
    assertThat(lines())
        .contains(
            "sync=crm run=%d late=\"write: answered\" sent=2 accepted=2 skipped=0 rejected=0: not taken"
                .formatted(report.run()));
  }

  @Test
  @DisplayName("J-04: a destination that hangs on every call fails the run after four of them")
  void destinationThatHangsOnEveryCallFailsTheRun() throws Exception {
    destination = hanging((call, number, batch) -> call == Call.WRITE ? Manners.IGNORES : null);
    store.plan(Changes.added(100));
    FutureTask<SyncReport> run = inBackground(sync().batchRows(8).build());
    for (int call = 0; call < 4; call++) {
      destination.passDeadline(DEADLINE);
    }
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessage(
            "Cannot deliver all of crm: 4 calls in a row passed their deadline of PT1M"
                + " (Sync.Builder.callDeadline). What was accepted is remembered, the rest stays"
                + " due. [sync=crm run="
                + report.run()
                + "]");
    assertThat(report.abandonedCalls()).isEqualTo(4);
    assertThat(report.calls()).isEqualTo(4);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(100, 0, 0, 8));
    assertThat(store.outcomes().subList(0, 8))
        .allMatch(outcome -> outcome.kind() == Kind.UNKNOWN && outcome.unsure());
  }

  @Test
  @DisplayName("J-04: calls that end in between keep a run with slow calls going")
  void callsThatEndInBetweenKeepTheRunGoing() throws Exception {
    destination =
        hanging(
            (call, number, batch) ->
                call == Call.WRITE && number % 2 == 1 && number < 10 ? Manners.IGNORES : null);
    store.plan(Changes.added(10));
    FutureTask<SyncReport> run = inBackground(sync().build());
    for (int batch = 0; batch < 5; batch++) {
      destination.passDeadline(DEADLINE);
    }
    SyncReport report = run.get().throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(10);
    assertThat(report.abandonedCalls()).isEqualTo(5);
  }

  @Test
  @DisplayName("J-03: a call that heeds the interrupt is unknown, and goes out again on its thread")
  void callThatHeedsTheInterruptGoesOutAgainOnItsThread() throws Exception {
    destination =
        hanging((call, number, batch) -> call == Call.WRITE && number == 2 ? Manners.HEEDS : null);
    store.plan(Changes.added(6));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passInterrupt(DEADLINE);
    SyncReport report = run.get().throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(6);
    assertThat(report.abandonedCalls()).isZero();
    assertThat(destination.log())
        .containsExactly(
            "open",
            "write 1: c0+2",
            "write 1: c2+2",
            "write 1: c2+2",
            "write 1: c4+2",
            "close 1",
            "closed 1");
    assertThat(store.outcomes().subList(2, 4)).allMatch(outcome -> outcome.until() > 0);
    assertThat(late).isEmpty();
    assertThat(lines()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 9, 15})
  @DisplayName("J-04: one change whose calls hang each time is unsure, the others are delivered")
  void changeWhoseCallsHangIsFoundByHalving(int bad) throws Exception {
    destination =
        hanging(
            (call, number, batch) ->
                batch != null
                        && batch.changes().stream()
                            .anyMatch(change -> change.changeId().equals(Changes.id(bad)))
                    ? Manners.IGNORES
                    : null);
    store.plan(Changes.added(16));
    FutureTask<SyncReport> run = inBackground(sync().batchRows(16).build());
    for (int rows = 32; rows >= 1; rows /= 2) { // the batch twice, and each half down to one
      destination.passDeadline(DEADLINE);
    }
    SyncReport report = run.get().throwIfFailed();
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(16, 15, 0, 1));
    assertThat(report.abandonedCalls()).isEqualTo(6);
    assertThat(store.outcomes().get(bad).kind()).isEqualTo(Kind.UNKNOWN_ALONE);
    assertThat(report.failures().get(0).message()).isEqualTo("the call did not end in time");
  }

  @Test
  @DisplayName("J-04: a destination that hangs while it is opened is opened again")
  void destinationThatHangsWhileItIsOpenedIsOpenedAgain() throws Exception {
    destination =
        hanging((call, number, batch) -> call == Call.OPEN && number == 1 ? Manners.IGNORES : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    SyncReport report = run.get().throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(2);
    assertThat(report.abandonedCalls()).isEqualTo(1);
    destination.letGo();
    awaitLateAnswer();
    assertThat(late)
        .containsExactly(new RunEvent.AnsweredLate("crm", report.run(), "open: done", 0, 0, 0, 0));
    assertThat(destination.log()).as("it is closed at once").endsWith("close 1", "closed 1");
  }

  @Test
  @DisplayName("J-03: a destination that heeds the interrupt while it is opened is opened again")
  void destinationThatHeedsTheInterruptWhileItIsOpenedIsOpenedAgain() throws Exception {
    destination =
        hanging((call, number, batch) -> call == Call.OPEN && number < 4 ? Manners.HEEDS : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    for (int opened = 1; opened < 4; opened++) {
      destination.passInterrupt(DEADLINE);
    }
    SyncReport report = run.get().throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(2);
    assertThat(report.abandonedCalls()).isZero();
    assertThat(destination.log())
        .containsExactly("open", "open", "open", "open", "write 4: c0+2", "close 4", "closed 4");
  }

  @Test
  @DisplayName("J-03: a destination that is not opened in time fails the run after four calls")
  void destinationThatIsNeverOpenedInTimeFailsTheRun() throws Exception {
    destination = hanging((call, number, batch) -> call == Call.OPEN ? Manners.HEEDS : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    for (int opened = 1; opened <= 4; opened++) {
      destination.passInterrupt(DEADLINE);
    }
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageStartingWith(
            "Cannot deliver all of crm: 4 calls in a row passed their deadline of PT1M"
                + " (Sync.Builder.callDeadline). ");
    assertThat(destination.log()).containsExactly("open", "open", "open", "open");
  }

  @Test
  @DisplayName("J-03: a destination that heeds the interrupt while it is closed fails the run")
  void destinationThatHeedsTheInterruptWhileItIsClosedFailsTheRun() throws Exception {
    destination = hanging((call, number, batch) -> call == Call.CLOSE ? Manners.HEEDS : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passInterrupt(DEADLINE);
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageStartingWith(
            "Cannot deliver all of crm: the destination could not be closed within PT1M. ");
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(2, 2, 0, 0));
    assertThat(report.abandonedCalls()).isZero();
  }

  @Test
  @DisplayName(
      "J-04: a destination that hangs while it is closed fails the run, and is left behind")
  void destinationThatHangsWhileItIsClosedIsLeftBehind() throws Exception {
    destination = hanging((call, number, batch) -> call == Call.CLOSE ? Manners.IGNORES : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageContaining("the destination could not be closed within PT1M");
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(2, 2, 0, 0));
    assertThat(store.outcomes()).containsOnly(Outcome.ACCEPTED);
    destination.letGo();
    awaitLateAnswer();
    assertThat(late)
        .containsExactly(new RunEvent.AnsweredLate("crm", report.run(), "close: done", 0, 0, 0, 0));
  }

  @Test
  @DisplayName("D-04: what broke a lane is said, though its destination then hangs while it closes")
  void whatBrokeALaneIsSaidThoughItsDestinationHangsThen() throws Exception {
    StateException broken = new StateException("Cannot use the state: Input/output error.");
    destination = hanging((call, number, batch) -> call == Call.CLOSE ? Manners.IGNORES : null);
    store.plan(Changes.added(2)).fails("acknowledge", broken);
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    assertThat(run.get().status()).isEqualTo(RunStatus.FAILED);
    assertThat(run.get().error()).isSameAs(broken);
  }

  @Test
  @DisplayName("J-04: a late failure is told too, by its class alone")
  void lateFailureIsTold() throws Exception {
    destination =
        hanging((call, number, batch) -> call == Call.WRITE && number == 1 ? Manners.BREAKS : null);
    store.plan(Changes.added(2));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.passDeadline(DEADLINE);
    SyncReport report = run.get().throwIfFailed();
    destination.letGo();
    awaitLateAnswer();
    assertThat(late)
        .containsExactly(
            new RunEvent.AnsweredLate(
                "crm", report.run(), "write: threw java.lang.IllegalStateException", 2, 0, 0, 0));
  }

  @Test
  @DisplayName(
      "D-07: if no thread is to be had for the rest, the run fails and says what is unsure")
  void missingThreadForTheRestFailsTheRun() throws Exception {
    destination = hanging((call, number, batch) -> call == Call.WRITE ? Manners.IGNORES : null);
    ThreadFactory plenty = threads;
    AtomicBoolean scarce = new AtomicBoolean();
    threads =
        task -> {
          if (scarce.get()) {
            throw new InternalError("no thread to be had");
          }
          return plenty.newThread(task);
        };
    store.plan(Changes.added(10));
    FutureTask<SyncReport> run = inBackground(sync().build());
    destination.awaitHanging();
    scarce.set(true);
    destination.abandon(DEADLINE);
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).hasMessageContaining("a lane could not begin");
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 0, 0, 2));
    assertThat(store.reserved()).isEqualTo(2);
  }

  /** A run of six changes, whose lane hangs when it notes the first two. */
  private FutureTask<SyncReport> cancelledWhileItsLaneHangs(CountDownLatch letGo)
      throws InterruptedException {
    CountDownLatch hanging = new CountDownLatch(1);
    store.plan(Changes.added(6)).hangs("acknowledge", hanging, letGo);
    Sync sync = sync().build();
    FutureTask<SyncReport> run = inBackground(sync);
    assertThat(hanging.await(20, TimeUnit.SECONDS)).isTrue();
    runner.cancel(sync);
    return run;
  }

  @Test
  @DisplayName(
      "P1: a lane that hangs outside of its calls is left behind too, and report and state agree")
  void laneThatHangsOutsideOfItsCallsIsLeftBehind() throws Exception {
    CountDownLatch letGo = new CountDownLatch(1);
    FutureTask<SyncReport> run = cancelledWhileItsLaneHangs(letGo);
    destination.advance(Duration.ofSeconds(11)); // the grace
    while (!run.isDone()) {
      destination.advance(Duration.ofSeconds(1));
      Thread.onSpinWait();
    }
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total())
        .as("reserved and not noted: the state takes it for unknown")
        .isEqualTo(new SyncReport.Counts(6, 0, 0, 2));
    assertThat(store.reserved()).isEqualTo(2);
    assertThat(store.isBeingRead()).as("the lane may still read").isTrue();
    letGo.countDown();
    EngineThreads.assertNoneLeft();
    assertThat(store.isBeingRead()).isFalse();
    assertThat(store.outcomes()).containsOnlyNulls();
  }

  @Test
  @DisplayName("P1: after the grace a lane has 3 s for its last steps, and what it notes counts")
  void laneHasThreeSecondsForItsLastSteps() throws Exception {
    CountDownLatch letGo = new CountDownLatch(1);
    FutureTask<SyncReport> run = cancelledWhileItsLaneHangs(letGo);
    destination.advance(Duration.ofSeconds(10)); // the grace
    store.awaitFlushes(2);
    destination.advance(Duration.ofSeconds(3));
    store.awaitFlushes(2);
    letGo.countDown();
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(6, 2, 0, 0));
    assertThat(store.outcomes().subList(0, 2)).containsOnly(Outcome.ACCEPTED);
  }

  // ------------------------------------------------------------------------------ a lost claim

  @Test
  @DisplayName(
      "I-02: the answer of a run that lost its claim changes nothing, and its successor waits")
  void answerOfARunThatLostItsClaimChangesNothing() throws Exception {
    FakeStore shared = new FakeStore(time);
    List<String> sent = Collections.synchronizedList(new ArrayList<>());
    long began = time.millis();
    destination =
        new HangingDestination(
            batch -> {
              for (Change change : batch.changes()) {
                long after = Duration.ofMillis(time.millis() - began).toSeconds();
                sent.add(change.row().text("v") + " after " + after + " s");
              }
            },
            (call, number, batch) -> call == Call.WRITE && number == 1 ? Manners.IGNORES : null);
    RunnerSettings settings =
        RunnerSettings.defaults()
            .withClock(time)
            .withWaiter(time)
            .withNanoTime(() -> destination.nanoTime());
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select k, v from customer").key("k"))
            .to(destination)
            .callDeadline(DEADLINE)
            .listener(
                event -> {
                  if (event instanceof RunEvent.AnsweredLate answered) {
                    late.add(answered);
                    heardLate.countDown();
                  }
                })
            .build();
    shared.source(List.of(new SourceRow("k1", "a")));
    try (Runner first = new Runner(shared, settings);
        Runner second = new Runner(shared, settings)) {
      FutureTask<SyncReport> lost = new FutureTask<>(() -> first.run(sync));
      new Thread(lost, "caller").start();
      destination.awaitHanging();
      shared.kill(); // its claim has run out
      shared.source(List.of(new SourceRow("k1", "b")));
      SyncReport successor = second.run(sync).throwIfFailed();
      assertThat(successor.total().accepted()).isEqualTo(1);
      assertThat(sent)
          .as("the first call may act for twice its deadline, by what is on record")
          .containsExactly("a after 0 s", "b after 120 s");
      Map<String, Remembered> memory = shared.memory();

      destination.abandon(DEADLINE);
      assertThat(lost.get().status()).isEqualTo(RunStatus.FAILED);
      assertThat(lost.get().total()).isEqualTo(new SyncReport.Counts(1, 0, 0, 1));
      destination.letGo();
      awaitLateAnswer();
      assertThat(late)
          .containsExactly(
              new RunEvent.AnsweredLate("crm", lost.get().run(), "write: answered", 1, 1, 0, 0));
      assertThat(shared.memory()).isEqualTo(memory);
      assertThat(shared.memory().get("k1").accepted()).endsWith("b");
      assertThat(shared.breaches()).isEmpty();
    }
  }

  // ------------------------------------------------------------------------- one call on a thread

  private DeadlineCalls.Called<String> oneCall(
      RunScope scope, Tally tally, java.util.concurrent.Callable<String> call) {
    RunnerSettings settings =
        RunnerSettings.defaults().withNanoTime(() -> destination.nanoTime()).withGrace(DEADLINE);
    return new DeadlineCalls(scope, settings, tally)
        .onThread("fulmar-crm-clear", call, (answer, thrown) -> heardLate.countDown());
  }

  private RunScope scope() {
    return new RunScope(
        sync().build(),
        RunnerSettings.defaults().withNanoTime(() -> destination.nanoTime()).withGrace(DEADLINE));
  }

  @Test
  void callOnAThreadOfItsOwnAnswersOrThrows() {
    AtomicReference<String> thread = new AtomicReference<>();
    assertThat(
            oneCall(
                scope(),
                new Tally(),
                () -> {
                  thread.set(Thread.currentThread().getName() + " of " + MDC.get("fulmar.sync"));
                  return "done";
                }))
        .isEqualTo(new DeadlineCalls.Called.Answered<>("done"));
    assertThat(thread).hasValue("fulmar-crm-clear of crm");
    IllegalStateException broken = new IllegalStateException("broken");
    assertThat(
            oneCall(
                scope(),
                new Tally(),
                () -> {
                  throw broken;
                }))
        .isEqualTo(new DeadlineCalls.Called.Threw<String>(broken));
  }

  @Test
  void callOnAThreadOfItsOwnIsLeftBehindAtItsDeadline() throws Exception {
    CountDownLatch hanging = new CountDownLatch(1);
    CountDownLatch letGo = new CountDownLatch(1);
    Tally tally = new Tally();
    AtomicReference<Thread> thread = new AtomicReference<>();
    FutureTask<DeadlineCalls.Called<String>> task =
        new FutureTask<>(
            () ->
                oneCall(
                    scope(),
                    tally,
                    () -> {
                      thread.set(Thread.currentThread());
                      hanging.countDown();
                      while (letGo.getCount() > 0) {
                        try {
                          letGo.await();
                        } catch (InterruptedException e) {
                          destination.advance(Duration.ofSeconds(1)); // and does not end
                        }
                      }
                      return "late";
                    }));
    new Thread(task, "caller").start();
    assertThat(hanging.await(20, TimeUnit.SECONDS)).isTrue();
    destination.advance(DEADLINE);
    assertThat(task.get()).isEqualTo(new DeadlineCalls.Called.PassedDeadline<String>());
    assertThat(tally.abandoned()).isEqualTo(1);
    assertThat(thread.get().getName())
        .as("whoever looks at the threads sees which one nobody waits for")
        .isEqualTo("fulmar-crm-clear-abandoned");
    letGo.countDown();
    awaitLateAnswer();
  }

  @Test
  void interruptOfWhoWaitsForACallStopsTheRunAndStaysSet() throws Exception {
    RunScope scope = scope();
    CountDownLatch stopped = new CountDownLatch(1);
    AtomicBoolean kept = new AtomicBoolean();
    AtomicReference<Thread> waiting = new AtomicReference<>();
    FutureTask<DeadlineCalls.Called<String>> task =
        new FutureTask<>(
            () -> {
              waiting.set(Thread.currentThread());
              DeadlineCalls.Called<String> called =
                  oneCall(
                      scope,
                      new Tally(),
                      () -> {
                        waiting.get().interrupt();
                        while (!scope.isStopped()) {
                          Thread.onSpinWait();
                        }
                        stopped.countDown();
                        return "done";
                      });
              kept.set(Thread.interrupted());
              return called;
            });
    new Thread(task, "caller").start();
    assertThat(task.get()).isEqualTo(new DeadlineCalls.Called.Answered<>("done"));
    assertThat(stopped.getCount()).isZero();
    assertThat(scope.stopReason()).isInstanceOf(RunScope.Stop.Cancelled.class);
    assertThat(kept).isTrue();
  }

  @Test
  @DisplayName("D-07: what breaks around a call on a thread of its own is thrown as its own")
  void whatBreaksAroundACallIsThrownAsItsOwn() {
    IllegalStateException broken = new IllegalStateException("no context");
    RunnerSettings settings =
        RunnerSettings.defaults()
            .withContext(
                task ->
                    () -> {
                      throw broken;
                    });
    assertThat(
            new DeadlineCalls(scope(), settings, new Tally())
                .onThread("fulmar-crm-clear", () -> "done", (answer, thrown) -> {}))
        .isEqualTo(new DeadlineCalls.Called.Threw<String>(broken));
  }

  // ---------------------------------------------------------------- calls that look at themselves

  /** Calls of this thread, which looks at them itself. */
  private final class OwnCalls {
    private final RunScope scope;
    private final DeadlineCalls calls;
    private final DeadlineCalls.Caller caller;
    private int leftBehind;

    OwnCalls(Sync.Builder sync) {
      RunnerSettings settings =
          RunnerSettings.defaults()
              .withNanoTime(() -> destination.nanoTime())
              .withGrace(Duration.ofSeconds(20));
      scope = new RunScope(sync.build(), settings);
      calls = new DeadlineCalls(scope, settings, new Tally());
      caller = calls.caller(() -> leftBehind++);
    }

    /** Whether the thread is interrupted after so much more time. */
    boolean isInterruptedAfter(Duration time) {
      destination.advance(time);
      assertThat(calls.look()).as("a call is under way").isTrue();
      return Thread.currentThread().isInterrupted();
    }

    /** A call that passes its deadline, and answers all the same or heeds the interrupt. */
    void passDeadline(boolean answers) throws Exception {
      caller.call(
          DeadlineCalls.Kind.WRITE,
          () -> {
            assertThat(isInterruptedAfter(DEADLINE)).isTrue();
            if (answers) {
              return "done";
            }
            throw new InterruptedException();
          },
          (answer, thrown) -> {});
    }

    void heed() {
      assertThatThrownBy(() -> passDeadline(false))
          .isInstanceOf(DeadlineCalls.PassedDeadlineException.class)
          .hasMessage("the call passed its deadline");
    }
  }

  @ParameterizedTest
  @CsvSource({"60, 59000", "10, 9000", "5, 4500", "1, 900"})
  @DisplayName("J-03: a call is interrupted 1 s before its deadline, or a tenth of it if less")
  void callIsInterruptedBeforeItsDeadline(int deadline, int after) throws Exception {
    OwnCalls own = new OwnCalls(sync().callDeadline(Duration.ofSeconds(deadline)));
    destination.advance(Duration.ofHours(1)); // the time of a machine that has been up for a while
    own.caller.call(
        DeadlineCalls.Kind.WRITE,
        () -> {
          assertThat(own.isInterruptedAfter(Duration.ofMillis(after - 1))).isFalse();
          assertThat(own.isInterruptedAfter(Duration.ofMillis(1))).isTrue();
          return "done";
        },
        (answer, thrown) -> fail("not late"));
    assertThat(Thread.interrupted()).as("the interrupt was for the call alone").isFalse();
    assertThat(own.calls.look()).as("no call is under way").isFalse();
    assertThat(own.leftBehind).isZero();
  }

  @Test
  void callOfARunThatStopsIsInterruptedAfterTheGrace() throws Exception {
    OwnCalls own = new OwnCalls(sync());
    own.caller.call(
        DeadlineCalls.Kind.WRITE,
        () -> {
          own.scope.stop(new RunScope.Stop.Cancelled());
          assertThat(own.isInterruptedAfter(Duration.ofMillis(19_999))).isFalse();
          assertThat(own.isInterruptedAfter(Duration.ofMillis(1))).isTrue();
          return "done";
        },
        (answer, thrown) -> fail("not late"));
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void interruptThatWasNotForTheCallStaysSet() throws Exception {
    OwnCalls own = new OwnCalls(sync());
    own.caller.call(
        DeadlineCalls.Kind.WRITE,
        () -> {
          Thread.currentThread().interrupt();
          return "done";
        },
        (answer, thrown) -> fail("not late"));
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  @DisplayName("J-04: who looks hears of a call that is left behind once more, and then no more")
  void callThatIsLeftBehindIsUnderWayUntilThen() {
    OwnCalls own = new OwnCalls(sync());
    List<String> told = new ArrayList<>();
    assertThatThrownBy(
            () ->
                own.caller.call(
                    DeadlineCalls.Kind.WRITE,
                    () -> {
                      own.isInterruptedAfter(DEADLINE.minusSeconds(1));
                      own.isInterruptedAfter(Duration.ofMillis(999));
                      assertThat(own.leftBehind).isZero();
                      own.isInterruptedAfter(Duration.ofMillis(1));
                      assertThat(own.leftBehind).isEqualTo(1);
                      assertThat(own.calls.look()).isFalse();
                      return "late";
                    },
                    (answer, thrown) -> told.add(answer)))
        .isInstanceOf(DeadlineCalls.LeftBehindException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(told).containsExactly("late");
    assertThat(own.leftBehind).isEqualTo(1);
  }

  @Test
  @DisplayName("J-04: four calls in a row that heed their interrupt fail the run too")
  void fourCallsInARowThatHeedTheirInterruptFailTheRun() {
    OwnCalls own = new OwnCalls(sync());
    for (int call = 0; call < 4; call++) {
      assertThat(own.scope.isStopped()).isFalse();
      own.heed();
    }
    assertThat(own.scope.stopReason())
        .isEqualTo(
            new RunScope.Stop.Failed(
                "4 calls in a row passed their deadline of PT1M (Sync.Builder.callDeadline)",
                null));
  }

  @Test
  @DisplayName("J-04: a call that answers though it was interrupted shows that there is an answer")
  void callThatAnswersThoughItWasInterruptedKeepsTheRunGoing() throws Exception {
    OwnCalls own = new OwnCalls(sync());
    for (int round = 0; round < 3; round++) {
      own.heed();
      own.heed();
      own.heed();
      own.passDeadline(true);
    }
    assertThat(own.scope.isStopped()).isFalse();
  }
}
