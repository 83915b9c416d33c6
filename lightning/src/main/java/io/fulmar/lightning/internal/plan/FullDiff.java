package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.AskedKeys;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.List;

/** Compares every row of a model, and finds ambiguous and unusable keys. Used once. */
final class FullDiff {
  private final PlanTable table;
  private final SessionStatements statements;
  private final SourceSession session;
  private final Sync sync;
  private final SyncRecord record;
  private final PlanRequest request;
  private final SyncTables tables;
  private final String writes;

  /**
   * A comparison.
   *
   * @param table takes what comes of it
   * @param writes stands for what was written to the model's tables; empty for unknown
   */
  FullDiff(PlanTable table, String writes) {
    this.table = table;
    this.writes = writes;
    this.statements = table.statements();
    this.session = statements.session();
    this.sync = table.sync();
    this.record = table.record();
    this.request = table.request();
    this.tables = table.tables();
  }

  /**
   * Makes the plan.
   *
   * @param nothing compares with nothing
   * @param shape the model
   * @param otherKey whether what is remembered is remembered by another key
   * @param way for the report
   */
  FoundChanges plan(Comparison nothing, ModelShape shape, boolean otherKey, ChangeSet.Way way)
      throws SQLException {
    Comparison.Memory memory = memory(otherKey);
    if (memory == Comparison.Memory.STATE && isUnchanged(nothing.model())) {
      return unchanged(nothing, way);
    }
    Comparison comparison = nothing.remembering(memory);
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
    boolean everything = comparison.plansEverything(request, table.rules());
    boolean counts =
        keys != null
            || !proof.notNull()
            || comparison.model().isKeyMeasured()
            || !(proof.unique() || everything);
    PlanTable.Made made = table.make(comparison);
    PlanCounts planned = table.count(comparison, made);
    long[] model = counts ? statements.numbers(comparison.model().count(), 3) : null;
    long known = keys != null ? 0 : known(comparison, planned, everything);
    PlanSamples samples = new PlanSamples(statements, comparison);
    Duplicates duplicates = new Duplicates(statements, comparison, tables);
    if (!proof.unique()) {
      boolean here = everything || (model != null && keys == null && usable(model) == known);
      duplicates.find(here ? made.place() : Duplicates.IN_MODEL);
      if (!here && keys == null && duplicates.keys() == 0) {
        throw unsteady(model == null ? 0 : usable(model), known);
      }
      if (duplicates.keys() > 0) {
        samples.duplicates(duplicates);
        made = table.without(duplicates, made.place());
        planned = table.count(comparison, made);
      }
      duplicates.drop();
    }
    long unusable = model == null ? 0 : model[1] + model[2];
    if (unusable > 0) {
      samples.unusable();
    }
    long rows =
        model != null ? model[0] : everything ? planned.present() + duplicates.rows() : known;
    return table.finish(
        comparison, made.place(), rows, unusable + duplicates.rows(), samples, way, planned);
  }

  /**
   * Whether the rows add up to what the accepted ones do; nothing is held. Where something has
   * changed that takes half the time of a comparison and is wasted, so it is only tried if the
   * server has counted no write since the last plan.
   */
  private boolean isUnchanged(ModelParts model) {
    Integer generation = record.generation;
    if (generation == null
        || request.kind() != PlanRequest.Kind.RUN
        || request.keys() != null
        || sync.mode() == SyncMode.ALL
        || sync.mode() != record.mode
        || sync.removal() != record.removal
        || record.live != record.keys
        || !record.objections.isEmpty()
        || record.sourceWrites.isEmpty()
        || !record.sourceWrites.equals(writes)) {
      return false;
    }
    String doing = statements.doing();
    RowSum accepted = RowSum.of(session, model.sumOfState(tables.state(generation)), doing);
    return accepted.rows() == record.keys
        && RowSum.of(session, model.sum(), doing).equals(accepted);
  }

  private FoundChanges unchanged(Comparison nothing, ChangeSet.Way way) {
    PlanCounts none = PlanCounts.none(sync.remembered().size());
    PlanSamples samples = new PlanSamples(statements, nothing);
    return new FoundChanges(
        PlanHead.NO_TABLE,
        none,
        record.keys,
        0,
        samples,
        new ChangeSet.Way(ChangeSet.Way.Kind.SUM, way.reason()),
        false,
        false);
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
}
