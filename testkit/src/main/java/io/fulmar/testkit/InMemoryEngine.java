package io.fulmar.testkit;

import io.fulmar.SyncEngine;
import io.fulmar.internal.check.EngineCheck;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.StateStep;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.testkit.internal.memory.MemorySnapshots;
import io.fulmar.testkit.internal.memory.MemorySteps;
import io.fulmar.testkit.internal.memory.OwnDirectory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes an engine over an {@link InMemorySource}, for unit tests of an application. It is the
 * standard engine itself over rows in memory, so that it plans, holds, guards, delivers and
 * remembers as that one does; everything that a {@link SyncEngine} can be asked works. A run takes
 * some milliseconds. The engine is threadsafe; the test closes it.
 *
 * <pre>{@code
 * try (SyncEngine engine = InMemoryEngine.on(shop)) {
 *   SyncReport report = engine.run(sync).throwIfFailed();
 * }
 * }</pre>
 *
 * <p>What differs from an engine with a database: SQL is not run and not proven, so {@link
 * SyncEngine#validate} and {@link SyncEngine#check} tell only of names and types of columns, of the
 * key and of the first rows; {@code check} takes the step {@code rows in memory} in place of those
 * of a network and a role. {@link SyncEngine#preview} gives the first 100 rows. A key is asked for
 * by the texts that Fulmar prints. A {@link io.fulmar.PostgresDestination} of exactly-once delivery
 * is refused by its first call, as it is by the standard engine.
 */
public final class InMemoryEngine {
  /** Enough for 190,000 keys; more go through the disk once. */
  private static final long DIFF_BYTES = 1 << 20;

  private InMemoryEngine() {}

  /**
   * An engine with default settings. Its memory is its own, and gone when it is closed.
   *
   * @param source what is read
   */
  public static SyncEngine on(InMemorySource source) {
    return builder(source).build();
  }

  /**
   * An engine with default settings and a memory that outlives it: another engine over the same
   * source and directory goes on where this one ended, as after a restart of the application.
   *
   * @param source what is read
   * @param stateDirectory where the memory of all its syncs lives, one that JUnit's
   *     {@code @TempDir} made, say; made if it is missing
   */
  public static SyncEngine on(InMemorySource source, Path stateDirectory) {
    return builder(source).state(stateDirectory).build();
  }

  /**
   * Begins with default settings.
   *
   * @param source what is read
   */
  public static Builder builder(InMemorySource source) {
    return new Builder(source);
  }

  /** Collects the settings of an engine. Not threadsafe. */
  public static final class Builder {
    private final InMemorySource source;
    private @Nullable Path state;
    private StandardStore.MissingState missingState = StandardStore.MissingState.BEGIN;
    private Clock clock = Clock.systemUTC();
    private Duration grace = Duration.ofSeconds(10);

    private Builder(InMemorySource source) {
      this.source = Objects.requireNonNull(source, "source");
    }

    /**
     * Keeps the memory in a directory, which stays when the engine is closed. Default: a temporary
     * one (in {@code /dev/shm}, where there is that), which is removed then, at the latest at the
     * end of the JVM.
     *
     * @param directory made if it is missing
     */
    public Builder state(Path directory) {
      state = Objects.requireNonNull(directory, "directory");
      return this;
    }

    /**
     * Refuses to run a sync that has no state, as {@link
     * io.fulmar.StandardEngine.Builder#requireExistingState} does. Default: such a sync begins with
     * nothing accepted.
     */
    public Builder requireExistingState() {
      missingState = StandardStore.MissingState.REFUSE;
      return this;
    }

    /**
     * Tells the time, in the source too. Where a run waits (before it sends a batch again, say), it
     * moves a {@link ManualClock} by that instead, and takes no time; what bounds the calls of a
     * destination goes by real time all the same. Default: the system's clock.
     */
    public Builder clock(Clock value) {
      clock = Objects.requireNonNull(value, "clock");
      return this;
    }

    /**
     * How long a run that is cancelled, interrupted or closed waits for calls of the destination
     * that are under way, 0 to 1 h. What is cut off then has an unknown outcome. Default 10 s.
     */
    public Builder grace(Duration value) {
      if (value.isNegative() || value.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException("grace must be 0 to 1 h, is " + value);
      }
      grace = value;
      return this;
    }

    /** The engine. */
    public SyncEngine build() {
      RunnerSettings settings = RunnerSettings.defaults().withClock(clock).withGrace(grace);
      if (clock instanceof ManualClock manual) {
        settings = settings.withWaiter((stop, duration) -> manual.advance(duration));
      }
      OwnDirectory own = state == null ? OwnDirectory.make() : null;
      Path directory = own != null ? own.path() : Objects.requireNonNull(state);
      MemorySnapshots snapshots = new MemorySnapshots(source.database(), clock);
      return Engine.of(
          new StandardStore(snapshots, directory, missingState, DIFF_BYTES, clock),
          snapshots,
          settings,
          own);
    }
  }

  /** Removes its directory in the end, if it is its own. */
  private static final class Engine extends StoreEngine {
    private static final String STATE = "state";

    private final @Nullable OwnDirectory own;

    private Engine(
        SyncStore store, EngineCheck check, RunnerSettings settings, @Nullable OwnDirectory own) {
      super(store, check, settings, sync -> {});
      this.own = own;
    }

    static Engine of(
        SyncStore store,
        MemorySnapshots snapshots,
        RunnerSettings settings,
        @Nullable OwnDirectory own) {
      EngineCheck check =
          new EngineCheck(
              "rows in memory",
              sync -> new MemorySteps(snapshots, sync),
              (steps, sync) -> {
                steps.step(
                    STATE,
                    findings ->
                        findings.found(
                            own == null ? "in a directory of the test" : "gone with the engine"));
                if (sync != null) {
                  StateStep.look(steps, STATE, sync, store);
                }
              },
              settings);
      return new Engine(store, check, settings, own);
    }

    @Override
    public void close() {
      try {
        super.close();
      } finally {
        if (own != null) {
          own.close();
        }
      }
    }
  }
}
