package io.fulmar.tunnel.internal.keys;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;
import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;

/** Asks for a secret; what goes wrong in the application's supplier is told without its words. */
public final class SecretText {
  private SecretText() {}

  /**
   * The text.
   *
   * @param doing what it is needed for
   * @param what which secret it is
   * @throws TunnelException of kind {@code USER_KEY} if its supplier fails; the stack says where
   */
  public static String of(String doing, String what, Secret secret) throws TunnelException {
    try {
      return secret.reveal();
    } catch (ConfigurationException e) {
      // Ours: what is missing, and what to do.
      throw failure(doing, "%s is not to be had (%s)".formatted(what, e.getMessage()), e);
    } catch (RuntimeException e) {
      // Its message may hold the secret, or half of one.
      throw failure(
          doing, "the supplier of %s threw %s".formatted(what, e.getClass().getName()), e);
    }
  }

  private static TunnelException failure(String doing, String fact, RuntimeException where) {
    TunnelException plain =
        new TunnelException(Kind.USER_KEY, doing, fact, "Look at where it comes from.", null);
    plain.setStackTrace(where.getStackTrace());
    return plain;
  }
}
