package io.fulmar.lightning.internal.database;

import java.sql.SQLException;

/**
 * What is done in one transaction.
 *
 * @param <T> what it gives
 */
@FunctionalInterface
public interface Work<T> {
  /** Does it; whoever called commits. */
  T in(Transaction transaction) throws SQLException;
}
