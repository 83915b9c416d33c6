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

  /**
   * {@link #written}, for a statement that asks it of every row and takes few of them: a short
   * range is faster as a list, but PostgreSQL expects that all rows are in one.
   */
  public SqlPart writtenAmongAll() {
    if (until - from > MOST_LISTED) {
      return written();
    }
    // Numbers that are still to come make up for those that are wanting.
    long listed = Math.max(LEAST_LISTED, until - from);
    return DeltaSql.WRITTEN_BY.with(
        "transactions",
        LongStream.range(from, from + listed).mapToObj(ColumnExpression::transaction).toList());
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
