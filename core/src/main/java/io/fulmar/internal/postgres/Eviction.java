package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;

/**
 * Ends a connection that nobody else may get, so that the pool it is from sees it and makes
 * another. {@code abort} of the handle is what JDBC has for it, and not enough for three pools,
 * which are known by the names of their classes: Tomcat JDBC and Agroal lend such a connection
 * again, and c3p0 counts it as lent for ever.
 */
public final class Eviction {
  private static final String OF_TOMCAT = "org.apache.tomcat.jdbc.pool.PooledConnection";
  private static final String OF_AGROAL = "io.agroal.pool.wrapper.ConnectionWrapper";
  private static final String OF_C3P0 = "com.mchange.v2.c3p0.C3P0ProxyConnection";

  private Eviction() {}

  /**
   * Cuts the connection of a handle; the handle is closed by the caller, as always.
   *
   * @param handle of any pool, or a connection of pgjdbc itself
   * @throws SQLException if it cannot be cut
   */
  public static void evict(Connection handle) throws SQLException {
    if (isOfC3p0(handle)) {
      cut(handle);
      fail(handle);
    } else {
      discardInTomcat(handle);
      flushInAgroal(handle);
      handle.abort(Runnable::run);
    }
  }

  /** Ends what a connection is doing. May be called by another thread than its own. */
  public static void cut(Connection handle) throws SQLException {
    if (handle.unwrap(PGConnection.class) instanceof Connection driver) {
      driver.abort(Runnable::run);
    }
  }

  /** What fails on its handle tells c3p0 to look at the connection, when it is given back. */
  private static void fail(Connection cut) {
    try {
      cut.rollback();
      cut.setAutoCommit(true);
    } catch (SQLException e) {
      // As it should be.
    }
  }

  private static boolean isOfC3p0(Connection handle) {
    try {
      Class<?> type = Class.forName(OF_C3P0, false, handle.getClass().getClassLoader());
      return type.isInstance(handle) || handle.isWrapperFor(type);
    } catch (ClassNotFoundException | SQLException e) {
      return false;
    }
  }

  private static void discardInTomcat(Connection handle) {
    try {
      Class<?> type = Class.forName(OF_TOMCAT, false, handle.getClass().getClassLoader());
      type.getMethod("setDiscarded", boolean.class).invoke(handle.unwrap(type), true);
    } catch (ReflectiveOperationException | SQLException e) {
      // Another pool's.
    }
  }

  private static void flushInAgroal(Connection handle) {
    try {
      Class<?> type = Class.forName(OF_AGROAL, false, handle.getClass().getClassLoader());
      Object wrapper = type.isInstance(handle) ? handle : handle.unwrap(type);
      Object handler = type.getMethod("getHandler").invoke(wrapper);
      handler.getClass().getMethod("setFlushOnly").invoke(handler);
    } catch (ReflectiveOperationException | SQLException e) {
      // Another pool's.
    }
  }
}
