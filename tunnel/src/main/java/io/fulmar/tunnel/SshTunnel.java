package io.fulmar.tunnel;

/**
 * Where tunnels begin: to a database in a private network through an SSH server there ({@link
 * #forward}), or from inside that network out to an SSH server elsewhere ({@link #reverse}).
 *
 * <pre>{@code
 * Source source = Source.builder()
 *     .host("db.internal").database("shop").user("fulmar").password(Secret.ofEnv("PGPASSWORD"))
 *     .tunnel(SshTunnel.forward("bastion.example.com").user("fulmar")
 *         .key(UserKey.file(Path.of("/etc/fulmar/id_ed25519")))
 *         .hostKeys(HostKeys.fingerprint("SHA256:..."))
 *         .build())
 *     .build();
 * }</pre>
 */
public final class SshTunnel {
  private SshTunnel() {}

  /**
   * A tunnel through an SSH server that reaches the database.
   *
   * @param host name or address of the SSH server
   */
  public static ForwardTunnel.Builder forward(String host) {
    return new ForwardTunnel.Builder(host);
  }

  /**
   * A tunnel from inside the private network, where this process runs, to a port of an SSH server
   * outside.
   *
   * @param host name or address of the SSH server
   */
  public static ReverseTunnel.Builder reverse(String host) {
    return new ReverseTunnel.Builder(host);
  }

  /**
   * Makes an Ed25519 key pair for a tunnel; {@link SshKeyPair} writes the private key, and the line
   * for {@code authorized_keys} that allows the tunnel and nothing else.
   */
  public static SshKeyPair generateKeyPair() {
    return SshKeyPair.generate();
  }
}
