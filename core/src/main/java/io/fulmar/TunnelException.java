package io.fulmar;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A tunnel to a source did not come about, or was lost. */
public final class TunnelException extends FulmarException {
  private static final long serialVersionUID = 1L;

  /** What to branch on. */
  private final Kind kind;

  /** What happened. */
  private final String fact;

  /** What to do. */
  private final String remedy;

  /** What went wrong, in the order in which a connection through a tunnel is made. */
  public enum Kind {
    /** The SSH server, or one on the way to it, could not be reached: name, network or port. */
    UNREACHABLE,
    /** What answered is no SSH server, or fell silent before it had named itself. */
    NO_SSH,
    /** The two sides have no algorithm in common that is allowed here. */
    ALGORITHMS,
    /** The SSH server did not prove that it is the right one. */
    HOST_KEY,
    /** A private key, its passphrase or the password cannot be used. */
    USER_KEY,
    /** The SSH server does not accept user, key or password. */
    AUTHENTICATION,
    /** The SSH server does not forward: not at all, not for this user, or not to that place. */
    FORWARDING_REFUSED,
    /** The SSH server could not reach the database. */
    TARGET_UNREACHABLE,
    /** As many connections as allowed go through the tunnel already. */
    BUSY,
    /** The SSH connection ended. */
    LOST,
    /** The tunnel was closed. */
    CLOSED;

    /** Whether the same attempt fails again until somebody changes a setting. */
    public boolean isPermanent() {
      return switch (this) {
        case ALGORITHMS, HOST_KEY, USER_KEY, AUTHENTICATION, FORWARDING_REFUSED, CLOSED -> true;
        case UNREACHABLE, NO_SSH, TARGET_UNREACHABLE, BUSY, LOST -> false;
      };
    }
  }

  /**
   * Makes the exception.
   *
   * @param kind what to branch on
   * @param doing what could not be done: {@code "connect to bastion:22"}
   * @param fact what happened, without a full stop, without a secret
   * @param remedy what to do, as sentences
   * @param cause what led to it
   */
  public TunnelException(
      Kind kind, String doing, String fact, String remedy, @Nullable Throwable cause) {
    super("Cannot %s: %s. %s".formatted(doing, fact, remedy), cause);
    this.kind = Objects.requireNonNull(kind, "kind");
    this.fact = Objects.requireNonNull(fact, "fact");
    this.remedy = Objects.requireNonNull(remedy, "remedy");
  }

  /** What to branch on. */
  public Kind kind() {
    return kind;
  }

  /** What happened, without a full stop. */
  public String fact() {
    return fact;
  }

  /** What to do, as sentences. */
  public String remedy() {
    return remedy;
  }
}
