package io.fulmar.tunnel.internal.keys;

import net.schmizz.sshj.userauth.keyprovider.KeyProvider;

/** Where the private key of a user comes from. Immutable. */
public interface UserKeySource {
  /** What errors call it, without secrets: a path, or {@code the given key}. */
  String name();

  /**
   * Reads the key anew, decrypted.
   *
   * @throws io.fulmar.TunnelException of kind {@code USER_KEY} if it cannot be used
   */
  KeyProvider load();
}
