package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.DeliveryException;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunFailedException;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.Recovery;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A run from its claim to its report, over a store whose plan the test writes: how it is stopped,
 * held and approved, what listeners hear, and what comes out when the store fails.
 */
class RunnerTest {
  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time);
  private final List<RunEvent> events = Collections.synchronizedList(new ArrayList<>());
  private Runner runner = runner(Duration.ofSeconds(10));

  private Runner runner(Duration grace) {
    return new Runner(
        store, RunnerSettings.defaults().withClock(time).withWaiter(time).withGrace(grace));
  }

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    assertThat(store.breaches()).isEmpty();
    EngineThreads.assertNoneLeft();
    assertThat(Thread.interrupted()).isFalse();
  }

  private Sync.Builder sync(Writer writer) {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(
            Destination.of(
                "test",
                batch -> {
                  store.sent(batch);
                  return writer.write(batch);
                }))
        .onRemoved(Removal.DELETE)
        .batchRows(2)
        .listener(events::add);
  }

  private static Delivery accept(Batch batch) {
    assertThat(batch.changes()).isNotEmpty();
    return Delivery.allAccepted();
  }

  private List<String> kindsOfEvents() {
    return events.stream()
        .filter(event -> !(event instanceof RunEvent.Delivering))
        .map(event -> event.getClass().getSimpleName())
        .toList();
  }

  // --------------------------------------------------------------------------------------- events

  @Test
  void listenersHearTheEventsInOrderWithCounts() {
    store.plan(Changes.added(3)).recovers(new Recovery(77, 5, 2));
    SyncReport report = runner.run(sync(RunnerTest::accept).build()).throwIfFailed();
    assertThat(kindsOfEvents())
        .containsExactly("Started", "Recovered", "Reading", "Reading", "Planned", "Ended");
    long run = report.run();
    assertThat(events.get(0)).isEqualTo(new RunEvent.Started("crm", run));
    assertThat(events.get(1)).isEqualTo(new RunEvent.Recovered("crm", run, 77, 5, 2));
    assertThat(events.get(3)).isEqualTo(new RunEvent.Reading("crm", run, 3));
    assertThat(events.get(4))
        .isInstanceOfSatisfying(
            RunEvent.Planned.class,
            planned -> assertThat(planned.changeSet()).isEqualTo(report.changeSet()));
    assertThat(events.get(events.size() - 2)).isEqualTo(new RunEvent.Delivering("crm", run, 3, 3));
    assertThat(events.get(events.size() - 1)).isEqualTo(new RunEvent.Ended("crm", run, report));
  }

  @Test
  void listenerThatThrowsDoesNoHarm() {
    store.plan(Changes.added(3));
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(Destination.of("test", RunnerTest::accept))
            .listener(
                event -> {
                  throw new IllegalStateException("first listener");
                })
            .listener(
                event -> {
                  throw new StackOverflowError("second listener");
                })
            .listener(events::add)
            .build();
    assertThat(runner.run(sync).throwIfFailed().total().accepted()).isEqualTo(3);
    assertThat(kindsOfEvents())
        .containsExactly("Started", "Reading", "Reading", "Planned", "Ended");
  }

  // --------------------------------------------------------------------------------------- cancel

  private static final class Gate {
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch open = new CountDownLatch(1);

    void pass() throws InterruptedException {
      reached.countDown();
      assertThat(open.await(20, TimeUnit.SECONDS)).isTrue();
    }

    void awaitReached() throws InterruptedException {
      assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  private FutureTask<SyncReport> inBackground(Sync sync) {
    FutureTask<SyncReport> task = new FutureTask<>(() -> runner.run(sync));
    new Thread(task, "caller").start();
    return task;
  }

  private void assertCancelledAfterTheFirstBatch(SyncReport report) {
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 2, 0, 0));
    assertThat(report.calls()).isEqualTo(1);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessage(
            "Cannot deliver all of crm: the run was cancelled. The rest stays due. [sync=crm run="
                + report.run()
                + "]");
    assertThatThrownBy(report::throwIfFailed).isInstanceOf(RunFailedException.class);
    assertThat(store.log()).contains("fold CANCELLED");
    assertThat(store.outcomes().subList(0, 2)).containsOnly(Outcome.ACCEPTED);
    assertThat(store.outcomes().subList(2, 10))
        .allMatch(outcome -> outcome == null || outcome.equals(Outcome.NOT_TRIED));
  }

  private void assertUsable() {
    store.plan(Changes.added(1));
    assertThat(runner.run(sync(RunnerTest::accept).build()).throwIfFailed().total().accepted())
        .isEqualTo(1);
  }

  @Test
  @DisplayName("P1: cancel hands out no further batch, and folds what was accepted")
  void cancelFoldsWhatWasAccepted() throws Exception {
    Gate gate = new Gate();
    store.plan(Changes.added(10));
    Sync sync =
        sync(batch -> {
              gate.pass();
              return Delivery.allAccepted();
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    gate.awaitReached();
    runner.cancel(sync);
    gate.open.countDown();
    assertCancelledAfterTheFirstBatch(run.get());
    assertUsable();
  }

  @Test
  @DisplayName("P1: an interrupt of the caller cancels the run, and stays set")
  void interruptOfTheCallerCancelsAndStaysSet() throws Exception {
    Gate gate = new Gate();
    store.plan(Changes.added(10));
    Sync sync =
        sync(batch -> {
              gate.pass();
              return Delivery.allAccepted();
            })
            .build();
    AtomicReference<SyncReport> report = new AtomicReference<>();
    AtomicBoolean kept = new AtomicBoolean();
    Thread caller =
        new Thread(
            () -> {
              report.set(runner.run(sync));
              kept.set(Thread.currentThread().isInterrupted());
            });
    caller.start();
    gate.awaitReached();
    caller.interrupt();
    while (caller.isInterrupted() || caller.getState() != Thread.State.WAITING) {
      Thread.onSpinWait(); // until the caller has seen it, stopped the run and waits again
    }
    gate.open.countDown();
    caller.join();
    assertCancelledAfterTheFirstBatch(report.get());
    assertThat(kept).isTrue();
    assertUsable();
  }

  @Test
  @DisplayName("P1: close waits for what is under way, and nothing runs afterwards")
  void closeWaitsForWhatIsUnderWay() throws Exception {
    Gate gate = new Gate();
    store.plan(Changes.added(10));
    Sync sync =
        sync(batch -> {
              gate.pass();
              return Delivery.allAccepted();
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    gate.awaitReached();
    Thread closer = new Thread(runner::close, "closer");
    closer.start();
    while (closer.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait(); // until it waits for the run
    }
    assertThat(run.isDone()).isFalse();
    gate.open.countDown();
    assertCancelledAfterTheFirstBatch(run.get());
    closer.join();
    assertThatThrownBy(() -> runner.run(sync))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
    EngineThreads.assertNoneLeft();
  }

  @Test
  @DisplayName("P1: a call that does not end is left behind after the grace, and is unsure")
  void callThatDoesNotEndIsLeftBehindAfterTheGrace() throws Exception {
    Gate gate = new Gate();
    CountDownLatch interrupted = new CountDownLatch(1);
    runner = runner(Duration.ZERO);
    store.plan(Changes.added(10));
    Sync sync =
        sync(batch -> {
              gate.reached.countDown();
              while (gate.open.getCount() > 0) {
                try {
                  gate.open.await();
                } catch (InterruptedException e) {
                  interrupted.countDown(); // and goes on, as bad libraries do
                }
              }
              return Delivery.allAccepted();
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    gate.awaitReached();
    runner.cancel(sync);
    SyncReport report = run.get();
    assertThat(interrupted.await(1, TimeUnit.SECONDS)).isTrue();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.abandonedCalls()).isEqualTo(1);
    assertThat(report.total())
        .as("the report says what the state says")
        .isEqualTo(new SyncReport.Counts(10, 0, 0, 2));
    assertThat(store.log()).contains("fold CANCELLED").endsWith("close");
    assertThat(store.reserved()).isEqualTo(2);
    assertCutOff(store.outcomes());
    gate.open.countDown();
    EngineThreads.assertNoneLeft();
    assertCutOff(store.outcomes());
    assertUsable();
  }

  /** The two changes of the first call are unsure, the rest was never sent. */
  private static void assertCutOff(List<Outcome> outcomes) {
    assertThat(outcomes.subList(0, 2))
        .allMatch(outcome -> outcome.kind() == Kind.UNKNOWN && outcome.unsure());
    assertThat(outcomes.subList(2, 10)).containsOnlyNulls();
  }

  @Test
  @DisplayName("P1: a call that heeds the interrupt after the grace is unsure, and folded as such")
  void callThatHeedsTheInterruptIsUnsure() throws Exception {
    Gate gate = new Gate();
    runner = runner(Duration.ZERO);
    store.plan(Changes.added(10));
    Sync sync =
        sync(batch -> {
              if (batch.changes().get(0).changeId().equals("c0")) {
                return Delivery.allAccepted();
              }
              gate.reached.countDown();
              gate.open.await();
              return Delivery.allAccepted();
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    gate.awaitReached();
    runner.cancel(sync);
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 2, 0, 2));
    assertThat(store.outcomes().subList(0, 2)).containsOnly(Outcome.ACCEPTED);
    assertThat(store.outcomes().get(2).kind()).isEqualTo(Kind.UNKNOWN);
    assertThat(store.outcomes().get(2).unsure()).isTrue();
    assertUsable();
  }

  @Test
  void cancelWhileTheDestinationAsksToWaitEndsTheWait() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    runner =
        new Runner(
            store,
            RunnerSettings.defaults()
                .withClock(time)
                .withWaiter(
                    (stop, duration) -> {
                      waiting.countDown();
                      assertThat(stop.await(20, TimeUnit.SECONDS)).isTrue();
                    }));
    store.plan(Changes.added(2));
    Sync sync =
        sync(batch -> {
              throw new io.fulmar.spi.NotAppliedException("busy", Duration.ofMinutes(4));
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();
    runner.cancel(sync);
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total().aborted()).isEqualTo(2);
    assertThat(store.outcomes()).containsOnly(Outcome.NOT_TRIED);
  }

  @Test
  void cancelOfASyncThatDoesNotRunDoesNothing() {
    runner.cancel(sync(RunnerTest::accept).build());
    assertUsable();
  }

  @Test
  @DisplayName("P4: a sync that runs is refused a second time")
  void syncThatRunsIsRefusedASecondTime() throws Exception {
    Gate gate = new Gate();
    store.plan(Changes.added(1));
    Sync sync =
        sync(batch -> {
              gate.pass();
              return Delivery.allAccepted();
            })
            .build();
    FutureTask<SyncReport> run = inBackground(sync);
    gate.awaitReached();
    assertThatThrownBy(() -> runner.run(sync))
        .isInstanceOf(AlreadyRunningException.class)
        .hasMessage(
            "Cannot run crm: it is running in this engine. Wait for that run, or cancel it."
                + " [sync=crm]");
    gate.open.countDown();
    assertThat(run.get().throwIfFailed().total().accepted()).isEqualTo(1);
  }

  // ----------------------------------------------------------------------------- guards, approval

  private List<PlannedChange> removals(int count) {
    List<PlannedChange> plan = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      plan.add(Changes.of(i, Operation.REMOVED, i));
    }
    return plan;
  }

  @Test
  @DisplayName("P7: a held run sends nothing and keeps its plan, and its approval sends exactly it")
  void heldRunKeepsItsPlanUntilItIsApproved() {
    store.plan(removals(200)).live(300, 200);
    Sync sync = sync(RunnerTest::accept).build();
    SyncReport held = runner.run(sync);
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.calls()).isZero();
    assertThat(store.steps()).contains("keep", "end HELD").doesNotContain("open");
    ChangeSet plan = held.changeSet();
    assertThat(plan.guards())
        .containsExactly("200 of 300 synced keys would be removed, more than 30 % and 100");
    assertThatThrownBy(held::throwIfFailed)
        .isInstanceOf(RunFailedException.class)
        .hasMessage(
            "Cannot deliver plan %s (added 0, changed 0, removed 200): %s. Approve it by engine.apply(sync, \"%s\"), or mend the source and run again. [sync=crm run=%d]"
                .formatted(plan.id(), plan.guards().get(0), plan.id(), held.run()));

    // A scheduler runs it again: the older plan and its id stay.
    SyncReport again = runner.run(sync);
    assertThat(again.status()).isEqualTo(RunStatus.HELD);
    assertThat(again.changeSet().id()).isEqualTo(plan.id());
    assertThat(store.steps()).contains("drop");

    SyncReport applied = runner.apply(sync, plan.id()).throwIfFailed();
    assertThat(applied.total()).isEqualTo(new SyncReport.Counts(200, 200, 0, 0));
  }

  @Test
  @DisplayName("P7: approval that is cancelled before its first batch leaves the plan standing")
  void cancelledApprovalLeavesThePlanStanding() {
    store.plan(removals(200)).live(300, 200);
    String id = runner.run(sync(RunnerTest::accept).build()).changeSet().id();
    AtomicReference<Sync> self = new AtomicReference<>();
    AtomicBoolean cancel = new AtomicBoolean(true);
    Sync sync =
        sync(RunnerTest::accept)
            .listener(
                event -> {
                  if (event instanceof RunEvent.Planned && cancel.get()) {
                    runner.cancel(self.get());
                  }
                })
            .build();
    self.set(sync);
    assertThat(runner.apply(sync, id).status()).isEqualTo(RunStatus.CANCELLED);
    cancel.set(false);
    assertThat(runner.apply(sync, id).throwIfFailed().total().accepted()).isEqualTo(200);
  }

  @Test
  @DisplayName("P7: removals just at a limit pass the guard")
  void removalsJustAtALimitPass() {
    Sync sync = sync(RunnerTest::accept).batchRows(1_000).build();
    store.plan(removals(100)).live(100, 100);
    assertThat(runner.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
    store.plan(removals(300)).live(1_000, 300);
    assertThat(runner.run(sync).status()).isEqualTo(RunStatus.SUCCEEDED);
    store.plan(removals(301)).live(1_000, 301);
    assertThat(runner.run(sync).status()).isEqualTo(RunStatus.HELD);
    store.plan(removals(301)).live(1_000, 300);
    assertThat(runner.run(sync).status())
        .as("a removal that was planned before holds nothing")
        .isEqualTo(RunStatus.SUCCEEDED);
  }

  @Test
  @DisplayName("P7: what the store objects to holds the run")
  void objectionOfTheStoreHoldsTheRun() {
    store.plan(Changes.added(1)).objections("the source went back in time");
    SyncReport report = runner.run(sync(RunnerTest::accept).build());
    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(report.changeSet().guards()).containsExactly("the source went back in time");
  }

  // --------------------------------------------------------------------------------- store fails

  private static StateException full(String what) {
    return new StateException("Cannot " + what + ": No space left on device. Make room.");
  }

  private SyncReport failingAt(String step, StateException failure) {
    store.plan(Changes.added(4)).fails(step, failure);
    SyncReport report = runner.run(sync(RunnerTest::accept).build());
    store.fails(step, null);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(failure);
    assertThat(kindsOfEvents().get(0)).isEqualTo("Started");
    assertThat(events.get(events.size() - 1)).isInstanceOf(RunEvent.Ended.class);
    assertThatThrownBy(report::throwIfFailed)
        .isInstanceOf(RunFailedException.class)
        .hasMessage(failure.getMessage())
        .hasCause(failure);
    assertThat(store.log()).endsWith("close");
    return report;
  }

  @Test
  @DisplayName("D-04: a plan that cannot be kept fails the run before anything is sent")
  void planThatCannotBeKeptFailsTheRun() {
    SyncReport report = failingAt("plan", full("keep the plan"));
    assertThat(report.calls()).isZero();
    assertThat(store.steps()).containsSubsequence("plan", "end FAILED", "close");
    assertUsable();
  }

  @Test
  @DisplayName("D-04: a ledger that cannot be made fails the run before anything is sent")
  void ledgerThatCannotBeMadeFailsTheRun() {
    SyncReport report = failingAt("open", full("begin to deliver"));
    assertThat(report.calls()).isZero();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(4, 0, 0, 0));
    assertUsable();
  }

  @Test
  @DisplayName("D-04: a fold that fails keeps the counts in the report")
  void foldThatFailsKeepsTheCounts() {
    SyncReport report = failingAt("fold", full("move the state forward"));
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(4, 4, 0, 0));
    assertThat(store.steps()).containsSubsequence("fold SUCCEEDED", "end FAILED", "close");
    assertUsable();
  }

  @Test
  @DisplayName("D-04: that the end cannot be noted either does not hide what went wrong first")
  void firstFailureIsTheOneThatIsReported() {
    StateException end = full("note the end");
    store.fails("end", end);
    StateException plan = full("keep the plan");
    assertThat(failingAt("plan", plan).error().getSuppressed()).contains(end);
    store.fails("end", null);
    assertUsable();
  }

  @Test
  void sourceThatCannotBeReadFailsTheRun() {
    SourceException gone = new SourceException("Cannot read the model.", "42P01", null);
    store.plan(Changes.added(1)).fails("plan", gone);
    SyncReport report = runner.run(sync(RunnerTest::accept).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(gone);
    assertThat(kindsOfEvents()).containsExactly("Started", "Reading", "Ended");
  }

  @Test
  @DisplayName("A-01: a read that was cut off is done again from its start, three times at most")
  void readThatWasCutOffIsDoneAgain() {
    SourceException cut = new SourceException("Cannot read the model.", "57P01", null);
    store.plan(Changes.added(1)).fails("plan", cut);
    SyncReport report = runner.run(sync(RunnerTest::accept).build());
    assertThat(report.error()).isSameAs(cut);
    assertThat(store.steps()).filteredOn("plan"::equals).hasSize(3);
    assertThat(kindsOfEvents())
        .containsExactly(
            "Started", "Reading", "ReadAgain", "Reading", "ReadAgain", "Reading", "Ended");
    assertThat(time.waits()).hasSize(2);
  }

  @Test
  void sourceThatCannotBeReachedIsThrownAndStillEndsTheRun() {
    SourceException away = new SourceException("Cannot connect to db:5432/shop.", "08001", null);
    store.fails("connect", away);
    assertThatThrownBy(() -> runner.run(sync(RunnerTest::accept).build())).isSameAs(away);
    assertThat(kindsOfEvents()).containsExactly("Started", "Ended");
    assertThat(store.steps()).containsSubsequence("end FAILED", "close");
  }

  @Test
  void modelThatCannotBeUsedIsThrownAndStillEndsTheRun() {
    ConfigurationException bad = new ConfigurationException("Cannot run crm: no such column.");
    store.fails("plan", bad);
    assertThatThrownBy(() -> runner.run(sync(RunnerTest::accept).build())).isSameAs(bad);
    assertThat(kindsOfEvents()).containsExactly("Started", "Reading", "Ended");
    assertThat(store.steps()).containsSubsequence("plan", "end FAILED", "close");
  }

  @Test
  void planThatIsNotThereIsRefusedByAnException() {
    assertThatThrownBy(() -> runner.apply(sync(RunnerTest::accept).build(), "4711"))
        .isInstanceOf(StateException.class)
        .hasMessage("Cannot apply plan 4711: there is no such plan.");
    assertThat(store.log()).endsWith("close");
  }

  @Test
  @DisplayName("planning alone sends and folds nothing")
  void planningAloneSendsAndFoldsNothing() {
    store.plan(Changes.added(3));
    ChangeSet plan = runner.plan(sync(RunnerTest::accept).build());
    assertThat(plan.planned(Operation.ADDED)).isEqualTo(3);
    assertThat(store.steps()).containsExactly("claim", "recover", "plan", "keep", "close");
  }

  @Test
  @DisplayName(
      "P3: a run with a rejection or an invalid row is a WARNING, and its source not reflected")
  void rejectionsAndInvalidRowsMakeAWarning() {
    store.plan(Changes.added(2)).invalid(1);
    assertThat(runner.run(sync(RunnerTest::accept).build()).status()).isEqualTo(RunStatus.WARNING);
    assertThat(store.end().nothingUnsent()).isFalse();
    store.invalid(0);
    SyncReport report =
        runner.run(
            sync(batch ->
                    Delivery.acceptedExcept()
                        .answer("c1", new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN))
                        .build())
                .build());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(store.end().nothingUnsent()).isFalse();
    assertThat(runner.run(sync(RunnerTest::accept).build()).status())
        .isEqualTo(RunStatus.SUCCEEDED);
    assertThat(store.end().nothingUnsent()).isTrue();
  }
}
