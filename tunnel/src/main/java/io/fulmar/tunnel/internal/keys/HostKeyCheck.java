package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import net.schmizz.sshj.transport.verification.HostKeyVerifier;
import org.jspecify.annotations.Nullable;

/** The check of the host key of one connection, which remembers why it said no. */
public interface HostKeyCheck extends HostKeyVerifier {
  /** Why the key was refused, with both fingerprints and the remedy; null if it was not. */
  @Nullable TunnelException refusal();
}
