package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.harness.Certificates;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.LocalPort;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A PostgreSQL server of its own behind the tunnel, which ends and starts, and is asked. */
@BothSshServers
class DatabaseBehindTest extends ChannelFixture {
  private static final Model ONE = Model.query("one", "select 1 as id").key("id");
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  @TempDir static Path files;
  private static ServerProcess postgres;

  @BeforeAll
  static void startPostgres() throws Exception {
    Certificates authority = Certificates.authority("Fulmar Test Authority");
    Certificates certificate = authority.sign("db", "localhost");
    TestDatabase shared = SharedServer.own().createDatabase();
    postgres = ServerProcess.create(shared, Map.of());
    shared.drop();
    Files.createDirectories(files);
    postgres
        .database()
        .execute(
            "alter system set ssl_cert_file = '%s'"
                .formatted(certificate.certificateTo(files.resolve("server.pem"))),
            "alter system set ssl_key_file = '%s'"
                .formatted(certificate.keyTo(files.resolve("server.key"))));
  }

  @AfterAll
  static void stopPostgres() {
    postgres.close();
  }

  private static TestDatabase database() {
    return postgres.database();
  }

  @Test
  @DisplayName("T-01: PostgreSQL ends and starts behind a tunnel, which other connections outlive")
  void databaseEndsAndStarts() throws Exception {
    ForwardTunnel tunnel = forward().build();
    Source source =
        Source.builder()
            .host("localhost")
            .port(database().port())
            .database(database().name())
            .user(database().user())
            .connectTimeout(PATIENCE)
            .withoutTls()
            .tunnel(tunnel)
            .build();
    try (OpenTunnel open = tunnel.open();
        Dialer dialer = tunnel.dialer();
        Socket other = connect(dialer, echo.port());
        SyncEngine engine = StandardEngine.on(source, directory.resolve("state"))) {
      LocalPort port = open.listen(0, "localhost", database().port(), 10);
      TestDatabase byPort =
          new TestDatabase("127.0.0.1", port.port(), database().name(), database().user());
      assertThat(engine.preview(ONE).rows()).hasSize(1);
      assertThat(Queries.first(byPort, "select 1")).isEqualTo("1");

      postgres.stop(ServerProcess.Stop.FAST);

      FulmarException failed =
          catchThrowableOfType(FulmarException.class, () -> engine.preview(ONE));
      assertThat(failed).hasMessageContaining("does not reach localhost:" + database().port());
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      for (int i = 0; i < 5; i++) {
        assertThatThrownBy(() -> Queries.first(byPort, "select 1"))
            .isInstanceOf(SQLException.class);
      }
      assertEchoes(other);

      postgres.start();

      assertThat(Queries.first(byPort, "select 1")).isEqualTo("1");
      assertThat(engine.preview(ONE).rows()).hasSize(1);
      assertEchoes(other);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(tunnel.status().sshConnections()).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("a probe asks PostgreSQL, with TLS and without, which notes nothing of it")
  void probe() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (OpenTunnel open = tunnel.open()) {
      for (String tls : new String[] {"on", "off"}) {
        database().execute("alter system set ssl = " + tls, "select pg_reload_conf()");
        Queries.await(database(), "show ssl", tls);
        String before = postgres.log();
        for (int i = 0; i < 3; i++) {
          open.probe("localhost", database().port(), PATIENCE);
        }
        Queries.first(database(), "select 1");
        assertThat(postgres.log()).as("TLS " + tls).isEqualTo(before);
      }
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(tunnel.status().connections()).isEqualTo(6);
      assertThat(tunnel.status().openConnections()).isZero();
    }
  }

  private static TunnelException probed(OpenTunnel open, int port, Duration timeout) {
    TunnelException failed =
        catchThrowableOfType(TunnelException.class, () -> open.probe("127.0.0.1", port, timeout));
    assertThat(failed).isNotNull();
    return failed;
  }

  @Test
  @DisplayName("a probe tells what is wrong behind the SSH server, and the state with it")
  void probeOfWhatIsNoDatabase() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (OpenTunnel open = tunnel.open();
        ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      open.awaitUp(SOON);
      assertThat(nextEvent().state()).isEqualTo(TunnelState.UP);
      TunnelException other = probed(open, echo.port(), PATIENCE);
      assertThat(other.kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      assertThat(other)
          .hasMessage(
              "Cannot probe 127.0.0.1:%s: what listens on 127.0.0.1:%s is not a PostgreSQL server."
                  + " Look at host and port, and whether the server is up.",
              echo.port(), echo.port());
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(probed(open, silent.getLocalPort(), Duration.ofSeconds(1)))
          .hasMessage(
              "Cannot probe 127.0.0.1:%s: 127.0.0.1:%s did not answer within 1000 ms. Look whether"
                  + " the server hangs, and at what stands between.",
              silent.getLocalPort(), silent.getLocalPort());
      int nobody = FreePort.choose();
      assertThat(probed(open, nobody, PATIENCE).getMessage())
          .startsWith(
              "Cannot probe 127.0.0.1:%s: the SSH server does not reach 127.0.0.1:%s"
                  .formatted(nobody, nobody));
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);

      open.probe("localhost", database().port(), PATIENCE);

      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(nextEvent().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(nextEvent().state()).as("and nothing between").isEqualTo(TunnelState.UP);
      assertThat(events).isEmpty();
    }
  }
}
