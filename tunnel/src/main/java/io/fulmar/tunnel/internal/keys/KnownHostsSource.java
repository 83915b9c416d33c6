package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where the lines of a known_hosts file come from, and whether new ones may be added. Immutable.
 */
public interface KnownHostsSource {
  /**
   * A given text.
   *
   * @param text the lines
   */
  static KnownHostsSource text(String text) {
    KnownHosts known = KnownHosts.parse("the given known hosts", text);
    return new KnownHostsSource() {
      @Override
      public KnownHosts read() {
        return known;
      }

      @Override
      public String toString() {
        return known.source();
      }
    };
  }

  /**
   * Reads the lines anew.
   *
   * @throws TunnelException of kind {@code HOST_KEY} if that fails, or a line is malformed
   */
  KnownHosts read();

  /** Whether the key of a host that is not known yet is taken in. */
  default boolean learns() {
    return false;
  }

  /**
   * Adds a line, unless somebody else was faster.
   *
   * @param line what to add
   * @param already what to say if the host has come to be known meanwhile; gives null if not
   * @return why the key is refused; null if it is accepted
   */
  default @Nullable TunnelException learn(
      String host,
      int port,
      String line,
      Function<KnownHosts, KnownHostsPolicy.@Nullable Verdict> already) {
    throw new UnsupportedOperationException("learns() is false");
  }
}
