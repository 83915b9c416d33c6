package io.fulmar.lightning.internal.delta;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlPart;

/**
 * A range of transactions by their numbers of 64 bits. Rows have the lower 32 of them, which begin
 * anew every four billion transactions; a range of fewer than that has all rows that were written
 * in it, and perhaps some that were written long before. Immutable.
 *
 * @param from the first
 * @param until the one after the last
 */
public record XidRange(long from, long until) {
  private static final long NUMBERS = 1L << 32;

  /**
   * Checks that no number is in it twice.
   *
   * @throws IllegalArgumentException if it has fewer than none, or four billion and more
   */
  public XidRange {
    if (from < 0 || until < from || until - from >= NUMBERS) {
      throw new IllegalArgumentException("no range of transactions: " + from + " to " + until);
    }
  }

  /** A condition on rows of {@code fulmar_table}: written in this range. */
  public SqlPart written() {
    ColumnExpression first = ColumnExpression.number((int) from);
    if (until < NUMBERS) {
      // No number has been used twice, so no row has one that is still to come.
      return DeltaSql.WRITTEN_SINCE.with("from", first);
    }
    boolean around = Integer.compareUnsigned((int) until, (int) from) < 0;
    return (around ? DeltaSql.WRITTEN_AROUND : DeltaSql.WRITTEN)
        .with("from", first)
        .with("until", ColumnExpression.number((int) until));
  }
}
