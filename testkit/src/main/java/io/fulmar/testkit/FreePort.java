package io.fulmar.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports on which a server that is about to start can listen. One that the system picks is one that
 * it gives to the next outgoing connection too, perhaps before the server is there; these lie below
 * those that systems hand out by themselves (from 32,768 on Linux, from 49,152 elsewhere).
 *
 * <p>This class is thread-safe.
 */
public final class FreePort {
  private static final int FIRST = 10_240;
  private static final int END = 32_768;
  private static final int LOOKS = 100;

  private FreePort() {}

  /**
   * A port that nobody listens on.
   *
   * @return a port between 10,240 and 32,767, free at the moment
   * @throws IllegalStateException if there seems to be none
   */
  public static int choose() {
    for (int i = 0; i < LOOKS; i++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, END);
      if (!isTaken(port)) {
        return port;
      }
    }
    throw new IllegalStateException(
        "Cannot find a free port: %s tries between %s and %s found none."
            .formatted(LOOKS, FIRST, END - 1));
  }

  /** Whether somebody listens on a port, at whichever address of this machine. */
  static boolean isTaken(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(port));
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
