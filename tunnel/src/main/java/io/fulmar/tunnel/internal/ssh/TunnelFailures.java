package io.fulmar.tunnel.internal.ssh;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import java.io.IOException;
import net.schmizz.sshj.common.SSHException;
import net.schmizz.sshj.connection.channel.OpenFailException.Reason;
import org.jspecify.annotations.Nullable;

/** What is said when something of a tunnel fails. */
public final class TunnelFailures {
  private TunnelFailures() {}

  /** As a socket throws it: the {@link TunnelException} is the cause. */
  static IOException io(Kind kind, String doing, String fact, String remedy) {
    return io(new TunnelException(kind, doing, fact, remedy, null));
  }

  /** As a socket throws it. */
  public static IOException io(TunnelException failure) {
    return new IOException(failure.getMessage(), failure);
  }

  /** The same, thrown once more to somebody else. */
  public static TunnelException again(TunnelException first, String doing) {
    return new TunnelException(first.kind(), doing, first.fact(), first.remedy(), first);
  }

  /** The SSH server said no to a channel (RFC 4254, section 5.1). */
  static IOException refusal(int code, String words, String target) {
    String doing = "connect to " + target;
    String said = words.isBlank() ? "" : " (" + words + ")";
    for (Reason reason : Reason.values()) {
      if (reason.getCode() == code) {
        return switch (reason) {
          case ADMINISTRATIVELY_PROHIBITED, UNKNOWN_CHANNEL_TYPE ->
              io(
                  Kind.FORWARDING_REFUSED,
                  doing,
                  "the SSH server refuses to forward to %s%s".formatted(target, said),
                  "Look at AllowTcpForwarding and PermitOpen in its sshd_config, and at permitopen and"
                      + " restrict in authorized_keys: host and port must be written there as they are here.");
          case RESOURCE_SHORTAGE ->
              io(
                  Kind.BUSY,
                  doing,
                  "the SSH server has no room for another connection" + said,
                  "Use fewer connections at once, or look at its limits.");
          case CONNECT_FAILED, UNKNOWN ->
              io(
                  Kind.TARGET_UNREACHABLE,
                  doing,
                  "the SSH server does not reach %s%s".formatted(target, said),
                  "Look from that server whether the database runs, its name resolves, and no firewall"
                      + " stands between.");
        };
      }
    }
    return io(
        Kind.TARGET_UNREACHABLE,
        doing,
        "the SSH server does not reach %s%s".formatted(target, said),
        "Look at its log.");
  }

  /** The SSH connection ended under a channel. */
  static IOException lost(@Nullable SSHException error) {
    TunnelException lost =
        new TunnelException(
            Kind.LOST,
            "go on through the tunnel",
            "the SSH connection was lost" + why(error),
            "It is made again by itself.",
            error);
    return io(lost);
  }

  /** What an error says, in brackets; nothing if it says nothing. */
  static String why(@Nullable Throwable error) {
    Throwable at = error;
    while (at != null && at.getCause() != null && at.getCause() != at) {
      at = at.getCause();
    }
    String message = at == null ? null : at.getMessage();
    return message == null || message.isBlank() ? "" : " (" + message + ")";
  }
}
