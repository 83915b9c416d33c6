package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.HotStandby;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two servers, a primary and its hot standby, of which each source wants one. */
class SwitchOverTest {
  private static final Model WHICH =
      Model.query(
              "which", "select 1 as id, pg_is_in_recovery() as standby, inet_server_port() as port")
          .key("id");

  @TempDir Path state;

  private static Source.Builder source(TestDatabase first, TestDatabase second) {
    return Source.builder()
        .hosts("localhost:" + first.port(), "localhost:" + second.port())
        .database(first.name())
        .user(first.user())
        .connectTimeout(Duration.ofSeconds(3))
        .withoutTls();
  }

  private int port(SyncEngine engine) {
    return (Integer) engine.preview(WHICH).rows().get(0).value("port");
  }

  private int port(Source source) {
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      return port(engine);
    }
  }

  @Test
  @DisplayName("E-08: after a switch-over the next connection finds the new primary within 30 s")
  void theNewPrimaryIsFound() throws Exception {
    TestPostgres postgres = TestPostgres.start();
    try {
      TestDatabase primary = postgres.createDatabase();
      try (HotStandby replica = HotStandby.of(primary).start()) {
        replica.awaitReplay();
        TestDatabase standby = replica.database();
        Source both = source(standby, primary).build();
        assertThat(port(both)).isEqualTo(standby.port());
        for (Source.TargetServer wanted : Source.TargetServer.values()) {
          int expected =
              switch (wanted) {
                case PRIMARY, PREFER_PRIMARY -> primary.port();
                case ANY, STANDBY, PREFER_STANDBY -> standby.port();
              };
          assertThat(port(source(standby, primary).targetServer(wanted).build()))
              .as("%s", wanted)
              .isEqualTo(expected);
        }
        Source onlyStandbys =
            source(primary, primary).targetServer(Source.TargetServer.STANDBY).build();
        assertThat(catchThrowableOfType(SourceException.class, () -> port(onlyStandbys)))
            .hasMessageContaining(
                "no server of the kind STANDBY answered, of localhost:%d, localhost:%d. Look at which of them is the primary, or give another kind to targetServer(...).",
                primary.port(), primary.port());
        Source onlyPrimary =
            source(standby, primary).targetServer(Source.TargetServer.PRIMARY).build();
        try (SyncEngine engine = StandardEngine.on(onlyPrimary, state)) {
          assertThat(port(engine)).isEqualTo(primary.port());
          postgres.close();
          SourceException refused = catchThrowableOfType(SourceException.class, () -> port(engine));
          assertThat(refused)
              .hasMessageStartingWith(
                  "Cannot connect to localhost:%d,localhost:%d/%s: ",
                  standby.port(), primary.port(), primary.name());
          replica.promote();
          long began = System.nanoTime();
          assertThat(port(engine)).isEqualTo(standby.port());
          assertThat(Duration.ofNanos(System.nanoTime() - began))
              .isLessThan(Duration.ofSeconds(30));
        }
        Source aStandby =
            source(standby, primary).targetServer(Source.TargetServer.STANDBY).build();
        assertThat(catchThrowableOfType(SourceException.class, () -> port(aStandby)))
            .hasMessageStartingWith(
                "Cannot connect to localhost:%d,localhost:%d/%s: localhost:%d refuses connections. ",
                standby.port(), primary.port(), primary.name(), primary.port());
      }
    } finally {
      postgres.close();
    }
  }
}
