package io.fulmar.lightning.internal.delta;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlPart;
import java.util.stream.LongStream;

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

  /** So many numbers make a statement of some 60 kB. */
  private static final long MOST_LISTED = 2_000;

  /** PostgreSQL looks a value up in a list of 9 and more by its hash. */
  private static final long LEAST_LISTED = 9;

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

  /** A condition on rows of {@code fulmar_table}, few of them: written in this range. */
  public SqlPart written() {
    boolean around = Integer.compareUnsigned((int) until, (int) from) < 0;
    return (around ? DeltaSql.WRITTEN_AROUND : DeltaSql.WRITTEN)
        .with("from", ColumnExpression.number((int) from))
        .with("until", ColumnExpression.number((int) until));
  }

  /** {@link #written}, for a statement that only counts: faster, whatever PostgreSQL expects. */
  public SqlPart counted() {
    if (until - from > MOST_LISTED) {
      // If no number has been used twice, no row has one that is still to come.
      return until < NUMBERS
          ? DeltaSql.WRITTEN_SINCE.with("from", ColumnExpression.number((int) from))
          : written();
    }
    // Numbers that are still to come make up for those that are wanting.
    long listed = Math.max(LEAST_LISTED, until - from);
    return DeltaSql.WRITTEN_BY.with(
        "transactions",
        LongStream.range(from, from + listed).mapToObj(ColumnExpression::transaction).toList());
  }
}
