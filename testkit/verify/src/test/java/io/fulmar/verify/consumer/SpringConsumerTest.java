package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.Eventually;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Spring Boot application of {@code src/consumer/spring}, packaged against what was staged and
 * started as a process, between a PostgreSQL with 500 contacts and a CRM that this test holds back
 * at will.
 */
@Tag("release")
class SpringConsumerTest {
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int SIGTERM = 128 + 15;

  @TempDir static Path shared;

  private static Path jar;
  private static Path keys;
  private static TestPostgres postgres;

  @TempDir Path directory;

  private final HttpClient client = HttpClient.newHttpClient();
  private TestDatabase shop;
  private CrmServer crm;
  private Process application;
  private int port;

  @BeforeAll
  static void packageApplication() throws Exception {
    jar = StagedRelease.get().build("spring", "package").resolve("target/contacts-1.jar");
    keys = CrmServer.keys(shared);
    postgres = TestPostgres.start();
  }

  @AfterAll
  static void stopServer() {
    postgres.close();
  }

  @BeforeEach
  void fill() throws Exception {
    shop = postgres.createDatabase();
    shop.execute(
        "create table contact (id int primary key, email text, plan text)",
        "insert into contact select i, i || '@example.org', 'free' from generate_series(1, 500) i");
    crm = new CrmServer(keys);
  }

  @AfterEach
  void end() throws Exception {
    if (application != null) {
      application.destroyForcibly().waitFor();
    }
    crm.close();
  }

  private void start(String... options) throws IOException {
    port = FreePort.choose();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-Djavax.net.ssl.trustStore=" + keys);
    command.add("-Djavax.net.ssl.trustStorePassword=" + CrmServer.PASSWORD);
    command.addAll(List.of("-jar", jar.toString()));
    command.add("--server.port=" + port);
    command.add("--spring.datasource.url=" + shop.jdbcUrl());
    command.add("--spring.datasource.username=" + shop.user());
    command.add("--crm.url=" + crm.uri());
    command.add("--crm.state=" + directory.resolve("state"));
    command.add("--crm.every=PT0.2S");
    command.addAll(Arrays.asList(options));
    application =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .start();
    application.getOutputStream().close();
  }

  private Path log() {
    return directory.resolve("application.log");
  }

  /** Requests that have come in from an application that runs. */
  private int arrived() {
    runs();
    return crm.arrived();
  }

  private void runs() {
    try {
      assertThat(application.isAlive())
          .as("the application runs; it printed:%n%s", Files.readString(log()))
          .isTrue();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The status of a part of the application's health, "none" while it does not answer. */
  private String health(String part) {
    runs();
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(
                      URI.create("http://localhost:%s/actuator/health/%s".formatted(port, part)))
                  .timeout(Duration.ofSeconds(20))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return new ObjectMapper().readTree(response.body()).path("status").asText("none");
    } catch (IOException e) {
      return "none";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Map<Integer, String> source() {
    Map<Integer, String> rows = new TreeMap<>();
    try (Connection connection = shop.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id, email || ' ' || plan from contact")) {
      while (row.next()) {
        rows.put(row.getInt(1), row.getString(2));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return rows;
  }

  private Map<Integer, String> destination() {
    Map<Integer, String> rows = new TreeMap<>();
    crm.records()
        .forEach(
            (id, body) -> {
              try {
                JsonNode record = new ObjectMapper().readTree(body);
                rows.put(id, record.get("email").asText() + " " + record.get("plan").asText());
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    return rows;
  }

  @Test
  @DisplayName(
      "P1, P2: SIGTERM in mid-run ends the application in time, and a restart brings the rest")
  void terminatedInMidRunAndRestartedItLosesNothing() throws Exception {
    start();
    crm.allow(100);
    Eventually.is(true, "more requests than are answered", LONG, () -> arrived() > 100);
    long terminated = System.nanoTime();
    application.destroy();
    Eventually.is("OUT_OF_SERVICE", "readiness", LONG, () -> health("readiness"));
    crm.allow(10_000);

    assertThat(application.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - terminated)).isLessThan(LONG);
    assertThat(application.exitValue()).as(Files.readString(log())).isEqualTo(SIGTERM);
    assertThat(crm.records().size()).isBetween(100, 499);
    assertThat(Files.readString(log())).contains("status=CANCELLED").doesNotContain("ERROR");
    shop.execute(
        "update contact set plan = 'pro' where id % 10 = 0", "delete from contact where id > 480");

    start();
    Eventually.is(source(), "what the CRM has", LONG, this::destination);
    assertThat(crm.repeats()).isZero();
    Eventually.is("UP", "health of the sync", LONG, () -> health("contactsSync"));
  }

  @Test
  void healthIsDownWhileTheDestinationIsTooFarBehind() throws Exception {
    crm.allow(500);
    start("--crm.max-age=PT5S");
    Eventually.is("UP", "health of the sync", LONG, () -> health("contactsSync"));
    assertThat(destination()).isEqualTo(source());

    shop.execute("update contact set plan = 'pro' where id = 1");
    Eventually.is("DOWN", "health of the sync", LONG, () -> health("contactsSync"));
    assertThat(health("readiness")).isEqualTo("UP");

    crm.allow(10_000);
    Eventually.is("UP", "health of the sync", LONG, () -> health("contactsSync"));
    assertThat(destination()).isEqualTo(source());
  }
}
