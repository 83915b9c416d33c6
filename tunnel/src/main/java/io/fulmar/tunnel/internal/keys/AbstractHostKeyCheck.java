package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import java.security.PublicKey;
import org.jspecify.annotations.Nullable;

/** What all checks of host keys share: small keys are refused, and the refusal is remembered. */
abstract class AbstractHostKeyCheck implements HostKeyCheck {
  private volatile @Nullable TunnelException refusal;

  @Override
  public final boolean verify(String hostname, int port, PublicKey key) {
    refusal = judge(hostname, port, key);
    return refusal == null;
  }

  private @Nullable TunnelException judge(String host, int port, PublicKey shown) {
    try {
      HostKey key = HostKey.of(shown);
      if (!HostKey.TYPES.contains(key.type())) {
        return refused(
            host,
            port,
            "its host key %s is of a type that is not accepted".formatted(key),
            "Give the server an Ed25519 host key: ssh-keygen -A makes it.");
      }
      if (key.tooSmall()) {
        return refused(
            host,
            port,
            "its host key %s has %s bits, and fewer than %s are not accepted"
                .formatted(key, key.bits(), HostKey.MIN_RSA_BITS),
            "Give the server an Ed25519 host key: ssh-keygen -A makes it.");
      }
      return decide(host, port, shown);
    } catch (TunnelException e) {
      return e;
    } catch (RuntimeException e) {
      // The thread that reads the connection must not die of what a server sends.
      return new TunnelException(
          TunnelException.Kind.HOST_KEY,
          doing(host, port),
          "its host key could not be checked",
          "The cause says why.",
          e);
    }
  }

  /** Why the key is not accepted; null if it is. */
  abstract @Nullable TunnelException decide(String host, int port, PublicKey shown);

  /** The error of a refused key. */
  static TunnelException refused(String host, int port, String fact, String remedy) {
    return new TunnelException(
        TunnelException.Kind.HOST_KEY, doing(host, port), fact, remedy, null);
  }

  /** What cannot be done, in errors. */
  static String doing(String host, int port) {
    return "connect to %s:%s".formatted(host, port);
  }

  @Override
  public final @Nullable TunnelException refusal() {
    return refusal;
  }
}
