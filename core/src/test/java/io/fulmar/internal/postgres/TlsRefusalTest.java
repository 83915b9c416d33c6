package io.fulmar.internal.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.harness.Certificates;
import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Servers that are not the right one, in the default mode: none gets a log-in, and each is told in
 * its own words. The server answers the request for TLS, shows a certificate, and notes whether
 * anything was said to it inside.
 */
@Timeout(30)
@DisplayName("S-01: a server that is not proven to be the right one is refused")
class TlsRefusalTest {
  private static final Certificates AUTHORITY = Certificates.authority("Fulmar Test Authority");

  @TempDir static Path files;
  private static Path root;

  private final AtomicBoolean talkedTo = new AtomicBoolean();

  @BeforeAll
  static void writeRoot() throws Exception {
    root = AUTHORITY.certificateTo(files.resolve("root.pem"));
  }

  private StubServer showing(Certificates shown) {
    SSLContext context = shown.context();
    return StubServer.start(socket -> handshake(context, socket));
  }

  private void handshake(SSLContext context, Socket socket) throws IOException {
    socket.getInputStream().readNBytes(8);
    socket.getOutputStream().write('S');
    try (SSLSocket tls =
        (SSLSocket) context.getSocketFactory().createSocket(socket, null, socket.getPort(), true)) {
      tls.setUseClientMode(false);
      talkedTo.set(tls.getInputStream().read() >= 0);
    }
  }

  private static Source.Builder to(StubServer server) {
    return Source.builder()
        .host("localhost")
        .port(server.port())
        .database("shop")
        .user("fulmar")
        .password(Secret.of("canary"))
        .tlsRootCertificate(root)
        .connectTimeout(Duration.ofSeconds(5));
  }

  private ConnectFailure failure(Source.Builder source) {
    try (Connector connector = new Connector(source.build(), "fulmar")) {
      SQLException thrown = catchThrowableOfType(SQLException.class, connector::connect);
      assertThat((Throwable) thrown).isInstanceOf(ConnectFailedException.class);
      assertThat(talkedTo).isFalse();
      return ConnectFailure.of(thrown);
    }
  }

  private static String message(ConnectFailure failure) {
    return failure
        .exception("connect", "[sync=crm run=7]")
        .getMessage()
        .replaceAll("localhost:\\d+", "localhost:PORT");
  }

  @Test
  void theCertificateOfAnotherHostIsRefused() throws Exception {
    try (StubServer server = showing(AUTHORITY.sign("db", "db.internal", "10.1.2.3"))) {
      ConnectFailure failure = failure(to(server));
      assertThat(failure.kind()).isEqualTo(Kind.CERTIFICATE_HOST);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: localhost:PORT is not trusted: its certificate is not for that name, but for db.internal, 10.1.2.3. Connect by one of those names, or have a certificate made for this one. [sync=crm run=7 sqlstate=08006]");
    }
  }

  @Test
  void theNameIsNotLookedAtIfThatIsAskedFor() throws Exception {
    try (StubServer server = showing(AUTHORITY.sign("db", "db.internal"))) {
      Source source = to(server).insecureTls(Source.Tls.VERIFY_CA).build();
      try (Connector connector = new Connector(source, "fulmar")) {
        SQLException thrown = catchThrowableOfType(SQLException.class, connector::connect);
        assertThat(ConnectFailure.of(thrown).kind()).isEqualTo(Kind.CLOSED);
      }
    }
  }

  @Test
  void anExpiredCertificateIsRefused() throws Exception {
    Certificates expired =
        AUTHORITY.signFor(Duration.ofHours(-20), Duration.ofHours(-1), "db", "localhost");
    try (StubServer server = showing(expired)) {
      ConnectFailure failure = failure(to(server));
      assertThat(failure.kind()).isEqualTo(Kind.CERTIFICATE_EXPIRED);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: localhost:PORT is not trusted: its certificate is valid from %s to %s. Renew the certificate, and look at the clock of this machine. [sync=crm run=7 sqlstate=08006]",
              expired.certificate().getNotBefore().toInstant(),
              expired.certificate().getNotAfter().toInstant());
    }
  }

  @Test
  void aCertificateThatIsNotValidYetIsRefused() throws Exception {
    try (StubServer server =
        showing(AUTHORITY.signFor(Duration.ofHours(1), Duration.ofHours(20), "db", "localhost"))) {
      assertThat(failure(to(server)).kind()).isEqualTo(Kind.CERTIFICATE_EXPIRED);
    }
  }

  @Test
  void aSelfSignedCertificateIsRefused() throws Exception {
    try (StubServer server = showing(Certificates.selfSigned("db", "localhost"))) {
      ConnectFailure failure = failure(to(server));
      assertThat(failure.kind()).isEqualTo(Kind.CERTIFICATE_SELF_SIGNED);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: localhost:PORT is not trusted: its certificate is signed by itself and not trusted (CN=db). If it is the right server, give a copy of its certificate as tlsRootCertificate. [sync=crm run=7 sqlstate=08006]");
    }
  }

  @Test
  void aCertificateOfAnotherAuthorityIsRefused() throws Exception {
    try (StubServer server =
        showing(Certificates.authority("Another Authority").sign("db", "localhost"))) {
      ConnectFailure failure = failure(to(server));
      assertThat(failure.kind()).isEqualTo(Kind.CERTIFICATE_UNTRUSTED);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: localhost:PORT is not trusted: its certificate is signed by nobody that is trusted (issuer CN=Another Authority). Give the certificate of its authority as tlsRootCertificate; if that is given, somebody else may have answered. [sync=crm run=7 sqlstate=08006]");
    }
  }

  @Test
  void theTrustStoreOfTheJvmKnowsNeither() throws Exception {
    try (StubServer server = showing(AUTHORITY.sign("db", "localhost"))) {
      Source.Builder source =
          Source.builder()
              .host("localhost")
              .port(server.port())
              .database("shop")
              .user("fulmar")
              .connectTimeout(Duration.ofSeconds(5));
      assertThat(failure(source).kind()).isEqualTo(Kind.CERTIFICATE_UNTRUSTED);
    }
  }

  /** Takes the certificate's names for its own, and passes on what it hears. */
  @Test
  void whoStandsBetweenIsRefused() throws Exception {
    SSLContext mallory = Certificates.authority("Mallory").sign("db", "localhost").context();
    try (StubServer real = StubServer.silent();
        StubServer between =
            StubServer.start(
                socket -> {
                  try (Socket onward = new Socket("localhost", real.port())) {
                    onward.getOutputStream().write(socket.getInputStream().readNBytes(8));
                    handshakeAfterRequest(mallory, socket);
                  }
                })) {
      ConnectFailure failure = failure(to(between));
      assertThat(failure.kind()).isEqualTo(Kind.CERTIFICATE_UNTRUSTED);
      assertThat(failure.fact()).endsWith("(issuer CN=Mallory)");
    }
  }

  private void handshakeAfterRequest(SSLContext context, Socket socket) throws IOException {
    socket.getOutputStream().write('S');
    try (SSLSocket tls =
        (SSLSocket) context.getSocketFactory().createSocket(socket, null, socket.getPort(), true)) {
      tls.setUseClientMode(false);
      talkedTo.set(tls.getInputStream().read() >= 0);
    }
  }

  @Test
  @DisplayName("a server without TLS, or whose offer somebody took out, gets nothing either")
  void plainTextIsRefused() throws Exception {
    try (StubServer server =
        StubServer.start(
            socket -> {
              socket.getInputStream().readNBytes(8);
              socket.getOutputStream().write('N');
              talkedTo.set(socket.getInputStream().read() >= 0);
            })) {
      ConnectFailure failure = failure(to(server));
      assertThat(failure.kind()).isEqualTo(Kind.TLS_NOT_OFFERED);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: localhost:PORT offers no encryption. Switch ssl on in the server, or look for what stands between: it may have taken the offer out. Only if nobody can listen: withoutTls(). [sync=crm run=7 sqlstate=08004]");
    }
  }

  @Test
  void eachReasonHasAMessageOfItsOwn() throws Exception {
    Set<String> facts = new HashSet<>();
    for (Certificates shown :
        new Certificates[] {
          AUTHORITY.sign("db", "db.internal"),
          AUTHORITY.signFor(Duration.ofHours(-20), Duration.ofHours(-1), "db", "localhost"),
          Certificates.selfSigned("db", "localhost"),
          Certificates.authority("Another Authority").sign("db", "localhost"),
          Certificates.authority("Mallory").sign("db", "localhost")
        }) {
      try (StubServer server = showing(shown)) {
        facts.add(message(failure(to(server))));
      }
    }
    assertThat(facts).hasSize(5);
  }

  @Test
  void filesThatAreNotWhatTheyShouldBeAreNamed() throws Exception {
    try (StubServer server = StubServer.silent()) {
      Path missing = files.resolve("missing.pem");
      ConnectFailure failure = failure(to(server).tlsRootCertificate(missing));
      assertThat(failure.kind()).isEqualTo(Kind.TLS_FILES);
      assertThat(message(failure))
          .isEqualTo(
              "Cannot connect: %s does not exist. Look at the tls... settings and the files. [sync=crm run=7]",
              missing);
      Path encrypted = AUTHORITY.sign("c").keyStoreTo(files.resolve("c.p12"), "right");
      assertThat(
              failure(to(server).tlsClientKey(encrypted).tlsKeyPassword(Secret.of("canary")))
                  .fact())
          .isEqualTo(
              "%s cannot be opened: it is no PKCS#12, or the password is another", encrypted);
    }
  }
}
