package io.fulmar.tunnel.internal.ssh;

import io.fulmar.Secret;
import io.fulmar.tunnel.internal.keys.HostKeyPolicy;
import io.fulmar.tunnel.internal.keys.UserKeySource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One SSH server on the way, and how to log in to it.
 *
 * @param host its name or address
 * @param port its port
 * @param user who logs in
 * @param keys the keys to try, in this order
 * @param password what to try after them; null for none
 * @param hostKeys which of its keys are the right ones
 * @param algorithms what may be agreed on
 */
public record Hop(
    String host,
    int port,
    String user,
    List<UserKeySource> keys,
    @Nullable Secret password,
    HostKeyPolicy hostKeys,
    Algorithms algorithms) {

  /** Takes a copy of the keys. */
  public Hop {
    keys = List.copyOf(keys);
  }

  /** Host and port. */
  public String place() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }

  /** What reports call it. */
  public String name() {
    return "ssh://" + user + "@" + place();
  }

  @Override
  public String toString() {
    return name();
  }
}
