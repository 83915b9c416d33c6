package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.Queries;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the tests of Lightning alone share: a server for the JVM; for each test a database with ten
 * rows in {@code item (id, v)}, the schemas of the engine, a role that may do no more than the
 * README says, and a destination that records. After each test the destination has seen no breach
 * of contract, its rows are those of the table, and no connection and no thread of an engine is
 * left.
 */
abstract class LightningFixture {
  /** Started when a test wants it: a class may also be the program of another process. */
  private static final class Server {
    static final TestPostgres POSTGRES =
        TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();
  }

  /** Roles belong to the server, and outlive the databases. */
  static final String ROLE = "fulmar_role";

  TestDatabase database;
  final RecordingDestination destination = RecordingDestination.of("test:recording");

  @BeforeEach
  void createDatabase() throws SQLException {
    database = Server.POSTGRES.createDatabase();
    prepare(database);
  }

  /** Makes the table, the schemas and the role in a database. */
  static void prepare(TestDatabase database) throws SQLException {
    database.execute(
        "do $$ begin create role "
            + ROLE
            + " login; exception when duplicate_object then null; end $$",
        "create table item (id int8 primary key, v text)",
        "insert into item select i, 'v' || i from generate_series(1, 10) i",
        "grant select on item to " + ROLE,
        LightningSetup.of(ROLE).setupSql());
  }

  @AfterEach
  void nothingIsLeft() throws SQLException, InterruptedException {
    assertThat(destination.violations()).isEmpty();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("fulmar-")) {
        thread.join(10_000);
        assertThat(thread.isAlive()).as(thread.getName()).isFalse();
      }
    }
    awaitQuery(
        "select count(*) from pg_stat_activity where datname = current_database()"
            + " and pid <> pg_backend_pid() and application_name like 'fulmar%'",
        "0");
    database.drop();
  }

  static Source.Builder sourceOf(TestDatabase database) {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(ROLE)
        .connectTimeout(Duration.ofSeconds(2))
        .withoutTls();
  }

  Source.Builder sourceBuilder() {
    return sourceOf(database);
  }

  LightningEngine.Builder engineBuilder() {
    return LightningEngine.builder(sourceBuilder().build());
  }

  Sync.Builder syncBuilder() {
    return Sync.builder("crm")
        .model(Model.query("items", "select id, v from item").key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, 0)
        .retryFor(Duration.ofSeconds(5));
  }

  Sync sync() {
    return syncBuilder().build();
  }

  /** Runs on an engine that is made for this run and closed after it. */
  SyncReport run() {
    try (SyncEngine engine = engineBuilder().build()) {
      return engine.run(sync());
    }
  }

  /** What was sent in a run: {@code CHANGED 1}, sorted. */
  List<String> sent(SyncReport report) {
    return destination.changes(report.run()).stream()
        .map(LightningFixture::shown)
        .sorted()
        .toList();
  }

  static String shown(Change change) {
    return change.operation() + " " + change.key().text("id");
  }

  /** Whatever has happened: in the end the destination holds the rows of the table. */
  void assertConverges() throws SQLException {
    run().throwIfFailed();
    SyncReport quiet = run().throwIfFailed();
    assertThat(quiet.total().planned()).isZero();
    assertThat(contents())
        .isEqualTo(query("select string_agg(id || '=' || v, ' ' order by id) from item"));
  }

  /** What the destination holds. */
  @Nullable String contents() {
    List<String> rows =
        destination.contents().values().stream()
            .sorted(
                (one, other) ->
                    Long.compare(
                        Long.parseLong(String.valueOf(one.text("id"))),
                        Long.parseLong(String.valueOf(other.text("id")))))
            .map(row -> row.text("id") + "=" + row.text("v"))
            .toList();
    return rows.isEmpty() ? null : String.join(" ", rows);
  }

  /** The first column of the first row; null if there is none. */
  @Nullable String query(String sql) throws SQLException {
    return query(database, sql);
  }

  static @Nullable String query(TestDatabase database, String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** Asks until the answer is the expected one, at most 30 seconds; the server does the waiting. */
  void awaitQuery(String sql, String expected) throws SQLException {
    awaitQuery(database, sql, expected);
  }

  static void awaitQuery(TestDatabase database, String sql, String expected) throws SQLException {
    Queries.await(database, sql, expected);
  }
}
