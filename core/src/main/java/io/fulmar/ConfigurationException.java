package io.fulmar;

/** What the application asked for cannot work: a setting, a model, or a combination of them. */
public final class ConfigurationException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   */
  public ConfigurationException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message what could not be done, why, and the remedy
   * @param cause what led to it
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}
