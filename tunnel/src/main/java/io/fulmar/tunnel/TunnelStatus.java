package io.fulmar.tunnel;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.internal.ssh.Traffic;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A look at a tunnel. Immutable.
 *
 * @param state how it is
 * @param since since when
 * @param sshConnections how many SSH connections it made, one after the other, since it was opened
 * @param openConnections connections that go through it now
 * @param connections connections that went through it, those included
 * @param refusals connections that did not come about
 * @param sentBytes bytes that went from here to the SSH server, before encryption
 * @param receivedBytes bytes that came from there, after decryption
 * @param failure what went wrong last; null if all is well
 */
public record TunnelStatus(
    TunnelState state,
    Instant since,
    int sshConnections,
    int openConnections,
    long connections,
    long refusals,
    long sentBytes,
    long receivedBytes,
    @Nullable TunnelException failure) {

  static TunnelStatus of(
      TunnelState state,
      Instant since,
      int sshConnections,
      Traffic traffic,
      @Nullable TunnelException failure) {
    return new TunnelStatus(
        state,
        since,
        sshConnections,
        traffic.open(),
        traffic.connections(),
        traffic.refusals(),
        traffic.sentBytes(),
        traffic.receivedBytes(),
        failure);
  }
}
