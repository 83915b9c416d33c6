package io.fulmar.harness;

import io.fulmar.FulmarException;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncStatus;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A subject that runs the library's own {@link StoreEngine} over some store. Waiting moves the
 * clock and takes no time.
 */
public abstract class RunnerSubject implements Subject {
  private static final long GRAIN_MILLIS = 250;

  /** So much is asked of a process that does not die before. */
  private static final int REQUESTS = 5;

  /** No request of a history reads a source. */
  private static final Source NOWHERE =
      Source.builder().host("127.0.0.1").port(1).database("shop").user("fulmar").build();

  private final ManualClock clock = new ManualClock(Instant.parse("2026-03-01T00:00:00Z"));
  private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
  private volatile @Nullable SyncEngine running;

  /** Of the process that lives now; null between two. */
  private @Nullable SyncStore store;

  private int requests;

  @Override
  public final ManualClock clock() {
    return clock;
  }

  /** The store as a new process finds it. */
  protected abstract SyncStore open();

  /**
   * A process has died.
   *
   * @param left the claim that it left open, void from now on; null for none
   */
  protected abstract void died(@Nullable Claim left);

  @Override
  public final Ended ask(Function<SyncEngine, ?> request, Death death) {
    MortalStore mortal = new MortalStore(store(), death);
    Object answer = null;
    Throwable thrown = null;
    try (SyncEngine engine = new StoreEngine(mortal, NOWHERE, settings())) {
      running = engine;
      answer = request.apply(engine);
    } catch (FulmarException | Death.ProcessDied e) {
      thrown = e;
    } finally {
      running = null;
    }
    join();
    boolean died = death.isDead();
    if (died) {
      died(mortal.left());
    }
    if (died || ++requests == REQUESTS) {
      end();
    }
    return new Ended(died ? null : answer, mortal.effects(), died, mortal.kept(), thrown);
  }

  @Override
  public final void cancel(Sync sync) {
    Objects.requireNonNull(running, "nothing is running").cancel(sync);
  }

  @Override
  public final SyncStatus status(Sync sync) {
    return store().status(sync);
  }

  private SyncStore store() {
    SyncStore there = store;
    if (there == null) {
      there = open();
      store = there;
      requests = 0;
    }
    return there;
  }

  /** Ends the process. */
  private void end() {
    SyncStore there = store;
    if (there != null) {
      store = null;
      there.close();
    }
  }

  @Override
  public void close() {
    end();
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
