package io.fulmar.internal.postgres;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;

/** Asks for a secret; what goes wrong in the application's supplier is told without its words. */
final class SecretText {
  private SecretText() {}

  /** There is no secret to be had. */
  static final class UnreadableException extends Exception {
    private static final long serialVersionUID = 1L;

    UnreadableException(String fact) {
      super(fact);
    }
  }

  /**
   * The text.
   *
   * @param option which one
   * @throws UnreadableException if its supplier fails; the stack says where
   */
  static String of(String option, Secret secret) throws UnreadableException {
    String text;
    try {
      text = secret.reveal();
    } catch (ConfigurationException e) {
      // Ours: what is missing, and what to do.
      throw new UnreadableException("%s is not to be had (%s)".formatted(option, e.getMessage()));
    } catch (RuntimeException e) {
      // Its message may hold the secret, or half of one.
      UnreadableException plain =
          new UnreadableException(
              "the supplier of %s threw %s".formatted(option, e.getClass().getName()));
      plain.setStackTrace(e.getStackTrace());
      throw plain;
    }
    if (text.indexOf('\0') >= 0) {
      throw new UnreadableException("%s holds the character 0".formatted(option));
    }
    return text;
  }
}
