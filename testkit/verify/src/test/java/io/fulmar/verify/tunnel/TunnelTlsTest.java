package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Model;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.harness.Certificates;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.TlsServer;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.verify.fixture.BothSshServers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server with TLS behind a tunnel, whose certificate is for {@code localhost}. The role {@code
 * scram} needs a password; each session says for itself whether it is encrypted.
 */
@BothSshServers
@DisplayName("T-15: TLS is verified through a tunnel as without one")
class TunnelTlsTest extends ChannelFixture {
  private static final Certificates AUTHORITY = Certificates.authority("Fulmar Test Authority");

  @TempDir static Path files;
  private static TlsServer server;
  private static TestDatabase database;
  private static Path root;

  @BeforeAll
  static void startWithTls() throws Exception {
    Files.createDirectories(files);
    root = AUTHORITY.certificateTo(files.resolve("root.pem"));
    Certificates localhost = AUTHORITY.sign("db", "localhost");
    server =
        TlsServer.start(
            localhost.certificateTo(files.resolve("server.pem")),
            localhost.keyTo(files.resolve("server.key")),
            root,
            "hostssl all scram all scram-sha-256");
    database = server.database();
    database.execute("create role scram login password 'canary'");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static void show(Certificates shown, String name) throws Exception {
    server.show(
        shown.certificateTo(files.resolve(name + ".pem")),
        shown.keyTo(files.resolve(name + ".key")));
  }

  private Source.Builder source(ForwardTunnel tunnel) {
    return Source.builder()
        .host("localhost")
        .port(database.port())
        .database(database.name())
        .user("scram")
        .password(Secret.of("canary"))
        .tlsRootCertificate(root)
        .connectTimeout(Duration.ofSeconds(10))
        .tunnel(tunnel);
  }

  /** What the session says: TLS, and who it is. */
  private List<Object> session(Source source) {
    try (SyncEngine engine = StandardEngine.on(source, directory.resolve("state"))) {
      Model model =
          Model.query(
                  "session",
                  "select 1 as id, ssl, current_user::text as who from pg_stat_ssl"
                      + " where pid = pg_backend_pid()")
              .key("id");
      Map<String, Object> row = engine.preview(model).rows().get(0).asMap();
      return List.of(row.get("ssl"), row.get("who"));
    }
  }

  private String refusal(Source source) {
    return catchThrowableOfType(SourceException.class, () -> session(source)).getMessage();
  }

  @Test
  void nameOfTheCertificateIsTakenAndThePasswordBoundToIt() {
    ForwardTunnel tunnel = forward().build();
    Source source = source(tunnel).requireChannelBinding().build();
    assertThat(session(source)).containsExactly(true, "scram");
    assertThat(tunnel.status().connections()).isPositive();
  }

  @Test
  void anotherNameIsRefused() throws Exception {
    String by = "localhost:" + database.port();
    show(AUTHORITY.sign("db", "db.example"), "other");
    try {
      assertThat(refusal(source(forward().build()).build()))
          .contains(
              by
                  + " is not trusted: its certificate is not for that name, but for db.example."
                  + " Connect by one of those names, or have a certificate made for this one.");
    } finally {
      show(AUTHORITY.sign("db", "localhost"), "server");
    }
    assertThat(refusal(source(forward().build()).host("127.0.0.1").build()))
        .contains(
            "127.0.0.1:%s is not trusted: its certificate is not for that name, but for localhost."
                .formatted(database.port()));
  }

  @Test
  void anotherAuthorityIsRefused() throws Exception {
    Path other =
        Certificates.authority("Mallory").certificateTo(files.resolve(kind + "-mallory.pem"));
    assertThat(refusal(source(forward().build()).tlsRootCertificate(other).build()))
        .contains(
            "localhost:%s is not trusted: ".formatted(database.port()), "CN=Fulmar Test Authority");
  }
}
