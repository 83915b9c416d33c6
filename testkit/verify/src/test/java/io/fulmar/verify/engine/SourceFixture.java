package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.InvalidRow;
import io.fulmar.Model;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.Queries;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;

/**
 * What the tests of the source side share: one server for the JVM, whose time zone is neither UTC
 * nor the JVM's; for each test a database, a state directory and a recording destination. Each run
 * has an engine of its own, so whatever is remembered has been through the files or the tables.
 * After each test the destination has seen no breach of contract, and no connection and no thread
 * of an engine is left.
 */
abstract class SourceFixture {
  private static final TestPostgres POSTGRES =
      TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();

  /**
   * What the tests of a class run against that does not have {@code @BothEngines}: the standard.
   */
  @Parameter EngineUnderTest tested = EngineUnderTest.STANDARD;

  @TempDir Path state;

  TestDatabase database;
  final RecordingDestination destination = RecordingDestination.of("test:recording");

  /** The server; one of a class's own is small, so copied faster. */
  TestPostgres server() {
    return POSTGRES;
  }

  @BeforeEach
  void createDatabase() throws SQLException {
    database = server().createDatabase();
    tested.prepare(database);
  }

  @AfterEach
  void nothingIsLeft() throws SQLException, InterruptedException {
    assertThat(destination.violations()).isEmpty();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("fulmar-")) {
        thread.join(5_000);
        assertThat(thread.isAlive()).as(thread.getName()).isFalse();
      }
    }
    awaitQuery(
        "select count(*) from pg_stat_activity where datname = current_database()"
            + " and pid <> pg_backend_pid() and application_name like 'fulmar%'",
        "0");
    database.drop();
  }

  Source.Builder sourceBuilder() {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(database.user())
        .connectTimeout(Duration.ofSeconds(2))
        .withoutTls();
  }

  Source source() {
    return sourceBuilder().build();
  }

  Sync.Builder sync(String sql, String key, String... more) {
    return Sync.builder("crm").model(Model.query("rows", sql).key(key, more)).to(destination);
  }

  /** An engine of the kind that the test runs against. */
  SyncEngine open() {
    return open(source());
  }

  SyncEngine open(Source source) {
    return tested.on(source, state);
  }

  /** Runs on an engine that is made for this run and closed after it. */
  SyncReport run(Sync sync) {
    return run(source(), sync);
  }

  SyncReport run(Source source, Sync sync) {
    try (SyncEngine engine = open(source)) {
      return engine.run(sync);
    }
  }

  /** What was sent in a run: {@code CHANGED 1}, with the texts of the key columns, sorted. */
  List<String> sent(SyncReport report) {
    return destination.changes(report.run()).stream().map(SourceFixture::shown).sorted().toList();
  }

  private static String shown(Change change) {
    return change.operation() + " " + String.join(",", texts(change.key()));
  }

  /** What is invalid in a run: {@code DUPLICATE_KEY 1 x2}, sorted. */
  static List<String> invalid(SyncReport report) {
    return report.changeSet().invalidRows().stream()
        .map(
            (InvalidRow row) ->
                row.reason() + " " + String.join(",", texts(row.key())) + " x" + row.rows())
        .sorted()
        .toList();
  }

  static List<String> texts(Row row) {
    List<String> texts = new ArrayList<>();
    row.columns().forEach(column -> texts.add(String.valueOf(row.text(column))));
    return texts;
  }

  /** The first column of the first row; null if there is none. */
  @Nullable String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** Asks until the answer is the expected one, at most 20 seconds; the server does the waiting. */
  void awaitQuery(String sql, String expected) throws SQLException {
    Queries.await(database, sql, expected);
  }
}
