package io.fulmar.internal.run;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.PlannedChange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Planned changes of keys that are numbers; the change of key 7 has the id "c7". */
final class Changes {
  static final long RUN = 1_768_471_200_000L;

  private Changes() {}

  /** A row of one column. */
  private record Numbered(long id) implements Row {
    @Override
    public List<String> columns() {
      return List.of("id");
    }

    @Override
    public @Nullable Object value(String column) {
      return id;
    }

    @Override
    public @Nullable String text(String column) {
      return Long.toString(id);
    }
  }

  static String id(long key) {
    return "c" + key;
  }

  static PlannedChange of(long position, Operation operation, long key) {
    return of(position, operation, key, 100, false, 0);
  }

  static PlannedChange of(
      long position, Operation operation, long key, int bytes, boolean oversize, long until) {
    Row row = new Numbered(key);
    return new PlannedChange(
        position,
        new Change(operation, row, row, id(key), RUN, 1),
        bytes,
        oversize ? Hold.Reason.rowTooLarge(5_000) : null,
        until);
  }

  /** Additions of the keys 0, 1, 2 ... at the positions 0, 1, 2 ... */
  static List<PlannedChange> added(int count) {
    List<PlannedChange> changes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      changes.add(of(i, Operation.ADDED, i));
    }
    return changes;
  }
}
