package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which logs are written, under which numbers, and for how long. */
class LogSettingsTest extends LogsFixture {
  @Test
  @DisplayName("numbers of runs are unique over all syncs, and grow with time")
  void numbersOfRunsAreUniqueOverAllSyncs() throws Exception {
    database.execute("insert into customer values (1, 'a', 1)");
    int syncs = 3;
    ExecutorService threads = Executors.newFixedThreadPool(syncs);
    List<Future<List<Long>>> all = new ArrayList<>();
    for (int s = 0; s < syncs; s++) {
      Sync sync =
          Sync.builder("sync-" + s)
              .model(CUSTOMERS)
              .to(RecordingDestination.of("test:" + s))
              .build();
      all.add(
          threads.submit(
              () -> {
                List<Long> runs = new ArrayList<>();
                try (SyncEngine engine = engine(SyncLogs.builder().build())) {
                  for (int i = 0; i < 3; i++) {
                    runs.add(engine.run(sync).throwIfFailed().run());
                  }
                }
                return runs;
              }));
    }
    List<Long> runs = new ArrayList<>();
    for (Future<List<Long>> of : all) {
      assertThat(of.get()).isSorted();
      runs.addAll(of.get());
    }
    threads.shutdown();
    assertThat(runs).doesNotHaveDuplicates().hasSize(9);
    assertThat(rows("select count(*) from fulmar_audit.sync_runs")).containsExactly("9");
    assertThat(
            rows(
                """
                select count(*) from fulmar_audit.sync_runs a join fulmar_audit.sync_runs b
                  on a.sync_run_id < b.sync_run_id and a.started_at > b.finished_at
                """))
        .containsExactly("0");
    // The clock is set back: the last number is in the future.
    database.execute("update fulmar_planner.fulmar_numbers set last_run = last_run + 86400000");
    long last = Long.parseLong(rows("select last_run from fulmar_planner.fulmar_numbers").get(0));
    assertThat(run(SyncLogs.off(), crm().build()).run()).isEqualTo(last + 1);
  }

  @Test
  void aSyncWritesOnlyWhatItIsAskedFor() throws SQLException {
    database.execute("insert into customer values (1, 'a@example.org', 1)");
    run(SyncLogs.off(), crm().build());
    assertThat(
            rows("select relname from pg_class where relnamespace = 'fulmar_audit'::regnamespace"))
        .isEmpty();
    try (SyncEngine engine =
        LightningEngine.builder(source())
            .logs("crm", SyncLogs.builder().tables(SyncLogs.Table.SNAPSHOT).build())
            .build()) {
      database.execute("update customer set tier = 2");
      engine.run(crm().build()).throwIfFailed();
      engine
          .run(
              Sync.builder("other")
                  .model(CUSTOMERS)
                  .to(RecordingDestination.of("test:other"))
                  .build())
          .throwIfFailed();
    }
    assertThat(
            rows(
                """
                select relname from pg_class
                where relnamespace = 'fulmar_audit'::regnamespace and relkind = 'r'
                """))
        .containsExactly("sync_snapshot");
    assertThat(
            rows("select sync_id, row_id, op_type, status, fields from fulmar_audit.sync_snapshot"))
        .containsExactly("crm 1 changed succeeded");
  }

  @Test
  @DisplayName(
      "P11: with NONE no value of a row is anywhere in the audit schema, with names only those")
  void noValueLeaksThatWasNotAskedFor() throws SQLException {
    database.execute(
        "insert into customer values (1, 'secret@example.org', 70007), (2, 'x', 80008)");
    Sync sync = crm().remember("email", "tier").build();
    destination.verdicts(
        change ->
            change.key().value("id").equals(2L)
                ? new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    SyncLogs none = SyncLogs.builder().build();
    run(none, sync);
    database.execute("update customer set tier = 90009 where id = 1");
    run(none, sync);
    database.execute("delete from customer where id = 1");
    run(none, sync);
    String everything =
        """
        select c::text from fulmar_audit.sync_changelog c
        union all select s::text from fulmar_audit.sync_snapshot s
        union all select r::text from fulmar_audit.sync_runs r
        """;
    assertThat(rows(everything)).hasSizeGreaterThan(7);
    assertThat(
            rows(
                "select * from (%s) as t (t) where t ~ 'secret|70007|80008|90009'"
                    .formatted(everything)))
        .isEmpty();
    database.execute("insert into customer values (3, 'third@example.org', 99)");
    run(SyncLogs.builder().fields("tier").build(), sync);
    assertThat(rows("select fields from fulmar_audit.sync_snapshot where row_id = '3'"))
        .containsExactly("{\"tier\": 99}");
    assertThat(rows("select * from (%s) as t (t) where t ~ 'third'".formatted(everything)))
        .isEmpty();
  }

  @Test
  void aColumnThatTheModelDoesNotHaveIsRefusedBeforeAnythingIsSent() throws SQLException {
    database.execute("insert into customer values (1, 'a', 1)");
    SyncLogs logs = SyncLogs.builder().fields("phone").build();
    assertThatThrownBy(() -> run(logs, crm().build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot log the column phone of crm: the sync reads no such column, only id, email, tier. ");
    assertThat(destination.calls()).isEmpty();
  }

  @Test
  @DisplayName("H-06: a table with a name of the logs that Fulmar did not make is not written to")
  void aTableOfAnotherMakerIsNotWrittenTo() throws SQLException {
    database.execute(
        "insert into customer values (1, 'a', 1)",
        """
        create table fulmar_audit.sync_changelog (
          sync_id text, sync_run_id bigint, row_id text, op_type text, status text,
          failure_reason text, fields jsonb)
        """,
        "grant all on fulmar_audit.sync_changelog to " + role);
    assertThatThrownBy(() -> run(ALL, crm().build()))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("\"fulmar_audit\".\"sync_changelog\" belongs to ");
    assertThat(destination.calls()).isEmpty();
    assertThat(rows("select * from fulmar_audit.sync_changelog")).isEmpty();
    assertThat(run(SyncLogs.off(), crm().build()).status()).isEqualTo(RunStatus.SUCCEEDED);
  }

  @Test
  @DisplayName(
      "the next run deletes what is older than it is kept, under a publication of all tables too")
  void theNextRunDeletesWhatIsTooOld() throws SQLException {
    database.execute(
        "insert into customer values (1, 'a', 1), (2, 'b', 1)",
        "create publication everything for all tables");
    SyncLogs logs = SyncLogs.builder().retention(Duration.ofHours(1)).build();
    Sync sync = crm().build();
    SyncReport first = run(logs, sync);
    long twoHours = Duration.ofHours(2).toMillis();
    for (String table : List.of("sync_changelog", "sync_snapshot", "sync_runs")) {
      database.execute(
          "update fulmar_audit.%s set sync_run_id = sync_run_id - %s".formatted(table, twoHours));
    }
    database.execute("delete from customer where id = 2", "update customer set tier = 2");
    SyncReport second = run(logs, sync);
    assertThat(rows("select distinct sync_run_id from fulmar_audit.sync_changelog"))
        .containsExactly(Long.toString(second.run()));
    assertThat(rows("select sync_run_id from fulmar_audit.sync_runs"))
        .containsExactly(Long.toString(second.run()));
    assertThat(rows("select row_id, op_type from fulmar_audit.sync_snapshot order by 1"))
        .containsExactly("1 changed", "2 removed");
    assertThat(first.run()).isLessThan(second.run());
  }
}
