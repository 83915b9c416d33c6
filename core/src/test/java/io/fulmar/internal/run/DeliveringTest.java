package io.fulmar.internal.run;

import static io.fulmar.internal.run.TestDestination.all;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.DeliveryException;
import io.fulmar.FailureCodes;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Whole runs over a store whose plan the test writes: how changes go into batches and lanes, and
 * that everything is on record before it is sent. After each test the store has seen no breach of
 * its protocol, and no thread of the engine is left.
 */
class DeliveringTest {
  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time);
  private final Runner runner = new Runner(store, settings(Duration.ofSeconds(10)));

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    EngineThreads.assertNoneLeft();
    assertThat(store.breaches()).isEmpty();
    assertThat(store.isBeingRead()).isFalse();
  }

  private RunnerSettings settings(Duration grace) {
    return RunnerSettings.defaults().withClock(time).withWaiter(time).withGrace(grace);
  }

  private Destination destination(Capabilities.Builder capabilities, Writer writer) {
    return Destination.of(
        "test",
        capabilities.build(),
        batch -> {
          store.sent(batch);
          return writer.write(batch);
        });
  }

  /** Something that a destination does when it is opened or closed. */
  private interface Step {
    void run() throws Exception;
  }

  /** A destination that does so when it is opened and closed. */
  @SuppressWarnings("try") // close() may be interrupted
  private Destination destination(
      Capabilities.Builder capabilities, Step open, Writer writer, Step close) {
    return new TestDestination(capabilities) {
      @Override
      public Writer open(RunContext run) throws Exception {
        open.run();
        return new Writer() {
          @Override
          public Delivery write(Batch batch) throws Exception {
            store.sent(batch);
            return writer.write(batch);
          }

          @Override
          public void close() throws Exception {
            close.run();
          }
        };
      }
    };
  }

  /** These settings, and the names of threads that are interrupted when their task has ended. */
  private static RunnerSettings telling(RunnerSettings settings, Set<String> interrupted) {
    return settings.withContext(
        task ->
            () -> {
              task.run();
              if (Thread.currentThread().isInterrupted()) {
                interrupted.add(Thread.currentThread().getName());
              }
            });
  }

  private static Sync.Builder sync(String name, Destination destination) {
    return Sync.builder(name)
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, Long.MAX_VALUE);
  }

  private static Delivery accept(Batch batch) {
    assertThat(batch.changes()).isNotEmpty();
    return Delivery.allAccepted();
  }

  // ------------------------------------------------------------------------------------- batches

  @Test
  void batchesHoldAtMostSoManyRowsAndEachChangeOnce() {
    List<Batch> got = new ArrayList<>();
    store.plan(Changes.added(25));
    Sync sync =
        sync(
                "crm",
                destination(
                    all().maxRows(7),
                    batch -> {
                      got.add(batch);
                      return Delivery.allAccepted();
                    }))
            .batchRows(10)
            .build();
    SyncReport report = runner.run(sync).throwIfFailed();
    assertThat(got).extracting(Batch::size).containsExactly(7, 7, 7, 4);
    assertThat(got)
        .flatExtracting(Batch::changes)
        .extracting("changeId")
        .doesNotHaveDuplicates()
        .hasSize(25);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(25, 25, 0, 0));
    assertThat(report.calls()).isEqualTo(4);
    assertThat(store.outcomes()).containsOnly(Outcome.ACCEPTED).hasSize(25);
  }

  @Test
  void batchesHoldAtMostSoManyBytesUnlessARowAloneHasMore() {
    List<Integer> got = new ArrayList<>();
    int[] bytes = {400, 400, 300, 2_000, 100, 900, 1, 1_000};
    List<PlannedChange> plan = new ArrayList<>();
    for (int i = 0; i < bytes.length; i++) {
      plan.add(Changes.of(i, Operation.ADDED, i, bytes[i], false, 0));
    }
    store.plan(plan);
    Sync sync =
        sync(
                "crm",
                destination(
                    all().maxBytes(1_000),
                    batch -> {
                      got.add(batch.size());
                      return Delivery.allAccepted();
                    }))
            .build();
    runner.run(sync).throwIfFailed();
    assertThat(got).containsExactly(2, 1, 1, 2, 1, 1);
  }

  @Test
  void removalsGoBeforeAdditionsAndABatchHasOneAction() {
    List<String> got = new ArrayList<>();
    List<PlannedChange> plan = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      plan.add(Changes.of(i, Operation.REMOVED, i));
    }
    plan.add(Changes.of(3, Operation.ADDED, 3));
    plan.add(Changes.of(4, Operation.CHANGED, 4));
    store.plan(plan);
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      got.add(batch.action() + " " + batch.size());
                      return Delivery.allAccepted();
                    }))
            .build();
    runner.run(sync).throwIfFailed();
    assertThat(got).containsExactly("DELETE 3", "UPSERT 2");
  }

  @Test
  @DisplayName("P3: a row that is too large is rejected with a code of ours, without a call")
  void oversizeRowIsRejectedWithoutACall() {
    store.plan(
        List.of(
            Changes.of(0, Operation.ADDED, 0),
            Changes.of(1, Operation.ADDED, 1, 50, true, 0),
            Changes.of(2, Operation.ADDED, 2)));
    List<String> got = new ArrayList<>();
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      batch.changes().forEach(change -> got.add(change.changeId()));
                      return Delivery.allAccepted();
                    }))
            .maxRowBytes(5_000)
            .build();
    SyncReport report = runner.run(sync).throwIfFailed();
    assertThat(got).containsExactly("c0", "c2");
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.failures())
        .containsExactly(
            new SyncReport.FailureGroup(
                Operation.ADDED,
                FailureCodes.ROW_TOO_LARGE,
                "the row has more than 5000 bytes (maxRowBytes)",
                1));
    assertThat(store.outcomes().get(1).kind()).isEqualTo(Kind.REJECTED);
  }

  private static Mapping.Builder failingFor(long key, Mapping.Computation failure) {
    return Mapping.builder()
        .column("id")
        .compute(
            "label",
            1,
            List.of("id"),
            row -> row.value("id").equals(key) ? failure.compute(row) : row.text("id"));
  }

  @Test
  @DisplayName(
      "P3, P11: a row of which a column cannot be computed is rejected with a code of ours and"
          + " without its values, and the others go out")
  void columnThatCannotBeComputedRejectsItsRow() {
    store.plan(Changes.added(4));
    List<String> got = new ArrayList<>();
    Mapping mapping =
        failingFor(
                1L,
                row -> {
                  throw new NumberFormatException("for " + row.text("id"));
                })
            .compute(
                "other",
                1,
                List.of("id"),
                row -> row.value("id").equals(2L) ? new java.util.Date() : null)
            .build();
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      batch.changes().forEach(change -> got.add(change.row().text("label")));
                      return Delivery.allAccepted();
                    }))
            .mapping(mapping)
            .build();
    SyncReport report = runner.run(sync).throwIfFailed();
    assertThat(got).containsExactly("0", "3");
    assertThat(report.failures())
        .containsExactly(
            new SyncReport.FailureGroup(
                Operation.ADDED,
                FailureCodes.COMPUTE_FAILED,
                "the column label could not be computed: java.lang.NumberFormatException",
                1),
            new SyncReport.FailureGroup(
                Operation.ADDED,
                FailureCodes.VALUE_WITHOUT_FORM,
                "the column other has no form: its value is a java.util.Date",
                1));
    assertThat(store.outcomes().get(1).kind()).isEqualTo(Kind.REJECTED);
    assertThat(store.outcomes().get(2).kind()).isEqualTo(Kind.REJECTED);
  }

  @Test
  @DisplayName("A-08: an error of the JVM in a function fails the run, other errors the row")
  void errorOfTheJvmInFunctionFailsTheRun() {
    store.plan(Changes.added(2));
    Destination destination = destination(all(), DeliveringTest::accept);
    Mapping.Builder overflows =
        failingFor(
            1L,
            row -> {
              throw new StackOverflowError("1");
            });
    SyncReport failed = runner.run(sync("crm", destination).mapping(overflows.build()).build());
    assertThat(failed.status()).isEqualTo(RunStatus.FAILED);
    assertThat(failed.error())
        .hasMessageStartingWith(
            "Cannot deliver all of crm: a lane broke: java.lang.StackOverflowError.");
    assertThat(failed.total().attempted()).isZero();
    Mapping.Builder asserts =
        failingFor(
            1L,
            row -> {
              throw new AssertionError(row.text("id"));
            });
    SyncReport warned = runner.run(sync("crm", destination).mapping(asserts.build()).build());
    assertThat(warned.status()).isEqualTo(RunStatus.WARNING);
    assertThat(warned.failures())
        .extracting(SyncReport.FailureGroup::message)
        .containsExactly("the column label could not be computed: java.lang.AssertionError");
  }

  // --------------------------------------------------------------------------------------- lanes

  @Test
  void lanesCallTheDestinationAtTheSameTimeEachWithItsOwnWriter() {
    CountDownLatch together = new CountDownLatch(3);
    Set<String> threads = new HashSet<>();
    List<RunContext> opened = new ArrayList<>();
    AtomicInteger closed = new AtomicInteger();
    store.plan(Changes.added(30));
    Destination destination =
        new TestDestination(all().concurrency(3)) {
          @Override
          public Writer open(RunContext run) {
            synchronized (opened) {
              opened.add(run);
            }
            return new Writer() {
              @Override
              public Delivery write(Batch batch) throws InterruptedException {
                store.sent(batch);
                synchronized (threads) {
                  threads.add(Thread.currentThread().getName());
                }
                together.countDown();
                assertThat(together.await(20, TimeUnit.SECONDS)).isTrue();
                return Delivery.allAccepted();
              }

              @Override
              public void close() {
                closed.incrementAndGet();
              }
            };
          }
        };
    SyncReport report = runner.run(sync("crm", destination).batchRows(1).lanes(9).build());
    assertThat(report.throwIfFailed().total().accepted()).isEqualTo(30);
    assertThat(threads).contains("fulmar-crm-lane-1", "fulmar-crm-lane-2", "fulmar-crm-lane-3");
    assertThat(opened)
        .extracting(RunContext::lane)
        .as("the destination takes three calls at once, so there are three lanes")
        .containsExactlyInAnyOrder(1, 2, 3);
    assertThat(closed).hasValue(3);
  }

  @Test
  void noMoreLanesAreOpenedThanThereAreBatches() {
    AtomicInteger opened = new AtomicInteger();
    Destination destination =
        destination(all(), opened::incrementAndGet, DeliveringTest::accept, () -> {});
    store.plan(Changes.added(4));
    runner.run(sync("crm", destination).batchRows(2).lanes(4).build()).throwIfFailed();
    assertThat(opened.getAndSet(0)).isEqualTo(2);
    store.plan(Changes.added(5));
    runner.run(sync("crm", destination).batchRows(2).lanes(4).build()).throwIfFailed();
    assertThat(opened).hasValue(3);
  }

  @Test
  void laneThatEndsLeavesThePlanToTheOthers() {
    List<Thread> lanes = new CopyOnWriteArrayList<>();
    CountDownLatch both = new CountDownLatch(2);
    store.plan(Changes.added(6));
    Destination destination =
        destination(
            all(),
            () -> {
              lanes.add(Thread.currentThread());
              both.countDown();
            },
            batch -> {
              if (batch.changes().get(0).changeId().equals("c0")) {
                assertThat(both.await(20, TimeUnit.SECONDS)).isTrue();
                for (Thread lane : lanes) {
                  if (lane != Thread.currentThread()) {
                    lane.join(20_000);
                    assertThat(lane.isAlive()).isFalse();
                  }
                }
              }
              return Delivery.allAccepted();
            },
            () -> {});
    SyncReport report = runner.run(sync("crm", destination).batchRows(1).lanes(2).build());
    assertThat(report.throwIfFailed().total().accepted()).isEqualTo(6);
    assertThat(lanes).hasSize(2);
  }

  @Test
  void syncsToTheSameDestinationShareItsConcurrency() throws Exception {
    AtomicInteger inFlight = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch both = new CountDownLatch(2);
    PlanStore second = new PlanStore(time).plan(Changes.added(20));
    store.plan(Changes.added(20));
    Destination destination =
        Destination.of(
            "test",
            all().concurrency(2).build(),
            batch -> {
              most.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
              both.countDown();
              assertThat(both.await(20, TimeUnit.SECONDS)).isTrue();
              Thread.yield();
              inFlight.decrementAndGet();
              return Delivery.allAccepted();
            });
    // One runner is one engine: its stores are told apart by the sync.
    Runner shared = new Runner(new TwoStores(store, second), settings(Duration.ofSeconds(10)));
    Thread other =
        new Thread(
            () -> {
              SyncReport report =
                  shared.run(sync("second", destination).batchRows(1).lanes(2).build());
              assertThat(report.total().accepted()).isEqualTo(20);
            });
    other.start();
    SyncReport report = shared.run(sync("first", destination).batchRows(1).lanes(2).build());
    other.join();
    shared.close();
    assertThat(report.throwIfFailed().total().accepted()).isEqualTo(20);
    assertThat(second.end().status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(most).hasValue(2);
  }

  @Test
  void syncsToTheSameDestinationShareItsRate() {
    PlanStore second = new PlanStore(time).plan(Changes.added(3));
    store.plan(Changes.added(3));
    Destination destination =
        Destination.of(
            "test", all().rate(1, Duration.ofSeconds(100)).build(), DeliveringTest::accept);
    Runner shared = new Runner(new TwoStores(store, second), settings(Duration.ofSeconds(10)));
    shared.run(sync("first", destination).batchRows(1).build()).throwIfFailed();
    shared.run(sync("second", destination).batchRows(1).build()).throwIfFailed();
    shared.close();
    // The limiter goes by the system's clock, which hardly moves here; so the waits add up.
    List<Duration> waits = time.waits();
    assertThat(waits).hasSize(5);
    for (int i = 0; i < waits.size(); i++) {
      assertThat(waits.get(i))
          .isBetween(Duration.ofSeconds(100L * (i + 1) - 60), Duration.ofSeconds(100L * (i + 1)));
    }
  }

  // ---------------------------------------------------------------------------------- reservation

  @Test
  @DisplayName("P2: what is sent is reserved before, and acknowledged after")
  void rangesAreReservedBeforeTheyAreSent() {
    store.plan(Changes.added(4));
    Sync sync = sync("crm", destination(all(), DeliveringTest::accept)).batchRows(2).build();
    runner.run(sync).throwIfFailed();
    assertThat(store.steps())
        .containsExactly(
            "claim",
            "recover",
            "plan",
            "open",
            "reserve 0 to 2",
            "send UPSERT 2",
            "acknowledge 0 2",
            "reserve 2 to 4",
            "send UPSERT 2",
            "acknowledge 2 2",
            "fold SUCCEEDED",
            "close");
  }

  /** So many calls apply nothing and ask for a wait; the next one accepts. */
  private static Writer acceptingAfter(int calls, Duration wait) {
    AtomicInteger made = new AtomicInteger();
    return batch -> {
      if (made.incrementAndGet() <= calls) {
        throw new NotAppliedException("wait", wait);
      }
      return Delivery.allAccepted();
    };
  }

  @Test
  @DisplayName("P4: a call that begins late is reserved anew, so that the record covers it")
  void callThatBeginsLateIsReservedAnew() {
    store.plan(Changes.added(2));
    Sync sync =
        sync("crm", destination(all(), acceptingAfter(3, Duration.ofSeconds(45))))
            .callDeadline(Duration.ofSeconds(60))
            .build();
    runner.run(sync).throwIfFailed();
    assertThat(store.steps())
        .containsSubsequence(
            "reserve 0 to 2",
            "send UPSERT 2", // after 0 s; on record until 120 s
            "send UPSERT 2", // after 45 s, may act until 105 s
            "reserve 0 to 2",
            "send UPSERT 2", // after 90 s, may act until 150 s
            "send UPSERT 2",
            "acknowledge 0 2");
    assertThat(store.steps()).filteredOn("reserve 0 to 2"::equals).hasSize(2);
  }

  @Test
  @DisplayName("P4: a call that may act as long as is on record is not reserved anew")
  void callThatMayActAsLongAsIsOnRecordIsNotReservedAnew() {
    store.plan(Changes.added(2));
    Sync sync =
        sync("crm", destination(all(), acceptingAfter(1, Duration.ofSeconds(60))))
            .callDeadline(Duration.ofSeconds(60))
            .build();
    assertThat(runner.run(sync).throwIfFailed().calls()).isEqualTo(2);
    assertThat(store.steps()).filteredOn("reserve 0 to 2"::equals).hasSize(1);
  }

  @Test
  @DisplayName("P4: a call may act from its beginning on, however long it took to reserve it")
  void callMayActFromItsBeginningOn() {
    store.plan(Changes.added(2)).takes("reserve", () -> time.advance(Duration.ofSeconds(5)));
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      throw new IllegalStateException("nobody knows");
                    }))
            .callDeadline(Duration.ofSeconds(60))
            .build();
    assertThat(runner.run(sync).total().failed()).isEqualTo(2);
    assertThat(store.outcomes())
        .hasSize(2)
        .allMatch(outcome -> outcome.until() == ManualTime.START.plusSeconds(65).toEpochMilli());
    assertThat(store.steps()).filteredOn("reserve 0 to 2"::equals).hasSize(1);
  }

  @Test
  @DisplayName("P4: what took longer to reserve than it was reserved for is reserved again")
  void reservationThatHasRunOutIsMadeAgain() {
    AtomicInteger reservations = new AtomicInteger();
    store
        .plan(Changes.added(2))
        .takes(
            "reserve",
            () -> time.advance(Duration.ofSeconds(reservations.incrementAndGet() == 1 ? 100 : 0)));
    Sync sync =
        sync("crm", destination(all(), DeliveringTest::accept))
            .callDeadline(Duration.ofSeconds(60))
            .build();
    runner.run(sync).throwIfFailed();
    assertThat(store.steps())
        .containsSubsequence("reserve 0 to 2", "reserve 0 to 2", "send UPSERT 2")
        .filteredOn("reserve 0 to 2"::equals)
        .hasSize(2);
  }

  @Test
  @DisplayName("D-04: nothing is sent that could not be reserved, and nothing of it is unsure")
  void nothingIsSentThatCouldNotBeReserved() {
    StateException full = new StateException("Cannot use the state: No space left on device.");
    store.plan(Changes.added(6)).fails("reserve", full);
    Sync sync = sync("crm", destination(all(), DeliveringTest::accept)).batchRows(2).build();
    SyncReport report = runner.run(sync);
    assertThat(store.log()).noneMatch(line -> line.startsWith("send"));
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(full);
    assertThat(report.calls()).isZero();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(6, 0, 0, 0));
    assertThat(store.outcomes()).allMatch(outcome -> outcome == null || !outcome.unsure());
    assertThat(store.log()).contains("fold FAILED");
  }

  @Test
  @DisplayName("D-04: a record that cannot be renewed stops the lane before the call")
  void callWhoseRecordCannotBeRenewedIsNotMade() {
    StateException full = new StateException("Cannot use the state: No space left on device.");
    store.plan(Changes.added(2));
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      store.fails("reserve", full);
                      throw new NotAppliedException("wait", Duration.ofSeconds(100));
                    }))
            .build();
    SyncReport report = runner.run(sync);
    assertThat(store.log()).filteredOn(line -> line.startsWith("send")).hasSize(1);
    assertThat(report.error()).isSameAs(full);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(2, 0, 0, 0));
  }

  @Test
  @DisplayName("D-04: an acknowledgement that cannot be noted ends the run")
  void acknowledgementThatCannotBeNotedEndsTheRun() {
    StateException broken = new StateException("Cannot use the state: Input/output error.");
    store.plan(Changes.added(6)).fails("acknowledge", broken);
    Sync sync = sync("crm", destination(all(), DeliveringTest::accept)).batchRows(2).build();
    SyncReport report = runner.run(sync);
    assertThat(store.log()).filteredOn(line -> line.startsWith("send")).hasSize(1);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(broken);
  }

  @Test
  @DisplayName("D-04: a flush that fails stops the lanes before the claim is given back")
  void flushThatFailsStopsTheLanesBeforeTheClaimIsGivenBack() {
    StateException broken = new StateException("Cannot use the state: Input/output error.");
    store.plan(Changes.added(1_000)).fails("flush", broken);
    CountDownLatch flushed = new CountDownLatch(1);
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      while (!store.log().contains("flush")) {
                        Thread.onSpinWait();
                      }
                      flushed.await(200, TimeUnit.MILLISECONDS);
                      return Delivery.allAccepted();
                    }))
            .batchRows(1)
            .build();
    SyncReport report = runner.run(sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isSameAs(broken);
    List<String> log = store.log();
    assertThat(log.subList(log.indexOf("close"), log.size())).containsExactly("close");
    assertThat(report.total().aborted()).isPositive();
  }

  // ---------------------------------------------------------------------------------- late calls

  @Test
  @DisplayName("P4: a key whose earlier call may still act is sent after that call's time")
  void keyWhoseEarlierCallMayStillActIsSentAfterwards() {
    long until = time.millis() + 30_000;
    store.plan(
        List.of(
            Changes.of(0, Operation.ADDED, 0),
            Changes.of(1, Operation.CHANGED, 1, 100, false, until)));
    List<Long> sentAt = new ArrayList<>();
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      sentAt.add(time.millis() - ManualTime.START.toEpochMilli());
                      return Delivery.allAccepted();
                    }))
            .build();
    runner.run(sync).throwIfFailed();
    assertThat(sentAt).containsExactly(0L, 30_001L);
    assertThat(time.waits()).containsExactly(Duration.ofMillis(30_001));
  }

  @Test
  @DisplayName("P4: a key whose earlier call may act for long is deferred, and stays due")
  void keyWhoseEarlierCallMayActForLongIsDeferred() {
    long until = time.millis() + 121_000;
    store.plan(
        List.of(
            Changes.of(0, Operation.ADDED, 0),
            Changes.of(1, Operation.CHANGED, 1, 100, false, until)));
    Sync sync = sync("crm", destination(all(), DeliveringTest::accept)).build();
    SyncReport report = runner.run(sync).throwIfFailed();
    assertThat(report.calls()).isEqualTo(1);
    assertThat(report.total().aborted()).isEqualTo(1);
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(store.end().nothingUnsent()).isFalse();
    assertThat(store.outcomes()).containsExactly(Outcome.ACCEPTED, Outcome.NOT_TRIED);
    assertThat(time.waits()).isEmpty();
  }

  @Test
  @DisplayName("P4: a call that may no longer act holds nobody up")
  void callThatMayNoLongerActHoldsNobodyUp() {
    store.plan(List.of(Changes.of(0, Operation.CHANGED, 1, 100, false, time.millis() - 5_000)));
    Sync sync = sync("crm", destination(all(), DeliveringTest::accept)).build();
    assertThat(runner.run(sync).throwIfFailed().total().accepted()).isEqualTo(1);
    assertThat(time.waits()).isEmpty();
  }

  @Test
  @DisplayName("P4: an interrupt while an earlier call is waited for cancels the run")
  void interruptWhileAnEarlierCallIsWaitedForCancelsTheRun() {
    store.plan(List.of(Changes.of(0, Operation.CHANGED, 1, 100, false, time.millis() + 30_000)));
    Set<String> interrupted = ConcurrentHashMap.newKeySet();
    RunnerSettings settings =
        telling(settings(Duration.ofSeconds(10)), interrupted)
            .withWaiter(
                (stop, duration) -> {
                  throw new InterruptedException();
                });
    try (Runner impatient = new Runner(store, settings)) {
      SyncReport report =
          impatient.run(sync("crm", destination(all(), DeliveringTest::accept)).build());
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.calls()).isZero();
      assertThat(report.total()).isEqualTo(new SyncReport.Counts(1, 0, 0, 0));
    }
    assertThat(store.outcomes()).containsExactly(Outcome.NOT_TRIED);
    assertThat(interrupted).containsExactly("fulmar-crm-lane-1");
  }

  // -------------------------------------------------------------------------------- failing runs

  private SyncReport runOpening(Step open) {
    store.plan(Changes.added(3));
    Destination destination = destination(all(), open, DeliveringTest::accept, () -> {});
    SyncReport report = runner.run(sync("crm", destination).build());
    assertThat(report.calls()).isZero();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(3, 0, 0, 0));
    assertThat(store.outcomes()).containsOnlyNulls();
    return report;
  }

  @Test
  void destinationThatStopsTheRunWhileItIsOpenedFailsIt() {
    StopRunException thrown = new StopRunException("UNAUTHORIZED", "the token has expired");
    SyncReport report =
        runOpening(
            () -> {
              throw thrown;
            });
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessageStartingWith(
            "Cannot deliver all of crm: the destination stopped the run (UNAUTHORIZED): the token"
                + " has expired. ")
        .hasCause(thrown);
  }

  @Test
  void destinationThatCannotBeOpenedForNowFailsTheRunAndSaysWhy() {
    NotAppliedException thrown = new NotAppliedException("down for maintenance", (Throwable) null);
    SyncReport report =
        runOpening(
            () -> {
              throw thrown;
            });
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessageStartingWith(
            "Cannot deliver all of crm: the destination cannot be opened: down for maintenance. ")
        .hasCause(thrown);
  }

  @Test
  @SuppressWarnings("NullAway")
  @DisplayName("J-02: a destination that gives null instead of a writer fails the run")
  void destinationThatGivesNoWriterFailsTheRun() {
    store.plan(Changes.added(3));
    Destination broken =
        new TestDestination() {
          @Override
          public Writer open(RunContext run) {
            return null;
          }
        };
    SyncReport report = runner.run(sync("crm", broken).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageStartingWith(
            "Cannot deliver all of crm: the destination cannot be opened: it gave null instead of a"
                + " writer. ");
    assertThat(report.total().aborted()).isEqualTo(3);
  }

  @Test
  void interruptWhileADestinationIsOpenedOrClosedCancelsTheRunAndStaysSet() {
    Step interrupt =
        () -> {
          throw new InterruptedException();
        };
    Step nothing = () -> {};
    Set<String> interrupted = ConcurrentHashMap.newKeySet();
    RunnerSettings settings = telling(settings(Duration.ofSeconds(10)), interrupted);
    store.plan(Changes.added(3));
    try (Runner telling = new Runner(store, settings)) {
      Destination opening = destination(all(), interrupt, DeliveringTest::accept, nothing);
      SyncReport report = telling.run(sync("crm", opening).build());
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.total()).isEqualTo(new SyncReport.Counts(3, 0, 0, 0));

      Destination closing = destination(all(), nothing, DeliveringTest::accept, interrupt);
      report = telling.run(sync("erp", closing).build());
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.total()).isEqualTo(new SyncReport.Counts(3, 3, 0, 0));
    }
    assertThat(store.log()).filteredOn("fold CANCELLED"::equals).hasSize(2);
    assertThat(interrupted).containsExactlyInAnyOrder("fulmar-crm-lane-1", "fulmar-erp-lane-1");
  }

  @Test
  void destinationThatCannotBeClosedFailsTheRunAndWhatWasAcceptedIsRemembered() {
    store.plan(Changes.added(3));
    Destination destination =
        destination(
            all(),
            () -> {},
            DeliveringTest::accept,
            () -> {
              throw new IOException("secret value 4711");
            });
    SyncReport report = runner.run(sync("crm", destination).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageStartingWith(
            "Cannot deliver all of crm: the destination could not be closed: java.io.IOException. ")
        .hasRootCauseMessage("java.io.IOException");
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(3, 3, 0, 0));
    assertThat(store.outcomes()).containsOnly(Outcome.ACCEPTED);
    assertThat(store.log()).contains("fold FAILED");
  }

  @Test
  void interruptOfWhoWaitsForTheLanesCancelsTheRunAndStaysSet() throws Exception {
    store.plan(Changes.added(6));
    Set<String> interrupted = ConcurrentHashMap.newKeySet();
    Destination destination =
        destination(
            all(),
            batch -> {
              EngineThreads.alive().stream()
                  .filter(thread -> thread.getName().equals("fulmar-crm-run"))
                  .forEach(Thread::interrupt);
              store.awaitFlushes(2);
              return Delivery.allAccepted();
            });
    RunnerSettings settings = telling(settings(Duration.ofSeconds(10)), interrupted);
    try (Runner telling = new Runner(store, settings)) {
      SyncReport report = telling.run(sync("crm", destination).batchRows(2).build());
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.total()).isEqualTo(new SyncReport.Counts(6, 2, 0, 0));
    }
    EngineThreads.assertNoneLeft();
    assertThat(interrupted).containsExactly("fulmar-crm-run");
  }

  @Test
  void stopRunFailsTheRunAndLeavesTheRestDue() {
    store.plan(Changes.added(10));
    AtomicInteger calls = new AtomicInteger();
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      if (calls.incrementAndGet() == 3) {
                        throw new StopRunException("QUOTA", "used up");
                      }
                      return Delivery.allAccepted();
                    }))
            .batchRows(2)
            .build();
    SyncReport report = runner.run(sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 4, 0, 0));
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessage(
            "Cannot deliver all of crm: the destination stopped the run (QUOTA): used up. What was"
                + " accepted is remembered, the rest stays due. [sync=crm run="
                + report.run()
                + "]")
        .hasCauseInstanceOf(StopRunException.class);
    assertThat(store.log()).contains("fold FAILED");
    assertThat(store.outcomes().subList(0, 4)).containsOnly(Outcome.ACCEPTED);
  }

  @Test
  void destinationThatCannotBeOpenedFailsTheRun() {
    SyncReport report =
        runOpening(
            () -> {
              throw new IOException("secret value 4711");
            });
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageContaining("the destination cannot be opened: java.io.IOException")
        .hasMessageNotContaining("4711")
        .hasRootCauseMessage("java.io.IOException");
    assertThat(report.total().aborted()).isEqualTo(3);
  }

  @Test
  @DisplayName("D-07: lanes that have begun are stopped if another cannot begin")
  void lanesAreStoppedIfAnotherCannotBegin() {
    store.plan(Changes.added(1_000));
    AtomicInteger made = new AtomicInteger();
    RunnerSettings defaults = settings(Duration.ofSeconds(10));
    RunnerSettings scarce =
        defaults.withThreads(
            task -> {
              if (made.incrementAndGet() == 3) { // the run, lane 1, and then no more
                throw new InternalError("no thread to be had");
              }
              return defaults.threads().newThread(task);
            });
    Runner poor = new Runner(store, scarce);
    Sync sync =
        sync("crm", destination(all(), DeliveringTest::accept)).batchRows(1).lanes(2).build();
    SyncReport report = poor.run(sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).hasMessageContaining("java.lang.InternalError");
    List<String> log = store.log();
    assertThat(log.subList(log.indexOf("close"), log.size())).containsExactly("close");
    poor.close();
  }

  // ------------------------------------------------------------------------------------- fail fast

  /** Rejects so many of every ten changes. */
  private static Writer rejecting(int ofTen) {
    return batch -> {
      Delivery.Builder answer = Delivery.acceptedExcept();
      for (Change change : batch.changes()) {
        if (Integer.parseInt(change.changeId().substring(1)) % 10 < ofTen) {
          answer.rejected(change, "NO_PERMISSION", "not allowed");
        }
      }
      return answer.build();
    };
  }

  @Test
  void runOfWhichMostChangesFailStopsAfterAThousand() {
    store.plan(Changes.added(3_000));
    SyncReport report = runner.run(sync("crm", destination(all(), rejecting(6))).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessage(
            "Cannot deliver all of crm: 600 of 1000 changes failed, most as NO_PERMISSION: more"
                + " than 50 % after 1000 (Sync.Builder.failFast). What was accepted is remembered,"
                + " the rest stays due. [sync=crm run="
                + report.run()
                + "]");
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(3_000, 400, 0, 600));
    assertThat(report.calls()).isEqualTo(1);
    assertThat(store.log()).contains("fold FAILED");
    assertThat(store.outcomes().subList(0, 1_000))
        .extracting(Outcome::kind)
        .containsOnly(Kind.ACCEPTED, Kind.REJECTED);
  }

  @Test
  void runOfWhichHalfFailsGoesOn() {
    store.plan(Changes.added(3_000));
    SyncReport report = runner.run(sync("crm", destination(all(), rejecting(5))).build());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(3_000, 1_500, 0, 1_500));
  }

  @Test
  void runOfFewChangesGoesOnThoughAllFail() {
    store.plan(Changes.added(999));
    SyncReport report = runner.run(sync("crm", destination(all(), rejecting(10))).build());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.total().failed()).isEqualTo(999);
  }

  @Test
  void shareOfOneNeverStopsARun() {
    store.plan(Changes.added(3_000));
    Sync sync = sync("crm", destination(all(), rejecting(10))).failFast(1, 1).build();
    assertThat(runner.run(sync).status()).isEqualTo(RunStatus.WARNING);
  }

  @Test
  void shareAndRowsOfFailFastAreSettings() {
    store.plan(Changes.added(30));
    Sync sync =
        sync("crm", destination(all(), rejecting(2))).batchRows(5).failFast(0.1, 10).build();
    SyncReport report = runner.run(sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(30, 8, 0, 2));
    assertThatThrownBy(() -> sync("crm", destination(all(), rejecting(1))).failFast(1.01, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share must be 0 to 1, is 1.01");
    assertThatThrownBy(() -> sync("crm", destination(all(), rejecting(1))).failFast(0.5, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("afterRows");
  }

  // -------------------------------------------------------------------------------------- counts

  @Test
  @DisplayName("planned >= attempted = succeeded + failed, and aborted is the rest")
  void countsAddUpInRandomRuns() {
    long seed = System.nanoTime();
    System.out.println("countsAddUpInRandomRuns: seed " + seed);
    for (int round = 0; round < 150; round++) {
      Random random = new Random(seed + round);
      int removed = random.nextInt(20);
      int rows = 1 + removed + random.nextInt(60);
      List<PlannedChange> plan = new ArrayList<>();
      for (int i = 0; i < rows; i++) {
        Operation operation =
            i < removed
                ? Operation.REMOVED
                : random.nextBoolean() ? Operation.ADDED : Operation.CHANGED;
        plan.add(Changes.of(i, operation, i, 100, random.nextInt(15) == 0, 0));
      }
      store.plan(plan);
      Destination destination = destination(all(), batch -> moody(batch, random));
      Sync sync =
          sync("crm", destination)
              .batchRows(1 + random.nextInt(12))
              .lanes(1 + random.nextInt(3))
              .build();
      SyncReport report = runner.run(sync);
      SyncReport.Counts total = report.total();
      assertThat(total.planned()).isEqualTo(rows);
      assertThat(total.attempted()).isEqualTo(total.succeeded() + total.failed());
      assertThat(total.attempted()).isLessThanOrEqualTo(rows);
      assertThat(total.aborted()).isEqualTo(rows - total.attempted());
      long grouped = report.failures().stream().mapToLong(SyncReport.FailureGroup::count).sum();
      assertThat(grouped).isEqualTo(total.failed());
      long acknowledged =
          store.outcomes().stream()
              .filter(outcome -> outcome != null && outcome.kind() == Kind.ACCEPTED)
              .count();
      assertThat(total.accepted()).as("seed %d", seed + round).isEqualTo(acknowledged);
      if (report.status() == RunStatus.SUCCEEDED || report.status() == RunStatus.WARNING) {
        assertThat(total.aborted()).isZero();
        assertThat(report.status() == RunStatus.WARNING).isEqualTo(total.failed() > 0);
      }
      for (Operation operation : Operation.values()) {
        assertThat(report.counts(operation).aborted()).isNotNegative();
      }
    }
  }

  private static Delivery moody(Batch batch, Random shared) throws Exception {
    int mood;
    long seed;
    synchronized (shared) {
      mood = shared.nextInt(60);
      seed = shared.nextLong();
    }
    Random random = new Random(seed);
    if (mood < 4) {
      throw new IOException("reset");
    } else if (mood < 8) {
      throw new NotAppliedException("busy", (Throwable) null);
    } else if (mood < 12) {
      throw new BatchRejectedException("POISON", "bad");
    } else if (mood == 12) {
      throw new StopRunException("QUOTA", "used up");
    } else if (mood == 13) {
      throw new StackOverflowError();
    } else if (mood == 14) {
      throw new NotAppliedException("down", Duration.ofDays(1));
    } else if (mood < 18) {
      return Delivery.builder().answer("nobody", new io.fulmar.spi.Verdict.Accepted()).build();
    }
    Delivery.Builder answer = Delivery.builder();
    batch
        .changes()
        .forEach(
            change -> {
              switch (random.nextInt(8)) {
                case 0 -> answer.rejected(change, "BAD" + random.nextInt(3), "no");
                case 1 -> answer.skipped(change);
                case 2 -> {} // not named
                case 3 ->
                    answer.answer(
                        change.changeId(),
                        new io.fulmar.spi.Verdict.Rejected(
                            "BUSY", "later", io.fulmar.spi.Verdict.Retry.THIS_RUN));
                default -> answer.accepted(change);
              }
            });
    return answer.build();
  }

  @Test
  void failuresAreGroupedByOperationAndCodeAtMostAHundredGroups() {
    store.plan(Changes.added(500));
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      Delivery.Builder answer = Delivery.builder();
                      batch
                          .changes()
                          .forEach(
                              change -> answer.rejected(change, "BAD" + change.changeId(), "no"));
                      return answer.build();
                    }))
            .build();
    SyncReport report = runner.run(sync);
    assertThat(report.failures()).hasSizeLessThanOrEqualTo(100);
    assertThat(report.failures().get(0).code()).isEqualTo("FULMAR_OTHER_CODES");
    assertThat(report.failures().stream().mapToLong(SyncReport.FailureGroup::count).sum())
        .isEqualTo(500);
  }

  @Test
  void progressNamesWhatIsDoneAndWhatIsPlanned() {
    List<RunEvent.Delivering> progress = new ArrayList<>();
    store.plan(Changes.added(7));
    Sync sync =
        sync("crm", destination(all(), DeliveringTest::accept))
            .batchRows(2)
            .listener(
                event -> {
                  if (event instanceof RunEvent.Delivering delivering) {
                    progress.add(delivering);
                  }
                })
            .build();
    runner.run(sync).throwIfFailed();
    RunEvent.Delivering last = progress.get(progress.size() - 1);
    assertThat(last.done()).isEqualTo(7);
    assertThat(last.planned()).isEqualTo(7);
  }

  @Test
  void progressIsToldWhileACallTakesLong() {
    CountDownLatch told = new CountDownLatch(1);
    store.plan(Changes.added(4));
    Sync sync =
        sync(
                "crm",
                destination(
                    all(),
                    batch -> {
                      assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
                      return Delivery.allAccepted();
                    }))
            .listener(
                event -> {
                  if (event instanceof RunEvent.Delivering delivering && delivering.done() == 0) {
                    told.countDown();
                  }
                })
            .build();
    assertThat(runner.run(sync).throwIfFailed().total().accepted()).isEqualTo(4);
  }
}
