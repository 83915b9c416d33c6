package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A destination whose calls hang where the test says so, until they are let go; and the time by
 * which their deadlines are measured, which moves only when the test moves it. Threadsafe.
 */
@SuppressWarnings("try") // close() is interrupted, as write() is
final class HangingDestination extends TestDestination {
  /** What a call does when it is interrupted. */
  enum Manners {
    /** It ends. */
    HEEDS,
    /** It goes on, as bad libraries do. */
    IGNORES,
    /** It goes on, and throws in the end. */
    BREAKS
  }

  /** What a call is. */
  enum Call {
    OPEN,
    WRITE,
    CLOSE
  }

  /** Decides by the number of the call of its kind, 1 for the first, whether it hangs. */
  interface Hangs {
    @Nullable Manners at(Call call, int number, @Nullable Batch batch);
  }

  private final AtomicLong nanos = new AtomicLong(123);
  private final Semaphore hanging = new Semaphore(0);
  private final Semaphore interrupted = new Semaphore(0);
  private final CountDownLatch letGo = new CountDownLatch(1);
  private final int[] numbers = new int[Call.values().length];
  private final List<String> log = new ArrayList<>();
  private final Consumer<Batch> sent;
  private final Hangs hangs;

  HangingDestination(Consumer<Batch> sent, Hangs hangs) {
    super(all().concurrency(1));
    this.sent = sent;
    this.hangs = hangs;
  }

  /** The measure of time to give to the runner. */
  long nanoTime() {
    return nanos.get();
  }

  void advance(Duration duration) {
    nanos.addAndGet(duration.toNanos());
  }

  /** Waits until a call hangs. */
  void awaitHanging() throws InterruptedException {
    assertThat(hanging.tryAcquire(20, TimeUnit.SECONDS)).as("a call hangs").isTrue();
  }

  /** Waits until a call hangs, and lets the time pass after which it is interrupted. */
  void passInterrupt(Duration deadline) throws InterruptedException {
    awaitHanging();
    interrupt(deadline);
  }

  /** Lets the time pass after which the call that hangs is left behind. */
  void abandon(Duration deadline) throws InterruptedException {
    interrupt(deadline);
    advance(Duration.ofSeconds(1));
  }

  private void interrupt(Duration deadline) throws InterruptedException {
    advance(deadline.minusSeconds(1));
    assertThat(interrupted.tryAcquire(20, TimeUnit.SECONDS)).as("it is interrupted").isTrue();
  }

  /** Waits until a call hangs, and lets the time pass after which it is left behind. */
  void passDeadline(Duration deadline) throws InterruptedException {
    passInterrupt(deadline);
    advance(Duration.ofSeconds(1));
  }

  /** Everything that hangs goes on. */
  void letGo() {
    letGo.countDown();
  }

  /** What was called, in the order in which the calls began, and "closed" at the end of a close. */
  synchronized List<String> log() {
    return List.copyOf(log);
  }

  private int begin(Call call, String what) {
    synchronized (this) {
      log.add(what);
      return ++numbers[call.ordinal()];
    }
  }

  private void hang(@Nullable Manners manners) throws InterruptedException {
    if (manners == null) {
      return;
    }
    hanging.release();
    while (letGo.getCount() > 0) {
      try {
        letGo.await();
      } catch (InterruptedException e) {
        interrupted.release();
        if (manners == Manners.HEEDS) {
          throw e;
        }
      }
    }
    if (manners == Manners.BREAKS) {
      throw new IllegalStateException("secret value 4711");
    }
  }

  @Override
  public Writer open(RunContext run) throws InterruptedException {
    int writer = begin(Call.OPEN, "open");
    hang(hangs.at(Call.OPEN, writer, null));
    return new Writer() {
      private final Thread thread = Thread.currentThread();

      @Override
      public Delivery write(Batch batch) throws InterruptedException {
        assertThat(Thread.currentThread()).isSameAs(thread);
        sent.accept(batch);
        String first = batch.changes().get(0).changeId();
        int number = begin(Call.WRITE, "write " + writer + ": " + first + "+" + batch.size());
        hang(hangs.at(Call.WRITE, number, batch));
        return Delivery.allAccepted();
      }

      @Override
      public void close() throws InterruptedException {
        assertThat(Thread.currentThread()).isSameAs(thread);
        int number = begin(Call.CLOSE, "close " + writer);
        hang(hangs.at(Call.CLOSE, number, null));
        synchronized (HangingDestination.this) {
          log.add("closed " + writer);
        }
      }
    };
  }
}
