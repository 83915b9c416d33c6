package io.fulmar.lightning.internal.schema;

import java.util.List;

/**
 * The columns of a model that the tables of its sync keep. Immutable.
 *
 * @param key those of the key, which become {@code k0, k1 ...}
 * @param remembered those of which the accepted value is kept, which become {@code r0, r1 ...}
 */
public record SyncColumns(List<StoredColumn> key, List<StoredColumn> remembered) {
  /** Copies the lists. */
  public SyncColumns {
    key = List.copyOf(key);
    remembered = List.copyOf(remembered);
    if (key.isEmpty()) {
      throw new IllegalArgumentException("key must have a column at least");
    }
  }
}
