package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.OnLogFailure;
import io.fulmar.spi.Delivery;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The logs cannot be written, for each reason that there is, after the destination has accepted
 * everything: nothing of that is lost, and nothing is sent twice.
 */
@DisplayName("J-12: logs that cannot be written")
class LogFailureTest extends LogsFixture {
  private static final SyncLogs CONTINUE =
      SyncLogs.builder().onLogFailure(OnLogFailure.CONTINUE).build();
  private int rows = 5;

  /** Something that somebody does to the database. */
  private interface Deed {
    void run() throws SQLException;
  }

  private Sync sync() throws SQLException {
    database.execute(
        "insert into customer select g, 'e' || g, 1 from generate_series(1, %s) g".formatted(rows));
    return crm().build();
  }

  /** Delivers; the deed is done when the destination is called. */
  private SyncReport runWith(SyncLogs logs, Sync sync, Deed deed) {
    destination.answers(
        (run, batch) -> {
          deed.run();
          return Delivery.allAccepted();
        });
    try {
      return run(logs, sync);
    } finally {
      destination.acceptAll();
    }
  }

  /** A run fails by a deed; once it is undone, the next one takes in what was accepted. */
  private void theNextRunTakesInWhatWasAccepted(Deed deed, Deed undo, String reason)
      throws SQLException {
    Sync sync = sync();
    SyncReport failed = runWith(ALL, sync, deed);
    assertThat(failed.status()).isEqualTo(RunStatus.FAILED);
    assertThat(failed.problem().orElseThrow())
        .startsWith("Cannot write \"fulmar_audit\".\"sync_changelog\" for crm: " + reason)
        .contains(
            "What was accepted is on record: the next run logs it and moves the state forward before anything else, and nothing is sent twice. ");
    int calls = destination.calls().size();
    assertThat(destination.contents()).hasSize(rows);
    try (SyncEngine engine = engine(ALL)) {
      assertThat(engine.status(sync).syncedKeys()).isZero();
    }
    undo.run();
    SyncReport next = run(ALL, sync);
    assertThat(next.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(next.total().planned()).isZero();
    assertThat(destination.calls()).hasSize(calls);
    assertThat(changelog(failed.run()))
        .hasSize(rows)
        .allMatch(row -> row.endsWith(" added succeeded"));
    assertThat(loggedRun(failed.run()))
        .isEqualTo(
            "failed %1$s 0 0 / %1$s 0 0 / %1$s 0 0 / 0 0 0 ".formatted(rows)
                + failed.problem().orElseThrow());
    assertThat(rows("select count(*) from fulmar_audit.sync_snapshot where status = 'succeeded'"))
        .containsExactly(Integer.toString(rows));
    try (SyncEngine engine = engine(ALL)) {
      assertThat(engine.status(sync).syncedKeys()).isEqualTo(rows);
      assertThat(engine.status(sync).failuresInARow()).isZero();
    }
  }

  @Test
  @DisplayName("J-12: a table is dropped while the destination is called")
  void aTableIsDropped() throws SQLException {
    theNextRunTakesInWhatWasAccepted(
        () -> database.execute("drop table fulmar_audit.sync_changelog"),
        () -> {},
        "a table or view is not there.");
  }

  @Test
  @DisplayName("J-12: a grant is taken away while the destination is called")
  void aGrantIsTakenAway() throws SQLException {
    theNextRunTakesInWhatWasAccepted(
        () -> database.execute("revoke all on fulmar_audit.sync_changelog from " + role),
        () -> database.execute("grant all on fulmar_audit.sync_changelog to " + role),
        "permission denied for table sync_changelog.");
  }

  @Test
  @DisplayName("J-12: somebody holds a lock on the changelog for longer than lockTimeout")
  void somebodyHoldsALock() throws SQLException {
    lockTimeout = Duration.ofMillis(300);
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      theNextRunTakesInWhatWasAccepted(
          () -> statement.execute("lock table fulmar_audit.sync_changelog in exclusive mode"),
          other::rollback,
          "");
    }
  }

  @Test
  @DisplayName("J-12, D-03: there is no room for the temporary files of the log (temp_file_limit)")
  void thereIsNoRoomForTemporaryFiles() throws SQLException {
    rows = 3_000;
    database.execute("alter role %s set work_mem = '64kB'".formatted(role));
    try {
      theNextRunTakesInWhatWasAccepted(
          () -> {
            database.execute("alter system set temp_file_limit = '64kB'");
            database.execute("select pg_reload_conf()");
          },
          this::resetLimits,
          "temporary file size exceeds ");
    } finally {
      resetLimits();
    }
  }

  private void resetLimits() throws SQLException {
    database.execute("alter system reset temp_file_limit");
    database.execute("select pg_reload_conf()");
  }

  @Test
  @DisplayName("J-12: while the reason lasts, no run sends anything or loses what was accepted")
  void whileTheReasonLastsNothingIsSent() throws SQLException {
    Sync sync = sync();
    Deed deed = () -> database.execute("revoke all on fulmar_audit.sync_changelog from " + role);
    SyncReport failed = runWith(ALL, sync, deed);
    database.execute("update customer set tier = 2 where id = 1");
    for (int i = 0; i < 2; i++) {
      SyncReport report = null;
      try {
        report = run(ALL, sync);
      } catch (StateException e) {
        assertThat(e).hasMessageContaining("sync_changelog");
      }
      assertThat(report == null || report.status() == RunStatus.FAILED).isTrue();
      assertThat(destination.calls()).hasSize(1);
    }
    // The schema itself may not be used: no run comes about.
    database.execute(
        "grant all on fulmar_audit.sync_changelog to " + role,
        "revoke usage on schema fulmar_audit from " + role);
    assertThatThrownBy(() -> run(ALL, sync))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("lacks usage on schema \"fulmar_audit\"");
    database.execute("grant usage on schema fulmar_audit to " + role);
    SyncReport next = run(ALL, sync);
    assertThat(next.total().planned()).isEqualTo(1);
    assertThat(destination.calls()).hasSize(2);
    assertThat(changelog(next.run())).containsExactly("1 changed succeeded");
    assertThat(changelog(failed.run())).hasSize(rows);
  }

  @Test
  @DisplayName("J-12: with CONTINUE the state moves on, and sync_runs says what is missing")
  void withContinueTheStateMovesOn() throws SQLException {
    Sync sync = sync();
    SyncReport report =
        runWith(CONTINUE, sync, () -> database.execute("drop table fulmar_audit.sync_changelog"));
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(loggedRun(report.run()))
        .isEqualTo(
            "succeeded 5 0 0 / 5 0 0 / 5 0 0 / 0 0 0 Its rows are missing in sync_changelog, which could not be written (sqlstate=42P01).");
    assertThat(rows("select count(*) from fulmar_audit.sync_snapshot")).containsExactly("5");
    SyncReport next = run(CONTINUE, sync);
    assertThat(next.total().planned()).isZero();
    assertThat(changelog(report.run())).isEmpty();
  }

  @Test
  @DisplayName("J-12: with CONTINUE a run that is missing in sync_runs is written by a later one")
  void withContinueAMissingRunIsWrittenLater() throws SQLException {
    Sync sync = sync();
    SyncReport report =
        runWith(
            CONTINUE,
            sync,
            () -> database.execute("revoke all on schema fulmar_audit from " + role));
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    SyncReport without = run(CONTINUE, sync);
    assertThat(without.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(without.total().planned()).isZero();
    database.execute("grant usage, create on schema fulmar_audit to " + role);
    run(CONTINUE, sync);
    assertThat(loggedRun(report.run()))
        .isEqualTo(
            "succeeded 5 0 0 / 5 0 0 / 5 0 0 / 0 0 0"
                + " Its rows are missing in sync_changelog, which could not be written (sqlstate=42501)."
                + " Its rows are missing in sync_snapshot, which could not be written (sqlstate=42501)."
                + " This row was written late: sync_runs could not be written (sqlstate=42501).");
    assertThat(loggedRun(without.run())).startsWith("succeeded 0 0 0 / ");
    assertThat(rows("select count(*) from fulmar_audit.sync_runs")).containsExactly("3");
    assertThat(rows("select log_gaps from fulmar_planner.fulmar_syncs")).containsExactly("");
  }
}
