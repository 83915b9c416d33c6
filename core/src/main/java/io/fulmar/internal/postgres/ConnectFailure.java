package io.fulmar.internal.postgres;

import io.fulmar.SourceException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Why a connection did not come about. Immutable.
 *
 * @param kind what to branch on
 * @param fact what happened, without a full stop, without a secret
 * @param remedy what to do, as sentences
 * @param sqlState PostgreSQL's error code, or the driver's; null if there is none
 * @param cause the driver's own error
 */
public record ConnectFailure(
    Kind kind, String fact, String remedy, @Nullable String sqlState, SQLException cause) {

  /** What went wrong, in the order in which a connection is made. */
  public enum Kind {
    /** The pool, of the application perhaps, had none to give. */
    POOL,
    /** The supplier of a password failed. */
    SECRET,
    /** A file with a certificate or key is missing, or cannot be used. */
    TLS_FILES,
    /** The tunnel to the server did not come about, or was lost. */
    TUNNEL,
    /** The tunnel will not come about until somebody changes a setting. */
    TUNNEL_REFUSED,
    /** The name of the host has no address (DNS). */
    NAME,
    /** The host refused the connection: nothing listens on that port. */
    REFUSED,
    /** Nothing came back from that address. */
    UNREACHABLE,
    /** Something accepted the connection and did not answer. */
    NO_ANSWER,
    /** Something accepted the connection and ended it without an answer. */
    CLOSED,
    /** What answered is not PostgreSQL. */
    WRONG_SERVICE,
    /** The server, or something before it, offers no encryption. */
    TLS_NOT_OFFERED,
    /** The two sides did not agree on encryption. */
    TLS_HANDSHAKE,
    /** The certificate of the server is that of another host. */
    CERTIFICATE_HOST,
    /** The certificate of the server has expired, or is not valid yet. */
    CERTIFICATE_EXPIRED,
    /** The certificate of the server is signed by itself and not among the trusted ones. */
    CERTIFICATE_SELF_SIGNED,
    /** The certificate of the server is signed by nobody that is trusted. */
    CERTIFICATE_UNTRUSTED,
    /** User, password, client certificate or {@code pg_hba.conf}. */
    AUTHENTICATION,
    /** The database does not exist, or the role may not connect to it. */
    DATABASE,
    /** No connection is left on the server, for the role or for the database. */
    TOO_MANY,
    /** The server starts, stops or recovers. */
    NOT_READY,
    /** None of several servers is of the kind that was asked for. */
    TARGET_SERVER,
    /** Anything else. */
    OTHER;

    /** Whether a server has answered, and said no: the network has done its part. */
    public boolean isOfServer() {
      return switch (this) {
        case SECRET, AUTHENTICATION, DATABASE, TOO_MANY, NOT_READY -> true;
        default -> false;
      };
    }

    /** Whether a server that this attempt has woken may take the next one. */
    public boolean mayPassAtOnce() {
      return switch (this) {
        case TUNNEL, UNREACHABLE, NO_ANSWER, CLOSED, NOT_READY, OTHER -> true;
        default -> false;
      };
    }

    /** Whether the same attempt fails again until somebody changes a setting. */
    public boolean isPermanent() {
      return switch (this) {
        case SECRET,
            TLS_FILES,
            TUNNEL_REFUSED,
            WRONG_SERVICE,
            TLS_NOT_OFFERED,
            CERTIFICATE_HOST,
            CERTIFICATE_EXPIRED,
            CERTIFICATE_SELF_SIGNED,
            CERTIFICATE_UNTRUSTED,
            AUTHENTICATION,
            DATABASE ->
            true;
        default -> false;
      };
    }
  }

  /**
   * Why a connection did not come about.
   *
   * @param e what {@link Connector#connect}, a pool over it, or the application's data source threw
   */
  public static ConnectFailure of(SQLException e) {
    Throwable at = e;
    for (int depth = 0; at != null && depth < 10; depth++) {
      if (at instanceof ConnectFailedException known) {
        return known.failure();
      }
      at = at.getCause();
    }
    return ConnectDiagnosis.ofForeign(e);
  }

  /**
   * The failure as it is thrown to the application.
   *
   * @param doing what could not be done: {@code "connect to db:5432/shop"}
   * @param about the tail of the message: {@code [sync=crm run=1]}
   */
  public SourceException exception(String doing, String about) {
    return SqlStates.sourceException(doing, this, about);
  }
}
