package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.DeliveryException;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.JoinedWriter;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.sql.Connection;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Whole runs in which a destination writes together with the state: what a transaction has noted is
 * not noted again, nothing is reserved for it, and of what it left open the state knows alone.
 */
class JoinedDeliveringTest {
  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time).joins();
  private final Runner runner =
      new Runner(store, RunnerSettings.defaults().withClock(time).withWaiter(time));

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    EngineThreads.assertNoneLeft();
    assertThat(store.breaches()).isEmpty();
  }

  /** Runs a sync into a destination that writes like this, in transactions of the state or not. */
  private SyncReport run(boolean joins, Writer script) {
    JoinedWriter writer =
        new JoinedWriter() {
          @Override
          public boolean joins() {
            return joins;
          }

          @Override
          public void prepare() {}

          @Override
          public Delivery write(Batch batch) throws Exception {
            assertThat(joins).isFalse();
            store.sent(batch);
            return script.write(batch);
          }

          @Override
          public Delivery write(Batch batch, Connection joined) throws Exception {
            assertThat(joins).isTrue();
            return script.write(batch);
          }

          @Override
          public void close() {}
        };
    return run(
        new TestDestination() {
          @Override
          public Writer open(RunContext run) {
            return writer;
          }
        });
  }

  private SyncReport run(Destination destination) {
    return runner.run(
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(destination)
            .batchRows(5)
            .build());
  }

  private static Writer refusing(Set<String> bad) {
    return batch -> {
      if (batch.changes().stream().anyMatch(change -> bad.contains(change.changeId()))) {
        throw new BatchRejectedException("POISON", "one of them is bad");
      }
      return Delivery.allAccepted();
    };
  }

  @Test
  @DisplayName("P1: what was written together with the state is neither reserved nor noted again")
  void whatWasWrittenTogetherIsNotNotedAgain() {
    store.plan(Changes.added(7));
    SyncReport report = run(true, batch -> Delivery.allAccepted()).throwIfFailed();
    assertThat(store.steps())
        .containsExactly(
            "claim",
            "recover",
            "plan",
            "open",
            "commit [0, 1, 2, 3, 4]",
            "commit [5, 6]",
            "fold SUCCEEDED",
            "close");
    assertThat(store.outcomes()).containsOnly(Outcome.ACCEPTED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(7, 7, 0, 0));
  }

  @Test
  @DisplayName("P1: of a batch that was halved, what no transaction has noted is noted")
  void whatNoTransactionHasNotedIsNoted() {
    store.plan(Changes.added(5));
    SyncReport report = run(true, refusing(Set.of("c1", "c4")));
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(5, 3, 0, 2));
    assertThat(store.steps())
        .containsSubsequence(
            "commit [0]", "commit [2]", "commit [3]", "acknowledge 1 1", "acknowledge 4 1")
        .filteredOn(step -> step.startsWith("acknowledge"))
        .hasSize(2);
    assertThat(store.outcomes())
        .extracting(Outcome::kind)
        .containsExactly(Kind.ACCEPTED, Kind.REJECTED, Kind.ACCEPTED, Kind.ACCEPTED, Kind.REJECTED);
  }

  @Test
  @DisplayName("P1: a transaction that did not come about goes out again")
  void transactionThatDidNotComeAboutGoesOutAgain() {
    AtomicInteger calls = new AtomicInteger();
    store.plan(Changes.added(2));
    SyncReport report =
        run(
                true,
                batch -> {
                  if (calls.incrementAndGet() == 1) {
                    throw new NotAppliedException("the connection broke", (Throwable) null);
                  }
                  return Delivery.allAccepted();
                })
            .throwIfFailed();
    assertThat(report.calls()).isEqualTo(2);
    assertThat(store.steps()).containsSubsequence("open", "commit [0, 1]", "fold SUCCEEDED");
  }

  @Test
  @DisplayName(
      "P1: a state that cannot say whether it has committed fails the run, and has it on"
          + " record alone")
  void stateThatCannotSayWhetherItHasCommittedFailsTheRun() {
    StateException unknown = new StateException("Cannot find out what was committed.");
    store.plan(Changes.added(7)).fails("commit", unknown);
    SyncReport report = run(true, batch -> Delivery.allAccepted());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(unknown);
    assertThat(report.calls()).as("it does not go out again").isEqualTo(1);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(7, 0, 0, 5));
    assertThat(store.steps()).noneMatch(step -> step.startsWith("acknowledge"));
    assertThat(store.outcomes()).containsOnlyNulls();
  }

  @Test
  @DisplayName("P1: a transaction that gave no answer fails the run, and is not tried again")
  void transactionWithoutAnAnswerFailsTheRun() {
    store.plan(Changes.added(7)).fails("commit", new IllegalStateException("secret value 4711"));
    SyncReport report = run(true, batch -> Delivery.allAccepted());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessageStartingWith(
            "Cannot deliver all of crm: a call that writes together with the state gave no answer:"
                + " the call threw java.lang.IllegalStateException. ");
    assertThat(report.calls()).isEqualTo(1);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(7, 0, 0, 5));
    assertThat(store.outcomes()).containsOnlyNulls();
  }

  @Test
  @DisplayName("P2: a destination that does not write together with the state is reserved as any")
  void destinationThatDoesNotJoinIsReservedAsAny() {
    store.plan(Changes.added(2));
    run(false, batch -> Delivery.allAccepted()).throwIfFailed();
    run(Destination.of(
            "test",
            batch -> {
              store.sent(batch);
              return Delivery.allAccepted();
            }))
        .throwIfFailed();
    assertThat(store.steps())
        .filteredOn(step -> step.matches("(reserve|send|commit|acknowledge).*"))
        .containsExactly(
            "reserve 0 to 2",
            "send UPSERT 2",
            "acknowledge 0 2",
            "reserve 0 to 2",
            "send UPSERT 2",
            "acknowledge 0 2");
  }
}
