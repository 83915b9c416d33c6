package io.fulmar.tunnel;

import io.fulmar.tunnel.internal.ssh.Hop;

/**
 * An SSH server on the way to another one ({@code ProxyJump}): it forwards the connection and sees
 * nothing of what goes through it. Immutable.
 *
 * <pre>{@code
 * SshHop edge = SshHop.builder("edge.example.com").user("fulmar").key(UserKey.file(path)).build();
 * }</pre>
 */
public final class SshHop {
  private final Hop hop;

  private SshHop(Hop hop) {
    this.hop = hop;
  }

  /**
   * Begins with port 22 and the known hosts of this user.
   *
   * @param host name or address of the SSH server, as the hop before it knows it
   */
  public static Builder builder(String host) {
    return new Builder(host);
  }

  Hop hop() {
    return hop;
  }

  /** Where it is, without secrets. */
  @Override
  public String toString() {
    return "SshHop[" + hop.name() + "]";
  }

  /** Collects the settings of a hop. Not threadsafe. */
  public static final class Builder extends SshSettings<Builder> {
    private Builder(String host) {
      super(host);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * The hop.
     *
     * @throws IllegalStateException if the user is missing, or both key and password are
     */
    public SshHop build() {
      return new SshHop(hop());
    }
  }
}
