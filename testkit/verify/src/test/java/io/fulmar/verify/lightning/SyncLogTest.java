package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.harness.OtherProcess;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the sync logs say of runs, held to what the destination saw and to the reports. */
class SyncLogTest extends LogsFixture {

  /** What the destination says of a change: always the same of the same content. */
  private static Verdict verdict(Change change) {
    int kind = (change.row().hashCode() & 0xff) % 8;
    return switch (kind) {
      case 0 -> new Verdict.Rejected("BAD", "not this one", Verdict.Retry.NEXT_RUN);
      case 1 -> new Verdict.Skipped();
      default -> new Verdict.Accepted();
    };
  }

  private static String json(Row row, Operation operation) {
    Object email = row.value("email");
    Object tier = operation == Operation.REMOVED ? null : row.value("tier");
    StringBuilder text = new StringBuilder("{\"id\": " + row.value("id"));
    if (tier != null) {
      text.append(", \"tier\": ").append(tier);
    } else if (operation != Operation.REMOVED) {
      text.append(", \"tier\": null");
    }
    text.append(", \"email\": ").append(email == null ? "null" : "\"" + email + "\"");
    return text.append('}').toString();
  }

  @Test
  @DisplayName("the changelog of random runs says what the destination saw of each change")
  void theChangelogSaysWhatTheDestinationSaw() throws SQLException {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("SyncLogTest: seed " + seed);
    Random random = new Random(seed);
    destination.verdicts(SyncLogTest::verdict);
    Sync sync = crm().remember("email").guardRemovals(1, 1_000).failFast(1, 1_000_000).build();
    int seen = 0;
    for (int round = 0; round < 5; round++) {
      String[] statements = new String[40];
      for (int i = 0; i < statements.length; i++) {
        int id = random.nextInt(60);
        statements[i] =
            random.nextInt(3) == 0
                ? "delete from customer where id = " + id
                : """
                  insert into customer values (%1$s, 'e%2$s', nullif(%3$s, 2))
                  on conflict (id) do update set email = excluded.email, tier = excluded.tier
                  """
                    .formatted(id, random.nextInt(1_000), random.nextInt(3));
      }
      database.execute(statements);
      SyncReport report = run(ALL, sync);
      Map<Long, String> expected = new TreeMap<>();
      for (Change change : destination.changes(report.run())) {
        Verdict verdict = verdict(change);
        String outcome =
            verdict instanceof Verdict.Rejected rejected
                ? "failed " + rejected.code() + ": " + rejected.message()
                : "succeeded";
        expected.put(
            ((Number) change.key().value("id")).longValue(),
            "%s %s %s %s"
                .formatted(
                    change.key().value("id"),
                    change.operation().name().toLowerCase(Locale.ROOT),
                    outcome,
                    json(change.row(), change.operation())));
      }
      seen += expected.size();
      assertThat(
              rows(
                  """
                  select row_id, op_type, status, failure_reason, fields
                  from fulmar_audit.sync_changelog where sync_run_id = %s order by row_id::int8
                  """
                      .formatted(report.run())))
          .as("seed %s, round %s", seed, round)
          .containsExactlyElementsOf(expected.values());
      assertThat(loggedRun(report.run())).isEqualTo("succeeded " + counts(report));
    }
    assertThat(seen).isGreaterThan(50);
    String latest =
        "select distinct on (row_id) * from fulmar_audit.sync_changelog order by row_id, sync_run_id desc";
    String snapshot = "select * from fulmar_audit.sync_snapshot";
    assertThat(rows("(%s) except (%s)".formatted(latest, snapshot))).isEmpty();
    assertThat(rows("(%s) except (%s)".formatted(snapshot, latest))).isEmpty();
    assertThat(rows("select distinct status from fulmar_audit.sync_snapshot"))
        .containsExactlyInAnyOrder("succeeded", "failed");
  }

  private static String counts(SyncReport report) {
    List<String> all = new ArrayList<>();
    for (int state = 0; state < 4; state++) {
      List<String> counts = new ArrayList<>();
      for (Operation operation : Operation.values()) {
        SyncReport.Counts of = report.counts(operation);
        long[] numbers = {of.planned(), of.attempted(), of.succeeded(), of.failed()};
        counts.add(Long.toString(numbers[state]));
      }
      all.add(String.join(" ", counts));
    }
    return String.join(" / ", all);
  }

  @Test
  void whatIsBeyondALimitIsAborted() throws SQLException {
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 5) g");
    SyncReport report;
    try (SyncEngine engine = engine(ALL)) {
      report = engine.run(crm().build(), RunOptions.builder().limit(2).build());
    }
    assertThat(
            rows("select status, count(*) from fulmar_audit.sync_changelog group by 1 order by 1"))
        .containsExactly("aborted 3", "succeeded 2");
    assertThat(loggedRun(report.run())).isEqualTo("succeeded 5 0 0 / 2 0 0 / 2 0 0 / 0 0 0");
  }

  @Test
  void aRemovalThatIsIgnoredIsLoggedOnceAsAborted() throws SQLException {
    database.execute("insert into customer values (1, 'a', 1), (2, 'b', 1)");
    Sync sync = crm().onRemoved(Removal.IGNORE).build();
    run(ALL, sync);
    database.execute("delete from customer where id = 2");
    SyncReport left = run(ALL, sync);
    assertThat(changelog(left.run())).containsExactly("2 removed aborted");
    assertThat(loggedRun(left.run())).isEqualTo("succeeded 0 0 0 / 0 0 0 / 0 0 0 / 0 0 0");
    SyncReport again = run(ALL, sync);
    assertThat(changelog(again.run())).isEmpty();
    assertThat(rows("select row_id, status from fulmar_audit.sync_snapshot order by 1"))
        .containsExactly("1 succeeded", "2 aborted");
  }

  @Test
  void aCallWithoutAnAnswerIsAFailure() throws SQLException {
    database.execute("insert into customer values (1, 'a', 1)");
    destination.verdicts(change -> null);
    SyncReport report = run(ALL, crm().retryFor(Duration.ofMillis(1)).build());
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(changelog(report.run()))
        .containsExactly(
            "1 added failed FULMAR_UNKNOWN_OUTCOME: the answer did not name the change");
  }

  @Test
  void aRunThatIsHeldHasItsCountsAndIsLoggedAgainWhenItIsApplied() throws SQLException {
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 4) g");
    Sync sync = crm().guardRemovals(0.1, 1).build();
    run(ALL, sync);
    database.execute("delete from customer where id > 1");
    SyncReport held = run(ALL, sync);
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(loggedRun(held.run()))
        .isEqualTo("failed 0 0 3 / 0 0 0 / 0 0 0 / 0 0 0 " + held.problem().orElseThrow());
    assertThat(changelog(held.run())).isEmpty();
    SyncReport applied;
    try (SyncEngine engine = engine(ALL)) {
      applied = engine.apply(sync, held.changeSet().id());
    }
    assertThat(applied.run()).isGreaterThan(held.run());
    assertThat(changelog(applied.run()))
        .containsExactly("2 removed succeeded", "3 removed succeeded", "4 removed succeeded");
    assertThat(loggedRun(applied.run())).isEqualTo("succeeded 0 0 3 / 0 0 3 / 0 0 3 / 0 0 0");
  }

  @Test
  void aRunThatFailsBeforeItPlansIsLoggedWithItsError() throws SQLException {
    Sync sync =
        Sync.builder("crm")
            .model(
                Model.query("broken", "select 1 / (id - 1) as id from public.customer").key("id"))
            .to(destination)
            .build();
    database.execute("insert into customer values (1, 'a', 1)");
    SyncReport report = run(ALL, sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(loggedRun(report.run()))
        .isEqualTo("failed 0 0 0 / 0 0 0 / 0 0 0 / 0 0 0 " + report.problem().orElseThrow());
    assertThat(rows("select primary_key, destination, model_name from fulmar_audit.sync_runs"))
        .containsExactly("id recording broken");
  }

  @Test
  void aRunThatIsCancelledLogsWhatWasSentAndWhatWasNot() throws Exception {
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 30) g");
    Sync sync = crm().batchRows(10).lanes(1).build();
    SyncReport report;
    try (SyncEngine engine = engine(ALL)) {
      destination.answers(
          (run, batch) -> {
            engine.cancel(sync);
            return Delivery.allAccepted();
          });
      report = engine.run(sync);
    }
    assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
    assertThat(
            rows("select status, count(*) from fulmar_audit.sync_changelog group by 1 order by 1"))
        .containsExactly("aborted 20", "succeeded 10");
    assertThat(loggedRun(report.run()))
        .isEqualTo("failed 30 0 0 / 10 0 0 / 10 0 0 / 0 0 0 " + report.problem().orElseThrow());
  }

  /** A process that dies in its third call. */
  static final class Dying {
    private Dying() {}

    public static void main(String[] args) {
      TestDatabase database =
          new TestDatabase(args[0], Integer.parseInt(args[1]), args[2], args[3]);
      int[] calls = {0};
      Destination dying =
          Destination.of(
              "test:recording",
              batch -> {
                if (++calls[0] == 3) {
                  Runtime.getRuntime().halt(7);
                }
                return Delivery.allAccepted();
              });
      io.fulmar.Source source =
          io.fulmar.Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user(database.user())
              .withoutTls()
              .build();
      try (SyncEngine engine = LightningEngine.builder(source).logs(ALL).build()) {
        SyncReport report =
            engine.run(
                Sync.builder("crm")
                    .model(CUSTOMERS)
                    .to(dying)
                    .batchRows(10)
                    .lanes(1)
                    .callDeadline(Duration.ofSeconds(1))
                    .build());
        System.out.println(report);
      }
    }
  }

  @Test
  @DisplayName("P4: a run whose process died is logged by its successor, under its own number")
  void aRunWhoseProcessDiedIsLoggedByItsSuccessor() throws Exception {
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 50) g");
    try (OtherProcess other =
        OtherProcess.start(
            Dying.class,
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"),
            database.host(),
            Integer.toString(database.port()),
            database.name(),
            role)) {
      assertThat(other.rest()).endsWith("exit code 7");
    }
    database.execute("update fulmar_planner.fulmar_leases set expires_at = now()");
    SyncReport report = run(ALL, crm().build());
    List<String> runs = rows("select sync_run_id from fulmar_audit.sync_runs order by 1");
    assertThat(runs).hasSize(2).last().isEqualTo(Long.toString(report.run()));
    long dead = Long.parseLong(runs.get(0));
    // The second answer may have died with the process before it was on record, and the fourth
    // batch may have been reserved already.
    long succeeded = rowsOf(dead, "succeeded");
    assertThat(succeeded).isIn(10L, 20L);
    long aborted = rowsOf(dead, "aborted");
    assertThat(aborted).isIn(10L, 20L);
    assertThat(
            rows(
                "select distinct failure_reason from fulmar_audit.sync_changelog where status = 'failed'"))
        .containsExactly("FULMAR_UNKNOWN_OUTCOME: the call ended without an answer");
    assertThat(loggedRun(dead))
        .startsWith(
            "failed 50 0 0 / %s 0 0 / %s 0 0 / %s 0 0 The run ended as INTERRUPTED: "
                .formatted(50 - aborted, succeeded, 50 - aborted - succeeded));
    assertThat(
            rows(
                """
                select started_at <= finished_at and finished_at - started_at < interval '1 min'
                from fulmar_audit.sync_runs
                """))
        .containsExactly("t", "t");
  }

  private long rowsOf(long run, String status) throws SQLException {
    return Long.parseLong(
        rows("""
                select count(*) from fulmar_audit.sync_changelog
                where sync_run_id = %s and status = '%s'
                """
                .formatted(run, status))
            .get(0));
  }
}
