package io.fulmar.internal.store;

import java.sql.Connection;
import java.util.List;

/**
 * A transaction of the database in which a state lives, for one call of a destination in the same
 * database: what the destination writes and what is noted of it come to be together, or not at all.
 * Begun by the holder of a claim, it cannot commit once another runner has the sync. Used by one
 * thread.
 */
public interface JoinedWrite extends AutoCloseable {
  /** The connection that the destination writes on; only this transaction commits it. */
  Connection connection();

  /**
   * Notes in this transaction what became of changes.
   *
   * @param from position of the first
   * @param outcomes one for each position from there on
   * @throws io.fulmar.spi.NotAppliedException if that is not possible now
   */
  void acknowledge(long from, List<Outcome> outcomes) throws Exception;

  /**
   * Commits; durable on return. If the answer of the server is lost, looks whether it did.
   *
   * @throws io.fulmar.spi.NotAppliedException if it is certain that nothing was committed
   * @throws io.fulmar.StateException if that cannot be found out: what the database has on record
   *     is what happened
   */
  void commit() throws Exception;

  /** Undoes everything, unless it was committed. */
  @Override
  void close();
}
