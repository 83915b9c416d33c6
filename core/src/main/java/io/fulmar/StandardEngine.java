package io.fulmar;

import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import io.fulmar.internal.standard.StandardStore;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Objects;

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
    private Clock clock = Clock.systemUTC();

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

    /** Tells the time, for tests. Default: the system's clock. */
    public Builder clock(Clock value) {
      clock = Objects.requireNonNull(value, "clock");
      return this;
    }

    /** The engine. */
    public SyncEngine build() {
      RunnerSettings defaults = RunnerSettings.defaults();
      return new StoreEngine(
          new StandardStore(source, stateDirectory, missingState, diffMemoryBytes, clock),
          new RunnerSettings(clock, defaults.threads(), defaults.waiter(), defaults.grace()));
    }
  }
}
