package io.fulmar.tunnel;

import io.fulmar.tunnel.internal.link.LinkEvents;
import io.fulmar.tunnel.internal.reverse.ReverseLink;
import io.fulmar.tunnel.internal.ssh.Route;
import java.time.Duration;
import java.util.Objects;

/**
 * A tunnel that is opened from inside the private network: this process connects out to an SSH
 * server, lets it listen on a port, and carries what comes there to the database ({@code ssh -R}
 * under a supervisor). Immutable, without resources.
 *
 * <pre>{@code
 * ReverseTunnel tunnel = SshTunnel.reverse("gateway.example.com").user("shop")
 *     .key(UserKey.file(Path.of("/etc/fulmar/id_ed25519")))
 *     .listen(5433).to("db.internal", 5432)
 *     .build();
 * try (OpenReverseTunnel open = tunnel.open()) {
 *   // as long as the database shall be reachable
 * }
 * }</pre>
 */
public final class ReverseTunnel {
  private final Settings settings;

  private ReverseTunnel(Settings settings) {
    this.settings = settings;
  }

  private record Settings(
      Route route,
      LinkEvents events,
      String bindAddress,
      int port,
      String targetHost,
      int targetPort,
      int maxConnections,
      Duration probeEvery) {}

  /**
   * Opens the tunnel; it makes itself again whenever it is lost. Does not wait: see {@link
   * OpenReverseTunnel#awaitUp}. Whoever opened it closes it.
   */
  public OpenReverseTunnel open() {
    return new OpenReverseTunnel(
        new ReverseLink(
            settings.route(),
            settings.bindAddress(),
            settings.port(),
            settings.targetHost(),
            settings.targetPort(),
            settings.maxConnections(),
            settings.probeEvery(),
            settings.events()));
  }

  /** Where it leads, without secrets. */
  @Override
  public String toString() {
    return "ReverseTunnel[%s listens on %s:%s for %s:%s]"
        .formatted(
            settings.route().name(),
            settings.bindAddress(),
            settings.port(),
            settings.targetHost(),
            settings.targetPort());
  }

  /** Collects the settings of a tunnel. Not threadsafe. */
  public static final class Builder extends TunnelSettings<Builder> {
    private int maxConnections = 100;
    private Duration probeEvery = Duration.ofSeconds(30);
    private String bindAddress = "127.0.0.1";
    private int port = -1;
    private String targetHost = "";
    private int targetPort;

    Builder(String host) {
      super(host);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * On which port the SSH server listens, 1 to 65535, or 0 to let it choose: then {@link
     * OpenReverseTunnel#port} tells. Required.
     */
    public Builder listen(int value) {
      port = inRange("listen", value, 0, 65_535);
      return this;
    }

    /**
     * On which of its addresses the SSH server listens, where it lets clients say so ({@code
     * GatewayPorts clientspecified}). {@code localhost} is the loopback of both protocols, and
     * OpenSSH is content if it gets one of them. Anything else opens the database's port to a
     * network. Default {@code 127.0.0.1}.
     */
    public Builder bindAddress(String value) {
      Objects.requireNonNull(value, "bindAddress");
      if (value.isBlank() || value.length() > 253) {
        throw new IllegalArgumentException(
            "bindAddress must have 1 to 253 characters; \"0.0.0.0\" and \"::\" are all addresses");
      }
      bindAddress = value;
      return this;
    }

    /**
     * The database that is reached. Required.
     *
     * @param host its name or address, as this machine knows it
     * @param value its port, 1 to 65535
     */
    public Builder to(String host, int value) {
      Objects.requireNonNull(host, "host");
      if (host.isBlank() || host.length() > 253) {
        throw new IllegalArgumentException("host must have 1 to 253 characters");
      }
      targetHost = host;
      targetPort = inRange("port", value, 1, 65_535);
      return this;
    }

    /**
     * How often the database is asked for one byte, 1 s to 1 h, through the SSH server if that lets
     * itself be asked for its own port ({@code permitopen}), else directly; zero for never. If the
     * database answers and the port does not, three times in a row, the SSH connection is made
     * anew. Default 30 s.
     */
    public Builder probeEvery(Duration value) {
      probeEvery =
          Objects.requireNonNull(value, "probeEvery").isZero()
              ? value
              : inRange("probeEvery", value, Duration.ofSeconds(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Most connections at once, 1 to 1,000; further ones are refused. Two threads each, also for as
     * many that have ended on one side and wait for the other. Default 100.
     */
    public Builder maxConnections(int value) {
      maxConnections = inRange("maxConnections", value, 1, 1_000);
      return this;
    }

    /**
     * The tunnel. Opens nothing and reads no file.
     *
     * @throws IllegalStateException if user, port or database are missing, or both key and password
     */
    public ReverseTunnel build() {
      if (port < 0) {
        throw new IllegalStateException("listen(...) is missing");
      }
      if (targetHost.isEmpty()) {
        throw new IllegalStateException("to(...) is missing");
      }
      Route route = route();
      return new ReverseTunnel(
          new Settings(
              route,
              events(route),
              bindAddress,
              port,
              targetHost,
              targetPort,
              maxConnections,
              probeEvery));
    }
  }
}
