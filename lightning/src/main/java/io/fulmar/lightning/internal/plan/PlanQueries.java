package io.fulmar.lightning.internal.plan;

import io.fulmar.Operation;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.List;

/**
 * The statements that look at a plan in the making and at what is remembered.
 *
 * @param model what was compared
 * @param key how keys are kept
 * @param hash by which values are compared
 * @param remembered which fields are kept of accepted versions
 * @param previous whether the plan has what was accepted
 * @param first whether it is a {@link FirstPlan}
 */
record PlanQueries(
    ModelParts model,
    StoredKey key,
    RowHash hash,
    Remembered remembered,
    boolean previous,
    boolean first) {
  /** Finds the keys that occur more than once in a plan. */
  String duplicates(SyncTables tables, int place) {
    return CountSql.DUPLICATES_OF_PLAN
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("w"))
        .with("plan", tables.plan(place))
        .sql();
  }

  /** Makes a plan again without ambiguous keys. */
  String withoutDuplicates(SyncTables tables, int from, int to) {
    List<Identifier> names = new ArrayList<>(model.fieldNames("s"));
    if (previous) {
      names.addAll(Parts.numbered("s", "p", remembered.fields().size()));
      names.add(Identifier.of("s", "p_valued"));
    }
    return CountSql.WITHOUT_DUPLICATES
        .with("ambiguous", tables.plan(from))
        .with("plan", tables.plan(to))
        .with("duplicates", tables.duplicates())
        .with("kept", (first ? FirstPlan.KEPT : CountSql.KEPT).with("keys", key.columns("s")))
        .with("names", names)
        .with("same", Parts.same(key.columns("d"), key.columns("p")))
        .sql();
  }

  /** Counts what is in a plan. */
  String count(SyncTables tables, int place) {
    List<SqlPart> differences = new ArrayList<>();
    List<ColumnKind> kinds = model.fieldKinds();
    for (int i = 0; i < remembered.fields().size(); i++) {
      int field = remembered.fields().get(i);
      differences.add(
          previous
              ? CountSql.DIFFERENCE.with(
                  "differ",
                  hash.differ(
                      kinds.get(field),
                      Identifier.of("p", "p" + i),
                      Identifier.of("p", "f" + field)))
              : CountSql.ZERO);
    }
    differences.add(CountSql.ZERO);
    return CountSql.PLAN.with("plan", tables.plan(place)).with("differences", differences).sql();
  }

  /** Counts keys with a hold of which no version was accepted. */
  String countHeldAlone(SyncTables tables, int generation) {
    return CountSql.HELD_ALONE
        .with("holds", tables.holds())
        .with("state", tables.state(generation))
        .with("same", Parts.same(key.columns("a"), key.columns("h")))
        .sql();
  }

  /** Counts live keys of the state that have a row in a plan. */
  String countLiveInPlan(SyncTables tables, int generation, int place) {
    return CountSql.LIVE_IN_PLAN
        .with("plan", tables.plan(place))
        .with("state", tables.state(generation))
        .with("same", Parts.same(key.columns("a"), key.columns("p")))
        .sql();
  }

  /** Reads the keys of the first changes of an operation: its name, then the key. */
  String firstChanges(Identifier plan, Operation operation, int most) {
    SqlTemplate samples =
        switch (operation) {
          case ADDED -> CountSql.FIRST_ADDED;
          case CHANGED -> CountSql.FIRST_CHANGED;
          case REMOVED -> CountSql.FIRST_REMOVED;
        };
    return samples
        .with("plan", first ? FirstPlan.rows(plan, 0, 0) : plan)
        .with("keys", key.columns("p"))
        .with("most", Parts.number(most))
        .sql();
  }

  /** Reads the first ambiguous keys: how many rows each has, then the key. */
  String firstDuplicates(SyncTables tables, int most) {
    return CountSql.DUPLICATE_KEYS
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("d"))
        .with("most", Parts.number(most))
        .sql();
  }
}
