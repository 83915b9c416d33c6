package io.fulmar.tunnel.internal.server;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * How a server listens.
 *
 * @param hostKey the file of its key
 * @param bindAddress where it listens
 * @param port where it listens; 0 for any
 * @param accepted who is let in
 * @param maxSessions most SSH connections
 * @param maxConnections most connections through one port
 * @param keepAlive how often a client is asked whether it lives
 */
public record ServerSettings(
    Path hostKey,
    String bindAddress,
    int port,
    List<AcceptedKey> accepted,
    int maxSessions,
    int maxConnections,
    Duration keepAlive) {
  /** Copies what is mutable. */
  public ServerSettings {
    accepted = List.copyOf(accepted);
  }
}
