package io.fulmar.lightning.internal.state;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.FulmarException;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.internal.plan.ModelLook;
import io.fulmar.internal.plan.PostgresSnapshots;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.StateStep;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Patience;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.database.Work;
import io.fulmar.lightning.internal.log.LogTables;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.schema.LightningCheck;
import io.fulmar.lightning.internal.schema.OwnTable;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.spi.CheckSteps;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store of the engine that compares in PostgreSQL: tables in schemas of its own in the source.
 * This class is threadsafe.
 */
public final class LightningStore implements SyncStore {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Source source;
  private final LightningSettings settings;
  private final RunnerSettings runner;
  private final Database database;
  private final Database beats;
  private final Provision provision;
  private final StateFiles files;
  private final ModelLook look;
  private final PostgresSnapshots snapshots;
  private final Clock clock;
  private final CrashPoint.Watch watch;

  /** Whether the state of some sync is being made beside its delivery. */
  private final AtomicBoolean preparing = new AtomicBoolean();

  /** Of whoever works on a sync now, or did last. */
  private final Map<String, Patience> patience = new ConcurrentHashMap<>();

  /**
   * A store.
   *
   * @param source what is read, and where the tables are
   * @param settings of the engine
   * @param runner its threads
   * @param clock tells the time for holds and reports; null for that of the server
   */
  public LightningStore(
      Source source, LightningSettings settings, RunnerSettings runner, @Nullable Clock clock) {
    this(source, settings, runner, clock, CrashPoint.Watch.NONE);
  }

  /** As the other, and tells what has been done. */
  public LightningStore(
      Source source,
      LightningSettings settings,
      RunnerSettings runner,
      @Nullable Clock clock,
      CrashPoint.Watch watch) {
    this.source = source;
    this.settings = settings;
    this.runner = runner;
    this.database = new Database(source, "fulmar", settings.lease());
    this.beats =
        new Database(
            source,
            "fulmar lease",
            settings.lease(),
            Heartbeat.lockTimeout(settings.lease()),
            Heartbeat.answer(settings.lease()));
    this.provision = new Provision(settings.schemas());
    this.files = new StateFiles(settings.schemas());
    this.snapshots = new PostgresSnapshots(source, database.connections());
    this.look = new ModelLook(snapshots);
    this.clock = clock == null ? database.clock() : clock;
    this.watch = watch;
  }

  Source source() {
    return source;
  }

  /**
   * Whether a state may be made beside its delivery: one at a time, so that runs keep their
   * connections. Then {@link #endPreparation} follows.
   */
  boolean beginPreparation() {
    return preparing.compareAndSet(false, true);
  }

  void endPreparation() {
    preparing.set(false);
  }

  LightningSettings settings() {
    return settings;
  }

  Schemas schemas() {
    return settings.schemas();
  }

  Database database() {
    return database;
  }

  Provision provision() {
    return provision;
  }

  StateFiles files() {
    return files;
  }

  /** Tells the time for holds and reports: that of the server, unless a test has another one. */
  public Clock clock() {
    return clock;
  }

  CrashPoint.Watch watch() {
    return watch;
  }

  void passed(CrashPoint point) {
    watch.passed(point);
  }

  // ----------------------------------------------------------------------------------------- claim

  /** Puts a thread of the engine to a task that says itself what came of it. */
  void start(String name, Runnable task) {
    runner.start(name, task, escaped -> {});
  }

  @Override
  public Claim claim(Sync sync, Purpose purpose) {
    return claiming(sync).claim(sync, purpose);
  }

  private Claiming claiming(Sync sync) {
    Patience begun = new Patience();
    patience.put(sync.name(), begun);
    return new Claiming(this, beats, runner, begun);
  }

  private Upkeep upkeep(Sync sync) {
    return new Upkeep(this, claiming(sync), beats, runner);
  }

  @Override
  public void hurry(Sync sync) {
    Patience waiting = patience.get(sync.name());
    if (waiting == null) {
      return;
    }
    try {
      waiting.end(beats, "fulmar " + sync.name() + " hurry", "[sync=" + sync.name() + "]");
    } catch (FulmarException e) {
      LOG.debug("sync={} what waits could not be ended: {}", sync.name(), e.getMessage());
    }
  }

  @Override
  public void forget(Sync sync) {
    upkeep(sync).forget(sync);
  }

  @Override
  public void rebind(Sync sync, String identity) {
    try (LightningClaim claim = claiming(sync).existing(sync, "rebind")) {
      claim.recover();
      claim.rebind(identity);
    }
  }

  /**
   * What is remembered of one sync is that of another from now on.
   *
   * @param from the name that it had
   * @param sync as it is now, with its new name
   */
  public void rename(String from, Sync sync) {
    upkeep(sync).rename(from, sync);
  }

  /**
   * Goes on with what the standard engine remembers of a sync.
   *
   * @param sync which one
   * @param stateDirectory where that is
   */
  public void moveIn(Sync sync, Path stateDirectory) {
    new Moving(this, claiming(sync), snapshots).move(sync, stateDirectory);
  }

  // --------------------------------------------------------------------------------------- looking

  /** Reads something, unless there are no tables yet. */
  private <T> Optional<T> look(Sync sync, String doing, Work<Optional<T>> work) {
    String about = "[sync=" + sync.name() + "]";
    return database.read(
        doing + " of " + sync.name(),
        "fulmar " + sync.name(),
        about,
        transaction -> {
          long there =
              transaction.number(StateSql.EXISTS.sql(), schemas().planner(), "fulmar_syncs");
          return there == 0 ? Optional.empty() : work.in(transaction);
        });
  }

  private Optional<SyncRecord> record(Transaction transaction, Sync sync) throws SQLException {
    Claiming.checkFormat(transaction, schemas(), sync.name());
    return RecordSql.read(transaction, schemas(), sync.name());
  }

  /** What is known of a sync; null for nothing. */
  @Nullable SyncRecord record(Sync sync) {
    return look(sync, "read the state", transaction -> record(transaction, sync)).orElse(null);
  }

  @Override
  public @Nullable ChangeSet storedPlan(Sync sync) {
    return look(
            sync,
            "find the stored plan",
            transaction -> {
              Optional<SyncRecord> record = record(transaction, sync);
              return record.isEmpty()
                  ? Optional.<PlanHead>empty()
                  : Optional.ofNullable(standing(transaction, sync, record.get()));
            })
        .map(head -> head.plan().changeSet())
        .orElse(null);
  }

  /** The plan that can be applied; null for none. */
  private @Nullable PlanHead standing(Transaction transaction, Sync sync, SyncRecord record)
      throws SQLException {
    if (record.keptPlan == 0) {
      return null;
    }
    try {
      PlanHead head =
          new PlanStore(schemas(), sync.name(), schemas().tables(record.slot))
              .read(transaction.connection(), record.keptPlan);
      boolean stands =
          head != null
              && head.terms().stale(sync, record.stateVersion, record.clearing, clock.millis())
                  == null;
      return stands ? head : null;
    } catch (DamagedException e) {
      throw StateLost.of(sync.name(), e);
    }
  }

  @Override
  public SyncStatus status(Sync sync) {
    return look(
            sync,
            "read the status",
            transaction -> {
              Optional<SyncRecord> record = record(transaction, sync);
              return record.isEmpty()
                  ? Optional.<SyncStatus>empty()
                  : Optional.of(status(transaction, sync, record.get()));
            })
        .orElseGet(
            () ->
                new SyncStatus(
                    sync.name(),
                    null,
                    null,
                    0,
                    0,
                    HoldCounts.none().kinds(),
                    0,
                    null,
                    null,
                    false));
  }

  private SyncStatus status(Transaction transaction, Sync sync, SyncRecord record)
      throws SQLException {
    HoldCounts holds = HoldCounts.read(transaction, schemas(), record);
    SyncStatus.LastRun lastRun =
        record.lastStatus == null || record.lastEndedAt == null
            ? null
            : new SyncStatus.LastRun(record.run, record.lastStatus, record.lastEndedAt);
    PlanHead standing = standing(transaction, sync, record);
    return new SyncStatus(
        sync.name(),
        lastRun,
        record.lastSuccessAt,
        record.failuresInARow,
        record.keys,
        holds.kinds(),
        holds.unsure(),
        record.upToDateAsOf,
        standing == null ? null : standing.id(),
        record.clearing);
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    return new StateReading(this, sync).holds(limit);
  }

  @Override
  public Explanation explain(Sync sync, List<String> key) {
    return new StateReading(this, sync).explain(key);
  }

  @Override
  public ModelPreview preview(Model model) {
    return look.preview(model);
  }

  @Override
  public ModelValidation validate(Model model) {
    return look.validate(model);
  }

  @Override
  public List<String> stepsInSource() {
    return LightningCheck.STEPS;
  }

  @Override
  public void check(CheckSteps steps, @Nullable Sync sync) {
    List<OwnTable> logs =
        LogTables.of(schemas(), sync == null ? settings.logs() : settings.logs(sync.name()));
    String name = sync == null ? null : sync.name();
    try (LightningCheck check = new LightningCheck(source, schemas(), logs, name, steps)) {
      check.look();
    }
    if (sync != null) {
      StateStep.look(steps, LightningCheck.PLANNER, sync, this);
    }
  }

  @Override
  public void close() {
    snapshots.close();
    database.close();
    beats.close();
  }
}
