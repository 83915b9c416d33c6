package io.fulmar.internal.postgres;

import java.sql.SQLException;

/** No connection came about, and this is why; the driver's own error is the cause. */
public final class ConnectFailedException extends SQLException {
  private static final long serialVersionUID = 1L;

  /** Not for other processes. */
  private final transient ConnectFailure failure;

  ConnectFailedException(ConnectFailure failure, SQLException cause) {
    super(failure.fact(), failure.sqlState(), cause);
    this.failure = failure;
  }

  /** Why. */
  public ConnectFailure failure() {
    return failure;
  }
}
