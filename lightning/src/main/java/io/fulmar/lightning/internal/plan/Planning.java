package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.AskedKeys;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.source.VolatileFunctions;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.lightning.internal.schema.Comments;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
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
    Found found = found(comparison, shape, scan, rules, now);
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

  /**
   * What was found.
   *
   * @param place where the plan is
   * @param counts what is in it
   * @param rows rows of the model
   * @param invalid rows without a usable key
   * @param samples of both
   * @param way how
   * @param previous whether the plan has what was accepted
   */
  private record Found(
      int place,
      PlanCounts counts,
      long rows,
      long invalid,
      PlanSamples samples,
      ChangeSet.Way way,
      boolean previous) {}

  private Found found(
      Comparison comparison, ModelShape shape, DeltaScan scan, Rules rules, long now)
      throws SQLException {
    boolean otherKey = hasOtherKey(shape);
    if (otherKey && !beginsAnew()) {
      throw Refusal.key(sync, run, String.valueOf(record.keySignature), shape.keySignature());
    }
    DeltaWay way = scan.look();
    if (way instanceof DeltaWay.Unchanged unchanged) {
      PlanCounts none = PlanCounts.none(sync.remembered().size());
      return new Found(
          PlanHead.NO_TABLE,
          none,
          unchanged.rows(),
          0,
          new PlanSamples(statements, comparison),
          way.way(),
          false);
    }
    if (way instanceof DeltaWay.Some some) {
      Comparison given =
          comparison.remembering(Comparison.Memory.OF_GIVEN).looking(some.shape(), some.absent());
      int place = make(given, rules, now);
      String objection = scan.confirm();
      if (objection == null) {
        return finish(given, place, some.rows(), 0, new PlanSamples(statements, given), way.way());
      }
      drop(tables.plan(place));
      way = new DeltaWay.Full(objection);
    }
    return full(comparison, shape, otherKey, rules, way.way(), now);
  }

  private void drop(Identifier table) throws SQLException {
    statements.execute(CountSql.DROP.with("table", table).sql());
  }

  // ------------------------------------------------------------------------------------- full diff

  private Found full(
      Comparison nothing,
      ModelShape shape,
      boolean otherKey,
      Rules rules,
      ChangeSet.Way way,
      long now)
      throws SQLException {
    Comparison comparison = nothing.remembering(memory(otherKey));
    List<List<String>> keys = request.keys();
    if (keys != null) {
      try {
        AskedKeys.handOver(session, shape, sync.model().name(), keys);
      } catch (IOException e) {
        throw new UncheckedIOException(e); // what is read is kept in memory
      }
      comparison = comparison.looking(shape.ofKeys(), null);
    }
    KeyProof proof = KeyProof.of(session.connection(), shape);
    boolean everything = comparison.plansEverything(request, rules);
    boolean counts =
        keys != null
            || !proof.notNull()
            || comparison.model().isKeyMeasured()
            || !(proof.unique() || everything);
    int place = make(comparison, rules, now);
    PlanCounts planned = count(comparison, place);
    long[] model = counts ? statements.numbers(comparison.model().count(), 3) : null;
    long known = keys != null ? 0 : known(comparison, planned, everything);
    PlanSamples samples = new PlanSamples(statements, comparison);
    Duplicates duplicates = new Duplicates(statements, comparison, tables);
    if (!proof.unique()) {
      boolean here = everything || (model != null && keys == null && usable(model) == known);
      duplicates.find(here ? place : Duplicates.IN_MODEL);
      if (!here && keys == null && duplicates.keys() == 0) {
        throw unsteady(model == null ? 0 : usable(model), known);
      }
      if (duplicates.keys() > 0) {
        samples.duplicates(duplicates);
        int next = store.freePlace(session.connection(), place);
        duplicates.remove(place, next);
        place = next;
        planned = count(comparison, place);
      }
      duplicates.drop();
    }
    long unusable = model == null ? 0 : model[1] + model[2];
    if (unusable > 0) {
      samples.unusable();
    }
    long rows =
        model != null ? model[0] : everything ? planned.present() + duplicates.rows() : known;
    return finish(comparison, place, rows, unusable + duplicates.rows(), samples, way, planned);
  }

  private static long usable(long[] model) {
    return model[0] - model[1] - model[2];
  }

  private ConfigurationException unsteady(long counted, long compared) {
    return new ConfigurationException(
        "Cannot run %s: its model %s gives other rows each time it is read, %s and %s in one snapshot. Order it before a limit, leave out what is random, or declare what makes its key unique. %s"
            .formatted(sync.name(), sync.model().name(), counted, compared, session.about()));
  }

  private Comparison.Memory memory(boolean otherKey) throws SQLException {
    if (record.generation == null || otherKey || request.kind() == PlanRequest.Kind.FILL) {
      return Comparison.Memory.NONE;
    }
    return statements.is(CountSql.ANY_HOLD.with("holds", tables.holds()).sql())
        ? Comparison.Memory.STATE_AND_HOLDS
        : Comparison.Memory.STATE;
  }

  private int make(Comparison comparison, Rules rules, long now) throws SQLException {
    int place = store.freePlace(session.connection());
    Integer generation = record.generation;
    statements.execute(
        comparison.plan(
            tables, generation == null ? 0 : generation, request, rules, place, run, now));
    return place;
  }

  private PlanCounts count(Comparison comparison, int place) throws SQLException {
    return PlanCounts.read(
        statements, comparison.queries().count(tables, place), sync.remembered().size());
  }

  /**
   * How many keys have a row in the model, if none has two: known keys, without those that have no
   * row, and rows of which nothing is known. What is remembered must be as many keys as were left.
   */
  private long known(Comparison comparison, PlanCounts planned, boolean everything)
      throws SQLException {
    Integer generation = record.generation;
    if (comparison.memory() == Comparison.Memory.NONE || generation == null) {
      return planned.fresh();
    }
    long[] state =
        statements.numbers(CountSql.STATE.with("state", tables.state(generation)).sql(), 2);
    if (request.kind() != PlanRequest.Kind.RESET && state[0] != record.keys) {
      throw new StateException(
          "Cannot run %s: its state %s has %s keys, and %s were left in it: somebody else wrote to it, or it was restored without the rest. Restore both together; or forget the sync and initialise it. %s"
              .formatted(
                  sync.name(),
                  tables.stateName(generation),
                  state[0],
                  record.keys,
                  session.about()));
    }
    if (everything) {
      return 0;
    }
    long heldAlone =
        comparison.memory() == Comparison.Memory.STATE
            ? 0
            : statements.numbers(comparison.queries().countHeldAlone(tables, generation), 1)[0];
    long absent = planned.absent() + state[1] - planned.gonePresent() - planned.goneAbsent();
    return state[0] + heldAlone - absent + planned.fresh();
  }

  // ---------------------------------------------------------------------------------------- result

  private Found finish(
      Comparison comparison,
      int place,
      long rows,
      long invalid,
      PlanSamples samples,
      ChangeSet.Way way)
      throws SQLException {
    return finish(comparison, place, rows, invalid, samples, way, count(comparison, place));
  }

  private Found finish(
      Comparison comparison,
      int place,
      long rows,
      long invalid,
      PlanSamples samples,
      ChangeSet.Way way,
      PlanCounts counts)
      throws SQLException {
    PlanCounts found = counts;
    if (request.kind() == PlanRequest.Kind.FILL) {
      found = found.withFirstRemovals(record.live - liveInPlan(comparison, place));
    }
    if (found.isIdle()) {
      drop(tables.plan(place));
      return new Found(PlanHead.NO_TABLE, found, rows, invalid, samples, way, false);
    }
    samples.planned(tables.plan(place), found);
    statements.execute(Comments.onPlan(tables, place, sync.name()));
    return new Found(place, found, rows, invalid, samples, way, comparison.hasPrevious());
  }

  /** A synced key without a usable row is not in a destination that is cleared and filled. */
  private long liveInPlan(Comparison comparison, int place) throws SQLException {
    Integer generation = record.generation;
    StoredKey key = comparison.model().key();
    boolean comparable = generation != null && key.text().equals(record.stateColumns);
    return comparable
        ? statements.numbers(comparison.queries().countLiveInPlan(tables, generation, place), 1)[0]
        : 0;
  }

  private PlanHead head(
      ModelShape shape,
      PlanHead.Columns columns,
      ServerIdentity server,
      Found found,
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
        columns.withPrevious(found.previous()),
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
        base);
  }
}
