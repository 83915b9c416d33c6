package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.Lincheck;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Lanes that take pieces of a plan while the next one is read and somebody closes, in many orders
 * that Lincheck chooses. A piece is its number.
 */
@DisplayName("I-08: no order in which pieces are read ahead, taken and closed breaks it")
class ReadAheadTest {
  private static final int ORDERS = 30;
  private static final int MANY_ORDERS = 50_000;

  @Test
  @DisplayName("I-08, P1: each piece is taken once and in order, by whichever lane")
  void eachPieceIsTakenOnce() {
    Lincheck.runConcurrentTest(ORDERS, ReadAheadTest::lanesTake);
  }

  @Test
  @DisplayName("I-08: once it is closed nothing is read any more")
  void nothingIsReadOnceItIsClosed() {
    Lincheck.runConcurrentTest(ORDERS, ReadAheadTest::laneMeetsClose);
  }

  @Test
  @Tag("soak")
  @DisplayName("I-08: taking and closing, in many more orders")
  void takingAndClosingInManyOrders() {
    Lincheck.runConcurrentTest(MANY_ORDERS, ReadAheadTest::lanesTake);
    Lincheck.runConcurrentTest(MANY_ORDERS, ReadAheadTest::laneMeetsClose);
  }

  /** What lanes share: a reader, used under one lock as the reader of a plan does. */
  private static final class Plan {
    private static final String BACKGROUND = "reader";

    private final ReadAhead<Integer> ahead = new ReadAhead<>(this::begin, this::read);
    private final AtomicInteger background = new AtomicInteger();
    private int number;
    private int taken;

    private void begin(Runnable task) {
      background.incrementAndGet();
      new Thread(task, BACKGROUND).start();
    }

    private int read() {
      int next = number + 1;
      if (Thread.currentThread().getName().equals(BACKGROUND)) {
        background.decrementAndGet();
      }
      return next;
    }

    synchronized void take() {
      int piece = ahead.next();
      check(piece == ++taken, "piece " + piece + " comes as number " + taken);
      number = piece;
      ahead.begin();
    }
  }

  private static void lanesTake() {
    Plan plan = new Plan();
    Thread one = new Thread(plan::take);
    Thread other = new Thread(plan::take);
    one.start();
    other.start();
    join(one, other);
    check(plan.taken == 2, "taken are " + plan.taken);
    plan.ahead.close();
    check(plan.background.get() == 0, "a reader goes on");
  }

  private static void laneMeetsClose() {
    Plan plan = new Plan();
    plan.take();
    Thread lane = new Thread(plan::take);
    lane.start();
    plan.ahead.close();
    join(lane);
    check(plan.background.get() == 0, "a reader goes on");
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  private static void join(Thread... threads) {
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts this thread", e);
      }
    }
  }

  @Test
  void withoutAThreadThePieceIsReadByWhoTakesIt() {
    AtomicInteger number = new AtomicInteger();
    ReadAhead<Integer> ahead =
        new ReadAhead<>(
            task -> {
              throw new RejectedExecutionException("none left");
            },
            number::incrementAndGet);
    ahead.begin();
    assertThat(ahead.next()).isEqualTo(1);
  }

  @Test
  void whatGoesWrongInTheBackgroundIsToldToWhoTakesThePiece() {
    ReadAhead<Integer> ahead =
        new ReadAhead<>(
            Runnable::run,
            () -> {
              throw new IllegalStateException("the plan is gone");
            });
    ahead.begin();
    assertThatThrownBy(ahead::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the plan is gone");
    ahead.begin();
    ahead.close();
    assertThat(ahead.isClosed()).isTrue();
  }
}
