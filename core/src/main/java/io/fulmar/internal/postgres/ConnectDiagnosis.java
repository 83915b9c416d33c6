package io.fulmar.internal.postgres;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.fulmar.Source;
import io.fulmar.TunnelException;
import io.fulmar.internal.postgres.ConnectFailure.Kind;
import io.fulmar.internal.sql.Identifier;
import java.io.EOFException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Finds out why a connection did not come about, from the driver's error, which says it in words of
 * the user's language, and from what the sockets saw.
 */
final class ConnectDiagnosis {
  /** What comes first from servers that are often found where PostgreSQL was expected. */
  private enum Service {
    HTTP("like HTTP", "HTTP/"),
    SSH("like SSH", "SSH-"),
    SMTP_OR_FTP("like SMTP or FTP", "220"),
    REDIS("like Redis", "-ERR"),
    TLS("with TLS at once", "\u0015\u0003", "\u0016\u0003");

    private final String words;
    private final List<String> beginnings;

    Service(String words, String... beginnings) {
      this.words = words;
      this.beginnings = List.of(beginnings);
    }

    boolean is(String answer) {
      return beginnings.stream().anyMatch(answer::startsWith);
    }
  }

  private final SQLException error;
  private final @Nullable String place;
  private final @Nullable Duration bound;
  private final boolean wantsTls;
  private final boolean timedOut;

  private ConnectDiagnosis(
      SQLException error,
      @Nullable String place,
      @Nullable Duration bound,
      boolean wantsTls,
      boolean timedOut) {
    this.error = error;
    this.place = place;
    this.bound = bound;
    this.wantsTls = wantsTls;
    this.timedOut = timedOut || find(error, SocketTimeoutException.class).isPresent();
  }

  /**
   * Why a connection of ours did not come about.
   *
   * @param error the driver's
   * @param attempt what its sockets saw
   * @param elapsed how long it took
   */
  static ConnectFailure of(
      SQLException error, ConnectAttempt attempt, Source source, Duration elapsed) {
    List<Contact> contacts = attempt.contacts();
    Contact last = contacts.isEmpty() ? null : contacts.get(contacts.size() - 1);
    String all = String.join(", ", source.hosts());
    Duration bound = source.connectTimeout();
    boolean late = elapsed.compareTo(bound) >= 0;
    Optional<TunnelException> tunnel = find(error, TunnelException.class);
    if (tunnel.isPresent()) {
      return ofTunnel(tunnel.get(), error);
    }
    if (last != null && !late && isOfAnotherKind(error, source, last)) {
      return new ConnectFailure(
          Kind.TARGET_SERVER,
          "no server of the kind %s answered, of %s".formatted(source.targetServer(), all),
          "Look at which of them is the primary, or give another kind to targetServer(...).",
          SqlStates.codeOrNull(error),
          error);
    }
    // Of several servers the driver tells about the last one alone.
    String lastPlace = last == null || source.hosts().size() < 2 ? "" : last.place();
    ConnectDiagnosis diagnosis =
        new ConnectDiagnosis(
            error,
            lastPlace.isEmpty() ? all : lastPlace,
            bound,
            source.tls() != Source.Tls.OFF,
            error.getCause() == null && late);
    ConnectFailure failure = last == null ? diagnosis.withoutContact() : diagnosis.last(last);
    return diagnosis.lacksConnect() ? withGrant(failure, source) : failure;
  }

  /** The driver went through all servers, and the last one had nothing wrong with it. */
  private static boolean isOfAnotherKind(SQLException error, Source source, Contact last) {
    return source.targetServer() != Source.TargetServer.ANY
        && error.getCause() == null
        && !serverAnswered(error)
        && last.refusal() == null
        && SqlStates.isUnableToConnect(error);
  }

  /** The routine that looks at CONNECT; the message is in the language of the server. */
  private boolean lacksConnect() {
    ServerErrorMessage server = SqlStates.serverMessage(error);
    return server != null
        && SqlStates.trouble(error) == Trouble.PRIVILEGE
        && "CheckMyDatabase".equals(server.getRoutine());
  }

  private static ConnectFailure withGrant(ConnectFailure failure, Source source) {
    String grant =
        "Run, as owner or superuser: grant connect on database %s to %s."
            .formatted(Identifier.of(source.database()), Identifier.of(source.user()));
    return new ConnectFailure(
        failure.kind(), failure.fact(), grant, failure.sqlState(), failure.cause());
  }

  /** Why a connection of somebody else's making did not come about. */
  static ConnectFailure ofForeign(SQLException error) {
    if (error instanceof NoConnectionException none) {
      return new ConnectDiagnosis(error, null, null, false, false)
          .failure(Kind.POOL, SqlStates.fact(none), none.whereReads());
    }
    SQLException told =
        error.getCause() instanceof SQLException cause && serverAnswered(cause) ? cause : error;
    return new ConnectDiagnosis(told, null, null, false, false).withoutContact();
  }

  private static boolean serverAnswered(SQLException e) {
    return e instanceof PSQLException p && p.getServerErrorMessage() != null;
  }

  private ConnectFailure withoutContact() {
    if (serverAnswered(error)) {
      return ofServer();
    }
    if (find(error, UnknownHostException.class).isPresent()) {
      return unknownName();
    }
    if (find(error, ConnectException.class).isPresent()) {
      return refused();
    }
    if (find(error, NoRouteToHostException.class).isPresent()) {
      return unreachable();
    }
    if (find(error, SSLException.class).isPresent()) {
      return handshake();
    }
    if (timedOut) {
      return noAnswer();
    }
    if (error instanceof SQLTransientConnectionException) {
      return failure(
          Kind.POOL,
          "the pool had no connection to give",
          "A run needs one besides what its caller holds: make the pool larger.");
    }
    return other();
  }

  private ConnectFailure last(Contact contact) {
    if (serverAnswered(error)) {
      return ofServer();
    }
    if (find(error, UnknownHostException.class).isPresent()) {
      return unknownName();
    }
    Contact.Refusal refusal = contact.refusal();
    if (refusal != null) {
      return untrusted(refusal);
    }
    return switch (contact.progress()) {
      case UNSEEN -> withoutContact();
      case RESOLVING -> timedOut ? slowName() : withoutContact();
      case DIALLING ->
          find(error, ConnectException.class).isPresent() && !timedOut ? refused() : unreachable();
      case CONNECTED -> answered(contact.answer());
    };
  }

  private ConnectFailure untrusted(Contact.Refusal refusal) {
    String remedy =
        switch (refusal.kind()) {
          case CERTIFICATE_HOST ->
              "Connect by one of those names, or have a certificate made for this one.";
          case CERTIFICATE_EXPIRED ->
              "Renew the certificate, and look at the clock of this machine.";
          case CERTIFICATE_SELF_SIGNED ->
              "If it is the right server, give a copy of its certificate as tlsRootCertificate.";
          default ->
              "Give the certificate of its authority as tlsRootCertificate; if that is given, somebody"
                  + " else may have answered.";
        };
    return failure(refusal.kind(), at() + " is not trusted: " + refusal.fact(), remedy);
  }

  private ConnectFailure answered(byte[] answer) {
    if (answer.length == 0) {
      return timedOut ? noAnswer() : isCut() ? closed() : other();
    }
    if (!isPostgres(answer)) {
      return wrongService(answer);
    }
    if (wantsTls && answer[0] != 'S') {
      return failure(
          Kind.TLS_NOT_OFFERED,
          at() + " offers no encryption",
          "Switch ssl on in the server, or look for what stands between: it may have taken the offer out. "
              + "Only if nobody can listen: withoutTls().");
    }
    if (timedOut) {
      return noAnswer();
    }
    if (SqlStates.isRejectedByDriver(error)) {
      return weakLogIn(answer);
    }
    if (find(error, SSLException.class).isPresent()) {
      return handshake();
    }
    return isCut() ? closed() : other();
  }

  /** What the server asks for can be seen without TLS: PostgreSQL manual, "Message Formats". */
  private ConnectFailure weakLogIn(byte[] answer) {
    int method = answer.length > 8 && answer[0] == 'R' ? answer[8] : -1;
    if (method == 10) {
      return failure(
          Kind.AUTHENTICATION,
          at() + " asks for more than 100,000 rounds of SCRAM, or breaks its rules",
          "Lower scram_iterations in the server and set the role's password anew; if nobody raised it,"
              + " somebody else may have answered.");
    }
    String asked =
        switch (method) {
          case 0 -> "asks for no password, so it may be any server";
          case 3 -> "asks for the password in clear";
          case 5 -> "asks for the password as MD5";
          default -> "does not ask for the password by SCRAM, or not as it should";
        };
    return failure(
        Kind.AUTHENTICATION,
        at() + " " + asked,
        "Give the role a SCRAM password (set password_encryption = 'scram-sha-256', then set it anew),"
            + " use verified TLS, or call allowWeakAuthentication().");
  }

  /** PostgreSQL manual, "Message Flow": one byte to a request for TLS, else a message. */
  private boolean isPostgres(byte[] answer) {
    if (isMySql(answer)) {
      return false;
    }
    if (wantsTls && (answer[0] == 'S' || answer[0] == 'N')) {
      return answer.length == 1 || answer[1] == 0x15 || answer[1] == 0x16;
    }
    // The length of a message of the log-in is short.
    return "RENv".indexOf(answer[0]) >= 0 && answer.length > 2 && answer[1] == 0 && answer[2] == 0;
  }

  /** MySQL's packets: length in three bytes, the number 0, then version 10, or an error of 11xx. */
  private static boolean isMySql(byte[] answer) {
    return answer.length > 6
        && answer[1] == 0
        && answer[2] == 0
        && answer[3] == 0
        && (answer[4] == 10 || (answer[4] == (byte) 0xff && answer[6] == 4));
  }

  private ConnectFailure wrongService(byte[] answer) {
    String text = new String(answer, ISO_8859_1);
    String how = "";
    for (Service service : Service.values()) {
      if (service.is(text)) {
        how = " (answered " + service.words + ")";
      }
    }
    if (isMySql(answer)) {
      how = " (answered like MySQL)";
    }
    return failure(
        Kind.WRONG_SERVICE,
        "what listens on " + at() + " is not a PostgreSQL server" + how,
        "Look at host and port.");
  }

  private ConnectFailure ofServer() {
    Kind kind =
        switch (SqlStates.trouble(error)) {
          case LOGIN -> Kind.AUTHENTICATION;
          case NO_DATABASE, PRIVILEGE -> Kind.DATABASE;
          case NO_CONNECTION_LEFT -> Kind.TOO_MANY;
          case SESSION_ENDED, SERVER_CRASHED, SERVER_STARTING -> Kind.NOT_READY;
          default -> Kind.OTHER;
        };
    return failure(kind, SqlStates.fact(error), SourceRemedy.of(error, null));
  }

  private static ConnectFailure ofTunnel(TunnelException tunnel, SQLException error) {
    return new ConnectFailure(
        tunnel.kind().isPermanent() ? Kind.TUNNEL_REFUSED : Kind.TUNNEL,
        tunnel.fact(),
        tunnel.remedy(),
        SqlStates.codeOrNull(error),
        error);
  }

  private ConnectFailure unknownName() {
    return failure(
        Kind.NAME,
        "the name " + host() + " has no address (DNS)",
        "Look at host, and at the resolver of this machine.");
  }

  private ConnectFailure slowName() {
    return failure(
        Kind.NAME,
        "the name " + host() + " was not resolved " + within() + " (DNS)",
        "Look at the resolver of this machine.");
  }

  private ConnectFailure refused() {
    return failure(
        Kind.REFUSED,
        at() + " refuses connections",
        "Look at host and port, and whether the server runs and listens on that address (listen_addresses).");
  }

  private ConnectFailure unreachable() {
    return failure(
        Kind.UNREACHABLE,
        at() + " cannot be reached" + (timedOut ? " " + within() : ""),
        "Look at host, firewall and routes: packets to it are dropped, or it is down.");
  }

  private ConnectFailure noAnswer() {
    return failure(
        Kind.NO_ANSWER,
        at() + " accepted the connection, but the server did not answer " + within(),
        "Look at what listens there: a server that hangs or starts, a proxy without one behind it, another"
            + " service; or raise connectTimeout.");
  }

  private ConnectFailure closed() {
    return failure(
        Kind.CLOSED,
        at() + " accepted the connection and ended it",
        "Look at the server's log, and for a proxy or firewall between.");
  }

  private ConnectFailure handshake() {
    String why = find(error, SSLException.class).map(Throwable::getMessage).orElse("");
    return failure(
        Kind.TLS_HANDSHAKE,
        at() + " and this side did not agree on TLS" + (why.isBlank() ? "" : " (" + why + ")"),
        "Look at the TLS settings and the log of the server.");
  }

  private ConnectFailure other() {
    return failure(Kind.OTHER, SqlStates.fact(error), SourceRemedy.of(error, null));
  }

  private boolean isCut() {
    return find(error, EOFException.class).isPresent()
        || find(error, SocketException.class).isPresent();
  }

  private ConnectFailure failure(Kind kind, String fact, String remedy) {
    return new ConnectFailure(kind, fact, remedy, SqlStates.codeOrNull(error), error);
  }

  private String at() {
    return place == null ? "the server" : place;
  }

  private String host() {
    return place == null
        ? find(error, UnknownHostException.class).map(Throwable::getMessage).orElse("")
        : place.substring(0, place.lastIndexOf(':'));
  }

  private String within() {
    if (bound == null) {
      return "in time";
    }
    return "within "
        + (bound.toMillis() % 1000 == 0 ? bound.toSeconds() + " s" : bound.toMillis() + " ms");
  }

  private static <T> Optional<T> find(Throwable error, Class<T> type) {
    Throwable at = error;
    for (int depth = 0; at != null && depth < 10; depth++) {
      if (type.isInstance(at)) {
        return Optional.of(type.cast(at));
      }
      at = at.getCause();
    }
    return Optional.empty();
  }
}
