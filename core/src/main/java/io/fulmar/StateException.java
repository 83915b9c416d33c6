package io.fulmar;

import org.jspecify.annotations.Nullable;

/** The state cannot be read, written or used for this sync. It is never treated as empty. */
public final class StateException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   */
  public StateException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   * @param cause what led to it; null if that may quote values
   */
  public StateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
