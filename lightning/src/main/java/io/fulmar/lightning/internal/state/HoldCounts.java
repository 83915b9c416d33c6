package io.fulmar.lightning.internal.state;

import io.fulmar.HoldKind;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;

/**
 * How many changes are remembered of a sync. Immutable.
 *
 * @param kinds by kind; every kind is there
 * @param unsure those of which a call may have applied something
 */
record HoldCounts(Map<HoldKind, Long> kinds, long unsure) {
  /** Nothing is remembered. */
  static HoldCounts none() {
    Map<HoldKind, Long> kinds = new EnumMap<>(HoldKind.class);
    for (HoldKind kind : HoldKind.values()) {
      kinds.put(kind, 0L);
    }
    return new HoldCounts(kinds, 0);
  }

  /** Counts them. */
  static HoldCounts read(Transaction transaction, Schemas schemas, SyncRecord record)
      throws SQLException {
    Map<HoldKind, Long> kinds = none().kinds();
    if (record.stateColumns == null) {
      return none();
    }
    long unsure = 0;
    for (Group group :
        transaction.list(
            StateSql.HOLD_COUNTS.with("holds", schemas.tables(record.slot).holds()).sql(),
            row -> new Group(HoldKind.valueOf(row.getString(1)), row.getLong(2), row.getLong(3)))) {
      kinds.put(group.kind(), group.count());
      unsure += group.unsure();
    }
    return new HoldCounts(kinds, unsure);
  }

  private record Group(HoldKind kind, long count, long unsure) {}

  long of(HoldKind kind) {
    return kinds.getOrDefault(kind, 0L);
  }
}
