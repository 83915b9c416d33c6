package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long the driver waits for an answer on a connection that others use before and after. A pool
 * whose connections have no such setting is left alone. Used by one thread at a time.
 */
public final class AnswerTimeout {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int UNCHANGED = -1;

  private final Connection handle;
  private int before = UNCHANGED;

  /** Changes nothing yet. */
  public AnswerTimeout(Connection handle) {
    this.handle = handle;
  }

  /**
   * Waits for so long.
   *
   * @param longest at most 24 days
   */
  public void set(Duration longest) throws SQLException {
    try {
      int current = handle.getNetworkTimeout();
      set(longest, current);
    } catch (SQLFeatureNotSupportedException e) {
      ignore(e);
    }
  }

  /**
   * Waits for so long at most: a shorter time-out stays.
   *
   * @param longest at most 24 days
   */
  public void lowerTo(Duration longest) throws SQLException {
    try {
      int current = handle.getNetworkTimeout();
      if (current == 0 || current > longest.toMillis()) {
        set(longest, current);
      }
    } catch (SQLFeatureNotSupportedException e) {
      ignore(e);
    }
  }

  private void set(Duration longest, int current) throws SQLException {
    handle.setNetworkTimeout(Runnable::run, (int) Math.min(Integer.MAX_VALUE, longest.toMillis()));
    before = before == UNCHANGED ? current : before;
  }

  private static void ignore(SQLFeatureNotSupportedException e) {
    LOG.debug("the pool's connections take no network timeout: {}", SqlStates.code(e));
  }

  /** Waits as long as before. */
  public void restore() throws SQLException {
    if (before != UNCHANGED) {
      handle.setNetworkTimeout(Runnable::run, before);
      before = UNCHANGED;
    }
  }
}
