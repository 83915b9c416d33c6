package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every data source that applications have, with one connection: whatever a run did with it, the
 * next borrower finds handle, settings and transaction as they were, or another connection. The
 * table {@code item} holds 100 rows. Special cases of one pool are in {@link OwnDataSourceTest}.
 */
@DisplayName("Pools of applications")
@Timeout(120) // some of these pools would wait for ever
class ApplicationPoolsTest extends SourceFixture {
  private static final String MODEL = "select id, v from item";
  private static final String ASLEEP =
      "select 'asleep' from pg_stat_activity where query like '%fulmar: read%'"
          + " and wait_event = 'PgSleep' and datname = current_database()";

  @TempDir Path states;

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, 'v' from generate_series(1, 100) i");
  }

  /** What a borrower sees: the handle's settings, all of the session's, and its process. */
  private static String probe(DataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select concat_ws(' ',
                  (select string_agg(name || '=' || setting, ' ' order by name) from pg_settings
                   where name not like 'plpgsql.%' and name <> 'transaction_read_only'),
                  (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
                  'pid=' || pg_backend_pid())
                """)) {
      row.next();
      String settings = row.getString(1);
      String handle =
          connection.getAutoCommit()
              + " "
              + connection.isReadOnly()
              + " "
              + connection.getTransactionIsolation();
      if (!connection.getAutoCommit()) {
        connection.rollback();
      }
      return handle + " " + settings;
    }
  }

  private static String withoutProcess(String probe) {
    return probe.replaceFirst(" pid=\\d+$", "");
  }

  static Stream<Arguments> poolsAndSettings() {
    List<Arguments> all = new ArrayList<>();
    for (ApplicationPool pool : ApplicationPool.values()) {
      all.add(Arguments.of(pool, true, false));
      if (pool.takesAutoCommit()) {
        all.add(Arguments.of(pool, false, false));
      }
      if (pool.takesReadOnly()) {
        all.add(Arguments.of(pool, true, true));
      }
      if (pool.takesAutoCommit() && pool.takesReadOnly()) {
        all.add(Arguments.of(pool, false, true));
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("poolsAndSettings")
  @DisplayName("P6: two runs and a refused model leave the one connection as it was")
  void runsLeaveTheConnectionAsItWas(ApplicationPool kind, boolean autoCommit, boolean readOnly)
      throws Exception {
    try (ApplicationPool.Open pool = kind.open(database, autoCommit, readOnly);
        SyncEngine engine = open(Source.of(pool.dataSource()))) {
      String before = probe(pool.dataSource());
      assertThat(before)
          .startsWith(autoCommit + " " + readOnly)
          .contains("application_name=shop", "statement_timeout=7000", "IntervalStyle=iso_8601");
      Sync sync = sync(MODEL, "id").onRemoved(Removal.DELETE).build();
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(100);
      assertThat(probe(pool.dataSource())).isEqualTo(before);

      database.execute("delete from item where id = 7");
      assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("REMOVED 7");
      assertThat(probe(pool.dataSource())).isEqualTo(before);

      assertThatThrownBy(() -> engine.run(sync("select nothing", "id").build()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("nothing");
      // A pool may test the connection that it saw fail, and make another one.
      assertThat(withoutProcess(probe(pool.dataSource()))).isEqualTo(withoutProcess(before));
    }
  }

  @ParameterizedTest
  @EnumSource(ApplicationPool.class)
  @DisplayName("A-01, A-09: a cancelled read and a terminated backend leave the pool usable")
  void cancelledReadAndTerminatedBackendLeaveThePoolUsable(ApplicationPool kind) throws Exception {
    try (ApplicationPool.Open pool = kind.open(database, true, false);
        SyncEngine engine =
            tested.on(
                Source.of(
                    pool.dataSource(), Source.builder().statementTimeout(Duration.ofMinutes(5))),
                state)) {
      String before = withoutProcess(probe(pool.dataSource()));
      Sync sleeping = sync("select 1 as id, pg_sleep(3600)::text as v", "id").build();

      FutureTask<SyncReport> cancelled = start(engine, sleeping);
      awaitQuery(ASLEEP, "asleep");
      engine.cancel(sleeping);
      assertThat(cancelled.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      if (kind == ApplicationPool.SPRING_SINGLE) {
        // A late cancel must not hit the next borrower, so its one connection is given up.
        assertThatThrownBy(() -> probe(pool.dataSource())).isInstanceOf(SQLException.class);
        return;
      }
      assertThat(withoutProcess(probe(pool.dataSource()))).isEqualTo(before);

      FutureTask<SyncReport> terminated = start(engine, sleeping);
      awaitQuery(ASLEEP, "asleep");
      String process = query(ASLEEP.replace("'asleep'", "pid"));
      assertThat(query("select pg_terminate_backend(" + process + ")")).isEqualTo("t");
      awaitQuery("select count(*) from pg_stat_activity where pid = " + process, "0");
      awaitQuery(ASLEEP, "asleep"); // again, on another connection
      engine.cancel(sleeping);
      assertThat(terminated.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(withoutProcess(probe(pool.dataSource()))).isEqualTo(before);
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().total().accepted())
          .isEqualTo(100);
    }
  }

  private static FutureTask<SyncReport> start(SyncEngine engine, Sync sync) {
    FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sync));
    new Thread(run, "caller").start();
    return run;
  }

  @Test
  @DisplayName(
      "A pool without a free connection is told within 5 seconds, however long it would wait")
  void poolWithoutFreeConnectionIsToldWithinFiveSeconds() throws Exception {
    List<FutureTask<String>> told = new ArrayList<>();
    for (ApplicationPool kind : ApplicationPool.values()) {
      told.add(new FutureTask<>(() -> toldOfExhausted(kind)));
      new Thread(told.get(told.size() - 1), "caller").start();
    }
    for (int i = 0; i < told.size(); i++) {
      ApplicationPool kind = ApplicationPool.values()[i];
      String message = told.get(i).get(60, TimeUnit.SECONDS);
      if (kind == ApplicationPool.SPRING_SINGLE) {
        // It has the one connection for whoever asks.
        assertThat(message).isEqualTo("nothing was thrown");
      } else {
        assertThat(message)
            .as(kind.name())
            .matches(
                "Cannot connect to the application's data source: no connection was to be had within ([5-9]|1\\d)\\.\\d s"
                    + (kind == ApplicationPool.P6SPY || kind == ApplicationPool.SPRING_ROUTING
                        ? ""
                        : " \\(pool of 1, 1 in use\\)")
                    + "\\. Is the caller inside a transaction\\? A run needs 1 connection besides what its caller"
                    + " holds: make the pool larger, or run outside of the transaction\\. \\[sync=crm run=\\d+]");
      }
    }
  }

  /** The application holds the only connection; once it gives it back, the pool works. */
  private String toldOfExhausted(ApplicationPool kind) throws Exception {
    try (ApplicationPool.Open pool = kind.open(database, true, false);
        SyncEngine engine = tested.on(Source.of(pool.dataSource()), states.resolve(kind.name()))) {
      Sync sync = sync(MODEL, "id").build();
      String message = "nothing was thrown";
      try (Connection caller = pool.dataSource().getConnection();
          Statement statement = caller.createStatement()) {
        statement.execute("select 1");
        engine.run(sync);
      } catch (SourceException e) {
        message = String.valueOf(e.getMessage());
      }
      engine.run(sync).throwIfFailed();
      return message;
    }
  }

  @ParameterizedTest
  @EnumSource(ApplicationPool.class)
  @DisplayName(
      "P6: a table destination borrows one connection for each batch, and gives it back as it was")
  void tableDestinationGivesItsConnectionBackAsItWas(ApplicationPool kind) throws Exception {
    database.execute("create table target (id bigint primary key, v text)");
    try (ApplicationPool.Open pool = kind.open(database, kind == ApplicationPool.C3P0, false);
        SyncEngine engine = open(Source.of(pool.dataSource()))) {
      String before = probe(pool.dataSource());
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("rows", MODEL).key("id"))
              .to(
                  PostgresDestination.builder(Source.of(pool.dataSource()))
                      .table("public", "target")
                      .identity("postgres:shop/target")
                      .build())
              .batchRows(10)
              // Lanes that share one connection would be in one transaction.
              .lanes(kind == ApplicationPool.SPRING_SINGLE ? 1 : 2)
              .onRemoved(Removal.DELETE)
              .build();
      SyncReport report = engine.run(sync).throwIfFailed();
      assertThat(report.total().accepted()).isEqualTo(100);
      assertThat(report.calls()).isGreaterThanOrEqualTo(10);
      assertThat(query("select count(*) from target")).isEqualTo("100");
      assertThat(probe(pool.dataSource())).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ApplicationPool.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = "SPRING_SINGLE")
  @DisplayName("P2: a batch whose backend is terminated is written again on another connection")
  void batchWhoseBackendIsTerminatedIsWrittenAgain(ApplicationPool kind) throws Exception {
    database.execute(
        "create table target (id bigint primary key, v text)",
        """
        create function waits() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(5); return new; end $$
        """,
        "create trigger waits before insert on target for each row execute function waits()");
    try (ApplicationPool.Open pool = kind.open(database, true, false);
        Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(5)");
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("rows", MODEL).key("id"))
              .to(
                  PostgresDestination.builder(
                          Source.of(
                              pool.dataSource(),
                              Source.builder().lockTimeout(Duration.ofMinutes(1))))
                      .table("public", "target")
                      .identity("postgres:shop/target")
                      .build())
              .build();
      FutureTask<SyncReport> run = new FutureTask<>(() -> run(source(), sync));
      new Thread(run, "caller").start();
      String waiting =
          " from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
      awaitQuery("select count(*)" + waiting, "1");
      assertThat(query("select count(pg_terminate_backend(pid))" + waiting)).isEqualTo("1");
      lock.execute("select pg_advisory_unlock(5)");
      assertThat(run.get(60, TimeUnit.SECONDS).throwIfFailed().total().accepted()).isEqualTo(100);
      assertThat(query("select count(*) from target")).isEqualTo("100");
    }
  }
}
