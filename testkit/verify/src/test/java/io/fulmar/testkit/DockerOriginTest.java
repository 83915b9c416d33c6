package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.verify.fault.ForkedJvm;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.Queries;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * PostgreSQL in a container, on a Docker engine that must be there: {@code mvn -Pdocker verify}.
 * The image is that of the default major version, or of the one that {@code -Dfulmar.pg} names.
 */
@Tag("docker")
class DockerOriginTest {
  private static final int VERSION = Settings.ofThisJvm().majorVersionOrDefault();
  private static final List<String> SAID = new ArrayList<>();

  private static TestServer server;

  @TempDir Path files;

  @BeforeAll
  static void startContainer() {
    server = take(Map.of("fulmar.pg", Integer.toString(VERSION)), SAID);
  }

  private static TestServer take(Map<String, String> properties, List<String> said) {
    Settings settings = new Settings(properties::get, name -> null);
    return new ServerChoice(
            settings, List.of(new NamedOrigin(settings), new DockerOrigin(settings)), said::add)
        .take();
  }

  @Test
  void containerIsTakenWhereDockerAnswers() throws SQLException {
    TestDatabase database = server.createDatabase();

    assertThat(SAID)
        .containsExactly(
            "Tests run on PostgreSQL %s in Docker (postgres:%s) at %s:%s, because no server is named (fulmar.pg.url)."
                .formatted(VERSION, VERSION, database.host(), database.port()));
    assertThat(server.majorVersion()).isEqualTo(VERSION);
    assertThat(Queries.first(database, "select current_setting('server_version_num')::int / 10000"))
        .isEqualTo(Integer.toString(VERSION));
    database.drop();
    assertThatThrownBy(database::connect)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("does not exist");
  }

  @Test
  void settingsAreThoseOfTheEmbeddedServer() throws SQLException {
    TestDatabase database = server.createDatabase();

    assertThat(Queries.first(database, "show fsync")).isEqualTo("off");
    assertThat(Queries.first(database, "show synchronous_commit")).isEqualTo("off");
    assertThat(Queries.first(database, "show max_connections")).isEqualTo("300");
    assertThat(
            Queries.first(
                database,
                "select concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype) from pg_database where datname = current_database()"))
        .isEqualTo("UTF8 C C");
  }

  @Test
  void nobodyComesInWithoutThePassword() {
    TestDatabase database = server.createDatabase();

    assertThatThrownBy(() -> DriverManager.getConnection(database.jdbcUrl()))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no password");
    assertThat(database.toString()).doesNotContain(database.password().reveal());
  }

  @Test
  void engineReadsThroughTheSourceOfADatabase() {
    TestDatabase database = server.createDatabase();

    try (SyncEngine engine = StandardEngine.on(database.source().build(), files)) {
      assertThat(engine.preview(Model.query("one", "select 1 as id").key("id")).rows()).hasSize(1);
    }
  }

  @Test
  void anotherMajorVersionInTheImageThanTheOneAskedForIsAnError() {
    assertThatThrownBy(
            () ->
                take(
                    Map.of("fulmar.pg", "13", "fulmar.pg.image", "postgres:" + VERSION),
                    new ArrayList<>()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(
            "Cannot test on PostgreSQL 13, for which the system property fulmar.pg asks: what was found is PostgreSQL %s in Docker (postgres:%s) at "
                .formatted(VERSION, VERSION));
  }

  @Test
  void imageThatStartsNoServerIsAnError() {
    assertThatThrownBy(
            () ->
                take(
                    Map.of("fulmar.pg.from", "docker", "fulmar.pg.image", "Postgres 17"),
                    new ArrayList<>()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(
            "Cannot test on PostgreSQL from \"docker\", which alone the system property fulmar.pg.from allows: Docker answers, but no container of Postgres 17 starts (");
  }

  @Test
  @Timeout(300)
  void containerEndsWithItsJvm() throws Exception {
    ForkedJvm.End end =
        ForkedJvm.run(
            files.resolve("output"),
            List.of("-Dfulmar.pg.from=docker", "-Dfulmar.pg=" + VERSION),
            TakesServer.class,
            List.of());

    assertThat(end.exit()).as(end.output()).isZero();
    assertThat(end.output())
        .contains("because the system property fulmar.pg.from allows docker alone.");
    Matcher made = Pattern.compile("made \\w+ at port (\\d+)").matcher(end.output());
    assertThat(made.find()).as(end.output()).isTrue();
    int port = Integer.parseInt(made.group(1));
    Eventually.is(false, "somebody listens", () -> FreePort.isTaken(port));
  }
}
