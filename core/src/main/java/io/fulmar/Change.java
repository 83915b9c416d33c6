package io.fulmar;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One change to deliver. Immutable.
 *
 * @param operation what happened in the source
 * @param key the key columns with their values
 * @param row the selected columns, as the {@link Mapping} says; for {@link Operation#REMOVED} the
 *     key columns, and those of {@link Sync.Builder#remember} in the version that was accepted
 *     last, if they are remembered of this key
 * @param changeId idempotency key: 32 hexadecimal digits that stay the same when this change is
 *     sent again, in the same run, in a later one or after a restart, and differ for any other
 *     change
 * @param sequence grows per key over all runs, for conditional writes: a destination that keeps it
 *     and refuses lower numbers never lets an older version win
 * @param attempt 1 for the first run that tries this change, 2 for the next, ...
 * @param previous for {@link Operation#CHANGED} the columns of {@link Sync.Builder#remember} in the
 *     version that was accepted last; null if none are remembered of this key
 */
public record Change(
    Operation operation,
    Row key,
    Row row,
    String changeId,
    long sequence,
    int attempt,
    @Nullable Row previous) {
  /** Checks that all parts are there. */
  public Change {
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(row, "row");
    Objects.requireNonNull(changeId, "changeId");
    if (attempt < 1) {
      throw new IllegalArgumentException("attempt must be at least 1, is " + attempt);
    }
  }

  /** A change without previous values. */
  public Change(
      Operation operation, Row key, Row row, String changeId, long sequence, int attempt) {
    this(operation, key, row, changeId, sequence, attempt, null);
  }
}
