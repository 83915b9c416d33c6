package io.fulmar.lightning.internal.state;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HexFormat;

/** Who takes a lease, as others are told: the machine, the process, and one claim of it. */
final class Owner {
  private static final int BYTES = 4;

  private Owner() {}

  /** Another text for each claim. */
  static String next() {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    return "%s/%s/%s"
        .formatted(host(), ProcessHandle.current().pid(), HexFormat.of().formatHex(random));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown-host";
    }
  }
}
