package io.fulmar.verify.bench.compare;

import io.fulmar.Operation;
import java.math.BigDecimal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What was delivered: how many changes of each operation and the sum of their keys, and, where all
 * is to be checked, the sum of the column that changes. This class is threadsafe.
 */
final class Tally {
  private final boolean complete;

  /** By the ordinals of the operations. */
  private final long[][] countAndSum = new long[Operation.values().length][2];

  private BigDecimal values = BigDecimal.ZERO;
  private long rowsRead = -1;

  /**
   * An empty one.
   *
   * @param complete whether values are wanted too
   */
  Tally(boolean complete) {
    this.complete = complete;
  }

  /** Whether values are wanted too, which costs time. */
  boolean complete() {
    return complete;
  }

  /** Takes one change; the value is ignored unless wanted, and for removals. */
  synchronized void add(Operation operation, long key, @Nullable BigDecimal value) {
    long[] both = countAndSum[operation.ordinal()];
    both[0]++;
    both[1] += key;
    if (complete && value != null && operation != Operation.REMOVED) {
      values = values.add(value);
    }
  }

  /** What a bare read tells: only how many rows there were. */
  synchronized void read(long rows) {
    rowsRead = rows;
  }

  /** How many changes were delivered. */
  synchronized long count() {
    return Arrays.stream(countAndSum).mapToLong(both -> both[0]).sum();
  }

  /**
   * What is wrong.
   *
   * @param expected what the database says
   * @return empty if nothing is
   */
  synchronized String compare(Expected expected) {
    if (rowsRead >= 0) {
      return rowsRead == expected.rows()
          ? ""
          : "read %d rows of %d".formatted(rowsRead, expected.rows());
    }
    for (Operation each : Operation.values()) {
      long count = each == expected.operation() ? expected.count() : 0;
      long sum = each == expected.operation() ? expected.keys() : 0;
      long[] got = countAndSum[each.ordinal()];
      if (got[0] != count || got[1] != sum) {
        return "%s: expected %d with keys of %d in all and got %d with %d"
            .formatted(each, count, sum, got[0], got[1]);
      }
    }
    boolean hasValues = complete && expected.operation() != Operation.REMOVED;
    return hasValues && values.compareTo(expected.values()) != 0
        ? "values: expected %s in all and got %s".formatted(expected.values(), values)
        : "";
  }

  /**
   * What is to be delivered.
   *
   * @param operation the only operation
   * @param count how many
   * @param keys the sum of their keys
   * @param values the sum of the column that changes
   * @param rows how many rows the model has
   */
  record Expected(Operation operation, long count, long keys, BigDecimal values, long rows) {}
}
