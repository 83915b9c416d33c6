package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Limits that a server sets to connections, transactions and files, as settings of the role {@code
 * reader}, which each test has to itself. The table {@code item} holds 100 rows.
 */
@DisplayName("Limits of the server")
class SourceLimitsTest extends SourceFixture {
  private static final String MODEL = "select id, v from item";

  private String reader;

  @BeforeEach
  void createRole() throws Exception {
    reader = "reader_" + database.name();
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, 'v' from generate_series(1, 100) i",
        "create role " + reader + " login",
        "grant select on item to " + reader);
  }

  private Source.Builder asReader() {
    return sourceBuilder().user(reader);
  }

  @Test
  @DisplayName("C-06: a role without a connection left is named, after few attempts")
  void roleWithoutConnectionLeftIsNamedAfterFewAttempts() throws Exception {
    database.execute("alter role " + reader + " connection limit 1");
    CountingSockets sockets = new CountingSockets();
    Source source = asReader().socketFactory(sockets).build();
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      try (Connection holder = connectAsReader()) {
        assertThat(holder.isValid(1)).isTrue();
        long began = System.nanoTime();
        assertThatThrownBy(() -> engine.run(sync(MODEL, "id").build()))
            .isInstanceOf(SourceException.class)
            .hasMessageStartingWith("Cannot connect to ")
            .hasMessageContaining("sqlstate=53300]")
            .satisfies(e -> assertThat(((SourceException) e).sqlState()).isEqualTo("53300"));
        assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began)).isLessThan(30);
        // Two seconds of the pool's growing waits; a storm would be hundreds.
        assertThat(sockets.made()).isBetween(1, 20);
      }
      awaitQuery("select count(*) from pg_stat_activity where usename = '" + reader + "'", "0");
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().total().accepted())
          .as("one connection is enough")
          .isEqualTo(100);
    }
  }

  private Connection connectAsReader() throws SQLException {
    return new io.fulmar.testkit.TestDatabase(
            database.host(), database.port(), database.name(), reader)
        .connect();
  }

  @Test
  @DisplayName("C-06: a table destination goes on with the connections that its role may have")
  void tableDestinationGoesOnWithFewerConnections() throws Exception {
    database.execute(
        "create table target (id bigint primary key, v text)",
        "grant select, insert, update, delete on target to " + reader,
        "grant temporary on database " + database.name() + " to " + reader,
        "alter role " + reader + " connection limit 2");
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", MODEL).key("id"))
            .to(PostgresDestination.builder(asReader().build()).table("public", "target").build())
            .batchRows(5)
            .lanes(4)
            .build();
    SyncReport report = run(source(), sync).throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(100);
    assertThat(query("select count(*) from target")).isEqualTo("100");
  }

  @Test
  @DisplayName("C-07: an idle session that the server ended is not used again")
  void idleSessionThatTheServerEndedIsNotUsedAgain() throws Exception {
    database.execute("alter role " + reader + " set idle_session_timeout = '200ms'");
    String sessions = "select count(*) from pg_stat_activity where usename = '" + reader + "'";
    try (SyncEngine engine = StandardEngine.on(asReader().build(), state)) {
      engine.run(sync(MODEL, "id").build()).throwIfFailed();
      awaitQuery(sessions, "0");
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().calls()).isZero();
    }
  }

  @Test
  @DisplayName(
      "C-07: a transaction that is too old for the server fails the run, and the pool goes on")
  void transactionTooOldForTheServerFailsTheRun() throws Exception {
    assumeThat(Integer.parseInt(query("show server_version_num")))
        .as("transaction_timeout is of 17")
        .isGreaterThanOrEqualTo(170_000);
    database.execute("alter role " + reader + " set transaction_timeout = '300ms'");
    ConcurrentLinkedQueue<RunEvent> events = new ConcurrentLinkedQueue<>();
    String slow = "select id, pg_sleep(case id when 1 then 3600 else 0 end)::text as v from item";
    try (SyncEngine engine = StandardEngine.on(asReader().build(), state)) {
      SyncReport report = engine.run(sync(slow, "id").listener(events::add).build());
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .isInstanceOf(SourceException.class)
          // In a COPY the driver sees the end of the connection, and seldom why.
          .satisfies(e -> assertThat(((SourceException) e).sqlState()).isIn("25P04", "08006"));
      assertThat(events.stream().filter(RunEvent.ReadAgain.class::isInstance)).hasSize(2);
      database.execute("alter role " + reader + " reset transaction_timeout");
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().total().accepted())
          .isEqualTo(100);
    }
  }

  @Test
  @DisplayName(
      "C-09: a grant that is taken away in mid-run is named, and nothing follows from a part of the rows")
  void grantThatIsTakenAwayInMidRunIsNamed() throws Exception {
    Source source = asReader().build();
    Sync sync = sync(MODEL, "id").onRemoved(Removal.DELETE).build();
    assertThat(run(source, sync).throwIfFailed().total().accepted()).isEqualTo(100);
    database.execute("create schema shop", "alter table item set schema shop");
    database.execute("grant usage on schema shop to " + reader);
    String moved = "select id, v from shop.item";

    SyncReport table = run(source, revoking("revoke select on shop.item from " + reader, moved));
    assertThat(table.status()).isEqualTo(RunStatus.FAILED);
    assertThat(table.calls()).isZero();
    assertThat(table.error())
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("sqlstate=42501]")
        .hasMessageContaining("grant select on ")
        .hasMessageContaining("item");

    database.execute("grant select on shop.item to " + reader);
    SyncReport schema = run(source, revoking("revoke usage on schema shop from " + reader, moved));
    assertThat(schema.status()).isEqualTo(RunStatus.FAILED);
    assertThat(schema.calls()).isZero();
    assertThat(schema.error())
        .hasMessageContaining("sqlstate=42501]")
        .hasMessageContaining("grant usage on schema ");

    database.execute("grant usage on schema shop to " + reader);
    SyncReport after = run(source, sync(moved, "id").onRemoved(Removal.DELETE).build());
    assertThat(after.throwIfFailed().total().planned()).as("nothing was forgotten").isZero();
  }

  /** A sync that loses a grant when its model is described and not yet read. */
  private Sync revoking(String revoke, String model) {
    AtomicBoolean done = new AtomicBoolean();
    return sync(model, "id")
        .onRemoved(Removal.DELETE)
        .listener(
            event -> {
              if (event instanceof RunEvent.Reading && done.compareAndSet(false, true)) {
                try {
                  database.execute(revoke);
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              }
            })
        .build();
  }

  @Test
  @DisplayName(
      "P6, C-13: no snapshot is held while a destination is waited for, in the application's pool neither")
  void noSnapshotIsHeldWhileDestinationIsWaitedFor() throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl() + "&ApplicationName=shop");
    config.setMaximumPoolSize(1);
    String holding =
        "select count(*) filter (where backend_xmin is not null or backend_xid is not null or xact_start is not null)"
            + " || ' of ' || count(*) from pg_stat_activity"
            + " where datname = current_database() and application_name in ('shop', 'fulmar')";
    List<String> seen = new ArrayList<>();
    destination.answers(
        (run, batch) -> {
          seen.add(query(holding));
          return Delivery.allAccepted();
        });
    try (HikariDataSource pool = new HikariDataSource(config)) {
      run(Source.of(pool), sync(MODEL, "id").build()).throwIfFailed();
    }
    awaitQuery(holding, "0 of 0"); // the pool's session takes a moment to end
    database.execute("update item set v = 'w' where id = 1");
    run(source(), sync(MODEL, "id").build()).throwIfFailed();
    assertThat(seen).hasSizeGreaterThanOrEqualTo(2).containsOnly("0 of 1");
  }

  @Test
  @DisplayName("D-03: a model that needs more temporary files than the role may have is told so")
  void modelThatNeedsMoreTemporaryFilesIsToldSo() throws Exception {
    database.execute(
        "alter role " + reader + " set temp_file_limit = '1MB'",
        "alter role " + reader + " set work_mem = '64kB'");
    String sorts =
        "select i as id, repeat('x', 100) as v from generate_series(1, 100000) i order by md5(i::text)";
    SyncReport report = run(asReader().build(), sync(sorts, "id").build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.calls()).isZero();
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith("Cannot read the model rows: ")
        .hasMessageContaining("temp_file_limit")
        .hasMessageContaining("sqlstate=53400]");
  }

  @Test
  @DisplayName("C-05: a batch that meets a deadlock is written again")
  void batchThatMeetsDeadlockIsWrittenAgain() throws Exception {
    database.execute(
        "create table target (id bigint primary key, v text)",
        """
        create function waits() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(5); return new; end $$
        """,
        "create trigger waits before insert or update on target for each row execute function waits()");
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", MODEL).key("id"))
            .to(PostgresDestination.builder(source()).table("public", "target").build())
            .build();
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      // The other one waits longer before it looks for a deadlock, so the batch is the one to go.
      // It has the table and waits for the lock; this one has the lock and waits for the table.
      statement.execute("set deadlock_timeout = '60s'");
      other.setAutoCommit(false);
      statement.execute("select pg_advisory_xact_lock(5)");
      FutureTask<SyncReport> run = new FutureTask<>(() -> run(source(), sync));
      new Thread(run, "caller").start();
      awaitQuery(
          "select count(*) from pg_stat_activity where datname = current_database()"
              + " and wait_event = 'advisory' and application_name like 'fulmar crm %'",
          "1");
      statement.execute("lock table target in access exclusive mode");
      other.commit();
      SyncReport report = run.get(60, TimeUnit.SECONDS).throwIfFailed();
      assertThat(report.total().accepted()).isEqualTo(100);
      assertThat(report.calls()).isGreaterThanOrEqualTo(2);
    }
    assertThat(query("select count(*) from target where v = 'v'")).isEqualTo("100");
  }
}
