package io.fulmar.lightning.internal.plan;

import io.fulmar.Operation;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What {@link CountSql#PLAN} counts in the table of a plan. Immutable.
 *
 * @param entries all rows
 * @param planned changes, by the ordinals of {@link Operation}
 * @param held changes that are held
 * @param ignored removals that are ignored for the first time
 * @param effects keys that the fold changes besides
 * @param firstRemovals removals planned for the first time
 * @param absent known keys without a row in the model ...
 * @param goneAbsent ... those of them that were gone already
 * @param gonePresent keys that were gone and have a row again
 * @param fresh rows of the model of whose keys nothing is known
 * @param arrived rows of the model whose keys are not synced, or were gone
 * @param columnChanges changes in each remembered column
 */
record PlanCounts(
    long entries,
    List<Long> planned,
    long held,
    long ignored,
    long effects,
    long firstRemovals,
    long absent,
    long goneAbsent,
    long gonePresent,
    long fresh,
    long arrived,
    List<Long> columnChanges) {
  private static final int FIXED = 13;

  /** Counts. */
  static PlanCounts read(SessionStatements statements, String sql, int rememberedColumns)
      throws SQLException {
    long[] found = statements.numbers(sql, FIXED + rememberedColumns);
    Long[] planned = new Long[Operation.values().length];
    planned[Operation.ADDED.ordinal()] = found[1];
    planned[Operation.CHANGED.ordinal()] = found[2];
    planned[Operation.REMOVED.ordinal()] = found[3];
    List<Long> columnChanges = new ArrayList<>();
    for (int i = 0; i < rememberedColumns; i++) {
      columnChanges.add(found[FIXED + i]);
    }
    return new PlanCounts(
        found[0],
        List.of(planned),
        found[4],
        found[5],
        found[6],
        found[7],
        found[8],
        found[9],
        found[10],
        found[11],
        found[12],
        columnChanges);
  }

  /** Nothing is in the plan. */
  static PlanCounts none(int rememberedColumns) {
    return new PlanCounts(
        0,
        List.of(0L, 0L, 0L),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        Collections.nCopies(rememberedColumns, 0L));
  }

  /** Every row of the model is added. */
  static PlanCounts added(long rows, int rememberedColumns) {
    return new PlanCounts(
        rows,
        List.of(rows, 0L, 0L),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        rows,
        rows,
        Collections.nCopies(rememberedColumns, 0L));
  }

  /** The same, with another number of removals that are planned for the first time. */
  PlanCounts withFirstRemovals(long value) {
    return new PlanCounts(
        entries,
        planned,
        held,
        ignored,
        effects,
        value,
        absent,
        goneAbsent,
        gonePresent,
        fresh,
        arrived,
        columnChanges);
  }

  /** Rows of the model that are in the plan. */
  long present() {
    return entries - absent;
  }

  /** Whether a fold would do nothing. */
  boolean isIdle() {
    return effects == 0 && planned.stream().allMatch(count -> count == 0);
  }
}
