package io.fulmar.lightning.internal.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.OnLogFailure;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.plan.PlanHead;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What becomes of runs whose logs could not be written. */
class LogGapsTest extends LogFixture {
  private final SyncLogs failing = SyncLogs.builder().build();
  private final SyncLogs going = SyncLogs.builder().onLogFailure(OnLogFailure.CONTINUE).build();

  private SyncLog.Ended ended(
      SyncLogs logs, @Nullable String gaps, @Nullable PlanHead head, LoggedRun run) {
    return database.write(
        "note the end",
        "fulmar test",
        "[sync=crm]",
        transaction -> {
          SyncLog.Ended ended =
              new SyncLog(schemas, sync(), logs).ended(transaction, gaps, head, run);
          transaction.update("insert into public.accepted values (99)"); // still of use
          return ended;
        });
  }

  private String runs() throws SQLException {
    return String.join(
        "\n",
        rows(
            """
            select concat_ws(' ', sync_run_id - 1700000000000, status, num_planned_add,
              num_attempted_add, num_succeeded_add, num_failed_add, error)
            from fulmar_audit.sync_runs order by sync_run_id
            """));
  }

  private static LoggedRun later(int by, RunStatus status, @Nullable String problem) {
    return new LoggedRun(HandMadePlan.RUN + by, STARTED, ENDED, status, problem);
  }

  @Test
  @DisplayName("J-12: a fold whose changelog cannot be written fails with the reason")
  void aFoldWhoseChangelogCannotBeWrittenFails() throws SQLException {
    PlanHead head = plannedOfEachKind();
    prepare(failing);
    test.execute("drop table fulmar_audit.sync_changelog");
    assertThatThrownBy(
            () -> folded(failing, null, head, FoldKind.DELIVERED, run(RunStatus.SUCCEEDED)))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot write \"fulmar_audit\".\"sync_changelog\" for crm: a table or view is not there. Undo what was altered; a table that is gone is made anew by the next run. What was accepted is on record: the next run logs it and moves the state forward before anything else, and nothing is sent twice. [sync=crm sqlstate=42P01]");
    assertThat(runs()).isEmpty();
    assertThat(rows("select row_id from fulmar_audit.sync_snapshot")).isEmpty();
  }

  @Test
  void aFoldThatGoesOnSaysInItsRunWhatIsMissing() throws SQLException {
    PlanHead head = plannedOfEachKind();
    prepare(going);
    test.execute("drop table fulmar_audit.sync_changelog");
    assertThat(folded(going, null, head, FoldKind.DELIVERED, run(RunStatus.SUCCEEDED)))
        .isEqualTo("null");
    assertThat(runs())
        .isEqualTo(
            "0 succeeded 4 4 2 2 Its rows are missing in sync_changelog, which could not be written (sqlstate=42P01).");
    assertThat(rows("select count(*) from fulmar_audit.sync_snapshot")).containsExactly("10");
  }

  @Test
  void aRunThatCouldNotBeLoggedIsLoggedByTheNext() throws SQLException {
    PlanHead head = plannedOfEachKind();
    prepare(going);
    test.execute("alter table fulmar_audit.sync_runs rename to away");
    String gaps = folded(going, null, head, FoldKind.DELIVERED, run(RunStatus.SUCCEEDED));
    SyncLog.Ended held = ended(going, gaps, head, later(1, RunStatus.HELD, "Too many\tgo.\n\\"));
    assertThat(held.failure()).isNull();
    test.execute("alter table fulmar_audit.away rename to sync_runs");
    SyncLog.Ended ended =
        ended(going, held.gaps(), null, later(2, RunStatus.FAILED, "No network."));
    assertThat(ended).isEqualTo(new SyncLog.Ended(null, null));
    assertThat(runs())
        .isEqualTo(
            """
            0 succeeded 4 4 2 2 This row was written late: sync_runs could not be written (sqlstate=42P01).
            1 failed 4 0 0 0 Too many\tgo.
            \\
            2 failed 0 0 0 0 No network.""");
  }

  @Test
  void anEndThatCouldNotBeLoggedIsNotedAndThenRefused() throws SQLException {
    prepare(failing);
    test.execute("alter table fulmar_audit.sync_runs rename to away");
    SyncLog.Ended ended = ended(failing, null, null, later(1, RunStatus.CANCELLED, "Stopped."));
    assertThat(ended.failure())
        .hasMessageStartingWith(
            "Cannot write \"fulmar_audit\".\"sync_runs\" for crm: a table or view is not there. ");
    assertThat(rows("select position from accepted where position = 99")).hasSize(1);
    test.execute("alter table fulmar_audit.away rename to sync_runs");
    PlanHead head = plannedOfEachKind();
    assertThat(
            folded(
                failing, ended.gaps(), head, FoldKind.DELIVERED, later(2, RunStatus.WARNING, null)))
        .isEqualTo("null");
    assertThat(runs()).isEqualTo("1 failed 0 0 0 0 Stopped.\n2 succeeded 4 4 2 2");
  }

  @Test
  void aRunThatItsSuccessorSettlesKeepsWhyItFailedAndGetsItsCounts() throws SQLException {
    PlanHead head = plannedOfEachKind();
    prepare(failing);
    ended(failing, null, head, later(0, RunStatus.FAILED, "Disk full."));
    assertThat(runs()).isEqualTo("0 failed 4 0 0 0 Disk full.");
    folded(failing, null, head, FoldKind.INTERRUPTED, run(RunStatus.INTERRUPTED));
    assertThat(runs()).isEqualTo("0 failed 4 4 2 2 Disk full.");
  }

  @Test
  void atMostAHundredRunsAreKeptForLater() {
    String gaps = null;
    prepare(going);
    for (int i = 0; i < 103; i++) {
      RunRow row =
          new RunRow(
              i,
              "id",
              "test",
              "customers",
              null,
              "failed",
              STARTED,
              ENDED,
              RunRow.counts(java.util.List.of(0L, 0L, 0L), java.util.List.of()));
      gaps = LogGaps.with(gaps, row);
      gaps = LogGaps.with(gaps, row.withError("again"));
    }
    assertThat(LogGaps.rows(gaps)).hasSize(100).extracting(RunRow::run).startsWith(3L, 4L);
    assertThat(LogGaps.rows(gaps)).extracting(RunRow::error).containsOnlyNulls();
  }

  @Test
  void anErrorThatNoTextCanHoldOrThatIsVeryLongIsLoggedAllTheSame() throws SQLException {
    prepare(failing);
    String endless = "x".repeat(10_001);
    assertThat(ended(failing, null, null, later(1, RunStatus.FAILED, "a\0b")).failure()).isNull();
    assertThat(ended(failing, null, null, later(2, RunStatus.FAILED, endless)).failure()).isNull();
    assertThat(rows("select error from fulmar_audit.sync_runs order by sync_run_id"))
        .containsExactly("a b", endless.substring(1) + "...");
  }
}
