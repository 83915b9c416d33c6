package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.verify.fixture.Queries;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Limits that an administrator sets, or takes away rights by, in the middle of a run that writes
 * its own tables: timeouts, locks, connections, passwords and grants. Ten rows are synced before;
 * then one is added, one changed and one removed.
 */
class ServerLimitsTest extends LightningFixture {
  private final ConcurrentLinkedQueue<RunEvent> events = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void syncAndChange() throws SQLException {
    run().throwIfFailed();
    database.execute(
        "insert into item values (11, 'new')",
        "update item set v = 'other' where id = 1",
        "delete from item where id = 4");
  }

  private SyncReport run(Source source, Sync sync) {
    try (SyncEngine engine = LightningEngine.on(source)) {
      return engine.run(sync);
    }
  }

  private void setForRole(String setting) throws SQLException {
    database.execute(
        "alter role %s in database %s set %s".formatted(ROLE, database.name(), setting));
  }

  private void resetForRole(String setting) throws SQLException {
    database.execute(
        "alter role %s in database %s reset %s".formatted(ROLE, database.name(), setting));
  }

  private Sync slow() {
    return syncBuilder()
        .model(
            Model.query("items", "select id, v, pg_sleep(3600)::text as nothing from item")
                .key("id"))
        .listener(events::add)
        .build();
  }

  /** Does something once, when the destination is called for the first time. */
  private void whenCalled(Deed deed) {
    AtomicInteger calls = new AtomicInteger();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 1) {
            deed.run();
          }
          return Delivery.allAccepted();
        });
  }

  private interface Deed {
    void run() throws Exception;
  }

  /** Sends nothing twice: what was noted counts, whatever became of the run. */
  private void assertNothingIsSentTwice() throws SQLException {
    destination.acceptAll();
    assertConverges();
    assertThat(destination.changes()).hasSize(10 + 3);
  }

  // ------------------------------------------------------------------------------------- timeouts

  @Test
  @DisplayName("C-01: an own statement timeout names itself, its value and its setter")
  void ownStatementTimeoutNamesItself() {
    SyncReport report =
        run(sourceBuilder().statementTimeout(Duration.ofMillis(200)).build(), slow());

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessage(
            "Cannot compare the model items with what was accepted: canceling statement due to statement timeout. The statement_timeout of 200ms"
                + " is set by Source.Builder.statementTimeout: raise it there. [sync=crm run=%d sqlstate=57014]",
            report.run());
    assertThat(report.calls()).isZero();
  }

  @Test
  @DisplayName("C-01: a statement timeout of the role is shown with the SQL that raises it")
  void statementTimeoutOfTheRoleIsShownWithItsRemedy() throws SQLException {
    setForRole("statement_timeout = '300ms'");

    SyncReport report = run(sourceBuilder().statementTimeout(Duration.ZERO).build(), slow());

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("The statement_timeout of 300ms is set for the role ")
        .hasMessageContaining(
            "run alter role \"%s\" in database \"%s\" set statement_timeout = '1h'; or raise Source.Builder.statementTimeout from zero"
                .formatted(ROLE, database.name()));
    resetForRole("statement_timeout");
    assertThat(run().throwIfFailed().total().planned()).isEqualTo(3);
  }

  @Test
  @DisplayName(
      "C-01: a fold that takes longer than the timeout says so, and the next run folds first")
  void foldThatTakesTooLongSaysSo() throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      whenCalled(
          () -> lock.execute("lock table fulmar_planner.s1_state_0 in access exclusive mode"));

      SyncReport report =
          run(sourceBuilder().statementTimeout(Duration.ofSeconds(1)).build(), sync());

      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .isInstanceOf(StateException.class)
          .hasMessageContaining("Cannot move the state of crm forward: ")
          .hasMessageContaining("Source.Builder.statementTimeout")
          .hasMessageContaining("sqlstate=57014]");
      locks.rollback();
    }
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName("C-07: a transaction that is too old for the server is begun again, and then fails")
  void transactionThatIsTooOldFails() throws Exception {
    assumeThat(Integer.parseInt(String.valueOf(query("show server_version_num"))))
        .as("transaction_timeout is of 17")
        .isGreaterThanOrEqualTo(170_000);
    setForRole("transaction_timeout = '300ms'");

    SyncReport report = run(sourceBuilder().build(), slow());

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .satisfies(e -> assertThat(((SourceException) e).sqlState()).isIn("25P04", "08006"));
    assertThat(events.stream().filter(RunEvent.ReadAgain.class::isInstance)).hasSize(2);
    assertThat(run().throwIfFailed().total().planned())
        .as("short transactions pass, the fold among them")
        .isEqualTo(3);
    resetForRole("transaction_timeout");
    assertConverges();
  }

  @Test
  @DisplayName("C-07: a fold that is too old for the server is repeated while the lease lasts")
  void foldThatIsTooOldIsRepeated() throws Exception {
    assumeThat(Integer.parseInt(String.valueOf(query("show server_version_num"))))
        .as("transaction_timeout is of 17")
        .isGreaterThanOrEqualTo(170_000);
    setForRole("transaction_timeout = '500ms'");
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      CompletableFuture<SyncReport> run = new CompletableFuture<>();
      whenCalled(
          () -> lock.execute("lock table fulmar_planner.s1_state_0 in access exclusive mode"));
      Thread caller = new Thread(() -> run.complete(run()), "caller");
      caller.start();
      String waiting =
          "select max(pid) from pg_stat_activity where datname = current_database()"
              + " and application_name like 'fulmar crm%' and wait_event_type = 'Lock'";
      String first = Queries.awaitAny(database, waiting);
      awaitQuery("select count(*) from (" + waiting + ") w where max <> " + first, "1");
      locks.rollback();
      assertThat(run.get(30, TimeUnit.SECONDS).throwIfFailed().total().accepted()).isEqualTo(3);
    }
    resetForRole("transaction_timeout");
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName(
      "C-03, C-07: sessions that the server ends while the destination is slow do not matter")
  void idleSessionsAreNotUsedAgain() throws Exception {
    setForRole("idle_session_timeout = '200ms'");
    setForRole("idle_in_transaction_session_timeout = '100ms'");
    whenCalled(() -> awaitNoSession());

    assertThat(run().throwIfFailed().total().accepted()).isEqualTo(3);
    resetForRole("idle_session_timeout");
    resetForRole("idle_in_transaction_session_timeout");
    assertNothingIsSentTwice();
  }

  // ---------------------------------------------------------------------------------------- locks

  @ParameterizedTest
  @ValueSource(strings = {"s1_ledger", "s1_state_0", "fulmar_syncs", "fulmar_leases"})
  @DisplayName(
      "C-04: a table of ours that somebody locks for a while is waited for, more than once")
  void lockedTableIsWaitedFor(String table) throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      whenCalled(
          () -> lock.execute("lock table fulmar_planner." + table + " in access exclusive mode"));
      CompletableFuture<SyncReport> run = new CompletableFuture<>();
      Source source = sourceBuilder().lockTimeout(Duration.ofMillis(300)).build();
      Thread caller = new Thread(() -> run.complete(run(source, sync())), "caller");
      caller.start();
      String waiting =
          "select min(query_start) from pg_stat_activity where datname = current_database()"
              + " and application_name like 'fulmar crm _%' and wait_event_type = 'Lock'";
      String first = Queries.awaitAny(database, waiting);
      awaitQuery("select count(*) from (" + waiting + ") w where min > '" + first + "'", "1");
      locks.rollback();
      assertThat(run.get(30, TimeUnit.SECONDS).throwIfFailed().total().accepted()).isEqualTo(3);
    }
    assertNothingIsSentTwice();
  }

  @ParameterizedTest
  @ValueSource(strings = {"fulmar_leases", "fulmar_syncs", "fulmar_plans"})
  @DisplayName("C-04: one that stays locked refuses the run in bounded time, and says who holds it")
  void lockThatStaysRefusesTheRun(String table) throws Exception {
    Source source = sourceBuilder().lockTimeout(Duration.ofMillis(200)).build();
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("lock table fulmar_planner." + table + " in access exclusive mode");
      long began = System.nanoTime();
      String message;
      try {
        message = run(source, sync()).problem().orElseThrow();
      } catch (FulmarException e) {
        message = String.valueOf(e.getMessage());
      }
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
      assertThat(message)
          .startsWith("Cannot ")
          .contains("lock timeout", "is held by pid ", " on " + table, "sqlstate=55P03]");
      locks.rollback();
    }
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName("C-05: two syncs that plan, deliver and fold side by side never wait for each other")
  void syncsSideBySideDoNotDeadlock() throws Exception {
    String deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    String before = query(deadlocks);
    List<Sync> syncs = new ArrayList<>();
    for (String name : new String[] {"one", "two", "three"}) {
      syncs.add(
          Sync.builder(name)
              .model(Model.query("items", "select id, v from item").key("id"))
              .to(Destination.of("test:" + name, batch -> Delivery.allAccepted()))
              .build());
    }
    try (SyncEngine engine = LightningEngine.on(sourceBuilder().poolSize(9).build())) {
      for (int round = 0; round < 5; round++) {
        database.execute("update item set v = v || 'x'");
        List<CompletableFuture<SyncReport>> runs = new ArrayList<>();
        for (Sync sync : syncs) {
          CompletableFuture<SyncReport> run = new CompletableFuture<>();
          runs.add(run);
          new Thread(
                  () -> {
                    try {
                      run.complete(engine.run(sync));
                    } catch (RuntimeException e) {
                      run.completeExceptionally(e);
                    }
                  },
                  "caller")
              .start();
        }
        for (CompletableFuture<SyncReport> run : runs) {
          assertThat(run.get(60, TimeUnit.SECONDS).throwIfFailed().total().accepted())
              .isEqualTo(10);
        }
      }
    }
    assertThat(query(deadlocks)).isEqualTo(before);
  }

  // ---------------------------------------------------------------------------------- connections

  private static final String SESSIONS =
      "select count(*) from pg_stat_activity where datname = current_database() and usename = '"
          + ROLE
          + "'";

  /** Those of an engine that was closed end soon, and would leave room. */
  private void awaitNoSession() throws SQLException {
    awaitQuery(SESSIONS, "0");
  }

  /** Takes what connections the role may still have in this database. */
  private List<Connection> hog(int leave) throws SQLException {
    TestDatabase asRole = new TestDatabase(database.host(), database.port(), database.name(), ROLE);
    List<Connection> hogs = new ArrayList<>();
    for (int i = Integer.parseInt(String.valueOf(query(SESSIONS))); i < 5 - leave; i++) {
      hogs.add(asRole.connect());
    }
    return hogs;
  }

  private static void let(List<Connection> hogs) throws SQLException {
    for (Connection hog : hogs) {
      hog.close();
    }
    hogs.clear();
  }

  @Test
  @DisplayName("C-06: a role without a connection left is told so, after few attempts")
  void noConnectionLeftRefusesTheRun() throws Exception {
    awaitNoSession();
    database.execute("alter role " + ROLE + " connection limit 5");
    List<Connection> hogs = hog(0);
    try (SyncEngine engine = engineBuilder().build()) {
      long began = System.nanoTime();
      SourceException refused = null;
      try {
        engine.run(sync()).throwIfFailed();
      } catch (SourceException e) {
        refused = e;
      }
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
      assertThat(refused)
          .hasMessageStartingWith("Cannot connect to ")
          .hasMessageContaining("sqlstate=53300]");
      let(hogs);
      assertThat(engine.run(sync()).throwIfFailed().total().accepted()).isEqualTo(3);
    } finally {
      let(hogs);
      database.execute("alter role " + ROLE + " connection limit -1");
    }
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName("C-06: with one connection alone a run goes on, without its heartbeats")
  void oneConnectionIsEnough() throws Exception {
    awaitNoSession();
    database.execute("alter role " + ROLE + " connection limit 5");
    List<Connection> hogs = hog(1);
    try {
      assertThat(run().throwIfFailed().total().accepted()).isEqualTo(3);
    } finally {
      let(hogs);
      database.execute("alter role " + ROLE + " connection limit -1");
    }
    assertNothingIsSentTwice();
  }

  @Test
  @DisplayName("C-06: connections that others take in mid-run are waited for while the lease lasts")
  void connectionsThatOthersTakeAreWaitedFor() throws Exception {
    database.execute("alter role " + ROLE + " connection limit 5");
    List<Connection> hogs = new ArrayList<>();
    CompletableFuture<SyncReport> run = new CompletableFuture<>();
    try {
      whenCalled(
          () -> {
            endSessions();
            hogs.addAll(hog(0));
          });
      Thread caller = new Thread(() -> run.complete(run()), "caller");
      caller.start();
      awaitQuery(SESSIONS, "5");
      // The answers are kept until one of the attempts, which are a second apart, gets through.
      database.execute("select pg_sleep(1.5)");
      assertThat(run).isNotDone();
      let(hogs);
      assertThat(run.get(30, TimeUnit.SECONDS).throwIfFailed().total().accepted()).isEqualTo(3);
    } finally {
      let(hogs);
      database.execute("alter role " + ROLE + " connection limit -1");
    }
    assertNothingIsSentTwice();
  }

  private void endSessions() throws SQLException {
    database.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '"
            + ROLE
            + "' and datname = current_database()");
  }

  // --------------------------------------------------------------------------- passwords and
  // grants

  /** Without USAGE nothing can be noted: {@link NeighboursTest}. */
  @ParameterizedTest
  @ValueSource(strings = {"create on schema fulmar_planner", "usage on schema fulmar_audit"})
  @DisplayName("C-09: a grant that a run does not need any more stops nothing")
  void grantThatIsTakenAwayAndNotNeededStopsNothing(String grant) throws Exception {
    whenCalled(() -> database.execute("revoke %s from %s".formatted(grant, ROLE)));
    run().throwIfFailed();
    database.execute("grant %s to %s".formatted(grant, ROLE));
    assertNothingIsSentTwice();
  }
}
