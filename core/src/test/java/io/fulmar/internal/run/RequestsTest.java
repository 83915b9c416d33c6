package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.store.FakeStore;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What an application asks for besides runs, over a store that plans and folds by the reference,
 * and a destination that can be cleared: which guards look at it, what is waited for, and what
 * stands when it ends early. Four rows, k1 to k4, are synced before each test.
 */
@DisplayName("P7, section 5a, requests")
class RequestsTest {
  private final ManualTime time = new ManualTime();
  private final FakeStore store = new FakeStore(time);
  private final Runner runner =
      new Runner(store, RunnerSettings.defaults().withClock(time).withWaiter(time));
  private final Table table = new Table();

  RequestsTest() {
    rows("k1", "k2", "k3", "k4");
    assertThat(runner.run(sync(0).build()).throwIfFailed().total().accepted()).isEqualTo(4);
    table.takeSent();
  }

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    assertThat(store.breaches()).isEmpty();
    EngineThreads.assertNoneLeft();
    assertThat(Thread.interrupted()).isFalse();
  }

  /** What a call of the destination does instead. */
  private interface Fault {
    void strike() throws Exception;
  }

  /** A destination that holds keys. */
  private final class Table implements Destination {
    private final Map<String, String> keys = new TreeMap<>();
    private final List<String> sent = new ArrayList<>();
    private final List<Fault> faultsOfClears = new ArrayList<>();
    private Fault faultOfWrites = () -> {};

    synchronized List<String> takeSent() {
      List<String> taken = List.copyOf(sent);
      sent.clear();
      return taken;
    }

    @Override
    public String type() {
      return "table";
    }

    @Override
    public String identity() {
      return "table:keys";
    }

    @Override
    public Capabilities capabilities() {
      return Capabilities.builder().actions(EnumSet.allOf(Action.class)).canClear().build();
    }

    @Override
    public void clear(RunContext run) throws Exception {
      Fault fault;
      synchronized (this) {
        sent.add("clear");
        fault = faultsOfClears.isEmpty() ? () -> {} : faultsOfClears.remove(0);
      }
      fault.strike();
      synchronized (this) {
        keys.clear();
      }
    }

    @Override
    public Writer open(RunContext run) {
      return batch -> {
        faultOfWrites.strike();
        synchronized (this) {
          for (Change change : batch.changes()) {
            String key = String.valueOf(change.key().text("k"));
            sent.add(change.operation() + " " + key);
            if (change.operation() == Operation.REMOVED) {
              keys.remove(key);
            } else {
              keys.put(key, String.valueOf(change.row().text("v")));
            }
          }
        }
        return Delivery.allAccepted();
      };
    }
  }

  private void rows(String... keys) {
    List<SourceRow> rows = new ArrayList<>();
    for (String key : keys) {
      rows.add(new SourceRow(key, "v" + rows.size()));
    }
    store.source(rows);
  }

  private Sync.Builder sync(int mapping) {
    return Sync.builder("crm")
        .model(Model.query("rows", Integer.toString(mapping)).key("k"))
        .to(table)
        .onRemoved(Removal.DELETE)
        .guardRemovals(0.3, 1)
        .guardReturn(Duration.ZERO);
  }

  private ChangeSet held(SyncReport report) {
    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(table.takeSent()).isEmpty();
    return report.changeSet();
  }

  // --------------------------------------------------------------------------------------- guards

  @Test
  @DisplayName("P7: synced keys without a row count as removals of a clear and fill")
  void keysThatAFillLeavesOutAreGuarded() {
    rows("k1", "k2");
    ChangeSet held = held(runner.clearAndFill(sync(0).build()));
    assertThat(held.guards())
        .containsExactly("2 of 4 synced keys would be removed, more than 30 % and 1");
    assertThat(held.planned(Operation.ADDED)).isEqualTo(2);

    SyncReport report = runner.apply(sync(0).build(), held.id()).throwIfFailed();

    assertThat(report.total().accepted()).isEqualTo(2);
    assertThat(table.takeSent()).containsExactly("clear", "ADDED k1", "ADDED k2");
    assertThat(table.keys).containsOnlyKeys("k1", "k2");
    assertThat(store.memory()).containsOnlyKeys("k1", "k2");
  }

  @Test
  @DisplayName("P7, P8: ambiguous synced keys count as removals of a clear and fill")
  void ambiguousKeysThatAFillLeavesOutAreGuarded() {
    rows("k1", "k1", "k2", "k2", "k3", "k4");
    ChangeSet held = held(runner.clearAndFill(sync(0).build()));
    assertThat(held.guards())
        .containsExactly("2 of 4 synced keys would be removed, more than 30 % and 1");
    assertThat(held.invalid()).isEqualTo(4);
    assertThat(runner.run(sync(0).build()).status())
        .as("a run leaves them as they are")
        .isEqualTo(RunStatus.WARNING);
    assertThat(table.takeSent()).containsExactly("CHANGED k3", "CHANGED k4");
    assertThat(table.keys).containsOnlyKeys("k1", "k2", "k3", "k4");
  }

  @Test
  @DisplayName("P7: gone keys are not removed by a clear and fill, so they do not count")
  void goneKeysDoNotCountForAFill() {
    rows("k1", "k2");
    assertThat(runner.run(sync(0).onRemoved(Removal.IGNORE).build()).status())
        .isEqualTo(RunStatus.SUCCEEDED);
    SyncReport report = runner.clearAndFill(sync(0).onRemoved(Removal.IGNORE).build());
    assertThat(report.throwIfFailed().total().accepted()).isEqualTo(2);
  }

  @Test
  @DisplayName("P7: a clear and fill with an empty model is held whatever the settings")
  void emptyModelIsNeverFilledWithoutApproval() {
    rows();
    Sync lenient = sync(0).guardRemovals(1, 0).onEmptyModel(Sync.EmptyModel.DELIVER).build();
    ChangeSet held = held(runner.clearAndFill(lenient));
    assertThat(held.guards())
        .containsExactly("the model is empty, and 4 synced keys would be removed");
    assertThat(table.keys).hasSize(4);

    assertThat(runner.apply(lenient, held.id()).status()).isEqualTo(RunStatus.SUCCEEDED);

    assertThat(table.takeSent()).containsExactly("clear");
    assertThat(table.keys).isEmpty();
    assertThat(store.memory()).isEmpty();
  }

  @Test
  @DisplayName("P7: who approves a held run does not clear the destination, nor the other way")
  void approvalIsOfWhatWasHeld() {
    rows("k1");
    Sync sync = sync(0).build();
    ChangeSet fill = held(runner.clearAndFill(sync));
    ChangeSet run = held(runner.run(sync));
    assertThat(run.id()).isNotEqualTo(fill.id());
    assertThat(run.planned(Operation.REMOVED)).isEqualTo(3);
    assertThat(held(runner.run(sync)).id()).as("the older one stays").isEqualTo(run.id());
    assertThat(held(runner.clearAndFill(sync)).id()).isNotEqualTo(run.id());
  }

  @Test
  @DisplayName("P7: a part that is held is not what was approved for the whole, nor a mere plan")
  void partAndMerePlanDoNotStandForAHeldRun() {
    Sync sync = sync(0).build();
    ChangeSet planned = runner.plan(sync);
    assertThat(planned.guards()).isEmpty();
    rows("k1");
    ChangeSet whole = held(runner.run(sync));
    assertThat(whole.id()).isNotEqualTo(planned.id());
    RunOptions some = RunOptions.builder().key("k2").key("k3").build();
    ChangeSet part = held(runner.run(sync, some));
    assertThat(part.planned(Operation.REMOVED)).isEqualTo(2);
    assertThat(held(runner.run(sync)).planned(Operation.REMOVED)).isEqualTo(3);
  }

  @Test
  @DisplayName("P7: a part of a run does not make its definition the one that later runs go by")
  void partDoesNotApproveADefinition() {
    Sync lenient = sync(1).guardChanges(1, 0).build();
    Sync strict = sync(1).guardChanges(0, 1).build();
    RunOptions limited = RunOptions.builder().limit(1).build();
    RunOptions one = RunOptions.builder().key("k1").build();
    assertThat(runner.run(lenient, limited).total().accepted()).isEqualTo(1);
    assertThat(runner.run(lenient, one).status()).isEqualTo(RunStatus.SUCCEEDED);
    table.takeSent();

    ChangeSet held = held(runner.run(strict));

    assertThat(held.guards()).hasSize(1).first().asString().contains("query and columns");
    assertThat(runner.apply(strict, held.id()).status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(runner.resync(strict).status())
        .as("the definition is known now")
        .isEqualTo(RunStatus.SUCCEEDED);
  }

  @Test
  @DisplayName("P7: a reset takes a changed definition as it is, and the next run goes by it")
  void resetApprovesADefinition() {
    Sync strict = sync(1).guardChanges(0, 0).build();
    held(runner.run(strict));
    ChangeSet taken = runner.reset(strict);
    assertThat(taken.planned(Operation.CHANGED)).isEqualTo(4);
    assertThat(runner.run(strict).total().planned()).isZero();
    assertThat(table.takeSent()).isEmpty();
  }

  // ---------------------------------------------------------------------------------------- clear

  @Test
  @DisplayName("P1: a clear waits until no earlier call may act")
  void clearWaitsForEarlierCalls() {
    rows("k1", "k2", "k3", "x4");
    table.faultOfWrites =
        () -> {
          throw new IOException("connection reset");
        };
    assertThat(runner.run(sync(0).build()).total().failed()).isPositive();
    long mayAct = store.memory().get("x4").until();
    assertThat(mayAct).isGreaterThan(time.millis());
    table.faultOfWrites = () -> {};
    long[] clearedAt = new long[1];
    table.faultsOfClears.add(() -> clearedAt[0] = time.millis());

    assertThat(runner.clearAndFill(sync(0).build()).status()).isEqualTo(RunStatus.SUCCEEDED);

    assertThat(clearedAt[0]).isGreaterThan(mayAct);
  }

  @Test
  @DisplayName("P1: a clear that gave no answer is repeated by the next run, once it may not act")
  void clearWithoutAnAnswerIsRepeated() {
    table.faultsOfClears.add(
        () -> {
          throw new IOException("connection reset");
        });
    long began = time.millis();
    Sync sync = sync(0).callDeadline(Duration.ofSeconds(40)).build();
    SyncReport failed = runner.clearAndFill(sync);
    assertThat(failed.status()).isEqualTo(RunStatus.FAILED);
    assertThat(failed.error()).hasMessageContaining("the next run clears it again");
    assertThat(store.status(sync).clearing()).isTrue();
    assertThat(store.memory()).as("nothing is forgotten yet").hasSize(4);
    assertThatThrownBy(() -> runner.reset(sync))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("may still act until");
    assertThatThrownBy(() -> runner.plan(sync)).isInstanceOf(StateException.class);
    table.takeSent();

    SyncReport report = runner.run(sync).throwIfFailed();

    assertThat(time.millis() - began).isGreaterThan(Duration.ofSeconds(40).toMillis());
    assertThat(report.counts(Operation.ADDED).accepted()).isEqualTo(4);
    assertThat(table.takeSent())
        .containsExactly("clear", "ADDED k1", "ADDED k2", "ADDED k3", "ADDED k4");
    assertThat(store.status(sync).clearing()).isFalse();
  }

  @Test
  @DisplayName("a clear that was not applied comes again after the backoff, not after the deadline")
  void clearThatWasNotAppliedComesAgainSoon() {
    for (int i = 0; i < 3; i++) {
      table.faultsOfClears.add(
          () -> {
            throw new NotAppliedException("not now", (Throwable) null);
          });
    }
    int before = time.waits().size();

    runner.clearAndFill(sync(0).retryFor(Duration.ofSeconds(5)).build()).throwIfFailed();

    List<Duration> waits = time.waits().subList(before, time.waits().size());
    assertThat(waits).hasSize(3).allMatch(wait -> wait.compareTo(Duration.ofSeconds(1)) < 0);
    assertThat(table.takeSent()).startsWith("clear", "clear", "clear", "clear", "ADDED k1");
  }

  @Test
  @DisplayName("a clear that is never applied fails the run, and a reset ends it")
  void clearThatIsNeverAppliedFailsTheRun() {
    for (int i = 0; i < 100; i++) {
      table.faultsOfClears.add(
          () -> {
            throw new NotAppliedException("not now", (Throwable) null);
          });
    }
    Sync sync = sync(0).retryFor(Duration.ofSeconds(5)).build();
    SyncReport failed = runner.clearAndFill(sync);
    assertThat(failed.status()).isEqualTo(RunStatus.FAILED);
    assertThat(failed.error()).hasMessageContaining("it was not cleared within PT5S");
    time.advance(sync.callDeadline().multipliedBy(2).plusSeconds(1));
    runner.reset(sync);
    assertThat(store.status(sync).clearing()).isFalse();
    assertThat(runner.run(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("A-09: an interrupt in a clear cancels; the clear that was answered counts")
  void interruptInAClearCancels() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    table.faultsOfClears.add(
        () -> {
          reached.countDown();
          assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
        });
    Sync sync = sync(0).build();
    boolean[] kept = new boolean[1];
    FutureTask<SyncReport> task =
        new FutureTask<>(
            () -> {
              SyncReport report = runner.clearAndFill(sync);
              kept[0] = Thread.interrupted();
              return report;
            });
    Thread caller = new Thread(task, "caller");
    caller.start();
    assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
    caller.interrupt();
    while (caller.isInterrupted()) {
      Thread.onSpinWait(); // until the caller has taken it in
    }
    runner.cancel(sync); // what the interrupt does, so that it is done when the clear returns
    interrupted.countDown();

    assertThat(task.get().status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(kept[0]).isTrue();
    assertThat(table.takeSent()).containsExactly("clear");
    assertThat(store.memory()).isEmpty();
    assertThat(store.status(sync).clearing()).isFalse();
    assertThat(runner.run(sync).counts(Operation.ADDED).accepted()).isEqualTo(4);
  }

  // --------------------------------------------------------------------------------------- resync

  @Test
  @DisplayName("5a: a resync sends every valid row and leaves absent keys to the next run")
  void resyncLeavesAbsentKeys() {
    rows("k1", "k2", "k3", "k5", "k5");
    SyncReport report = runner.resync(sync(0).build());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(table.takeSent()).containsExactly("CHANGED k1", "CHANGED k2", "CHANGED k3");
    runner.run(sync(0).build());
    assertThat(table.takeSent()).containsExactly("REMOVED k4");
  }

  @Test
  @DisplayName("5a: what a resync has begun stays due, also if it sent nothing")
  void resyncThatEndsEarlyStaysDue() {
    table.faultOfWrites =
        () -> {
          throw new NotAppliedException("not now", (Throwable) null);
        };
    Sync sync = sync(0).retryFor(Duration.ZERO).build();
    assertThat(runner.resync(sync).status()).isEqualTo(RunStatus.FAILED);
    table.faultOfWrites = () -> {};
    assertThat(runner.run(sync).counts(Operation.CHANGED).accepted()).isEqualTo(4);
  }
}
