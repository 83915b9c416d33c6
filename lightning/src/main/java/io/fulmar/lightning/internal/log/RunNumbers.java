package io.fulmar.lightning.internal.log;

import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;

/**
 * The numbers of runs: milliseconds since 1970 by the server's clock, or more, where that has been
 * given. They are unique over all syncs and grow with time, also where a sync is forgotten, or the
 * clock is set back. Stateless.
 */
public final class RunNumbers {
  private RunNumbers() {}

  /**
   * The next number. The transaction holds all other runs that begin, so it should do nothing else.
   *
   * @param transaction that of the caller, who commits it
   * @param schemas where the numbers are
   * @param atLeast the number is not less: one more than the last run that the sync had anywhere
   */
  public static long next(Transaction transaction, Schemas schemas, long atLeast)
      throws SQLException {
    return transaction.number(
        RunNumberSql.NEXT.with("numbers", schemas.numbers()).sql(), atLeast, atLeast);
  }
}
