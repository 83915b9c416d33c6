package io.fulmar.internal.run;

import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a runner takes from outside. Immutable.
 *
 * @param clock tells the time for holds, quarantine and reports
 * @param nanoTime measures how long a call of a destination and a grace have lasted
 * @param threads makes the threads of runs; the runner names them
 * @param context wraps every task on the thread that hands it over to another
 * @param waiter waits, in backoff and for calls that may still act
 * @param grace how long a cancelled run waits for calls that are under way
 * @param checkTimeout how long a check takes at most
 * @param planDeadline how long reading a model may take, however often it is begun again
 */
public record RunnerSettings(
    Clock clock,
    LongSupplier nanoTime,
    ThreadFactory threads,
    UnaryOperator<Runnable> context,
    Waiter waiter,
    Duration grace,
    Duration checkTimeout,
    Duration planDeadline) {

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

  /**
   * The system's clock and daemon threads with the context class loader of the calling thread; 10 s
   * of grace, 30 s for a check.
   */
  public static RunnerSettings defaults() {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    return new RunnerSettings(
        Clock.systemUTC(),
        System::nanoTime,
        task -> {
          Thread thread = new Thread(task);
          thread.setDaemon(true);
          thread.setContextClassLoader(loader);
          return thread;
        },
        UnaryOperator.identity(),
        (stop, duration) -> {
          boolean stopped = stop.await(duration.toNanos(), TimeUnit.NANOSECONDS);
          assert stopped || stop.getCount() > 0;
        },
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        Duration.ofHours(6));
  }

  /** These settings with another clock. */
  public RunnerSettings withClock(Clock value) {
    return new RunnerSettings(
        value, nanoTime, threads, context, waiter, grace, checkTimeout, planDeadline);
  }

  /** These settings with another measure of time. */
  public RunnerSettings withNanoTime(LongSupplier value) {
    return new RunnerSettings(
        clock, value, threads, context, waiter, grace, checkTimeout, planDeadline);
  }

  /** These settings with other threads. */
  public RunnerSettings withThreads(ThreadFactory value) {
    return new RunnerSettings(
        clock, nanoTime, value, context, waiter, grace, checkTimeout, planDeadline);
  }

  /** These settings with another context. */
  public RunnerSettings withContext(UnaryOperator<Runnable> value) {
    return new RunnerSettings(
        clock, nanoTime, threads, value, waiter, grace, checkTimeout, planDeadline);
  }

  /** These settings with another waiter. */
  public RunnerSettings withWaiter(Waiter value) {
    return new RunnerSettings(
        clock, nanoTime, threads, context, value, grace, checkTimeout, planDeadline);
  }

  /** These settings with another grace. */
  public RunnerSettings withGrace(Duration value) {
    return new RunnerSettings(
        clock, nanoTime, threads, context, waiter, value, checkTimeout, planDeadline);
  }

  /** These settings with another bound on checks. */
  public RunnerSettings withCheckTimeout(Duration value) {
    return new RunnerSettings(
        clock, nanoTime, threads, context, waiter, grace, value, planDeadline);
  }

  /** These settings with another bound on reading a model. */
  public RunnerSettings withPlanDeadline(Duration value) {
    return new RunnerSettings(
        clock, nanoTime, threads, context, waiter, grace, checkTimeout, value);
  }

  /**
   * Starts a thread in the context of the calling one.
   *
   * @param name of the thread
   * @param task what it does
   * @param ended hears on that thread, once, that the task is over: what escaped from it or from
   *     the context around it, or null. Nothing leaves the thread
   * @throws RuntimeException if there is no thread to be had; {@code ended} hears nothing then
   */
  public void start(String name, Runnable task, Consumer<@Nullable Throwable> ended) {
    Runnable wrapped = Objects.requireNonNull(context.apply(task), "what the context gave");
    Thread thread =
        threads.newThread(
            () -> {
              Throwable escaped = null;
              try {
                wrapped.run();
              } catch (Throwable e) {
                escaped = e;
              }
              ended.accept(escaped);
            });
    Objects.requireNonNull(thread, "what the thread factory gave").setName(name);
    thread.start();
  }
}
