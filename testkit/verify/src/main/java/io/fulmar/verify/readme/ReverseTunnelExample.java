package io.fulmar.verify.readme;

import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.UserKey;
import java.nio.file.Path;

/** The reverse tunnel of README.md. A test holds the README to the lines between the markers. */
final class ReverseTunnelExample {
  private ReverseTunnelExample() {}

  static OpenReverseTunnel open(Path keyFile) {
    // begin README
    OpenReverseTunnel tunnel =
        SshTunnel.reverse("gateway.example.com")
            .user("shop")
            .key(UserKey.file(keyFile))
            .hostKeys(HostKeys.fingerprint("SHA256:Q8sjHB8xwUe0Yxh3rWtzGxNyTqYkNyNYaDBcVvL3kkg"))
            .listen(5433)
            .to("db.internal", 5432)
            .build()
            .open();
    // end README
    return tunnel;
  }
}
