package io.fulmar.internal.standard;

import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.run.Runner;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.spi.Destination;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

/** An engine over a state directory, as a process that starts would build it. */
final class Process implements AutoCloseable {
  private final StandardStore store;
  private final Runner runner;

  Process(Path root, Snapshots source, Clock clock, RunnerSettings.Waiter waiter) {
    this(root, source, clock, waiter, Duration.ofSeconds(10), 64 << 20);
  }

  Process(
      Path root,
      Snapshots source,
      Clock clock,
      RunnerSettings.Waiter waiter,
      Duration grace,
      long diffBytes) {
    this(root, source, clock, waiter, grace, diffBytes, CrashPoint.Watch.NONE);
  }

  Process(
      Path root,
      Snapshots source,
      Clock clock,
      RunnerSettings.Waiter waiter,
      Duration grace,
      long diffBytes,
      CrashPoint.Watch watch) {
    this.store =
        new StandardStore(source, root, StandardStore.MissingState.BEGIN, diffBytes, clock, watch);
    this.runner =
        new Runner(
            store, RunnerSettings.defaults().withClock(clock).withWaiter(waiter).withGrace(grace));
  }

  static Sync.Builder sync(Destination crm) {
    return Sync.builder("crm")
        .model(MemoryModel.model())
        .to(crm)
        .onRemoved(Removal.DELETE)
        .onEmptyModel(Sync.EmptyModel.DELIVER)
        .guardRemovals(1, Long.MAX_VALUE)
        .batchRows(4);
  }

  SyncReport run(Sync sync) {
    return runner.run(sync);
  }

  Runner runner() {
    return runner;
  }

  StandardStore store() {
    return store;
  }

  SyncStatus status(Sync sync) {
    return store.status(sync);
  }

  @Override
  public void close() {
    runner.close();
    store.close();
  }
}
