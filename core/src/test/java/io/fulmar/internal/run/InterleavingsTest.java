package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.Outcome;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What threads of a run do at once, in many orders. Lincheck chooses them where it can; it knows
 * neither interrupts nor waits that end by time (3.7: "the test has hung"), of which lanes are
 * full, so these are led through every order of their steps by hand.
 */
@Timeout(120)
@DisplayName("I-08: no order in which the threads of a run take their steps breaks it")
class InterleavingsTest {
  private static final int ORDERS = 2_000;
  private static final Model MODEL = Model.query("customers", "select 1 as id").key("id");
  private static final Sync SYNC =
      Sync.builder("crm")
          .model(MODEL)
          .to(Destination.of("test:nowhere", batch -> Delivery.allAccepted()))
          .build();

  // ----------------------------------------------------------------------------------- run and
  // stop

  @Test
  @Tag("soak")
  @DisplayName("I-08: what is to be done on a stop is done, whichever comes first")
  void whatIsToBeDoneOnAStopIsDone() {
    Lincheck.runConcurrentTest(ORDERS, InterleavingsTest::stopMeetsItsHook);
  }

  private static void stopMeetsItsHook() {
    RunScope scope = new RunScope(SYNC, RunnerSettings.defaults());
    AtomicInteger done = new AtomicInteger();
    Thread run = new Thread(() -> scope.onStop(done::incrementAndGet));
    Thread caller = new Thread(() -> scope.stop(new RunScope.Stop.Cancelled()));
    run.start();
    caller.start();
    try {
      run.join();
      caller.join();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
    if (done.get() == 0) {
      throw new AssertionError("the hook was forgotten");
    }
  }

  // ------------------------------------------------------------------------------------------
  // lanes

  /** What each lane does: it reserves, sends and notes one change. */
  private static final int STEPS = 3;

  @Test
  @DisplayName("I-08, P1: two lanes reserve, send and note each change once, in every order")
  void twoLanesInEveryOrder() {
    List<List<Integer>> orders = orders(STEPS, STEPS);
    assertThat(orders).hasSize(20).doesNotHaveDuplicates();
    for (List<Integer> order : orders) {
      SyncReport report = deliver(order, Integer.MAX_VALUE);
      assertThat(report.status()).as("%s", order).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(report.total()).as("%s", order).isEqualTo(new SyncReport.Counts(2, 2, 0, 0));
    }
  }

  @Test
  @DisplayName("I-08, A-09: a cancel between any two steps of any order leaves nothing in between")
  void cancelBetweenAnyTwoSteps() {
    for (List<Integer> order : orders(STEPS, STEPS)) {
      for (int at = 0; at < 2 * STEPS; at += order.get(0) == 1 ? 2 : 3) {
        deliverAndCancel(order, at);
      }
    }
  }

  @Test
  @Tag("soak")
  @DisplayName("I-08, A-09: a cancel between all steps of all orders leaves nothing in between")
  void cancelBetweenAllSteps() {
    for (List<Integer> order : orders(STEPS, STEPS)) {
      for (int at = 0; at < 2 * STEPS; at++) {
        deliverAndCancel(order, at);
      }
    }
  }

  private static void deliverAndCancel(List<Integer> order, int at) {
    SyncReport report = deliver(order, at);
    assertThat(report.status()).as("%s, at %s", order, at).isEqualTo(RunStatus.CANCELLED);
    assertThat(report.total().planned()).isEqualTo(2);
  }

  /** All orders of so many steps of lane 1 and so many of lane 2. */
  private static List<List<Integer>> orders(int first, int second) {
    if (first == 0 && second == 0) {
      return List.of(List.of());
    }
    List<List<Integer>> orders = new ArrayList<>();
    for (int lane = 1; lane <= 2; lane++) {
      if (lane == 1 ? first > 0 : second > 0) {
        List<List<Integer>> rests =
            lane == 1 ? orders(first - 1, second) : orders(first, second - 1);
        for (List<Integer> rest : rests) {
          List<Integer> order = new ArrayList<>(List.of(lane));
          order.addAll(rest);
          orders.add(order);
        }
      }
    }
    return orders;
  }

  /** Whose turn it is: a lane that comes to a step waits for it, and ends its step before. */
  private static final class Turns {
    private final List<Integer> order;
    private final int cancelAt;
    private final Runnable cancel;
    private @Nullable Integer at;
    private int taken;

    Turns(List<Integer> order, int cancelAt, Runnable cancel) {
      this.order = new ArrayList<>(order);
      this.cancelAt = cancelAt;
      this.cancel = cancel;
    }

    synchronized void step(int lane) {
      pass(lane);
      while (at != null || (!order.isEmpty() && order.get(0) != lane)) {
        try {
          wait();
        } catch (InterruptedException e) {
          throw new AssertionError("nobody interrupts a lane here", e);
        }
      }
      if (!order.isEmpty()) {
        order.remove(0);
      }
      if (taken++ == cancelAt) {
        cancel.run();
      }
      at = lane;
    }

    private void pass(int lane) {
      if (Objects.equals(at, lane)) {
        at = null;
        notifyAll();
      }
    }

    synchronized void ended(int lane) {
      pass(lane);
      order.removeIf(each -> each == lane);
      notifyAll();
    }
  }

  private static int lane() {
    String name = Thread.currentThread().getName();
    return Integer.parseInt(name.substring(name.lastIndexOf('-') + 1));
  }

  /** Two lanes, each with one change of a plan of two. */
  private static SyncReport deliver(List<Integer> order, int cancelAt) {
    ManualTime time = new ManualTime();
    PlanStore store = new PlanStore(time).plan(Changes.added(2));
    RunnerSettings settings =
        RunnerSettings.defaults().withClock(time).withWaiter(time).withNanoTime(() -> 0);
    SyncReport report;
    try (Runner runner = new Runner(store, settings)) {
      Turns turns = new Turns(order, cancelAt, () -> runner.cancel(SYNC));
      CyclicBarrier both =
          new CyclicBarrier(2); // so that each lane has a change before one goes on
      store.takes(
          "reserve",
          () -> {
            await(both);
            turns.step(lane());
          });
      store.takes("acknowledge", () -> turns.step(lane()));
      Sync sync =
          Sync.builder("crm")
              .model(MODEL)
              .to(new Stepping(store, turns))
              .batchRows(1)
              .lanes(2)
              .build();
      report = runner.run(sync);
    }
    assertThat(store.breaches()).as("%s", order).isEmpty();
    assertThat(store.folded()).isTrue();
    long noted = store.outcomes().stream().filter(Outcome.ACCEPTED::equals).count();
    assertThat(noted).as("%s: noted", order).isEqualTo(report.total().accepted());
    long sent = store.log().stream().filter(line -> line.startsWith("send ")).count();
    assertThat(sent).as("%s: sent", order).isEqualTo(noted);
    return report;
  }

  private static void await(CyclicBarrier both) {
    try {
      both.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new AssertionError("each lane reserves one change", e);
    }
  }

  /** A lane sends when it is its turn. */
  private static final class Stepping extends TestDestination {
    private final PlanStore store;
    private final Turns turns;

    Stepping(PlanStore store, Turns turns) {
      this.store = store;
      this.turns = turns;
    }

    @Override
    public Writer open(RunContext run) {
      int lane = lane();
      return new Writer() {
        @Override
        public Delivery write(Batch batch) {
          turns.step(lane);
          store.sent(batch);
          return Delivery.allAccepted();
        }

        @Override
        public void close() {
          turns.ended(lane);
        }
      };
    }
  }
}
