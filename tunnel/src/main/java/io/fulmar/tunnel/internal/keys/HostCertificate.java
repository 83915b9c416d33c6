package io.fulmar.tunnel.internal.keys;

import com.hierynomus.sshj.userauth.certificate.Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.KeyType;
import net.schmizz.sshj.common.SSHRuntimeException;
import org.jspecify.annotations.Nullable;

/** The rules for the certificate of a host (PROTOCOL.certkeys of OpenSSH). */
final class HostCertificate {
  /** SSH_CERT_TYPE_HOST. */
  private static final long HOST = 2;

  /** What an authority may sign with: SHA-1 is not among it. */
  private static final Set<String> SIGNATURES =
      Set.of(
          "ssh-ed25519",
          "ecdsa-sha2-nistp256",
          "ecdsa-sha2-nistp384",
          "ecdsa-sha2-nistp521",
          "rsa-sha2-256",
          "rsa-sha2-512");

  private HostCertificate() {}

  /**
   * Says what is wrong with a certificate, whose authority is known to be the right one.
   *
   * @return a fact that goes on from "its host certificate"; null if all is well
   */
  static @Nullable String flaw(Certificate<?> certificate, String host, Instant now) {
    if (certificate.getType() != HOST) {
      return "is one for users";
    }
    if (!certificate.getCritOptions().isEmpty()) {
      return "has critical options, and there are none that a client knows for hosts";
    }
    List<String> principals = certificate.getValidPrincipals();
    if (principals == null || principals.isEmpty()) {
      return "names no host";
    }
    String name = host.toLowerCase(Locale.ROOT);
    if (principals.stream().noneMatch(principal -> HostPatterns.glob(principal, name))) {
      return "is for other hosts: " + String.join(", ", principals);
    }
    if (now.isBefore(certificate.getValidAfter().toInstant())) {
      return "is not valid before " + certificate.getValidAfter().toInstant();
    }
    if (!now.isBefore(certificate.getValidBefore().toInstant())) {
      return "is not valid since " + certificate.getValidBefore().toInstant();
    }
    try {
      String algorithm = new Buffer.PlainBuffer(certificate.getSignature()).readString();
      if (!SIGNATURES.contains(algorithm)) {
        return "is signed with an algorithm that is not accepted";
      }
      byte[] wire = new Buffer.PlainBuffer().putPublicKey(certificate).getCompactData();
      // sshj looks at names and dates once more, and at the signature, which is what counts here.
      if (KeyType.CertUtils.verifyHostCertificate(wire, certificate, name) != null) {
        return "is not signed by its authority";
      }
    } catch (Buffer.BufferException | SSHRuntimeException e) {
      return "is damaged";
    }
    return null;
  }
}
