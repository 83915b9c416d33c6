package io.fulmar.internal.run;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * What a runner takes from outside.
 *
 * @param clock tells the time for holds, quarantine and reports
 * @param threads makes the threads of runs; the runner names them
 * @param waiter waits, in backoff and for calls that may still act
 * @param grace how long a cancelled run waits for calls that are under way
 */
public record RunnerSettings(Clock clock, ThreadFactory threads, Waiter waiter, Duration grace) {

  /** Waits, unless told to stop. */
  @FunctionalInterface
  public interface Waiter {
    /**
     * Waits.
     *
     * @param stop counts down to zero when the run should stop
     * @param duration how long
     * @throws InterruptedException if the thread is interrupted
     */
    void await(CountDownLatch stop, Duration duration) throws InterruptedException;
  }

  /** The system's clock and daemon threads with the context class loader of the calling thread. */
  public static RunnerSettings defaults() {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    return new RunnerSettings(
        Clock.systemUTC(),
        task -> {
          Thread thread = new Thread(task);
          thread.setDaemon(true);
          thread.setContextClassLoader(loader);
          return thread;
        },
        (stop, duration) -> {
          boolean stopped = stop.await(duration.toNanos(), TimeUnit.NANOSECONDS);
          assert stopped || stop.getCount() > 0;
        },
        Duration.ofSeconds(10));
  }
}
