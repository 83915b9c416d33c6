package io.fulmar.tunnel;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.internal.keys.FingerprintPolicy;
import io.fulmar.tunnel.internal.keys.HostKeyPolicy;
import io.fulmar.tunnel.internal.keys.KnownHostsFile;
import io.fulmar.tunnel.internal.keys.KnownHostsPolicy;
import io.fulmar.tunnel.internal.keys.KnownHostsSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * How it is made sure that the SSH server is the right one: by its host key, which is always
 * checked. This class is immutable and threadsafe.
 *
 * <p>The usual way is the {@code known_hosts} file that {@code ssh} uses, too. Where there is none,
 * as in a container, pin the fingerprint that {@code ssh-keygen -lf
 * /etc/ssh/ssh_host_ed25519_key.pub} shows on the server:
 *
 * <pre>{@code
 * HostKeys.fingerprint("SHA256:uNiVztksCsDhcc0u9e8BrJXL1EQ3mbY1LGk4wYFmpBg")
 * }</pre>
 *
 * <p>Files are read anew for each connection. They may have plain and hashed hosts, patterns with
 * {@code *}, {@code ?} and {@code !}, {@code [host]:port}, and the markers {@code @cert-authority}
 * and {@code @revoked}, as described in sshd(8). A line for the host without its port counts for
 * other ports, too, where these have no line of their own. A malformed line is an error that names
 * it; a line whose key type is not supported is left alone. Ed25519, ECDSA and RSA of at least 2048
 * bits are accepted. A host certificate is accepted if an authority of the file has signed it, it
 * names the host, and it is valid today; a certificate without such an authority counts as the key
 * that is in it.
 */
public final class HostKeys {
  private final HostKeyPolicy policy;

  private HostKeys(HostKeyPolicy policy) {
    this.policy = policy;
  }

  /**
   * The host key stands in {@code ~/.ssh/known_hosts} of the user that runs the application (system
   * property {@code user.home}). The file of the machine, {@code /etc/ssh/ssh_known_hosts}, is not
   * read.
   */
  public static HostKeys knownHosts() {
    return knownHosts(Path.of(System.getProperty("user.home"), ".ssh", "known_hosts"));
  }

  /**
   * The host key stands in a file.
   *
   * @param file a file of the form of {@code known_hosts}; need not exist before a connection is
   *     made
   */
  public static HostKeys knownHosts(Path file) {
    Objects.requireNonNull(file, "file");
    return new HostKeys(
        new KnownHostsPolicy(new KnownHostsFile(file, KnownHostsFile.NewHosts.REFUSED)));
  }

  /**
   * The host key stands in a text.
   *
   * @param text lines of the form of {@code known_hosts}
   * @throws IllegalArgumentException naming the line, if one is malformed
   */
  public static HostKeys knownHostsText(String text) {
    Objects.requireNonNull(text, "text");
    try {
      return new HostKeys(new KnownHostsPolicy(KnownHostsSource.text(text)));
    } catch (TunnelException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /**
   * The host key has this fingerprint, or one of these. A server has a key for each type and shows
   * one of them: the Ed25519 key if it has one, otherwise ECDSA, otherwise RSA.
   *
   * @param fingerprint {@code SHA256:} and base64, as {@code ssh-keygen -l} shows it
   * @param more others that are right, too: during a change of keys, or of other servers of the
   *     same name
   * @throws IllegalArgumentException if one is no SHA-256 fingerprint
   */
  public static HostKeys fingerprint(String fingerprint, String... more) {
    List<String> all = new ArrayList<>();
    all.add(Objects.requireNonNull(fingerprint, "fingerprint"));
    for (String one : Objects.requireNonNull(more, "more")) {
      all.add(Objects.requireNonNull(one, "more"));
    }
    return new HostKeys(new FingerprintPolicy(all));
  }

  /**
   * The host key stands in a file, and that of a host of which the file knows nothing is believed
   * and added to it. Whoever is in between at the first connection stays there unseen: prefer the
   * others where a fingerprint is to be had. A key other than the known one is always refused, also
   * one of another type.
   *
   * @param file a file of the form of {@code known_hosts}, that outlives the application; made with
   *     the first host, readable for its owner only. Several processes may share it.
   */
  public static HostKeys trustOnFirstUse(Path file) {
    Objects.requireNonNull(file, "file");
    return new HostKeys(
        new KnownHostsPolicy(new KnownHostsFile(file, KnownHostsFile.NewHosts.LEARNT)));
  }

  /** The check itself. */
  HostKeyPolicy policy() {
    return policy;
  }

  @Override
  public String toString() {
    return "HostKeys[%s]".formatted(policy);
  }
}
