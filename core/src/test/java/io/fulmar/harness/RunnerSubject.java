package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.FulmarException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.internal.run.Runner;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.SyncStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A subject that runs the library's own {@link Runner} over some store. Waiting moves the clock and
 * takes no time.
 */
public abstract class RunnerSubject implements Subject {
  private static final long GRAIN_MILLIS = 250;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-03-01T00:00:00Z"));
  private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
  private volatile @Nullable Runner running;

  @Override
  public final ManualClock clock() {
    return clock;
  }

  /** The store as a new process finds it. */
  protected abstract SyncStore open();

  /** A process has died; what it left open is void from now on. */
  protected abstract void died(MortalStore store);

  @Override
  public final Ended run(Sync sync, @Nullable String planId, Death death) {
    MortalStore store = new MortalStore(open(), death);
    SyncReport report = null;
    Throwable thrown = null;
    try (Runner runner = new Runner(store, settings())) {
      running = runner;
      report = planId == null ? runner.run(sync) : runner.apply(sync, planId);
    } catch (FulmarException | Death.ProcessDied e) {
      thrown = e;
    } finally {
      running = null;
    }
    join();
    if (death.isDead()) {
      died(store);
    } else {
      store.close();
    }
    return new Ended(death.isDead() ? null : report, store.folded(), thrown);
  }

  @Override
  public final ChangeSet plan(Sync sync) {
    try (SyncStore store = open();
        Runner runner = new Runner(store, settings())) {
      return runner.plan(sync);
    }
  }

  @Override
  public final void cancel(Sync sync) {
    Objects.requireNonNull(running, "nothing is running").cancel(sync);
  }

  @Override
  public final SyncStatus status(Sync sync) {
    try (SyncStore store = open()) {
      return store.status(sync);
    }
  }

  private RunnerSettings settings() {
    return RunnerSettings.defaults()
        .withClock(clock)
        .withThreads(this::thread)
        .withWaiter(this::await);
  }

  private Thread thread(Runnable task) {
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    threads.add(thread);
    return thread;
  }

  /** Waits for the threads of a process that has ended, so that the next one is alone. */
  private void join() {
    for (Thread thread = threads.poll(); thread != null; thread = threads.poll()) {
      try {
        thread.join(Duration.ofSeconds(30).toMillis());
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted while waiting for " + thread.getName(), e);
      }
      if (thread.isAlive()) {
        throw new AssertionError(thread.getName() + " goes on after the run");
      }
    }
  }

  /**
   * Moves the clock by at least the duration: rounded up to 250 ms, 500 ms, 1 s, 2 s ..., so that
   * the jitter of a backoff does not make two replays of a history differ.
   */
  private void await(CountDownLatch stop, Duration duration) {
    long rounded = GRAIN_MILLIS;
    while (rounded < duration.toMillis()) {
      rounded *= 2;
    }
    clock.advance(Duration.ofMillis(rounded));
  }
}
