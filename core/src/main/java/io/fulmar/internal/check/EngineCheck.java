package io.fulmar.internal.check;

import io.fulmar.CheckReport;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.CheckSteps;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Checks an engine and its syncs, each check on threads of its own and with connections of its own.
 * This class is threadsafe; closing it ends the checks that are going on.
 */
public final class EngineCheck implements AutoCloseable {
  private static final String CLOSED = "the engine was closed";

  /** Begins to look at a source. */
  private interface Looking {
    SourceSteps at(@Nullable Sync sync, Board board);
  }

  private final String name;
  private final Looking looking;
  private final List<String> inSource;
  private final BiConsumer<CheckSteps, @Nullable Sync> ofEngine;
  private final RunnerSettings settings;
  private final Set<CompletableFuture<@Nullable String>> running = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * The checks of an engine.
   *
   * @param store has steps of its own
   * @param source is what the rest is about
   * @param settings threads, time, and how long a check takes at most
   */
  public EngineCheck(SyncStore store, Source source, RunnerSettings settings) {
    this(
        SourceCheck.name(source),
        (sync, board) -> new SourceCheck(source, sync, board, settings),
        store.stepsInSource(),
        store::check,
        settings);
  }

  /**
   * The checks of an engine whose source is no PostgreSQL.
   *
   * @param name what reports call the source
   * @param looking begins to look at the source, for a sync or for none
   * @param ofEngine takes the engine's own steps
   * @param settings threads, time, and how long a check takes at most
   */
  public EngineCheck(
      String name,
      Function<@Nullable Sync, SourceSteps> looking,
      BiConsumer<CheckSteps, @Nullable Sync> ofEngine,
      RunnerSettings settings) {
    this(name, (sync, board) -> looking.apply(sync), List.of(), ofEngine, settings);
  }

  private EngineCheck(
      String name,
      Looking looking,
      List<String> inSource,
      BiConsumer<CheckSteps, @Nullable Sync> ofEngine,
      RunnerSettings settings) {
    this.name = name;
    this.looking = looking;
    this.inSource = inSource;
    this.ofEngine = ofEngine;
    this.settings = settings;
  }

  /** See {@link io.fulmar.SyncEngine#check()}; with a sync, {@link io.fulmar.SyncEngine#check}. */
  public CheckReport check(@Nullable Sync sync) {
    Board board = new Board(settings.nanoTime(), settings.checkTimeout());
    SourceSteps source = looking.at(sync, board);
    Section stepsOfSource = board.section("", source.names());
    Section stepsOfEngine = board.section("", inSource);
    boolean isInSource = !inSource.isEmpty();
    SyncCheck ofSync = sync == null ? null : new SyncCheck(sync, source, board);
    Tasks tasks = new Tasks(sync == null ? "check" : sync.name() + "-check", isInSource ? 1 : 2);
    running.add(tasks.over);
    try {
      if (closed) {
        tasks.over.complete(CLOSED);
      }
      tasks.start(
          "source",
          () -> {
            try (source) {
              source.look(stepsOfSource);
              if (isInSource) {
                ofEngine.accept(stepsOfEngine, sync);
              }
              if (ofSync != null) {
                ofSync.look();
              }
            }
          });
      if (!isInSource) {
        tasks.start("engine", () -> ofEngine.accept(stepsOfEngine, sync));
      }
      String cut = tasks.await();
      CheckReport report = board.report(name, nameOf(sync), cut);
      tasks.end(source::cut);
      return report;
    } finally {
      running.remove(tasks.over);
    }
  }

  private static @Nullable String nameOf(@Nullable Sync sync) {
    return sync == null ? null : sync.name();
  }

  /** Ends the checks that are going on. */
  @Override
  public void close() {
    closed = true;
    running.forEach(over -> over.complete(CLOSED));
  }

  /** The threads of one check. */
  private final class Tasks {
    private final String name;
    private final AtomicInteger unfinished;
    private final CompletableFuture<@Nullable String> over = new CompletableFuture<>();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    Tasks(String name, int number) {
      this.name = name;
      this.unfinished = new AtomicInteger(number);
    }

    void start(String what, Runnable task) {
      settings.start(
          "fulmar-" + name + "-" + what,
          () -> {
            threads.add(Thread.currentThread());
            // One that ends later interrupts this thread.
            if (!over.isDone()) {
              task.run();
            }
          },
          escaped -> {
            threads.remove(Thread.currentThread());
            if (escaped != null) {
              over.complete("its thread ended by " + escaped.getClass().getName());
            }
            if (unfinished.decrementAndGet() == 0) {
              over.complete(null);
            }
          });
    }

    /** Waits until all are over, or the check is; says why it ended before they did, else null. */
    @Nullable String await() {
      boolean interrupted = false;
      try {
        return over.get(settings.checkTimeout().toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        return "no end within %s (checkTimeout)".formatted(settings.checkTimeout());
      } catch (InterruptedException e) {
        interrupted = true;
        return "the check was interrupted";
      } catch (ExecutionException e) {
        throw new IllegalStateException("nothing completes it so", e);
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    /** Ends those that go on; nobody waits for them. */
    void end(Runnable cut) {
      over.complete(null);
      if (unfinished.get() > 0) {
        settings.start("fulmar-" + name + "-cancel", cut, escaped -> {});
        threads.forEach(Thread::interrupt);
      }
    }
  }
}
