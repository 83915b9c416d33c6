package io.fulmar.testkit;

import io.fulmar.Secret;
import io.fulmar.testkit.Origin.AbsentException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/**
 * A container with PostgreSQL. Testcontainers removes it when the JVM ends. Only what is the same
 * in 1.21 and in 2.0 of it is used, so not its own container for PostgreSQL, which has moved.
 */
final class PostgresContainer {
  private static final int PORT = 5432;
  private static final String USER = "postgres";
  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

  private PostgresContainer() {}

  static TestServer start(String image) throws AbsentException {
    if (!answers()) {
      throw new AbsentException("Docker does not answer");
    }
    String password = UUID.randomUUID().toString();
    GenericContainer<?> container;
    try {
      container = container(image, password);
      // One that does not start is removed by this.
      container.start();
    } catch (RuntimeException e) {
      throw new AbsentException(
          "Docker answers, but no container of %s starts (%s)".formatted(image, e.getMessage()), e);
    }
    try {
      return RemoteServer.contained(
          new TestDatabase(
              container.getHost(),
              container.getMappedPort(PORT),
              TestPostgres.MAINTENANCE,
              USER,
              Secret.of(password)),
          image);
    } catch (SQLException e) {
      container.stop();
      throw new AbsentException(
          "Docker answers, but the server in a container of %s does not (%s)"
              .formatted(image, e.getMessage()),
          e);
    }
  }

  private static boolean answers() throws AbsentException {
    try {
      return DockerClientFactory.instance().isDockerAvailable();
    } catch (RuntimeException e) {
      // It answers, and what Testcontainers cleans up with does not start, say.
      throw new AbsentException(
          "Testcontainers cannot use Docker (%s)".formatted(e.getMessage()), e);
    }
  }

  /** With the settings of {@link TestPostgres#start()}. */
  private static GenericContainer<?> container(String image, String password) {
    return new GenericContainer<>(DockerImageName.parse(image))
        .withEnv("POSTGRES_PASSWORD", password)
        .withEnv("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C")
        .withCommand(
            "postgres",
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "timezone=UTC",
            "-c",
            "max_connections=300")
        .withExposedPorts(PORT)
        // The first time, it listens to the set-up alone.
        .waitingFor(
            Wait.forLogMessage(".*database system is ready to accept connections.*\\s", 2)
                .withStartupTimeout(START_TIMEOUT));
  }
}
