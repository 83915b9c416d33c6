package io.fulmar.lightning.internal.state;

import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import io.fulmar.lightning.LightningEngine;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The engine over a {@link LightningStore}. This class is threadsafe. */
public final class StoredEngine extends StoreEngine implements LightningEngine {
  private final LightningStore store;

  private StoredEngine(LightningStore store, Source source, RunnerSettings runner) {
    super(store, source, runner);
    this.store = store;
  }

  /**
   * An engine.
   *
   * @param source what is read, and where the tables are
   * @param settings of the engine
   * @param runner its threads; its clock is replaced
   * @param clock tells the time of holds and reports; null for that of the server
   * @param steps hears of each {@link CrashPoint} by its name
   */
  public static StoredEngine of(
      Source source,
      LightningSettings settings,
      RunnerSettings runner,
      @Nullable Clock clock,
      Consumer<String> steps) {
    return over(
        new LightningStore(source, settings, runner, clock, point -> steps.accept(point.name())),
        source,
        runner);
  }

  /** An engine over a store, which is closed with it. */
  public static StoredEngine over(LightningStore store, Source source, RunnerSettings runner) {
    return new StoredEngine(store, source, runner.withClock(store.clock()));
  }

  @Override
  public void moveIn(Sync sync, Path stateDirectory) {
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(stateDirectory, "stateDirectory");
    aside(
        sync,
        () -> {
          store.moveIn(sync, stateDirectory);
          return sync;
        });
  }

  @Override
  public void rename(String from, Sync sync) {
    Objects.requireNonNull(from, "from");
    Objects.requireNonNull(sync, "sync");
    aside(
        sync,
        () -> {
          store.rename(from, sync);
          return sync;
        });
  }
}
