package io.fulmar.verify.readme;

import io.fulmar.tunnel.TunnelServer;
import java.io.IOException;
import java.nio.file.Path;

/** The accepting end of README.md. A test holds the README to the lines between the markers. */
final class TunnelServerExample {
  private TunnelServerExample() {}

  static TunnelServer start(Path hostKey, String publicKey) throws IOException {
    // begin README
    TunnelServer server =
        TunnelServer.builder(hostKey)
            .bindAddress("0.0.0.0")
            .port(2222)
            .accept("shop", publicKey, 5433)
            .start();
    System.out.println(server.knownHostsLine("gateway.example.com"));
    // end README
    return server;
  }
}
