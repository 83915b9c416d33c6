package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.testkit.internal.postgres.PgBouncer.PoolMode;
import io.fulmar.verify.fixture.BothEngines;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Runs behind a PgBouncer that pools by transaction over two server connections, used in turn, so
 * that two transactions of a run are seldom on the same one. The table {@code item} holds 100 rows
 * of types whose text depends on settings; the schema {@code stranger} has a table of that name
 * with other rows.
 */
@BothEngines
@DisplayName("F: runs behind a pooler")
class PoolerRunsTest extends SourceFixture {
  private static final String MODEL =
      "select id, v, at, at::text as at_text, span::text as span_text, bytes::text as bytes_text,"
          + " amount::text as amount_text, paid::text as paid_text, current_setting('app.tenant') as tenant,"
          + " 'item'::regclass::text as name, 'a\\b' as backslash from item";

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        """
        create table item (id bigint primary key, v text, at timestamptz, span interval, bytes bytea,
          amount float8, paid money)
        """,
        """
        insert into item
        select i, 'v', '2026-03-29 02:30+01'::timestamptz + i * interval '1 hour', '1 day 02:03:04',
          '\\x0001ff', 0.1 + 0.2, 12.34
        from generate_series(1, 100) i
        """,
        "create schema stranger",
        "create table stranger.item as select * from item where id < 5");
  }

  private PgBouncer pooler() {
    return before().start();
  }

  private PgBouncer.Builder before() {
    return PgBouncer.before(database)
        .poolMode(PoolMode.TRANSACTION)
        .poolSize(2)
        .setting("server_round_robin", "1");
  }

  private Source behind(PgBouncer pooler) {
    return sourceBuilder().port(pooler.port()).build();
  }

  private Sync.Builder items() {
    return Sync.builder("crm")
        .model(Model.query("rows", MODEL).key("id").setting("app.tenant", "ours"))
        .to(destination)
        .onRemoved(Removal.DELETE);
  }

  @Test
  @DisplayName("F-01: everything that an engine does works behind a transaction pooler")
  void everythingWorksBehindTransactionPooler() throws Exception {
    try (PgBouncer pooler = pooler();
        SyncEngine engine = open(behind(pooler))) {
      Sync sync = items().build();
      assertThat(engine.preview(sync.model()).rows()).hasSize(100);
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(100);
      assertThat(engine.run(sync).throwIfFailed().calls()).isZero();
      database.execute("update item set v = 'w' where id = 3", "delete from item where id = 4");
      assertThat(engine.plan(sync).total()).isEqualTo(2);
      assertThat(engine.explain(sync, 3).rule()).isEqualTo("changed");
      assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 3", "REMOVED 4");
      assertThat(engine.resync(sync).throwIfFailed().total().accepted()).isEqualTo(99);
      assertThat(engine.clearAndFill(sync).throwIfFailed().total().accepted()).isEqualTo(99);
      assertThat(engine.reset(sync).total()).isZero();
      assertThat(engine.check().passed()).isTrue();

      Sync sleeping = sync("select 1 as id, pg_sleep(3600)::text as v", "id").build();
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sleeping));
      new Thread(run, "caller").start();
      awaitQuery(
          "select 'asleep' from pg_stat_activity where wait_event = 'PgSleep'"
              + " and query like '%/* fulmar: %'",
          "asleep");
      engine.cancel(sleeping);
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(engine.run(sync).throwIfFailed().calls()).isZero();
    }
  }

  @Test
  @DisplayName(
      "F-01, F-04: a table is written through it, and no prepared statement is missed or in the way")
  void tableIsWrittenThroughIt() throws Exception {
    try (PgBouncer pooler = pooler()) {
      writesTable(pooler, behind(pooler));
    }
  }

  @Test
  @DisplayName("F-01, F-04: a pool of the application reads and writes through it")
  void poolOfTheApplicationReadsAndWritesThroughIt() throws Exception {
    HikariConfig config = new HikariConfig();
    try (PgBouncer pooler = pooler()) {
      // Else the driver prepares COMMIT by a name, of the application's transactions too.
      config.setJdbcUrl(pooler.database().jdbcUrl() + "&prepareThreshold=0");
      config.setMaximumPoolSize(4);
      try (HikariDataSource pool = new HikariDataSource(config)) {
        writesTable(pooler, Source.of(pool));
      }
    }
  }

  private void writesTable(PgBouncer pooler, Source source) throws Exception {
    database.execute("create table target (id bigint primary key, v text)");
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", "select id, v from item").key("id"))
            .to(
                PostgresDestination.builder(source)
                    .table("public", "target")
                    .identity("postgres:shop/target")
                    .build())
            .onRemoved(Removal.DELETE)
            .batchRows(10)
            .lanes(2)
            .build();
    try (SyncEngine engine = open(source)) {
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(100);
      for (int i = 0; i < 6; i++) {
        database.execute("update item set v = v || 'w' where id % 2 = 0");
        assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(50);
      }
    }
    assertThat(query("select count(*) from target join item using (id, v)")).isEqualTo("100");
    assertThat(pooler.log()).doesNotContain("prepared statement");
  }

  private static String ask(Connection connection, String sql) throws Exception {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  /** Both server connections get settings that stay there. */
  private static void makeNoise(PgBouncer pooler) throws Exception {
    List<Connection> strangers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Connection stranger =
          DriverManager.getConnection(pooler.database().jdbcUrl() + "&prepareThreshold=0");
      strangers.add(stranger);
      stranger.setAutoCommit(false);
      try (Statement statement = stranger.createStatement()) {
        for (String setting :
            List.of(
                "TimeZone = 'Pacific/Auckland'",
                "DateStyle = 'ISO, DMY'",
                "IntervalStyle = 'iso_8601'",
                "bytea_output = 'escape'",
                "extra_float_digits = -10",
                "search_path = 'stranger'",
                "default_transaction_isolation = 'serializable'",
                "default_transaction_deferrable = on",
                "standard_conforming_strings = off",
                "transform_null_equals = on",
                "xmlbinary = 'hex'",
                "quote_all_identifiers = on",
                "statement_timeout = '500ms'",
                "role = 'pg_monitor'",
                "app.tenant = 'stranger'")) {
          statement.execute("set " + setting);
        }
      }
    }
    for (Connection stranger : strangers) {
      stranger.commit();
    }
    for (Connection stranger : strangers) {
      stranger.close();
    }
  }

  @Test
  @DisplayName(
      "F-03, G-03: what strangers have set changes nothing: rows are those of a direct connection")
  void whatStrangersHaveSetChangesNothing() throws Exception {
    Source direct = sourceBuilder().build();
    assertThat(run(direct, items().build()).throwIfFailed().total().accepted()).isEqualTo(100);
    List<String> expected;
    try (SyncEngine engine = open(direct)) {
      expected = texts(engine.preview(items().build().model()).rows().get(0));
    }
    try (PgBouncer pooler = pooler();
        SyncEngine engine = open(behind(pooler))) {
      for (int i = 0; i < 3; i++) {
        makeNoise(pooler);
        try (Connection other = pooler.database().connect()) {
          assertThat(
                  ask(
                      other,
                      "select concat_ws(' ', current_setting('bytea_output'), current_user)"))
              .as("the settings stay in the server connection")
              .isEqualTo("escape pg_monitor");
        }
        assertThat(texts(engine.preview(items().build().model()).rows().get(0)))
            .isEqualTo(expected);
        SyncReport report = engine.run(items().build()).throwIfFailed();
        assertThat(report.changeSet().rows()).isEqualTo(100);
        assertThat(report.total().planned()).isZero();
      }
    }
  }

  @Test
  @DisplayName("F-05: server connections that are replaced all the time do not matter")
  void serverConnectionsThatAreReplacedDoNotMatter() throws Exception {
    try (PgBouncer pooler = before().setting("server_lifetime", "0").start();
        SyncEngine engine = open(behind(pooler))) {
      Sync sync = items().build();
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(100);
      pooler.admin("RECONNECT");
      assertThat(engine.run(sync).throwIfFailed().calls()).isZero();
    }
    String waits =
        "select id, v from item where id < 100 or pg_advisory_xact_lock_shared(7) is not null";
    try (PgBouncer pooler = pooler();
        SyncEngine engine = tested.on(behind(pooler), state.resolve("reconnect"));
        Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(7)");
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sync(waits, "id").build()));
      new Thread(run, "caller").start();
      awaitQuery(
          "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'",
          "1");
      pooler.admin("RECONNECT");
      lock.execute("select pg_advisory_unlock(7)");
      assertThat(run.get(60, TimeUnit.SECONDS).throwIfFailed().total().accepted()).isEqualTo(100);
    }
  }

  @Test
  @DisplayName(
      "F-05: a pooler that is paused ends the wait after query_wait_timeout, and the read is tried again")
  void pausedPoolerEndsTheWaitAndTheReadIsTriedAgain() throws Exception {
    ConcurrentLinkedQueue<RunEvent> events = new ConcurrentLinkedQueue<>();
    try (PgBouncer pooler = before().setting("query_wait_timeout", "1").start();
        SyncEngine engine = open(behind(pooler))) {
      Sync sync =
          items()
              .listener(
                  event -> {
                    events.add(event);
                    if (event instanceof RunEvent.ReadAgain) {
                      resume(pooler);
                    }
                  })
              .build();
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(100);
      if (tested == EngineUnderTest.STANDARD) {
        // The other one needs the server before it reads: there is no run without a lease.
        pooler.admin("PAUSE");
        assertThat(engine.run(sync).throwIfFailed().calls()).isZero();
        assertThat(events.stream().filter(RunEvent.ReadAgain.class::isInstance)).hasSize(1);
      }

      pooler.admin("PAUSE");
      long began = System.nanoTime();
      SyncReport failed = null;
      String message;
      try {
        failed = engine.run(items().build());
        message = failed.problem().orElseThrow();
      } catch (SourceException e) {
        message = String.valueOf(e.getMessage());
      }
      assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began)).isLessThan(60);
      assertThat(message)
          .startsWith("Cannot ")
          .matches("(?s).*(query_wait_timeout|did not answer).*")
          .contains("sync=crm");
      pooler.admin("RESUME");
      assertThat(engine.run(items().build()).throwIfFailed().calls()).isZero();
    }
  }

  @Test
  @DisplayName(
      "F-05: a pooler that is paused in mid-delivery holds a run up, and sends nothing twice")
  void poolerThatIsPausedInMidDelivery() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    AtomicReference<CompletableFuture<Void>> resumed = new AtomicReference<>();
    try (PgBouncer pooler = before().setting("query_wait_timeout", "1").start();
        SyncEngine engine = open(behind(pooler))) {
      destination.answers(
          (run, batch) -> {
            if (calls.incrementAndGet() == 3) {
              pooler.admin("PAUSE");
              resumed.set(CompletableFuture.runAsync(() -> resumeOnceWaitedFor(pooler)));
            }
            return Delivery.allAccepted();
          });

      SyncReport report = engine.run(items().batchRows(10).lanes(1).build()).throwIfFailed();

      resumed.get().get(30, TimeUnit.SECONDS);
      assertThat(report.total().accepted()).isEqualTo(100);
      assertThat(calls).hasValue(10);
      assertThat(destination.changes()).hasSize(100);
      assertThat(engine.run(items().build()).throwIfFailed().calls()).isZero();
    }
  }

  /** Once an engine that needs the server in mid-delivery has been told that it waited too long. */
  private void resumeOnceWaitedFor(PgBouncer pooler) {
    try {
      boolean waits = tested == EngineUnderTest.STANDARD;
      for (int i = 0; i < 500 && !waits; i++) {
        waits =
            pooler.admin("SHOW CLIENTS").stream().anyMatch(c -> "waiting".equals(c.get("state")));
        query("select pg_sleep(0.02)");
      }
      assertThat(waits).as("a client waits").isTrue();
      query("select pg_sleep(1.5)");
      pooler.admin("RESUME");
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void resume(PgBouncer pooler) {
    try {
      pooler.admin("RESUME");
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
