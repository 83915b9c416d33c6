package io.fulmar;

import org.jspecify.annotations.Nullable;

/** The source database could not be reached or refused a statement. */
public final class SourceException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /** The five characters of PostgreSQL's error code. */
  private final @Nullable String sqlState;

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   * @param sqlState PostgreSQL's error code (manual, appendix A); null if there is none
   * @param cause what led to it
   */
  public SourceException(String message, @Nullable String sqlState, @Nullable Throwable cause) {
    super(message);
    this.sqlState = sqlState;
    if (cause != null) {
      initCause(cause);
    }
  }

  /**
   * PostgreSQL's error code (manual, appendix A), for example {@code 57014}; null if there is none.
   */
  public @Nullable String sqlState() {
    return sqlState;
  }
}
