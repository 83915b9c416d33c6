package io.fulmar.tunnel.internal.keys;

import com.hierynomus.sshj.userauth.certificate.Certificate;
import io.fulmar.TunnelException;
import io.fulmar.tunnel.internal.keys.KnownHosts.Line;
import io.fulmar.tunnel.internal.keys.KnownHosts.Mark;
import java.security.PublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The host key stands in a known_hosts file, or in a text of that form. */
public final class KnownHostsPolicy implements HostKeyPolicy {
  private final KnownHostsSource source;

  /** Makes the policy over where the lines come from. */
  public KnownHostsPolicy(KnownHostsSource source) {
    this.source = source;
  }

  @Override
  public HostKeyCheck check() {
    return new Check(source.read());
  }

  @Override
  public String toString() {
    return source.toString();
  }

  private final class Check extends AbstractHostKeyCheck {
    private final KnownHosts known;

    private Check(KnownHosts known) {
      this.known = known;
    }

    @Override
    @Nullable TunnelException decide(String host, int port, PublicKey shown) {
      TunnelException refusal = judge(known, host, port, shown);
      if (refusal == null || !source.learns() || !mayBeLearnt(known, host, port, shown)) {
        return refusal;
      }
      HostKey key = HostKey.of(shown);
      String name = HostPatterns.name(host, port);
      return source.learn(
          host,
          port,
          name + " " + key.line(),
          now ->
              mayBeLearnt(now, host, port, shown)
                  ? null
                  : new Verdict(judge(now, host, port, shown)));
    }

    @Override
    public List<String> findExistingAlgorithms(String hostname, int port) {
      Set<String> algorithms = new LinkedHashSet<>();
      for (Line line : linesFor(known, hostname, port)) {
        HostKey key = line.key();
        if (key == null) {
          continue;
        }
        if (line.mark() == Mark.AUTHORITY) {
          for (String type : HostKey.TYPES) {
            algorithms.add(type + "-cert-v01@openssh.com");
          }
        } else if (line.mark() == Mark.KEY) {
          algorithms.add(key.type());
          if (key.type().equals("ssh-rsa")) {
            algorithms.add("rsa-sha2-512");
            algorithms.add("rsa-sha2-256");
          }
        }
      }
      return List.copyOf(algorithms);
    }
  }

  /**
   * What was found under the lock of the file.
   *
   * @param refusal why the key is refused; null if it is not
   */
  record Verdict(@Nullable TunnelException refusal) {}

  /** The lines about a host; those about its name without the port if there is no other. */
  private static List<Line> linesFor(KnownHosts known, String host, int port) {
    List<Line> lines = known.about(HostPatterns.name(host, port));
    if (lines.stream().anyMatch(line -> line.mark() == Mark.KEY) || port == 22) {
      return lines;
    }
    List<Line> both = new ArrayList<>(lines);
    both.addAll(known.about(HostPatterns.name(host, 22)));
    return both;
  }

  /**
   * Whether a key may be taken in on first use: nothing is known of the host under this port, be it
   * of a type that is not accepted, and the key is not revoked.
   */
  private static boolean mayBeLearnt(KnownHosts known, String host, int port, PublicKey shown) {
    return revocation(known, host, port, shown) == null
        && known.about(HostPatterns.name(host, port)).stream()
            .noneMatch(line -> line.mark() != Mark.REVOKED);
  }

  /** The line that revokes a key, for the host under whatever port. */
  private static @Nullable Line revocation(
      KnownHosts known, String host, int port, PublicKey shown) {
    List<Line> lines = new ArrayList<>(known.about(HostPatterns.name(host, port)));
    lines.addAll(known.about(HostPatterns.name(host, 22)));
    HostKey key = HostKey.of(shown);
    return lines.stream()
        .filter(line -> line.mark() == Mark.REVOKED && is(line, key, shown))
        .findFirst()
        .orElse(null);
  }

  private static @Nullable TunnelException judge(
      KnownHosts known, String host, int port, PublicKey shown) {
    HostKey key = HostKey.of(shown);
    List<Line> lines = linesFor(known, host, port);
    Line revoked = revocation(known, host, port, shown);
    if (revoked != null) {
      return AbstractHostKeyCheck.refused(
          host,
          port,
          "its host key %s is revoked (%s)".formatted(key, place(known, revoked)),
          "Give the server a new host key, and take its fingerprint into the known hosts.");
    }
    if (shown instanceof Certificate<?> certificate) {
      for (Line line : lines) {
        HostKey authority = line.key();
        if (line.mark() == Mark.AUTHORITY
            && authority != null
            && authority.same(certificate.getSignatureKey())) {
          return judge(known, host, port, line, certificate);
        }
      }
    }
    List<Line> keys = lines.stream().filter(line -> line.mark() == Mark.KEY).toList();
    for (Line line : keys) {
      HostKey right = line.key();
      if (right != null && right.same(key)) {
        return null;
      }
    }
    // A host that is known on port 22 alone is not known on another one.
    List<Line> own =
        known.about(HostPatterns.name(host, port)).stream()
            .filter(line -> line.mark() == Mark.KEY)
            .toList();
    return own.isEmpty()
        ? unknown(known, host, port, key, lines)
        : changed(known, host, port, key, own);
  }

  private static boolean is(Line revoked, HostKey key, PublicKey shown) {
    HostKey bad = revoked.key();
    return bad != null
        && (bad.same(key)
            || (shown instanceof Certificate<?> certificate
                && bad.same(certificate.getSignatureKey())));
  }

  private static @Nullable TunnelException judge(
      KnownHosts known, String host, int port, Line line, Certificate<?> certificate) {
    HostKey authority = line.key();
    String flaw =
        authority != null && authority.tooSmall()
            ? "is signed by an RSA key of fewer than %s bits".formatted(HostKey.MIN_RSA_BITS)
            : HostCertificate.flaw(certificate, host, Instant.now());
    if (flaw == null) {
      return null;
    }
    return AbstractHostKeyCheck.refused(
        host,
        port,
        "its host certificate, of the authority %s (%s), %s"
            .formatted(authority, place(known, line), flaw),
        "Let the authority sign the host key anew: ssh-keygen -s ca_key -I %s -h -n %s -V +52w"
                .formatted(host, host)
            + " /etc/ssh/ssh_host_ed25519_key.pub.");
  }

  private static TunnelException changed(
      KnownHosts known, String host, int port, HostKey key, List<Line> lines) {
    String expected =
        lines.stream()
            .limit(5)
            .map(
                line ->
                    (line.key() == null ? line.type() : line.key().toString())
                        + " (%s)".formatted(place(known, line)))
            .collect(Collectors.joining(" or "));
    return AbstractHostKeyCheck.refused(
        host,
        port,
        "its host key is not the known one: expected %s, got %s".formatted(expected, key),
        "Somebody may be in between, or the server has a new key. Ask its administrator for the"
            + " fingerprint (on the server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). Only"
            + " if it is the one that came, replace the line by: %s %s"
                .formatted(HostPatterns.name(host, port), key.line()));
  }

  private static TunnelException unknown(
      KnownHosts known, String host, int port, HostKey key, List<Line> lines) {
    String name = HostPatterns.name(host, port);
    String hint =
        lines.stream().anyMatch(line -> line.mark() == Mark.AUTHORITY)
            ? " and no certificate of the authority that stands for it came"
            : "";
    return AbstractHostKeyCheck.refused(
        host,
        port,
        "its host key is not known: %s has no key of %s%s, got %s"
            .formatted(known.source(), name, hint, key),
        "Compare the fingerprint with what its administrator gives (on the server: ssh-keygen -lf"
            + " /etc/ssh/ssh_host_ed25519_key.pub). If it is the same, add the line: %s %s"
                .formatted(name, key.line()));
  }

  private static String place(KnownHosts known, Line line) {
    return "%s, line %s".formatted(known.source(), line.number());
  }
}
