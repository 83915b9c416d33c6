package io.fulmar.tunnel.internal.ssh;

import java.time.Duration;
import java.util.List;

/**
 * The way to an SSH server, and the bounds of a connection to it.
 *
 * @param hops the servers to go through, the last one being that which forwards
 * @param connectTimeout bound on making the connection, log-in included
 * @param keepAlive how often the last server is asked whether it is still there; it counts as gone
 *     when three questions in a row found no answer
 * @param windowBytes how much may be on the way or unread in one channel
 */
public record Route(List<Hop> hops, Duration connectTimeout, Duration keepAlive, int windowBytes) {
  /** Takes a copy of the hops. */
  public Route {
    hops = List.copyOf(hops);
  }

  /** The one that forwards. */
  public Hop last() {
    return hops.get(hops.size() - 1);
  }

  /** What reports call it. */
  public String name() {
    return last().name();
  }
}
