package io.fulmar.tunnel;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.internal.reverse.ReverseLink;
import java.time.Duration;
import java.util.Objects;

/**
 * A {@link ReverseTunnel} that is open, and makes itself again whenever it is lost. This class is
 * threadsafe; whoever opened it closes it.
 */
public final class OpenReverseTunnel implements AutoCloseable {
  private final ReverseLink link;

  OpenReverseTunnel(ReverseLink link) {
    this.link = link;
  }

  /** How it is. */
  public TunnelStatus status() {
    return TunnelStatus.of(
        link.state(), link.since(), link.connections(), link.traffic(), link.failure());
  }

  /**
   * Waits until the SSH server listens.
   *
   * @param timeout bound on waiting
   * @throws TunnelException why it does not
   * @throws IllegalStateException if the tunnel was closed
   * @throws InterruptedException if this thread is interrupted while it waits
   */
  public void awaitUp(Duration timeout) throws InterruptedException {
    Objects.requireNonNull(timeout, "timeout");
    if (link.state() == TunnelState.CLOSED) {
      throw new IllegalStateException("the tunnel was closed");
    }
    link.awaitUp(timeout);
  }

  /** The port that the SSH server listens on; 0 as long as it has not chosen one. */
  public int port() {
    return link.port();
  }

  /**
   * Asks the database now whether it answers, as {@link ReverseTunnel.Builder#probeEvery} does from
   * time to time.
   *
   * @throws TunnelException which says what of the way does not work
   */
  public void probe() {
    link.probe();
  }

  /**
   * Ends the SSH connection, so that the port is free again, and cuts what went through it. Returns
   * when no thread of it is left, or after some seconds.
   */
  @Override
  public void close() {
    link.close();
  }
}
