package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshServer;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;

/**
 * What the tests of syncs through a tunnel share: for each a database, an SSH server that lets a
 * key in, and a recording destination. After each test the destination has seen no breach of
 * contract, and no connection and no thread of an engine or tunnel is left.
 */
abstract class TunnelFixture {
  static final Duration SOON = Duration.ofSeconds(20);

  @TempDir Path directory;

  @Parameter SshServerUnderTest kind = SshServerUnderTest.MINA;

  TestDatabase database;
  SshServer server;
  SshKeyFile key;
  final RecordingDestination destination = RecordingDestination.of("test:recording");

  @BeforeEach
  void start() throws SQLException {
    database = SharedServer.own().createDatabase();
    key = SshKeyFile.create(directory);
    server = kind.start();
    server.authorise(key.publicLine(), "restrict", "port-forwarding");
  }

  /** Another server than that of each test, which lets the key in with these options. */
  void restartWith(SshSettings settings, String... options) {
    server.close();
    server = kind.start(settings);
    server.authorise(key.publicLine(), options);
  }

  @AfterEach
  void nothingIsLeft() throws SQLException, InterruptedException {
    try {
      assertThat(destination.violations()).isEmpty();
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().startsWith("fulmar-") || thread.getName().startsWith("sshj-")) {
          thread.join(5_000);
          assertThat(thread.isAlive()).as(thread.getName()).isFalse();
        }
      }
      Queries.await(
          database,
          "select count(*) from pg_stat_activity where datname = current_database()"
              + " and pid <> pg_backend_pid() and application_name like 'fulmar%'",
          "0");
    } finally {
      server.close();
    }
    database.drop();
  }

  /** To the server of the test, with its key, at once. */
  ForwardTunnel.Builder forward() {
    return SshTunnel.forward(server.host())
        .port(server.port())
        .user(server.user())
        .key(UserKey.file(key.file()))
        .hostKeys(HostKeys.fingerprint(server.fingerprint()));
  }

  Source.Builder source() {
    return database.source().connectTimeout(Duration.ofSeconds(5));
  }

  Sync.Builder sync(String sql) {
    return Sync.builder("crm").model(Model.query("rows", sql).key("id")).to(destination);
  }
}
