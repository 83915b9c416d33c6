package io.fulmar.lightning.internal.log;

import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.source.ModelShape.Column;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.fold.OutcomeParts;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * One server for the JVM, whose session settings are none that the logs may show; for each test a
 * database with both schemas, and tables {@code accepted} and {@code exceptions} that say what
 * became of the positions of a plan.
 */
abstract class LogFixture {
  private static final TestPostgres POSTGRES =
      TestPostgres.builder()
          .parameter("timezone", "Asia/Kathmandu")
          .parameter("datestyle", "German")
          .parameter("bytea_output", "escape")
          .parameter("extra_float_digits", "-10")
          .start();
  static final long SLOT = 1;
  static final Instant STARTED = Instant.ofEpochMilli(HandMadePlan.RUN);
  static final Instant ENDED = STARTED.plusSeconds(7);
  static final OutcomeParts OUTCOMES =
      new OutcomeParts(
          SqlFragment.of("(p.position in (select a.position from public.accepted as a))"),
          SqlFragment.of("(select e.* from public.exceptions as e)"),
          SqlFragment.of("(select null::int8 as position, null::int8 as until where false)"),
          false);

  final Schemas schemas = Schemas.DEFAULT;
  final SyncLogs all = SyncLogs.builder().allFields().build();
  TestDatabase test;
  Database database;

  @BeforeEach
  void createDatabase() throws SQLException {
    test = POSTGRES.createDatabase();
    test.execute(
        "create schema fulmar_planner",
        "create schema fulmar_audit",
        "create table accepted (position int8)",
        """
        create table exceptions (
          position int8, kind text, unsure boolean, until int8, code text, message text)
        """);
    Source source =
        Source.builder()
            .host(test.host())
            .port(test.port())
            .database(test.name())
            .user(test.user())
            .withoutTls()
            .build();
    database = new Database(source, "fulmar logs", Duration.ofSeconds(30));
  }

  @AfterEach
  void closeDatabase() throws SQLException {
    database.close();
    test.drop();
  }

  static Sync sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(RecordingDestination.of("test:crm"))
        .build();
  }

  void prepare(SyncLogs logs) {
    database.write(
        "prepare the logs",
        "fulmar test",
        "[sync=crm]",
        transaction -> {
          new SyncLog(schemas, sync(), logs).prepare(transaction);
          return logs;
        });
  }

  /** What the record of the sync keeps afterwards; "null" for nothing. */
  String folded(SyncLogs logs, @Nullable String gaps, PlanHead head, FoldKind kind, LoggedRun run) {
    return database.write(
        "write the logs",
        "fulmar test",
        "[sync=crm]",
        transaction ->
            String.valueOf(
                new SyncLog(schemas, sync(), logs)
                    .folded(transaction, SLOT, gaps, head, OUTCOMES, kind, run)));
  }

  void folded(SyncLogs logs, PlanHead head, FoldKind kind, RunStatus status) {
    prepare(logs);
    folded(logs, null, head, kind, run(status));
  }

  static LoggedRun run(RunStatus status) {
    return new LoggedRun(HandMadePlan.RUN, STARTED, ENDED, status, null);
  }

  List<String> rows(String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Connection connection = test.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        rows.add(row.getString(1));
      }
    }
    return rows;
  }

  static Column column(String name, String type, ColumnKind kind) {
    return new Column(name, type, kind, true, "");
  }

  /** A plan over a column {@code id} that is the key and a column {@code mail}. */
  PlanHead planned(String rows) throws SQLException {
    test.execute(
        """
        create table fulmar_planner.s1_plan_0 as
        select p.position::int8, p.operation::text, p.effects::int4, p.k0::int8, p.oversize,
               case when p.operation in ('ADDED', 'CHANGED') then p.k0::int4 end as f0,
               case when p.operation in ('ADDED', 'CHANGED') then 'm' || p.k0 end as f1,
               'old' || p.k0 as p0, p.k0 <> 8 as p_valued
        from (values %s) as p (position, operation, effects, k0, oversize)
        """
            .formatted(rows));
    return HandMadePlan.head(
        List.of(column("id", "integer", ColumnKind.INT4), column("mail", "text", ColumnKind.TEXT)),
        List.of(0),
        List.of("mail"),
        List.of(4L, 3L, 2L));
  }

  /** One change of each outcome, an ignored removal, and effects that nobody hears of. */
  PlanHead plannedOfEachKind() throws SQLException {
    PlanHead head =
        planned(
            """
            (0, 'ADDED', 0, 1, false), (1, 'ADDED', 0, 2, false), (2, 'ADDED', 0, 3, false),
            (3, 'ADDED', 0, 4, true), (4, 'CHANGED', 4, 5, false), (5, 'CHANGED', 0, 6, false),
            (6, 'CHANGED', 0, 7, false), (7, 'REMOVED', 0, 8, false), (8, 'REMOVED', 0, 9, false),
            (null, null, 2, 10, false), (null, null, 1, 11, false), (null, null, 0, 12, false)
            """);
    test.execute(
        "insert into accepted values (0), (8)",
        """
        insert into exceptions values
          (1, 'SKIPPED', false, 0, 'PRESENT', 'it is there'),
          (2, 'REJECTED', false, 0, 'BAD', 'no mail'),
          (3, 'REJECTED_TOGETHER', false, 0, 'FULMAR_ROW_TOO_LARGE', 'too large'),
          (4, 'UNKNOWN', true, 5, null, null),
          (5, 'UNKNOWN_ALONE', true, 5, 'TIMEOUT', 'no answer'),
          (6, 'NOT_TRIED', true, 5, null, null),
          (7, 'NOT_TRIED', false, 0, null, null)
        """);
    return head;
  }
}
