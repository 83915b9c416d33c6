package io.fulmar;

/**
 * The destination stopped the run, could not be reached for longer than the sync allows, let calls
 * pass their deadline, or refused most changes.
 */
public final class DeliveryException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   */
  public DeliveryException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   * @param cause what led to it
   */
  public DeliveryException(String message, Throwable cause) {
    super(message, cause);
  }
}
