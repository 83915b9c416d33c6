package io.fulmar;

import java.util.Objects;
import java.util.function.Supplier;

/**
 * A password or token that never shows in {@code toString()}, logs or errors. This class is
 * threadsafe.
 *
 * <p>{@code Secret.ofEnv("PGPASSWORD")} reads the variable when the secret is needed, at each new
 * connection, not when the object is made.
 */
public final class Secret {
  private final Supplier<String> value;

  private Secret(Supplier<String> value) {
    this.value = value;
  }

  /**
   * A fixed secret.
   *
   * @param value the secret text
   */
  public static Secret of(String value) {
    Objects.requireNonNull(value, "value");
    return new Secret(() -> value);
  }

  /**
   * A secret that is asked for at each new connection, for tokens that rotate.
   *
   * @param supplier gives the current secret; called on the thread that connects, possibly on
   *     several at once
   */
  public static Secret of(Supplier<String> supplier) {
    return new Secret(Objects.requireNonNull(supplier, "supplier"));
  }

  /**
   * The value of an environment variable, read at each new connection.
   *
   * @param variable name of the variable
   */
  public static Secret ofEnv(String variable) {
    Objects.requireNonNull(variable, "variable");
    return new Secret(
        () -> {
          String text = System.getenv(variable);
          if (text == null) {
            throw new ConfigurationException(
                "Cannot read the secret: the environment variable "
                    + variable
                    + " is not set. Set it.");
          }
          return text;
        });
  }

  /**
   * The secret text, for handing to a driver or client.
   *
   * @throws ConfigurationException if the environment variable is not set, or the supplier gives
   *     null; what the supplier throws passes
   */
  public String reveal() {
    String text = value.get();
    if (text == null) {
      throw new ConfigurationException(
          "Cannot read the secret: its supplier gave null. Let it give the secret or throw.");
    }
    return text;
  }

  @Override
  public String toString() {
    return "Secret[***]";
  }
}
