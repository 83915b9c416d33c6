package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The host key has one of the given fingerprints. */
public final class FingerprintPolicy implements HostKeyPolicy {
  private static final String PREFIX = "SHA256:";

  private final List<String> fingerprints;

  /**
   * Makes the policy.
   *
   * @param fingerprints as {@code ssh-keygen -l} shows them
   * @throws IllegalArgumentException if one is no SHA-256 fingerprint
   */
  public FingerprintPolicy(List<String> fingerprints) {
    this.fingerprints = fingerprints.stream().map(FingerprintPolicy::checked).toList();
  }

  private static String checked(String text) {
    String base64 = text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : "";
    try {
      byte[] digest = Base64.getDecoder().decode(base64);
      if (digest.length == 32) {
        return PREFIX + Base64.getEncoder().withoutPadding().encodeToString(digest);
      }
    } catch (IllegalArgumentException e) {
      throw notOne(text, e);
    }
    throw notOne(text, null);
  }

  private static IllegalArgumentException notOne(String text, @Nullable Throwable cause) {
    return new IllegalArgumentException(
        "fingerprint must be SHA256: and 43 characters of base64, as ssh-keygen -lf"
            + " /etc/ssh/ssh_host_ed25519_key.pub shows it on the server, is "
            + text,
        cause);
  }

  @Override
  public HostKeyCheck check() {
    return new Check();
  }

  @Override
  public String toString() {
    return "fingerprint " + String.join(" or ", fingerprints);
  }

  private final class Check extends AbstractHostKeyCheck {
    @Override
    @Nullable TunnelException decide(String host, int port, PublicKey shown) {
      HostKey key = HostKey.of(shown);
      if (fingerprints.contains(key.fingerprint())) {
        return null;
      }
      return refused(
          host,
          port,
          "its host key is not the pinned one: expected %s, got %s"
              .formatted(String.join(" or ", fingerprints), key),
          "Somebody may be in between, the server may have new keys, or the fingerprint is that of"
              + " a key of another type. Ask the administrator of the server for all its"
              + " fingerprints and pin those: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub.");
    }

    @Override
    public List<String> findExistingAlgorithms(String hostname, int port) {
      return List.of();
    }
  }
}
