package io.fulmar.verify.readme;

import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.UserKey;
import java.nio.file.Path;

/** The forward tunnel of README.md. A test holds the README to the lines between the markers. */
final class TunnelExample {
  private TunnelExample() {}

  static Source source(Path keyFile, Path knownHosts) {
    // begin README
    ForwardTunnel bastion =
        SshTunnel.forward("bastion.example.com")
            .user("fulmar")
            .key(UserKey.file(keyFile))
            .hostKeys(HostKeys.knownHosts(knownHosts))
            .build();
    Source source =
        Source.builder()
            .host("db.internal")
            .database("shop")
            .user("fulmar")
            .password(Secret.ofEnv("PGPASSWORD"))
            .tunnel(bastion)
            .build();
    // end README
    return source;
  }
}
