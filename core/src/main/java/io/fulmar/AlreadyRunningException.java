package io.fulmar;

/**
 * Another run of the same sync is going on, in this JVM or in another process. Nothing was done.
 */
public final class AlreadyRunningException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   */
  public AlreadyRunningException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   * @param cause what led to it
   */
  public AlreadyRunningException(String message, Throwable cause) {
    super(message, cause);
  }
}
