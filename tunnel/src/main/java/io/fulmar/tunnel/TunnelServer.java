package io.fulmar.tunnel;

import io.fulmar.tunnel.internal.server.AcceptedKey;
import io.fulmar.tunnel.internal.server.Listener;
import io.fulmar.tunnel.internal.server.MinaListener;
import io.fulmar.tunnel.internal.server.PublicKeyLine;
import io.fulmar.tunnel.internal.server.ServerSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * The accepting end of reverse tunnels, for machines on which no SSH server of the system is to do
 * it. A client inside a private network connects out to it and has one port opened here, behind
 * which its database is: {@code ssh -R}, or the reverse tunnel of this module. It needs the
 * dependency {@code org.apache.sshd:sshd-osgi}, which this module has as an optional one.
 *
 * <pre>{@code
 * try (TunnelServer server =
 *     TunnelServer.builder(Path.of("/var/lib/shop/tunnel_host_key"))
 *         .bindAddress("0.0.0.0")
 *         .accept("plant-7", "ssh-ed25519 AAAA... plant-7", 5433)
 *         .start()) {
 *   System.out.println(server.knownHostsLine("tunnel.shop.example"));
 *   ...  // the database of plant 7 is at 127.0.0.1:5433
 * }
 * }</pre>
 *
 * <p>It lets in registered keys and nobody else, and opens for each its own port, on 127.0.0.1 and
 * nowhere else. It has no shell, commands, files, agent or X11, knows no passwords, and connects
 * nowhere, but for a client that looks through its own open port whether all of it works. Every
 * process on this machine can connect to an open port, so the database must ask for a password or a
 * certificate. What is offered to negotiate: key exchange with ML-KEM, sntrup761, Curve25519, ECDH
 * and Diffie-Hellman groups of 2,048 bits and more with SHA-2, AES in GCM and CTR mode, MACs with
 * SHA-2, signatures with Ed25519, ECDSA and RSA with SHA-2.
 *
 * <p>A port belongs to a key, not to a connection: a client that proves the key and asks for the
 * port takes it over from the connection that had it, which is cut. So no stale connection keeps a
 * client out that comes again; and two clients with one key take the port away from each other,
 * which is logged as a warning each time. A client must prove its key within 15 s. One that has
 * fallen silent is cut and its port closed, by default within 28 s.
 *
 * <p>The logger {@code io.fulmar.tunnel} has an INFO line when a port is opened and closed, and a
 * WARN line for what is refused to a client that has proven its key.
 *
 * <p>This class is threadsafe. The application closes it; its threads are daemons.
 */
public final class TunnelServer implements AutoCloseable {
  private final Listener listener;

  private TunnelServer(Listener listener) {
    this.listener = listener;
  }

  /**
   * Begins with default settings.
   *
   * @param hostKey the file with the private key of the server, in the form of OpenSSH; if there is
   *     none, it is made at the first start, as an Ed25519 key that its owner alone can read. It
   *     must be kept: clients know the server by it.
   */
  public static Builder builder(Path hostKey) {
    return new Builder(hostKey);
  }

  /** On which port it listens for SSH. */
  public int port() {
    return listener.address().getPort();
  }

  /**
   * The fingerprint of the host key, {@code SHA256:} and 43 characters, as {@code ssh-keygen -l}
   * shows it. Clients are given it to know the server by.
   */
  public String fingerprint() {
    return listener.hostKey().fingerprint();
  }

  /**
   * The line about this server for {@code known_hosts} of clients.
   *
   * @param host the name or address by which clients reach it
   */
  public String knownHostsLine(String host) {
    Objects.requireNonNull(host, "host");
    String place = port() == 22 ? host : "[%s]:%s".formatted(host, port());
    return place + " " + listener.hostKey();
  }

  /** The ports that are open, in their order. */
  public List<OpenPort> openPorts() {
    return listener.held().stream()
        .map(
            held ->
                new OpenPort(
                    held.key().user(),
                    held.key().port(),
                    held.client(),
                    held.since(),
                    held.connections()))
        .toList();
  }

  /**
   * Cuts all connections, closes all ports and ends all threads, within 10 s. Does nothing if it is
   * closed.
   */
  @Override
  public void close() {
    listener.close();
  }

  /** Names where it listens. */
  @Override
  public String toString() {
    return "TunnelServer[%s]".formatted(listener.address());
  }

  /**
   * A port that a client has open.
   *
   * @param user who has it
   * @param port the port, on 127.0.0.1
   * @param client the address from which the client has connected
   * @param since when it was opened
   * @param connections how many connections there are through it
   */
  public record OpenPort(
      String user, int port, InetSocketAddress client, Instant since, int connections) {}

  /** Collects the settings of a server. Not threadsafe. */
  public static final class Builder {
    private static final Pattern USER = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}");

    private final Path hostKey;
    private final List<AcceptedKey> accepted = new ArrayList<>();
    private String bindAddress = "127.0.0.1";
    private int port = 2_222;
    private int maxSessions = 100;
    private int maxConnections = 100;
    private Duration keepAlive = Duration.ofSeconds(7);

    private Builder(Path hostKey) {
      this.hostKey = Objects.requireNonNull(hostKey, "hostKey");
    }

    /**
     * On which port it listens for SSH, 0 to 65,535; 0 for any that is free. Default 2,222.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder port(int value) {
      port = SshSettings.inRange("port", value, 0, 65_535);
      return this;
    }

    /**
     * On which address of this machine it listens for SSH, {@code 0.0.0.0} for all of them. Clients
     * elsewhere cannot reach the default, 127.0.0.1: that a server is open to a network is said,
     * not assumed. The ports that it opens are on 127.0.0.1 in any case.
     *
     * @throws IllegalArgumentException if it is empty
     */
    public Builder bindAddress(String value) {
      if (Objects.requireNonNull(value, "bindAddress").isBlank()) {
        throw new IllegalArgumentException("bindAddress is empty.");
      }
      bindAddress = value;
      return this;
    }

    /**
     * Lets a key in, and gives it a port. At least one must be.
     *
     * @param user as whom the client logs in: letters, digits, {@code _}, {@code .} and {@code -},
     *     64 at most
     * @param publicKey as in an {@code .pub} file: Ed25519, ECDSA, or RSA with 2,048 to 16,384
     *     bits; without options before it
     * @param port the only port that is opened for it, 1 to 65,535
     * @throws IllegalArgumentException if the user, the key or the port is none that can be had
     * @throws IllegalStateException if the key or the port has been registered before
     */
    public Builder accept(String user, String publicKey, int port) {
      Objects.requireNonNull(user, "user");
      Objects.requireNonNull(publicKey, "publicKey");
      if (!USER.matcher(user).matches()) {
        throw new IllegalArgumentException(
            "user must be of 1 to 64 letters, digits, \"_\", \".\" and \"-\".");
      }
      PublicKeyLine key = PublicKeyLine.parse(publicKey);
      SshSettings.inRange("port", port, 1, 65_535);
      for (AcceptedKey other : accepted) {
        if (other.key().equals(key)) {
          throw new IllegalStateException(
              "The key %s has port %s already.".formatted(key.fingerprint(), other.port()));
        }
        if (other.port() == port) {
          throw new IllegalStateException(
              "Port %s belongs to the key %s already.".formatted(port, other.key().fingerprint()));
        }
      }
      accepted.add(new AcceptedKey(user, key, port));
      return this;
    }

    /**
     * How many SSH connections there may be at a time, 1 to 10,000. At one more, the oldest whose
     * client has not proven its key is cut, or else the new one. Default 100.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder maxSessions(int value) {
      maxSessions = SshSettings.inRange("maxSessions", value, 1, 10_000);
      return this;
    }

    /**
     * How many connections there may be at a time through one port, 1 to 1,000. One more is reset.
     * Each takes two threads, and as much memory as 2 MiB. Default 100.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder maxConnections(int value) {
      maxConnections = SshSettings.inRange("maxConnections", value, 1, 1_000);
      return this;
    }

    /**
     * How often a client is asked whether it lives, 1 s to 10 min. One that has been silent for
     * more than three times as long is cut, so within four times. Default 7 s.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder keepAlive(Duration value) {
      keepAlive =
          SshSettings.inRange("keepAlive", value, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a server that listens, to be closed by the application
     * @throws IOException if it cannot listen, or can neither read nor make its host key
     * @throws IllegalStateException if no key has been registered, or Apache MINA SSHD is missing
     */
    public TunnelServer start() throws IOException {
      if (accepted.isEmpty()) {
        throw new IllegalStateException(
            "Cannot start the tunnel server: it would let nobody in. Call accept.");
      }
      ServerSettings settings =
          new ServerSettings(
              hostKey, bindAddress, port, accepted, maxSessions, maxConnections, keepAlive);
      try {
        return new TunnelServer(MinaListener.start(settings));
      } catch (NoClassDefFoundError e) {
        throw new IllegalStateException(
            "Cannot start the tunnel server: Apache MINA SSHD is missing. Add the dependency"
                + " org.apache.sshd:sshd-osgi.",
            e);
      }
    }
  }
}
