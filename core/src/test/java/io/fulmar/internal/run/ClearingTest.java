package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.Outcome;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Clear and fill over a store whose plan the test writes, which notes the steps in their order. Two
 * rows are planned; a clear answers what the test says.
 */
@DisplayName("5a: clear and fill")
class ClearingTest {
  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time).plan(Changes.added(2));
  private final Deque<Exception> answers = new ArrayDeque<>();
  private final Runner runner =
      new Runner(store, RunnerSettings.defaults().withClock(time).withWaiter(time));
  private @Nullable Sync running;
  private boolean cancels;
  private int clears;

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    assertThat(store.breaches()).isEmpty();
    EngineThreads.assertNoneLeft();
  }

  /** A destination that can be cleared. */
  private final class Clearable extends TestDestination {
    Clearable() {
      super(all().canClear());
    }

    @Override
    public Writer open(RunContext run) {
      return this::write;
    }

    private Delivery write(Batch batch) {
      store.sent(batch);
      return Delivery.allAccepted();
    }

    @Override
    public void clear(RunContext run) throws Exception {
      assertThat(run.lane()).isZero();
      assertThat(store.isClearing()).as("it is on record before it begins").isTrue();
      clears++;
      if (cancels) {
        runner.cancel(running);
      }
      Exception answer = answers.poll();
      if (answer != null) {
        throw answer;
      }
    }
  }

  private Sync sync() {
    running =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(new Clearable())
            .retryFor(Duration.ofSeconds(2))
            .build();
    return running;
  }

  private void assertNothingIsSent(SyncReport report, String why) {
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem().orElseThrow())
        .isEqualTo(
            "Cannot deliver all of crm: the destination is to be cleared, and %s; the next run clears it again. What was accepted is remembered, the rest stays due. [sync=crm run=%d]"
                .formatted(why, report.run()));
    assertThat(store.isClearing()).isTrue();
    assertThat(store.log())
        .noneMatch(step -> step.startsWith("send") || step.startsWith("end clear"))
        .contains("drop", "end FAILED");
  }

  @Test
  @DisplayName("plan and guards first; then the note, the clear, the drop, and the rows")
  void stepsHaveTheirOrder() {
    SyncReport report = runner.clearAndFill(sync()).throwIfFailed();
    assertThat(store.steps())
        .containsExactly(
            "claim",
            "recover",
            "plan FILL",
            "begin clear",
            "end clear",
            "open",
            "reserve 0 to 2",
            "send UPSERT 2",
            "acknowledge 0 2",
            "fold SUCCEEDED",
            "close");
    assertThat(report.total().accepted()).isEqualTo(2);
    assertThat(clears).isEqualTo(1);
  }

  @Test
  void eachAttemptIsTold() {
    answers.add(new NotAppliedException("busy", (Throwable) null));
    List<RunEvent> events = Collections.synchronizedList(new ArrayList<>());
    running =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(new Clearable())
            .retryFor(Duration.ofMinutes(10))
            .listener(events::add)
            .build();
    SyncReport report = runner.clearAndFill(running).throwIfFailed();
    assertThat(events)
        .filteredOn(RunEvent.Clearing.class::isInstance)
        .containsExactly(
            new RunEvent.Clearing("crm", report.run()), new RunEvent.Clearing("crm", report.run()));
  }

  @Test
  @DisplayName("it waits until no earlier call may act")
  void waitsUntilNoCallMayAct() {
    store.mayActUntil(time.millis() + 90_000);
    runner.clearAndFill(sync()).throwIfFailed();
    assertThat(time.waits()).containsExactly(Duration.ofMillis(90_001));
    assertThat(clears).isEqualTo(1);
  }

  @Test
  @DisplayName("not applied: again with backoff")
  void clearThatIsNotAppliedIsRepeated() {
    answers.add(new NotAppliedException("busy", (Throwable) null));
    runner.clearAndFill(longer()).throwIfFailed();
    assertThat(clears).isEqualTo(2);
    assertThat(store.steps()).filteredOn("begin clear"::equals).hasSize(2);
  }

  private Sync longer() {
    running =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(new Clearable())
            .retryFor(Duration.ofMinutes(10))
            .build();
    return running;
  }

  @Test
  @DisplayName("P4: the note covers the call from its beginning on, however long it took to write")
  void noteCoversTheCall() {
    store.takes("begin clear", () -> time.advance(Duration.ofSeconds(5)));
    answers.add(new IOException("no answer"));
    runner.clearAndFill(sync());
    assertThat(store.noted())
        .as("the call began after five seconds, and may act for its deadline")
        .isGreaterThanOrEqualTo(time.millis() + 60_000);
  }

  @Test
  void clearThatStaysNotAppliedFailsTheRun() {
    answers.addAll(
        Arrays.asList(
            new NotAppliedException("busy", Duration.ofMinutes(1)),
            new NotAppliedException("busy", Duration.ofMinutes(1))));
    SyncReport report = runner.clearAndFill(sync());
    assertNothingIsSent(report, "it was not cleared within PT2S: busy");
  }

  @Test
  @DisplayName("stop, rejected, unknown: FAILED, nothing is sent, and the note stays")
  void clearThatFailsFailsTheRun() {
    answers.add(new StopRunException("AUTH", "who are you"));
    assertNothingIsSent(runner.clearAndFill(sync()), "it stopped the run (AUTH): who are you");
    time.advance(Duration.ofHours(1));
    answers.add(new BatchRejectedException("FK", "referenced"));
    assertNothingIsSent(runner.clearAndFill(sync()), "it refuses (FK): referenced");
    time.advance(Duration.ofHours(1));
    answers.add(new IOException("with a value"));
    assertNothingIsSent(runner.clearAndFill(sync()), "clearing it threw java.io.IOException");
  }

  @Test
  @DisplayName("while the note stands, every run clears and drops before it plans")
  void runRepeatsAClearThatIsNotKnownToHaveEnded() {
    store.clearing(time.millis() + 1_000);
    runner.run(sync()).throwIfFailed();
    assertThat(store.steps().subList(0, 5))
        .containsExactly("claim", "recover", "begin clear", "end clear", "plan");
    assertThat(time.waits()).containsExactly(Duration.ofMillis(1_001));
    assertThat(clears).isEqualTo(1);
  }

  @Test
  void runWhoseClearFailsPlansNothing() {
    store.clearing(0);
    answers.add(new IOException("reset"));
    assertThat(runner.run(sync()).status()).isEqualTo(RunStatus.FAILED);
    assertThat(store.steps())
        .containsExactly("claim", "recover", "begin clear", "end FAILED", "close");
  }

  @Test
  @DisplayName("P7: a plan that a guard holds is cleared and filled when it is approved")
  void heldPlanIsClearedAndFilledWhenApproved() {
    store.live(1_000, 900);
    SyncReport held = runner.clearAndFill(sync());
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(clears).isZero();
    runner.apply(sync(), held.changeSet().id()).throwIfFailed();
    assertThat(clears).isEqualTo(1);
    assertThat(store.outcomes()).containsOnly(Outcome.ACCEPTED);
  }

  @Test
  @DisplayName("a run that is cancelled while it clears sends nothing")
  void cancelledClearSendsNothing() {
    cancels = true;
    answers.add(new NotAppliedException("busy", (Throwable) null));
    SyncReport report = runner.clearAndFill(longer());
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(clears).isEqualTo(1);
    assertThat(store.log()).noneMatch(step -> step.startsWith("send")).contains("end CANCELLED");
    assertThat(store.isClearing()).isTrue();
  }

  @Test
  void whatCannotBeClearedIsRefused() {
    Destination plain = Destination.of("test", batch -> Delivery.allAccepted());
    Model model = Model.query("customers", "select 1 as id").key("id");
    Sync sync = Sync.builder("crm").model(model).to(plain).build();
    assertThatThrownBy(() -> runner.clearAndFill(sync))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot clear the destination of crm: function does not say that it can be cleared"
                + " (Capabilities.canClear). Empty it yourself, then forget the sync and run it."
                + " [sync=crm]");
    Sync updating =
        Sync.builder("crm").model(model).to(new Clearable()).mode(SyncMode.UPDATE).build();
    assertThatThrownBy(() -> runner.clearAndFill(updating))
        .isInstanceOf(ConfigurationException.class);
    assertThat(store.log()).isEqualTo(List.of());
  }
}
