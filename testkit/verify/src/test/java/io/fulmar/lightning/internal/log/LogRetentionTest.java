package io.fulmar.lightning.internal.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.Table;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Old rows of the logs go. Runs are a day apart; {@code crm} keeps its logs for 2 days and {@code
 * mail} for longer.
 */
class LogRetentionTest extends LogFixture {
  private static final long DAY = Duration.ofDays(1).toMillis();
  private static final long NOW = HandMadePlan.RUN;

  /** What some other sync keeps its logs for, and those keep that have no state any more. */
  private static final Duration LONGEST = Duration.ofDays(3);

  private final SyncLogs twoDays = SyncLogs.builder().retention(Duration.ofDays(2)).build();

  /** Runs 0 to 4 days ago, of {@code crm} and, a millisecond later, of {@code mail}. */
  private void runs(int rowsOfARun) throws SQLException {
    prepare(SyncLogs.builder().build());
    test.execute(
        "create table fulmar_planner.fulmar_syncs (sync text collate \"C\" primary key)",
        "insert into fulmar_planner.fulmar_syncs values ('crm'), ('mail')");
    for (int ago = 4; ago >= 0; ago--) {
      long run = NOW - ago * DAY;
      for (String sync : new String[] {"crm", "mail"}) {
        test.execute(
            """
            insert into fulmar_audit.sync_runs (sync_id, sync_run_id, status)
            values ('%1$s', %2$s, 'succeeded')
            """
                .formatted(sync, run),
            """
            insert into fulmar_audit.sync_changelog
            select '%1$s', %2$s, g, case when g %% 5 = %4$s then 'removed' else 'changed' end,
                   'succeeded', null, null
            from generate_series(1, %3$s) g
            """
                .formatted(sync, run, rowsOfARun, ago));
        run++;
      }
    }
    test.execute(
        """
        insert into fulmar_audit.sync_snapshot
        select distinct on (sync_id, row_id) c.*
        from fulmar_audit.sync_changelog c
        where c.row_id::int8 % 5 <> 3 or c.sync_run_id < %s
        order by sync_id, row_id, sync_run_id desc
        """
            .replace("%s", Long.toString(NOW - 2 * DAY)));
  }

  private void expire(SyncLogs logs, int portions) {
    AtomicInteger asked = new AtomicInteger();
    new LogRetention(database, schemas, "crm", logs, LONGEST)
        .expire("fulmar test", "[sync=crm]", NOW, () -> asked.getAndIncrement() < portions);
  }

  private String left(String table) throws SQLException {
    return String.join(
        " ",
        rows(
            """
            select sync_id || ':' || (%s - sync_run_id + 1) / %s || ':' || count(*)
            from fulmar_audit.%s group by sync_id, sync_run_id order by sync_id, sync_run_id
            """
                .formatted(NOW, DAY, table)));
  }

  @Test
  void rowsOfOneSyncThatAreTooOldGo() throws SQLException {
    runs(10);
    expire(twoDays, 100);
    String others = " mail:4:%1$s mail:3:%1$s mail:2:%1$s mail:1:%1$s mail:0:%1$s";
    assertThat(left("sync_changelog"))
        .isEqualTo("crm:2:10 crm:1:10 crm:0:10" + others.formatted(10));
    assertThat(left("sync_runs")).isEqualTo("crm:2:1 crm:1:1 crm:0:1" + others.formatted(1));
  }

  @Test
  void theSnapshotLosesOldRemovalsAndKeepsTheLatestOfEveryOtherRow() throws SQLException {
    runs(10);
    assertThat(left("sync_snapshot")).startsWith("crm:3:2 crm:0:8 ");
    expire(twoDays, 100);
    // Rows 3 and 8 were removed 3 days ago, and nothing was heard of them since.
    assertThat(left("sync_snapshot")).isEqualTo("crm:0:8 mail:3:2 mail:0:8");
  }

  @Test
  void deletingGoesOnWhereItStoppedInPortions() throws SQLException {
    runs(LogRetention.PORTION + 1);
    expire(twoDays, 1);
    assertThat(left("sync_changelog")).startsWith("crm:4:1 crm:3:10001 crm:2:10001 ");
    expire(twoDays, 2);
    assertThat(left("sync_changelog")).startsWith("crm:3:1 crm:2:10001 ");
    assertThat(left("sync_runs")).startsWith("crm:4:1 crm:3:1 ");
    expire(twoDays, 3);
    assertThat(left("sync_changelog")).startsWith("crm:2:10001 ");
    assertThat(left("sync_runs")).startsWith("crm:2:1 ");
  }

  @Test
  void rowsOfASyncThatHasNoStateGoWithTheOldestOfAll() throws SQLException {
    runs(10);
    test.execute("delete from fulmar_planner.fulmar_syncs where sync = 'mail'");
    expire(twoDays, 100);
    String crm = "crm:2:%1$s crm:1:%1$s crm:0:%1$s ";
    String mail = "mail:3:%1$s mail:2:%1$s mail:1:%1$s mail:0:%1$s";
    assertThat(left("sync_changelog")).isEqualTo((crm + mail).formatted(10));
    assertThat(left("sync_runs")).isEqualTo((crm + mail).formatted(1));
    assertThat(left("sync_snapshot")).isEqualTo("crm:0:8 mail:3:2 mail:0:8");
    test.execute(
        "update fulmar_audit.sync_changelog set sync_run_id = sync_run_id - %s where sync_id = 'mail'"
            .formatted(4 * DAY),
        "update fulmar_audit.sync_runs set sync_run_id = sync_run_id - %s where sync_id = 'mail'"
            .formatted(4 * DAY),
        "update fulmar_audit.sync_snapshot set sync_run_id = sync_run_id - %s where sync_id = 'mail'"
            .formatted(4 * DAY));
    expire(twoDays, 100);
    assertThat(left("sync_changelog")).isEqualTo(crm.strip().formatted(10));
    assertThat(left("sync_runs")).isEqualTo(crm.strip().formatted(1));
    assertThat(left("sync_snapshot")).isEqualTo("crm:0:8");
  }

  @Test
  void aSnapshotWithoutChangelogOfASyncThatHasNoStateGoes() throws SQLException {
    runs(LogRetention.PORTION + 1);
    test.execute(
        "delete from fulmar_planner.fulmar_syncs where sync = 'mail'",
        "truncate fulmar_audit.sync_changelog",
        "update fulmar_audit.sync_snapshot set sync_run_id = %s where sync_id = 'mail' and sync_run_id < %s"
            .formatted(NOW, NOW));
    expire(twoDays, 100);
    assertThat(left("sync_snapshot")).contains("mail:0:");
    test.execute(
        "update fulmar_audit.sync_snapshot set sync_run_id = %s where sync_id = 'mail'"
            .formatted(NOW - 4 * DAY));
    expire(twoDays, 100);
    assertThat(left("sync_snapshot")).doesNotContain("mail").contains("crm:0:");
  }

  @Test
  void aTableThatIsOffOrGoneIsLeftAlone() throws SQLException {
    runs(10);
    expire(SyncLogs.off(), 100);
    assertThat(left("sync_changelog")).startsWith("crm:4:10 ");
    expire(SyncLogs.builder().tables(Table.RUNS).retention(Duration.ofDays(2)).build(), 100);
    assertThat(left("sync_changelog")).startsWith("crm:4:10 ");
    assertThat(left("sync_runs")).startsWith("crm:2:1 ");
    test.execute("drop table fulmar_audit.sync_snapshot");
    expire(twoDays, 100);
    assertThat(left("sync_changelog")).startsWith("crm:4:10 ");
    expire(SyncLogs.builder().tables(Table.CHANGELOG).retention(Duration.ofDays(2)).build(), 100);
    assertThat(left("sync_changelog")).startsWith("crm:2:10 ");
  }
}
