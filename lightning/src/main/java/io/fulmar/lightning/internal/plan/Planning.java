package io.fulmar.lightning.internal.plan;

import io.fulmar.ConfigurationException;
import io.fulmar.Sync;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.source.VolatileFunctions;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** One plan in the making, in a transaction that the caller commits. Used once, by one thread. */
final class Planning {
  /** PostgreSQL manual, appendix "PostgreSQL Limits": columns per index. */
  private static final int MOST_KEY_COLUMNS = 32;

  private final SessionStatements statements;
  private final SourceSession session;
  private final Sync sync;
  private final PlanSettings settings;
  private final Duration fullDiffEvery;
  private final SyncRecord record;
  private final long run;
  private final PlanRequest request;
  private final DeltaTerms.Lock lock;
  private final SyncTables tables;
  private final PlanStore store;
  private final Schemas schemas;
  private String writes = "";

  Planning(
      SessionStatements statements,
      Schemas schemas,
      Sync sync,
      PlanSettings settings,
      Duration fullDiffEvery,
      SyncRecord record,
      long run,
      PlanRequest request,
      DeltaTerms.Lock lock) {
    this.statements = statements;
    this.session = statements.session();
    this.sync = sync;
    this.settings = settings;
    this.fullDiffEvery = fullDiffEvery;
    this.record = record;
    this.run = run;
    this.request = request;
    this.lock = lock;
    this.tables = schemas.tables(record.slot);
    this.schemas = schemas;
    this.store = new PlanStore(schemas, sync.name(), tables);
  }

  /**
   * Makes the plan.
   *
   * @param now milliseconds since 1970
   * @param progress hears that it begins
   */
  PlanHead plan(long now, LongConsumer progress) throws SQLException {
    set();
    ServerIdentity server = session.server();
    ModelShape shape =
        UsedColumns.of(Describer.describe(session, sync.model()), sync, session.about());
    refuseWideKey(shape);
    refuseWriters(shape);
    String settingsBefore = statements.text(SettingSql.DIGEST.sql());
    PlanHead.Columns columns = columns(shape);
    String content = PlanTerms.rowSeed(record.secret, record.epoch, sync, shape);
    Rules rules = PlanTerms.rules(sync, sync.mode(), sync.removal(), record.mode, record.removal);
    progress.accept(0);
    store.delete(session.connection(), run);
    DeltaScan scan = new DeltaScan(session.connection(), deltaTerms(shape, server, content, now));
    Comparison comparison =
        Comparison.of(shape, RowHash.of(shape, content), columns, sync.maxRowBytes());
    PlanTable table = new PlanTable(statements, store, sync, record, request, rules, run, now);
    FoundChanges found = found(table, comparison, shape, scan);
    PlanHead head = head(shape, columns, server, found, scan.base(), now);
    refuseChanged(settingsBefore);
    store.write(session.connection(), head);
    return head;
  }

  /**
   * What is set for the session is undone by a rollback, and this transaction is committed: behind
   * a pooler, whoever comes next would have it.
   */
  private void refuseChanged(String settingsBefore) throws SQLException {
    if (!settingsBefore.equals(statements.text(SettingSql.DIGEST.sql()))) {
      throw new ConfigurationException(
          "Cannot run %s: its model %s changes settings of the session while it runs. Leave that out; what its text reads can be given by Model.setting. %s"
              .formatted(sync.name(), sync.model().name(), session.about()));
    }
  }

  private void set() throws SQLException {
    try (PreparedStatement set = session.prepare(SettingSql.SETTINGS.sql())) {
      set.setString(1, settings.memoryBytes() / 1024 + "kB");
      set.setString(2, Integer.toString(settings.workers()));
      set.setBoolean(3, lock == DeltaTerms.Lock.TAKEN);
      set.setBoolean(4, record.generation == null);
      set.executeQuery().close();
    }
  }

  private void refuseWideKey(ModelShape shape) {
    int keyColumns = shape.keyPositions().size();
    if (keyColumns > MOST_KEY_COLUMNS) {
      throw new ConfigurationException(
          "Cannot run %s: the key of its model %s has %s columns, and an index of PostgreSQL takes at most %s. Choose a key of fewer columns. %s"
              .formatted(
                  sync.name(), sync.model().name(), keyColumns, MOST_KEY_COLUMNS, session.about()));
    }
  }

  private void refuseWriters(ModelShape shape) throws SQLException {
    if (settings.volatileFunctions() == PlanSettings.VolatileFunctions.ALLOWED) {
      return;
    }
    List<String> functions = VolatileFunctions.thatMayChange(session.connection(), shape);
    if (!functions.isEmpty()) {
      throw new ConfigurationException(
          "Cannot run %s: its model %s calls %s, which is VOLATILE, so it may change something, and here the model runs in a statement that may. Declare it STABLE if it changes nothing, leave it out, or allow volatile functions when the engine is built. %s"
              .formatted(
                  sync.name(),
                  sync.model().name(),
                  String.join("(), ", functions) + "()",
                  session.about()));
    }
  }

  private PlanHead.Columns columns(ModelShape shape) {
    Remembered remembered = Remembered.of(shape, sync.remembered());
    PlanHead.Columns columns =
        new PlanHead.Columns(
            shape.keySignature(),
            shape.rowShape(),
            shape.keyShape(),
            StoredKey.of(shape),
            remembered,
            false);
    boolean previous =
        !remembered.isEmpty()
            && record.generation != null
            && columns.rememberedText().equals(record.remembered);
    return columns.withPrevious(previous);
  }

  private boolean beginsAnew() {
    return request.kind() == PlanRequest.Kind.RESET || request.kind() == PlanRequest.Kind.FILL;
  }

  /** Whether what is remembered is remembered by another key. */
  private boolean hasOtherKey(ModelShape shape) {
    String before = record.keySignature;
    return before != null && !before.isEmpty() && !before.equals(shape.keySignature());
  }

  private DeltaTerms deltaTerms(ModelShape shape, ServerIdentity server, String content, long now) {
    Integer generation = record.generation;
    return new DeltaTerms(
        sync,
        request,
        shape,
        server,
        content,
        generation == null
            ? null
            : new DeltaTerms.State(tables, generation, record.live, record.stateFilenode),
        record.deltaBase,
        record.lastFullDiffAt,
        Instant.ofEpochMilli(now),
        fullDiffEvery,
        lock);
  }

  private FoundChanges found(
      PlanTable table, Comparison comparison, ModelShape shape, DeltaScan scan)
      throws SQLException {
    boolean otherKey = hasOtherKey(shape);
    if (otherKey && !beginsAnew()) {
      throw Refusal.key(sync, run, String.valueOf(record.keySignature), shape.keySignature());
    }
    DeltaWay way = scan.look();
    if (way instanceof DeltaWay.Unchanged unchanged) {
      PlanCounts none = PlanCounts.none(sync.remembered().size());
      return new FoundChanges(
          PlanHead.NO_TABLE,
          none,
          unchanged.rows(),
          0,
          new PlanSamples(statements, comparison),
          way.way(),
          false,
          false);
    }
    while (way instanceof DeltaWay.Some some) {
      Comparison given =
          comparison.remembering(Comparison.Memory.OF_GIVEN).looking(some.shape(), some.absent());
      PlanTable.Made made = table.make(given);
      PlanCounts counts = table.count(given, made);
      if (some.isBorneOut(counts.arrived())) {
        PlanSamples samples = new PlanSamples(statements, given);
        return table.finish(given, made.place(), some.rows(), 0, samples, way.way(), counts);
      }
      table.drop(made.place());
      way = scan.lookUp();
    }
    writes =
        request.keys() == null ? session.writes(List.of(schemas.planner(), schemas.audit())) : "";
    return new FullDiff(table, writes).plan(comparison, shape, otherKey, way.way());
  }

  private PlanHead head(
      ModelShape shape,
      PlanHead.Columns columns,
      ServerIdentity server,
      FoundChanges found,
      @Nullable String base,
      long now) {
    String fingerprint = shape.fingerprint();
    Map<String, String> definition = PlanTerms.definition(sync, fingerprint);
    PlanCounts counts = found.counts();
    boolean forgets = request.kind() == PlanRequest.Kind.RESET && hasOtherKey(shape);
    return new PlanHead(
        sync.name(),
        run,
        found.place(),
        new PlanTerms(
            record.stateVersion,
            record.destination,
            sync.mode(),
            sync.removal(),
            request.kind(),
            fingerprint,
            definition,
            now),
        request.keys() == null ? Extent.WHOLE : Extent.PART,
        record.definitions.change(definition),
        server,
        columns.of(found),
        new PlanHead.Counts(
            found.rows(),
            record.live,
            counts.planned(),
            counts.held(),
            forgets ? record.keys : counts.ignored(),
            found.invalid(),
            counts.firstRemovals(),
            counts.effects(),
            counts.columnChanges()),
        found.samples().invalidRows(),
        found.samples().changes(),
        record.objections,
        List.of(),
        found.way(),
        base,
        writes);
  }
}
