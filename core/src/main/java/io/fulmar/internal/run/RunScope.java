package io.fulmar.internal.run;

import io.fulmar.RunEvent;
import io.fulmar.RunListener;
import io.fulmar.Sync;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * One run while it goes on: who it is, whether it should stop, and who listens. This class is
 * threadsafe.
 */
final class RunScope {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** Why a run stops before its plan is delivered. */
  sealed interface Stop {
    /** The application asked for it. */
    record Cancelled() implements Stop {}

    /** It cannot go on. */
    record Failed(String why, @Nullable Throwable cause) implements Stop {}
  }

  private record Stopped(Stop why, long atNanos) {}

  private final Sync sync;
  private final RunnerSettings settings;
  private final Runnable whenCancelled;
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Stopped> stop = new AtomicReference<>();
  private final AtomicReference<@Nullable Runnable> onStop = new AtomicReference<>();
  private volatile long run;
  private volatile boolean connected;
  private volatile String step = "claim";

  RunScope(Sync sync, RunnerSettings settings) {
    this(sync, settings, () -> {});
  }

  /**
   * A run.
   *
   * @param whenCancelled done once, when the application asks it to stop
   */
  RunScope(Sync sync, RunnerSettings settings, Runnable whenCancelled) {
    this.sync = sync;
    this.settings = settings;
    this.whenCancelled = whenCancelled;
  }

  Sync sync() {
    return sync;
  }

  long run() {
    return run;
  }

  void begin(long number) {
    run = number;
    describe();
  }

  void step(String name) {
    step = name;
    describe();
  }

  /** Notes that the source has answered. */
  void connected() {
    connected = true;
  }

  boolean isConnected() {
    return connected;
  }

  /** Puts sync, run and step into the logging context of the calling thread. */
  void describe() {
    MDC.put("fulmar.sync", sync.name());
    MDC.put("fulmar.run", Long.toString(run));
    MDC.put("fulmar.step", step);
  }

  static void undescribe() {
    MDC.remove("fulmar.sync");
    MDC.remove("fulmar.run");
    MDC.remove("fulmar.step");
  }

  /** Asks the run to hand out nothing more; the first reason stays. */
  void stop(Stop why) {
    if (stop.compareAndSet(null, new Stopped(why, settings.nanoTime().getAsLong()))) {
      stopped.countDown();
      Runnable hook = onStop.get();
      if (hook != null) {
        hook.run();
      }
    }
    if (why instanceof Stop.Cancelled && cancelled.compareAndSet(false, true)) {
      whenCancelled.run();
    }
  }

  /** What is done when the run is asked to stop, now if it was already; null for nothing. */
  void onStop(@Nullable Runnable hook) {
    onStop.set(hook);
    if (hook != null && isStopped()) {
      hook.run();
    }
  }

  boolean isStopped() {
    return stop.get() != null;
  }

  @Nullable Stop stopReason() {
    Stopped stopped = stop.get();
    return stopped == null ? null : stopped.why();
  }

  /** How long ago the run was asked to stop; -1 if it was not. */
  long nanosSinceStop() {
    Stopped stopped = stop.get();
    return stopped == null ? -1 : Math.max(0, settings.nanoTime().getAsLong() - stopped.atNanos());
  }

  long now() {
    return settings.clock().millis();
  }

  /** Waits, or returns early if the run should stop. */
  void await(Duration duration) throws InterruptedException {
    if (!duration.isNegative() && !duration.isZero() && !isStopped()) {
      settings.waiter().await(stopped, duration);
    }
  }

  /** The tail of every message: which sync and run it is about. */
  String identity() {
    return "[sync=" + sync.name() + " run=" + run + "]";
  }

  synchronized void emit(RunEvent event) {
    for (RunListener listener : sync.listeners()) {
      try {
        listener.on(event);
      } catch (RuntimeException | Error e) {
        LOG.warn("a listener threw, and goes on being told: {}", e.getClass().getName());
      }
    }
  }
}
