package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.Sync;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.schema.Comments;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.sql.SQLException;

/**
 * The table of a plan in the making: how it is filled, counted and left.
 *
 * @param statements of the transaction
 * @param store of the sync's plans
 * @param sync what is planned
 * @param record what is known of the sync
 * @param request what the plan is for
 * @param rules how is decided
 * @param run number of the run
 * @param now milliseconds since 1970
 */
record PlanTable(
    SessionStatements statements,
    PlanStore store,
    Sync sync,
    SyncRecord record,
    PlanRequest request,
    Rules rules,
    long run,
    long now) {

  /**
   * A table that was made.
   *
   * @param place where it is
   * @param rows how many it has
   */
  record Made(int place, long rows) {}

  SyncTables tables() {
    return store.tables();
  }

  /** Where a plan can go, besides a place that is taken. */
  int freePlace(int... taken) throws SQLException {
    return store.freePlace(statements.session().connection(), taken);
  }

  /** Compares, and gives what came of it. */
  Made make(Comparison comparison) throws SQLException {
    int place = freePlace();
    Integer generation = record.generation;
    return new Made(
        place,
        statements.update(
            comparison.plan(
                tables(), generation == null ? 0 : generation, request, rules, place, run, now)));
  }

  /** Makes a plan again without ambiguous keys. */
  Made without(Duplicates duplicates, int place) throws SQLException {
    int next = freePlace(place);
    return new Made(next, duplicates.remove(place, next));
  }

  /** Counts what was made. */
  PlanCounts count(Comparison comparison, Made made) throws SQLException {
    if (comparison.isFirst()) {
      return PlanCounts.added(made.rows, sync.remembered().size());
    }
    return PlanCounts.read(
        statements, comparison.queries().count(tables(), made.place), sync.remembered().size());
  }

  /** Drops what is at a place. */
  void drop(int place) throws SQLException {
    Identifier table = tables().plan(place);
    statements.execute(CountSql.DROP.with("table", table).sql());
  }

  /**
   * Looks at what was made, and drops it if a fold would do nothing.
   *
   * @param comparison that made it
   * @param place where it is
   * @param rows rows of the model
   * @param invalid rows without a usable key
   * @param samples takes the first changes
   * @param way how they were found
   * @param counts what is in it
   */
  FoundChanges finish(
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
      drop(place);
      return new FoundChanges(PlanHead.NO_TABLE, found, rows, invalid, samples, way, false, false);
    }
    samples.planned(tables().plan(place), found);
    statements.execute(Comments.onPlan(tables(), place, sync.name()));
    return new FoundChanges(
        place, found, rows, invalid, samples, way, comparison.hasPrevious(), comparison.isFirst());
  }

  /** A synced key without a usable row is not in a destination that is cleared and filled. */
  private long liveInPlan(Comparison comparison, int place) throws SQLException {
    Integer generation = record.generation;
    StoredKey key = comparison.model().key();
    if (generation == null || !key.text().equals(record.stateColumns)) {
      return 0;
    }
    return statements
        .numbers(comparison.queries().countLiveInPlan(tables(), generation, place), 1)[0];
  }
}
