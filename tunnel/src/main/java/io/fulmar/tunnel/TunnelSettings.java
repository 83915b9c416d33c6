package io.fulmar.tunnel;

import io.fulmar.tunnel.internal.link.LinkEvents;
import io.fulmar.tunnel.internal.ssh.Hop;
import io.fulmar.tunnel.internal.ssh.Route;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What tunnels in both directions have to set, besides the log-in: the way, its bounds, and who
 * hears of it. Not threadsafe.
 *
 * @param <B> the builder that has them
 */
public abstract sealed class TunnelSettings<B extends TunnelSettings<B>> extends SshSettings<B>
    permits ForwardTunnel.Builder, ReverseTunnel.Builder {
  private final List<Hop> before = new ArrayList<>();
  private Duration connectTimeout = Duration.ofSeconds(15);
  private Duration keepAlive = Duration.ofSeconds(7);
  private int windowBytes = 4 << 20;
  private @Nullable TunnelListener listener;

  TunnelSettings(String host) {
    super(host);
  }

  /**
   * SSH servers to go through first, in this order ({@code ProxyJump}); each is reached from the
   * one before it. Default: none.
   */
  public B via(SshHop first, SshHop... more) {
    before.clear();
    before.add(Objects.requireNonNull(first, "first").hop());
    for (SshHop each : Objects.requireNonNull(more, "more")) {
      before.add(Objects.requireNonNull(each, "more").hop());
    }
    return self();
  }

  /**
   * Bound on making the SSH connection, all hops and log-ins included, 1 s to 5 min. Default 15 s.
   */
  public B connectTimeout(Duration value) {
    connectTimeout = inRange("connectTimeout", value, Duration.ofSeconds(1), Duration.ofMinutes(5));
    return self();
  }

  /**
   * How often the SSH server is asked whether it is still there, 1 s to 10 min, in whole seconds.
   * After three questions without an answer the connection counts as lost: with the default, within
   * 28 s. Default 7 s.
   */
  public B keepAlive(Duration value) {
    keepAlive = inRange("keepAlive", value, Duration.ofSeconds(1), Duration.ofMinutes(10));
    return self();
  }

  /**
   * How much of one connection may be on its way or unread here, 64 kB to 256 MB. Bounds the heap
   * that a slow reader takes, and the speed: at most so much in each round trip to the SSH server,
   * 4 MiB in 20 ms being 200 MB a second. Default 4 MiB (4,194,304).
   */
  public B windowBytes(int value) {
    windowBytes = inRange("windowBytes", value, 64 << 10, 256 << 20);
    return self();
  }

  /** Told what happens to the tunnel. Default: nobody. */
  public B listener(TunnelListener value) {
    listener = Objects.requireNonNull(value, "listener");
    return self();
  }

  final Route route() {
    List<Hop> hops = new ArrayList<>(before);
    hops.add(hop());
    return new Route(hops, connectTimeout, keepAlive, windowBytes);
  }

  final LinkEvents events(Route route) {
    TunnelListener told = listener;
    return told == null
        ? (state, cause) -> {}
        : (state, cause) ->
            told.onEvent(new TunnelEvent(route.name(), state, Instant.now(), cause));
  }
}
