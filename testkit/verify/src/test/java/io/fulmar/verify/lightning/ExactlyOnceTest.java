package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.network.FaultProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rows go from {@code item} to {@code copy} in the same database, three in a batch, each batch
 * together with the state. A trigger writes down each row that is written to {@code copy}, so that
 * one that is written twice is seen.
 */
@DisplayName("P1, P2: a table in the database of the state gets each change exactly once")
class ExactlyOnceTest extends LightningFixture {
  private static final List<String> LIGHT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m");

  private static final String STOPPING = "here it stops";

  @BeforeEach
  void createCopy() throws SQLException {
    database.execute(
        "create table copy (id int8 primary key, v text check (v <> 'bad'))",
        "create table done (what text)",
        """
        create function note() returns trigger language plpgsql as $$
        begin
          insert into done values (
            case when tg_op = 'DELETE' then 'delete ' || old.id
              else 'write ' || new.id || '=' || new.v end);
          return null;
        end $$
        """,
        """
        create trigger note after insert or update or delete on copy
        for each row execute function note()
        """,
        "grant select, insert, update, delete on copy, done to " + ROLE,
        "grant temporary on database " + database.name() + " to " + ROLE);
  }

  private static PostgresDestination.Builder copy(Source source) {
    return PostgresDestination.builder(source).table("public", "copy").maxRows(3);
  }

  private static Sync sync(Source source) {
    return builder(source).build();
  }

  private static Sync.Builder builder(Source source) {
    return Sync.builder("copy")
        .model(Model.query("items", "select id, v from item").key("id"))
        .to(copy(source).identity("copy").exactlyOnce().build())
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, Long.MAX_VALUE)
        .retryFor(Duration.ofSeconds(10))
        .lanes(2);
  }

  private SyncReport runOnce() {
    return runOnce(sourceBuilder().build());
  }

  private SyncReport runOnce(Source source) {
    try (LightningEngine engine =
        LightningEngine.builder(source).lease(Duration.ofSeconds(10)).build()) {
      return engine.run(sync(source));
    }
  }

  private void change() throws SQLException {
    database.execute(
        "delete from item where id in (1, 2, 3, 4)",
        "update item set v = 'b' where id >= 5",
        "insert into item select i, 'new' from generate_series(11, 20) i",
        "truncate done");
  }

  /** Of {@link #change}: 4 removals, 6 changes and 10 additions, each once. */
  private void assertEachOnce() throws SQLException {
    assertThat(query("select count(*) || ' ' || count(distinct what) from done"))
        .isEqualTo("20 20");
    assertSame();
  }

  private void assertSame() throws SQLException {
    assertThat(query("select string_agg(id || '=' || v, ' ' order by id) from copy"))
        .isEqualTo(query("select string_agg(id || '=' || v, ' ' order by id) from item"));
  }

  @Test
  void rowsComeAndAreRememberedTogether() throws SQLException {
    assertThat(runOnce().throwIfFailed().total().accepted()).isEqualTo(10);
    change();
    assertThat(runOnce().throwIfFailed().total()).isEqualTo(new SyncReport.Counts(20, 20, 0, 0));
    assertEachOnce();
    assertThat(runOnce().throwIfFailed().total().planned()).isZero();
    assertThat(query("select count(*) from fulmar_planner.s1_ledger")).isEqualTo("0");
  }

  @Test
  @DisplayName("P3: a row that the table refuses is held, the rest of its batch passes")
  void refusedRowIsHeld() throws SQLException {
    database.execute("update item set v = 'bad' where id in (2, 5)");
    SyncReport report = runOnce();
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(10, 8, 0, 2));
    try (LightningEngine engine = engineBuilder().build()) {
      Sync sync = sync(sourceBuilder().build());
      assertThat(engine.status(sync).holds(HoldKind.REJECTED)).isEqualTo(2);
      assertThat(engine.holds(sync, 5)).allMatch(held -> "23514".equals(held.code()));
    }
    database.execute("update item set v = 'good' where id in (2, 5)");
    assertThat(runOnce().throwIfFailed().total().accepted()).isEqualTo(2);
    assertSame();
  }

  @Test
  @DisplayName("triggers of the table find what they find in any other transaction")
  void triggersHaveTheSearchPathOfTheRole() throws SQLException {
    // The function above says "done", and not "public.done".
    assertThat(runOnce().throwIfFailed().total().accepted()).isEqualTo(10);
    assertThat(query("select count(*) from done")).isEqualTo("10");
  }

  @Test
  void standardEngineRefusesIt(@TempDir Path state) {
    try (SyncEngine engine = StandardEngine.on(sourceBuilder().build(), state)) {
      assertThatThrownBy(() -> engine.run(sync(sourceBuilder().build())))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "Cannot write to \"public\".\"copy\" exactly once: this engine keeps its state outside the database, so that rows and state cannot be committed together. Run the sync with LightningEngine, or build the destination without exactlyOnce(). [sync=copy]");
    }
  }

  @Test
  @DisplayName("a destination that leads to another database is refused, and nothing is written")
  void otherDatabaseIsRefused() throws SQLException {
    TestDatabase other = otherDatabase();
    Source elsewhere = sourceOf(other).build();
    Sync sync = sync(elsewhere);
    try (LightningEngine engine = engineBuilder().build()) {
      SyncReport report = engine.run(sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.problem().orElseThrow())
          .contains(
              "Cannot write to \"public\".\"copy\" exactly once: its database is not the one that the engine keeps its state in.");
      assertThat(engine.status(sync).unsure()).isZero();
    }
    assertThat(query("select count(*) from copy")).isEqualTo("0");
  }

  private TestDatabase otherDatabase() throws SQLException {
    database.execute("create database other_" + database.name());
    return new TestDatabase(
        database.host(), database.port(), "other_" + database.name(), database.user());
  }

  /** What becomes of a COMMIT. */
  enum Commit {
    /** The server does it; its answer is cut off. */
    ARRIVES,
    /** The server never gets it. */
    IS_LOST
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("B-04: the connection breaks at COMMIT, before the server has it or after")
  void connectionBreaksAtCommit(Commit commit) throws Exception {
    runOnce().throwIfFailed();
    change();
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      Source through = sourceBuilder().port(proxy.port()).build();
      AtomicInteger left = new AtomicInteger(2);
      CrashPoint.Watch watch =
          point -> {
            if (point == CrashPoint.JOINED_WRITTEN && left.decrementAndGet() == 0) {
              switch (commit) {
                case ARRIVES -> proxy.resetWhenServerSends("COMMIT", 1);
                case IS_LOST -> proxy.resetWhenClientSends("COMMIT", 1);
              }
            }
          };
      // One lane and few heartbeats: no other COMMIT is on its way.
      Sync sync = builder(through).lanes(1).build();
      try (SyncEngine engine = engine(through, Duration.ofSeconds(60), watch)) {
        SyncReport report = engine.run(sync).throwIfFailed();
        assertThat(report.total()).isEqualTo(new SyncReport.Counts(20, 20, 0, 0));
        assertThat(report.calls()).isEqualTo(commit == Commit.ARRIVES ? 8 : 9);
        assertThat(engine.status(sync).unsure()).isZero();
      }
      assertThat(proxy.happened()).isEqualTo(1);
    }
    assertEachOnce();
  }

  @Test
  @DisplayName("A-01: the server process of a batch is terminated before it commits")
  void serverProcessIsTerminated() throws Exception {
    runOnce().throwIfFailed();
    change();
    AtomicInteger left = new AtomicInteger(2);
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.JOINED_WRITTEN && left.decrementAndGet() == 0) {
            terminate();
          }
        };
    Source source = sourceBuilder().build();
    try (SyncEngine engine = engine(source, watch)) {
      assertThat(engine.run(sync(source)).throwIfFailed().total().accepted()).isEqualTo(20);
    }
    assertEachOnce();
  }

  @Test
  @DisplayName("J-04: a call that hangs is left behind, and the fold waits for what it may commit")
  void hangingCallIsWaitedForByTheFold() throws Exception {
    runOnce().throwIfFailed();
    change();
    AtomicInteger left = new AtomicInteger(3);
    CountDownLatch goOn = new CountDownLatch(1);
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.JOINED_WRITTEN && left.decrementAndGet() == 0) {
            awaitDeafly(goOn);
          }
        };
    Source source = sourceBuilder().build();
    FutureTask<SyncReport> run =
        new FutureTask<>(
            () -> {
              try (SyncEngine engine = engine(source, Duration.ofSeconds(30), watch)) {
                return engine.run(builder(source).callDeadline(Duration.ofSeconds(2)).build());
              }
            });
    new Thread(run, "test-run").start();
    awaitQuery(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            + " and query like '%hold lease alone%'",
        "1");
    goOn.countDown();
    SyncReport report = run.get();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem().orElseThrow())
        .contains("a call that writes together with the state gave no answer");
    goesOn();
  }

  /** As a call that no interrupt reaches. */
  private static void awaitDeafly(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // deaf
      }
    }
  }

  /** Whoever has written to the table and not committed. */
  private void terminate() {
    try {
      query(
          "select pg_terminate_backend(pid) from pg_locks"
              + " where relation = 'copy'::regclass and mode = 'RowExclusiveLock'");
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private static SyncEngine engine(Source source, CrashPoint.Watch watch) {
    return engine(source, Duration.ofSeconds(2), watch);
  }

  private static SyncEngine engine(Source source, Duration lease, CrashPoint.Watch watch) {
    LightningSettings defaults = LightningSettings.DEFAULT;
    LightningSettings settings =
        new LightningSettings(
            Schemas.DEFAULT,
            lease,
            defaults.missingState(),
            defaults.onTimelineChange(),
            defaults.fullDiffEvery(),
            defaults.plan(),
            defaults.logs(),
            defaults.logsOf());
    RunnerSettings runner = RunnerSettings.defaults();
    return StoredEngine.over(
        new LightningStore(source, settings, runner, null, watch), source, runner);
  }

  // ----------------------------------------------------------------------------------------
  // crashes

  @ParameterizedTest
  @CsvSource({"JOINED_WRITTEN, 3", "JOINED, 2"})
  @DisplayName("A-05: kill -9 at a step around it")
  void killed(CrashPoint point, int time) throws Exception {
    dies(point, time);
  }

  @ParameterizedTest
  @CsvSource({
    "DELIVERY_BEGUN, 1",
    "JOINED_WRITTEN, 1",
    "JOINED_WRITTEN, 2",
    "JOINED_WRITTEN, 5",
    "JOINED_WRITTEN, 7",
    "JOINED, 1",
    "JOINED, 3",
    "JOINED, 5",
    "JOINED, 7",
    "FLUSHED, 1",
    "FOLD_WRITTEN, 1",
    "FOLDED, 1",
    "PLANNED, 1"
  })
  @Tag("soak")
  @DisplayName("A-05: kill -9 at every step around it")
  void killedAtEachStep(CrashPoint point, int time) throws Exception {
    dies(point, time);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7})
  @Tag("soak")
  @DisplayName("A-06: kill -9, and kill -9 of whoever goes on")
  void killedTwice(int time) throws Exception {
    runOnce().throwIfFailed();
    change();
    kill(CrashPoint.JOINED, time);
    kill(CrashPoint.RECOVERED, 1);
    goesOn();
  }

  @Test
  @DisplayName(
      "A-07: a process that is stopped before it commits writes nothing over its successor")
  void pausedProcessIsFencedOff() throws Exception {
    runOnce().throwIfFailed();
    change();
    try (OtherProcess process = process(CrashPoint.JOINED_WRITTEN, 3, "STOP")) {
      String line = process.line();
      while (!line.equals(STOPPING)) {
        assertThat(line).as("what comes before").isNotEmpty();
        line = process.line();
      }
      // The server ends its transaction when the lease has ended, and not before.
      awaitQuery(
          "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
          "0");
      awaitQuery(
          "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
              + " and application_name like 'fulmar copy%'",
          "0");
      goesOn();
      process.signal("CONT");
      assertThat(process.rest()).contains("has not died: FAILED").endsWith("exit code 0");
    }
    assertEachOnce();
  }

  private void dies(CrashPoint point, int time) throws Exception {
    runOnce().throwIfFailed();
    change();
    kill(point, time);
    goesOn();
  }

  private void kill(CrashPoint point, int time) throws Exception {
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    try (OtherProcess process = process(point, time, "KILL")) {
      assertThat(process.rest()).endsWith("exit code 137");
    }
  }

  private OtherProcess process(CrashPoint point, int time, String signal) throws IOException {
    return OtherProcess.start(
        ExactlyOnceTest.class,
        LIGHT,
        database.host(),
        Integer.toString(database.port()),
        database.name(),
        point.name(),
        Integer.toString(time),
        signal);
  }

  /** Nothing is unsure, and what the dead had committed is not sent again. */
  private void goesOn() throws SQLException {
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    long before = Long.parseLong(query("select count(*) from done"));
    SyncReport report = runOnce().throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(20 - before);
    assertThat(runOnce().throwIfFailed().total().planned()).isZero();
    try (LightningEngine engine = engineBuilder().build()) {
      assertThat(engine.status(sync(sourceBuilder().build())).unsure()).isZero();
    }
    assertEachOnce();
  }

  /**
   * A process that kills or stops itself.
   *
   * @param args host, port and name of the database, point, at which pass of it, and the signal
   */
  public static void main(String[] args) {
    TestDatabase database = new TestDatabase(args[0], Integer.parseInt(args[1]), args[2], ROLE);
    CrashPoint at = CrashPoint.valueOf(args[3]);
    AtomicInteger left = new AtomicInteger(Integer.parseInt(args[4]));
    Source source = sourceOf(database).build();
    CrashPoint.Watch watch =
        point -> {
          if (point == at && left.decrementAndGet() == 0) {
            signalThisProcess(args[5]);
          }
        };
    try (SyncEngine engine = engine(source, watch)) {
      System.out.println("has not died: " + engine.run(sync(source)).status());
    }
  }

  private static void signalThisProcess(String signal) {
    System.out.println(STOPPING);
    try {
      new ProcessBuilder("kill", "-" + signal, Long.toString(ProcessHandle.current().pid()))
          .start()
          .waitFor();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
