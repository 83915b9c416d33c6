package io.fulmar.internal.postgres;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Servers that are none, on real sockets: each is told apart from the others, and in time. */
@Timeout(30)
class ConnectFailureTest {
  private static Source.Builder to(int port) {
    return Source.builder()
        .host("127.0.0.1")
        .port(port)
        .database("shop")
        .user("fulmar")
        .password(Secret.of("canary-password"))
        .connectTimeout(Duration.ofSeconds(5));
  }

  /** To one that never answers, which is waited out. */
  private static Source.Builder toSilent(int port) {
    return to(port).connectTimeout(Duration.ofSeconds(1));
  }

  private static ConnectFailure failure(Source source) {
    try (Connector connector = new Connector(source, "fulmar")) {
      SQLException thrown = catchThrowableOfType(SQLException.class, connector::connect);
      assertThat((Throwable) thrown).isInstanceOf(ConnectFailedException.class);
      return ConnectFailure.of(new SQLException("a pool wraps it", thrown));
    }
  }

  private static String message(ConnectFailure failure) {
    SourceException exception = failure.exception("connect to db", "[sync=crm run=7]");
    assertThat(exception.getMessage()).doesNotContain("canary");
    return exception.getMessage();
  }

  static Stream<Source.Builder> withAndWithoutTls() {
    return Stream.of(toSilent(1), toSilent(1).withoutTls());
  }

  @ParameterizedTest
  @MethodSource("withAndWithoutTls")
  @DisplayName("B-12: a port that accepts and never answers is told within the connect timeout")
  void silenceIsToldInTime(Source.Builder source) throws Exception {
    try (StubServer server = StubServer.silent()) {
      long began = System.nanoTime();
      ConnectFailure failure = failure(source.port(server.port()).build());
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
      assertThat(failure.kind()).isEqualTo(Kind.NO_ANSWER);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect to db: 127.0.0.1:%d accepted the connection, but the server did not answer within 1 s. Look at what listens there: a server that hangs or starts, a proxy without one behind it, another service; or raise connectTimeout. [sync=crm run=7 sqlstate=08001]"
                  .formatted(server.port()));
    }
  }

  @Test
  @DisplayName("B-12: so is a server that offers TLS and then is silent")
  void silenceInTheHandshakeIsToldInTime() throws Exception {
    try (StubServer server =
        StubServer.start(
            socket -> {
              socket.getInputStream().read(new byte[8]);
              socket.getOutputStream().write('S');
              StubServer.readToTheEnd(socket);
            })) {
      ConnectFailure failure = failure(toSilent(server.port()).build());
      assertThat(failure.kind()).isEqualTo(Kind.NO_ANSWER);
      assertThat(message(failure)).contains("the server did not answer within 1 s");
    }
  }

  @Test
  void silenceIsNotTakenForAServerOfAnotherKind() throws Exception {
    try (StubServer server = StubServer.silent()) {
      ConnectFailure failure =
          failure(
              toSilent(server.port())
                  .withoutTls()
                  .targetServer(Source.TargetServer.PRIMARY)
                  .build());
      assertThat(failure.kind()).isEqualTo(Kind.NO_ANSWER);
    }
  }

  static Stream<Arguments> otherServices() {
    byte[] mysql = new byte[90];
    mysql[0] = 86;
    mysql[4] = 10;
    byte[] mysqlOfAnotherLength = mysql.clone();
    mysqlOfAnotherLength[0] = 'N';
    byte[] mysqlThatRefuses = mysql.clone();
    mysqlThatRefuses[0] = 'S';
    mysqlThatRefuses[4] = (byte) 0xff; // error 1130: this host is not allowed
    mysqlThatRefuses[5] = 0x6a;
    mysqlThatRefuses[6] = 4;
    return Stream.of(
            service("HTTP", () -> StubServer.answering(bytes("HTTP/1.1 400 Bad Request\r\n\r\n"))),
            service("SSH", () -> StubServer.greeting(bytes("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))),
            service("MySQL", () -> StubServer.greeting(mysql)),
            service("MySQL", () -> StubServer.greeting(mysqlOfAnotherLength)),
            service("MySQL", () -> StubServer.greeting(mysqlThatRefuses)),
            service("SMTP or FTP", () -> StubServer.greeting(bytes("220 mail.example ESMTP\r\n"))),
            service("Redis", () -> StubServer.answering(bytes("-ERR Protocol error\r\n"))))
        .flatMap(
            each ->
                Stream.of(to(1), to(1).withoutTls())
                    .map(source -> Arguments.of(each.get()[0], each.get()[1], source)));
  }

  private static Arguments service(String name, Supplier<StubServer> server) {
    return Arguments.of(name, server);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(ISO_8859_1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("otherServices")
  @DisplayName("B-13: another service on the port is called by its name")
  void anotherServiceIsNamed(String name, Supplier<StubServer> service, Source.Builder source)
      throws Exception {
    try (StubServer server = service.get()) {
      ConnectFailure failure = failure(source.port(server.port()).build());
      assertThat(failure.kind()).isEqualTo(Kind.WRONG_SERVICE);
      assertThat(message(failure))
          .startsWith(
              "Cannot connect to db: what listens on 127.0.0.1:%d is not a PostgreSQL server (answered like %s). Look at host and port. [sync=crm run=7 sqlstate="
                  .formatted(server.port(), name));
    }
  }

  @Test
  @DisplayName("B-13: a service that nobody knows is not a PostgreSQL server either")
  void anUnknownServiceIsNoPostgres() throws Exception {
    try (StubServer server = StubServer.answering(bytes("?"))) {
      ConnectFailure failure = failure(to(server.port()).build());
      assertThat(failure.kind()).isEqualTo(Kind.WRONG_SERVICE);
      assertThat(failure.fact())
          .isEqualTo(
              "what listens on 127.0.0.1:%d is not a PostgreSQL server".formatted(server.port()));
    }
  }

  @Test
  void aClosedPortRefuses() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    ConnectFailure failure = failure(to(port).build());
    assertThat(failure.kind()).isEqualTo(Kind.REFUSED);
    assertThat(message(failure))
        .startsWith("Cannot connect to db: 127.0.0.1:%d refuses connections. ".formatted(port));
  }

  @Test
  void whoHangsUpIsTold() throws Exception {
    try (StubServer server = StubServer.start(socket -> socket.getInputStream().read())) {
      ConnectFailure failure = failure(to(server.port()).build());
      assertThat(failure.kind()).isEqualTo(Kind.CLOSED);
      assertThat(failure.fact())
          .isEqualTo("127.0.0.1:%d accepted the connection and ended it".formatted(server.port()));
    }
  }

  @Test
  @DisplayName("B-11: a name without an address is told as DNS")
  void anUnknownNameIsToldAsDns() {
    ConnectFailure failure = failure(to(5432).host("nowhere.invalid").build());
    assertThat(failure.kind()).isEqualTo(Kind.NAME);
    assertThat(message(failure))
        .isEqualTo(
            "Cannot connect to db: the name nowhere.invalid has no address (DNS). Look at host, and at the resolver of this machine. [sync=crm run=7 sqlstate=08001]");
  }

  @Test
  void whatTheDriverSaysInAnotherLanguageIsToldTheSame() throws Exception {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.JAPAN);
    try (StubServer server = StubServer.answering(bytes("HTTP/1.1 400 Bad Request\r\n\r\n"))) {
      assertThat(failure(to(server.port()).build()).kind()).isEqualTo(Kind.WRONG_SERVICE);
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aPoolThatHasNoneIsTold() {
    SQLException ofPool = new java.sql.SQLTransientConnectionException("timed out", "08001");
    assertThat(ConnectFailure.of(ofPool).kind()).isEqualTo(Kind.POOL);
    assertThat(message(ConnectFailure.of(ofPool)))
        .isEqualTo(
            "Cannot connect to db: the pool had no connection to give. A run needs one besides what its caller holds: make the pool larger. [sync=crm run=7 sqlstate=08001]");
  }
}
