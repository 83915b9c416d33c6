package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.HotStandby;
import io.fulmar.verify.fixture.Eventually;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Runs that read from a hot standby, whose replay waits for no query. {@code item} holds 2,000 rows
 * and {@code late} 10, which the model reads after it had an advisory lock that the test may hold,
 * so a test can act in the middle of a read.
 */
@DisplayName("P10: reading from a hot standby")
class StandbyTest extends SourceFixture {
  private static final String MODEL =
      """
      select id, v from item
      union all
      select id, v from late where pg_advisory_xact_lock_shared(7) is not null
      """;

  private static TestPostgres primary;
  private static HotStandby standby;

  private final ConcurrentLinkedQueue<RunEvent> events = new ConcurrentLinkedQueue<>();

  @Override
  TestPostgres server() {
    if (primary == null) {
      primary = TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();
    }
    return primary;
  }

  @BeforeEach
  void createTables() throws Exception {
    if (standby == null) {
      // By a database that outlives the test.
      standby =
          HotStandby.of(
                  new TestDatabase(database.host(), database.port(), "postgres", database.user()))
              .start();
    }
    database.execute(
        "create table item (id bigint primary key, v text) with (autovacuum_enabled = off)",
        "create table late (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 100) from generate_series(1, 2000) i",
        "insert into late select i, 'late' from generate_series(9001, 9010) i");
    standby.awaitReplay();
  }

  @AfterAll
  static void stopServers() {
    if (standby != null) {
      standby.close();
      standby = null;
    }
    primary.close();
    primary = null;
  }

  private TestDatabase onStandby() {
    return new TestDatabase(
        "localhost", standby.database().port(), database.name(), database.user());
  }

  private Source replica() {
    return sourceBuilder().port(standby.database().port()).build();
  }

  private Sync.Builder items() {
    return sync(MODEL, "id").onRemoved(Removal.DELETE);
  }

  private FutureTask<SyncReport> start(Sync sync) {
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(replica(), sync));
    new Thread(run, "caller").start();
    return run;
  }

  private void awaitOnStandby(String sql, String expected) throws SQLException {
    String got = null;
    for (int i = 0; i < 1_000; i++) {
      got = askStandby(sql);
      if (expected.equals(got)) {
        return;
      }
      query("select pg_sleep(0.02)");
    }
    assertThat(got).as(sql).isEqualTo(expected);
  }

  /** Null if the replay was in the way of this query too. */
  private @Nullable String askStandby(String sql) throws SQLException {
    try (Connection connection = onStandby().connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      return row.next() ? row.getString(1) : null;
    } catch (SQLException e) {
      if ("40001".equals(e.getSQLState())) {
        return null;
      }
      throw e;
    }
  }

  private long readAgain() {
    return events.stream().filter(RunEvent.ReadAgain.class::isInstance).count();
  }

  private static final String WAITING =
      "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";

  /** Takes rows away that a snapshot of before may still need. */
  private void vacuum() throws SQLException {
    database.execute("update item set v = v || 'w' where id <= 3", "vacuum item");
  }

  @Test
  @DisplayName("P10: the standard engine reads a standby as it reads a primary")
  void standardEngineReadsStandby() throws Exception {
    SyncReport first = run(replica(), items().build()).throwIfFailed();
    assertThat(first.total().accepted()).isEqualTo(2_010);
    database.execute("update item set v = 'new' where id = 5", "delete from item where id = 6");
    standby.awaitReplay();
    assertThat(sent(run(replica(), items().build()).throwIfFailed()))
        .containsExactly("CHANGED 5", "REMOVED 6");
  }

  @Test
  @DisplayName("E-01: a read that is in the way of the replay is done again from its start")
  void readInTheWayOfReplayIsDoneAgain() throws Exception {
    SyncReport report;
    try (Connection holder = onStandby().connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(7)");
      FutureTask<SyncReport> run = start(items().listener(events::add).build());
      awaitOnStandby(WAITING, "1");
      vacuum();
      Eventually.is(1L, "read again", this::readAgain);
      lock.execute("select pg_advisory_unlock(7)");
      report = run.get(60, TimeUnit.SECONDS).throwIfFailed();
    }
    assertThat(readAgain()).isEqualTo(1);
    RunEvent.ReadAgain again =
        events.stream()
            .filter(RunEvent.ReadAgain.class::isInstance)
            .map(RunEvent.ReadAgain.class::cast)
            .findFirst()
            .orElseThrow();
    assertThat(again.error()).hasMessageContaining("sqlstate=40001");
    assertThat(report.total().accepted()).isEqualTo(2_010);
    assertThat(run(replica(), items().build()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("E-01: a read that is in the way each time fails the run, with what to set")
  void readInTheWayEachTimeFailsWithAdvice() throws Exception {
    SyncReport report;
    try (Connection holder = onStandby().connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(7)");
      FutureTask<SyncReport> run = start(items().listener(events::add).build());
      for (long again = 1; again <= 3; again++) {
        awaitOnStandby(WAITING, "1");
        vacuum();
        if (again < 3) {
          Eventually.is(again, "read again", this::readAgain);
        }
      }
      report = run.get(60, TimeUnit.SECONDS);
    }
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.calls()).isZero();
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith("Cannot read the model rows: ")
        .hasMessageContaining(
            "If this is a standby, raise max_standby_streaming_delay and max_standby_archive_delay there, or set"
                + " hot_standby_feedback = on.")
        .hasMessageContaining("[sync=crm run=" + report.run() + " sqlstate=40001]");
  }

  @Test
  @DisplayName(
      "E-02: an idle transaction that the replay ended costs its connection, and the read is done again")
  void idleTransactionThatTheReplayEndedIsBegunAnew() throws Exception {
    AtomicInteger readings = new AtomicInteger();
    String ours =
        "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
            + " and application_name like 'fulmar crm %'";
    Sync sync =
        items()
            .listener(
                event -> {
                  events.add(event);
                  // The session has its snapshot, and the first row is not asked for yet.
                  if (event instanceof RunEvent.Reading && readings.incrementAndGet() == 1) {
                    endIdle(ours);
                  }
                })
            .build();
    SyncReport report = run(replica(), sync).throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(2_010);
    assertThat(readAgain()).isEqualTo(1);
    assertThat(standby.log())
        .contains("FATAL:  terminating connection due to conflict with recovery");
  }

  private void endIdle(String ours) {
    try {
      awaitOnStandby(ours, "1");
      vacuum();
      awaitOnStandby(ours, "0");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  @DisplayName("E-02: a lock that the replay needs ends the read, which is done again")
  void lockThatTheReplayNeedsEndsTheRead() throws Exception {
    SyncReport report;
    try (Connection holder = onStandby().connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(7)");
      FutureTask<SyncReport> run = start(items().listener(events::add).build());
      awaitOnStandby(WAITING, "1");
      database.execute(
          "alter table item set (fillfactor = 90)", "alter table item add column w int");
      Eventually.is(1L, "read again", this::readAgain);
      lock.execute("select pg_advisory_unlock(7)");
      report = run.get(60, TimeUnit.SECONDS).throwIfFailed();
    }
    assertThat(readAgain()).isEqualTo(1);
    assertThat(report.total().accepted()).isEqualTo(2_010);
  }

  @Test
  @DisplayName("E-03: a standby that lags behind the last run is held, and nothing goes back")
  void standbyThatLagsBehindTheLastRunIsHeld() throws Exception {
    Sync sync = items().build();
    assertThat(run(replica(), sync).throwIfFailed().total().accepted()).isEqualTo(2_010);
    standby.pauseReplay();
    try {
      database.execute("update item set v = 'new' where id = 5", "delete from item where id = 6");
      assertThat(sent(run(source(), sync).throwIfFailed()))
          .containsExactly("CHANGED 5", "REMOVED 6");
      SyncReport held = run(replica(), sync);
      assertThat(held.status()).isEqualTo(RunStatus.HELD);
      assertThat(held.calls()).isZero();
      assertThat(held.problem().orElseThrow()).contains("the source went back in time");
    } finally {
      standby.resumeReplay();
    }
    standby.awaitReplay();
    SyncReport report = run(replica(), sync).throwIfFailed();
    assertThat(report.total().planned()).isZero();
  }
}
