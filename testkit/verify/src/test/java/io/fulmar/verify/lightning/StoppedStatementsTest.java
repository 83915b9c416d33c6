package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FulmarException;
import io.fulmar.RunStatus;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Verdict;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Somebody ends what the engine is doing in the database. A table is locked, so that the statement
 * that needs it waits, and its backend is cancelled or terminated: before the run plans, or while
 * it delivers a change of each operation and a rejected one. Whatever the run says then: nothing is
 * lost, nothing counts as accepted that was not, and the next run goes on.
 */
class StoppedStatementsTest extends LightningFixture {
  private static final String WAITING =
      "select a.pid, substring(a.query from '/\\* fulmar: ([a-z -]+) \\*/') from pg_stat_activity a"
          + " where a.datname = current_database() and a.application_name like 'fulmar%'"
          + " and a.wait_event_type = 'Lock' and a.wait_event = 'relation' limit 1";

  @Override
  LightningEngine.Builder engineBuilder() {
    return LightningEngine.builder(sourceBuilder().lockTimeout(Duration.ofSeconds(20)).build())
        .logs(
            SyncLogs.builder()
                .tables(SyncLogs.Table.CHANGELOG, SyncLogs.Table.SNAPSHOT, SyncLogs.Table.RUNS)
                .build());
  }

  @ParameterizedTest(name = "{0} while {2} waits for {1}")
  @DisplayName("A-01: a statement that is cancelled or terminated from outside loses nothing")
  @CsvSource(
      textBlock =
          """
          pg_cancel_backend, fulmar_planner.fulmar_syncs, the beginning
          pg_cancel_backend, fulmar_planner.fulmar_leases, the beginning
          pg_cancel_backend, fulmar_planner.fulmar_numbers, the beginning
          pg_cancel_backend, fulmar_planner.fulmar_plans, the beginning
          pg_cancel_backend, item, the beginning
          pg_cancel_backend, fulmar_planner.s1_state_0, the beginning
          pg_cancel_backend, fulmar_planner.s1_holds, the beginning
          pg_cancel_backend, fulmar_planner.fulmar_syncs, the delivery
          pg_cancel_backend, fulmar_planner.fulmar_leases, the delivery
          pg_cancel_backend, fulmar_planner.fulmar_plans, the delivery
          pg_cancel_backend, fulmar_planner.s1_ledger, the delivery
          pg_cancel_backend, fulmar_planner.s1_state_0, the delivery
          pg_cancel_backend, fulmar_planner.s1_holds, the delivery
          pg_cancel_backend, fulmar_audit.sync_changelog, the delivery
          pg_cancel_backend, fulmar_audit.sync_snapshot, the delivery
          pg_cancel_backend, fulmar_audit.sync_runs, the delivery
          pg_terminate_backend, fulmar_planner.fulmar_leases, the beginning
          pg_terminate_backend, fulmar_planner.s1_state_0, the beginning
          pg_terminate_backend, fulmar_planner.s1_ledger, the delivery
          pg_terminate_backend, fulmar_planner.s1_state_0, the delivery
          pg_terminate_backend, fulmar_planner.s1_holds, the delivery
          """)
  void stoppedStatementLosesNothing(String stop, String table, String moment) throws Exception {
    run().throwIfFailed();
    database.execute(
        "update item set v = 'other' where id = 1",
        "delete from item where id = 2",
        "insert into item values (11, 'v11'), (12, 'bad')");
    AtomicReference<@Nullable Lock> inDelivery = new AtomicReference<>();
    destination.verdicts(
        change -> {
          if (moment.equals("the delivery") && inDelivery.get() == null) {
            inDelivery.set(lock(table));
          }
          return change.row().text("id").equals("12")
              ? new Verdict.Rejected("INVALID", "no such", Verdict.Retry.NEXT_RUN)
              : new Verdict.Accepted();
        });
    Lock before = moment.equals("the beginning") ? lock(table) : null;

    CompletableFuture<@Nullable SyncReport> running = CompletableFuture.supplyAsync(this::tried);
    String stopped = stopWaiting(stop, running);
    Lock held = before != null ? before : inDelivery.get();
    assertThat(held).as("the lock").isNotNull();
    held.release();
    SyncReport report = running.get(60, TimeUnit.SECONDS);

    assertThat(stopped).as("the statement that was stopped").isNotNull();
    if (report != null) {
      assertThat(report.status()).as(stopped).isIn(RunStatus.WARNING, RunStatus.FAILED);
    }
    destination.acceptAll();
    database.execute("update item set v = 'good' where id = 12");
    assertConverges();
  }

  /** The report of a run; null if none came about. */
  private @Nullable SyncReport tried() {
    try (SyncEngine engine = engineBuilder().build()) {
      return engine.run(sync());
    } catch (FulmarException e) {
      assertThat(e).hasMessageMatching("(?s)Cannot .*\\[.*sync=crm.*\\].*");
      return null;
    }
  }

  /** Stops the first statement that waits; gives its name. */
  private String stopWaiting(String stop, CompletableFuture<?> running) throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      while (true) {
        try (ResultSet row = statement.executeQuery(WAITING)) {
          if (row.next()) {
            String name = row.getString(2);
            statement.execute("select " + stop + "(" + row.getInt(1) + ")");
            return String.valueOf(name);
          }
        }
        if (isOver(running)) {
          throw new AssertionError("the run ended before a statement had to wait");
        }
      }
    }
  }

  private static boolean isOver(CompletableFuture<?> running)
      throws InterruptedException, ExecutionException {
    try {
      running.get(20, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  private Lock lock(String table) {
    try {
      Connection connection = database.connect();
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("lock table " + table + " in access exclusive mode");
      }
      return new Lock(connection);
    } catch (SQLException e) {
      throw new IllegalStateException("the table cannot be locked", e);
    }
  }

  /** A table that nobody else can use. */
  private record Lock(Connection connection) {
    void release() throws SQLException {
      connection.rollback();
      connection.close();
    }
  }
}
