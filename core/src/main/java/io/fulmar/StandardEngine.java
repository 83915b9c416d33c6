package io.fulmar;

import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import io.fulmar.internal.standard.StandardStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Makes the engine that reads the model and compares it in the JVM. It needs SELECT and nothing
 * else in the source, and works on a hot standby. What the destination has accepted is kept in a
 * directory, which must be local and durable: whoever loses it sends everything again. The engine
 * is threadsafe; the application closes it.
 *
 * <pre>{@code
 * try (SyncEngine engine = StandardEngine.on(source, Path.of("/var/lib/shop/fulmar"))) {
 *   engine.run(sync).throwIfFailed();
 * }
 * }</pre>
 *
 * <p>One run of a sync at a time holds for the directory: a file lock that the system frees when
 * the process ends.
 */
public final class StandardEngine {
  private StandardEngine() {}

  /**
   * An engine with default settings.
   *
   * @param source what is read
   * @param stateDirectory where the memory of all its syncs lives; made if it is missing
   */
  public static SyncEngine on(Source source, Path stateDirectory) {
    return builder(source, stateDirectory).build();
  }

  /**
   * Begins with default settings.
   *
   * @param source what is read
   * @param stateDirectory where the memory of all its syncs lives; made if it is missing
   */
  public static Builder builder(Source source, Path stateDirectory) {
    return new Builder(source, stateDirectory);
  }

  /** Collects the settings of an engine. Not threadsafe. */
  public static final class Builder {
    private final Source source;
    private final Path stateDirectory;
    private StandardStore.MissingState missingState = StandardStore.MissingState.BEGIN;
    private long diffMemoryBytes = 64L << 20;
    private @Nullable ThreadFactory threads;
    private UnaryOperator<Runnable> context = UnaryOperator.identity();
    private Duration grace = Duration.ofSeconds(10);
    private Duration checkTimeout = Duration.ofSeconds(30);
    private Clock clock = Clock.systemUTC();
    private Consumer<String> steps = step -> {};

    private Builder(Source source, Path stateDirectory) {
      this.source = Objects.requireNonNull(source, "source");
      this.stateDirectory = Objects.requireNonNull(stateDirectory, "stateDirectory");
    }

    /**
     * Refuses to run a sync that has no state, for containers in which an empty directory means
     * that a volume is missing. Default: such a sync begins with nothing accepted.
     */
    public Builder requireExistingState() {
      missingState = StandardStore.MissingState.REFUSE;
      return this;
    }

    /**
     * Most memory outside the heap that one run uses to tell changed rows from unchanged ones as
     * they arrive, 0 to 2 GiB: 5.6 bytes for each synced key. With more keys than fit, all rows go
     * through the disk once. Default 64 MiB (67,108,864), enough for 11 million keys.
     */
    public Builder diffMemoryBytes(long bytes) {
      diffMemoryBytes = Checks.inRange("diffMemoryBytes", bytes, 0, 2L << 30);
      return this;
    }

    /**
     * Makes the threads of the engine: for each run one, one that watches the time while it reads,
     * and one for each of its lanes. They are given names. Default: daemons with the context class
     * loader of the thread that calls {@link #build}.
     */
    public Builder threads(ThreadFactory value) {
      threads = Objects.requireNonNull(value, "threads");
      return this;
    }

    /**
     * Wraps each task that one thread hands over to another, so that what belongs to the calling
     * thread (a trace, a logging or a security context) goes with it. It is called on the thread
     * that hands the task over, first the one that calls {@link SyncEngine#run}; what it returns is
     * run on the other and must run the task once. Default: nothing goes with it.
     *
     * <pre>{@code
     * builder.context(task -> Context.current().wrap(task));  // OpenTelemetry
     * }</pre>
     */
    public Builder context(UnaryOperator<Runnable> value) {
      context = Objects.requireNonNull(value, "context");
      return this;
    }

    /**
     * How long a run that is cancelled, interrupted or closed waits for calls of the destination
     * that are under way, 0 to 1 h. What is cut off then has an unknown outcome. Default 10 s.
     */
    public Builder grace(Duration value) {
      grace = Checks.inRange("grace", value, Duration.ZERO, Duration.ofHours(1));
      return this;
    }

    /**
     * How long {@link SyncEngine#check} takes at most, 1 s to 10 min, a second attempt to connect
     * included. Default 30 s.
     */
    public Builder checkTimeout(Duration value) {
      checkTimeout =
          Checks.inRange("checkTimeout", value, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /** Tells the time, for tests. Default: the system's clock. */
    public Builder clock(Clock value) {
      clock = Objects.requireNonNull(value, "clock");
      return this;
    }

    /**
     * Hears of each step whose effect outlives the process, by its name, in the order in which they
     * are taken: for tests that let a process die there. It is called in mid-step, on any thread of
     * the engine, by several at once, so it returns at once and throws nothing. Names may change
     * with each release: learn them from a run without a death. Default: nobody hears of them.
     *
     * <pre>{@code
     * builder.steps(step -> {
     *   if (step.equals("ANSWERED")) {
     *     Runtime.getRuntime().halt(137);
     *   }
     * });
     * }</pre>
     */
    public Builder steps(Consumer<String> listener) {
      steps = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /** The engine. */
    public SyncEngine build() {
      RunnerSettings settings =
          RunnerSettings.defaults()
              .withClock(clock)
              .withContext(context)
              .withGrace(grace)
              .withCheckTimeout(checkTimeout)
              .withPlanDeadline(source.planDeadline());
      ThreadFactory own = threads;
      return new StoreEngine(
          new StandardStore(source, stateDirectory, missingState, diffMemoryBytes, clock, steps),
          source,
          own == null ? settings : settings.withThreads(own),
          PostgresDestination::checkOutsideState);
    }
  }
}
