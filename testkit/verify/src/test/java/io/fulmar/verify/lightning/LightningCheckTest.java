package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.HotStandby;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.verify.fixture.Queries;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a check says of schemas that can be written to and of such that cannot, and of the server
 * around them. The role has what {@code setupSql} gives it and SELECT on the table {@code item}.
 */
class LightningCheckTest {
  private static final TestPostgres POSTGRES =
      TestPostgres.builder()
          .parameter("autovacuum", "off") // it takes transaction numbers, which are counted
          .parameter("wal_level", "logical")
          .parameter("max_replication_slots", "4")
          .start();

  private static final String PLANNER = "write to the planner schema";
  private static final String AUDIT = "write to the audit schema";

  private TestDatabase database;
  private String role;

  @BeforeEach
  void setUp() throws SQLException {
    database = POSTGRES.createDatabase();
    role = "reader of " + database.name();
    database.execute(
        "create table item (id int primary key, name text)",
        "insert into item values (1, 'a'), (2, 'b')",
        "create role \"%s\" login".formatted(role),
        "grant select on item to \"%s\"".formatted(role),
        "revoke all on schema public from public",
        "grant usage on schema public to \"%s\"".formatted(role),
        LightningSetup.of(role).setupSql());
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute(
        "drop owned by \"%s\" cascade".formatted(role), "drop role \"%s\"".formatted(role));
    database.drop();
  }

  private Source.Builder source() {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(role)
        .connectTimeout(Duration.ofSeconds(2))
        .withoutTls();
  }

  private static Sync sync(Destination destination) {
    return Sync.builder("crm")
        .model(Model.query("items", "select id, name from item").key("id"))
        .to(destination)
        .build();
  }

  private static Sync sync() {
    return sync(Destination.of("test:accepts", batch -> Delivery.allAccepted()));
  }

  private static CheckReport check(Source source) {
    try (SyncEngine engine = LightningEngine.on(source)) {
      return engine.check();
    }
  }

  private static List<String> verdicts(CheckReport report) {
    return report.steps().stream().map(step -> step.name() + " " + step.verdict()).toList();
  }

  private static CheckReport.Step step(CheckReport report, String name) {
    return report.steps().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  private String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** The server notices a little later that an engine was closed. */
  private void awaitNoSession() throws SQLException {
    Queries.await(
        database,
        """
        select count(*) from pg_stat_activity
        where datname = current_database() and application_name like 'fulmar%'
        """,
        "0");
  }

  /** What fails, as bits: the network, the credentials, the list, the planner and audit schema. */
  @ParameterizedTest
  @ValueSource(
      ints = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31
      })
  @DisplayName("K-01, H-07: each of the five steps has its verdict, alone and with the others")
  void eachStepFailsAloneAndWithTheOthers(int failing) throws SQLException {
    boolean network = (failing & 1) != 0;
    boolean credentials = (failing & 2) != 0;
    boolean list = (failing & 4) != 0;
    boolean planner = (failing & 8) != 0;
    boolean audit = (failing & 16) != 0;
    Source.Builder source = source();
    if (network) {
      source.port(1);
    }
    if (credentials) {
      source.user("nobody at all");
    }
    if (list) {
      database.execute("revoke select on item from \"%s\"".formatted(role));
    }
    if (planner) {
      database.execute("revoke create on schema fulmar_planner from \"%s\"".formatted(role));
    }
    if (audit) {
      database.execute("revoke usage, create on schema fulmar_audit from \"%s\"".formatted(role));
    }
    CheckReport report = check(source.build());
    boolean in = !network && !credentials;
    assertThat(verdicts(report))
        .containsExactly(
            "network " + (network ? "FAILED" : "PASSED"),
            "credentials " + (network ? "SKIPPED" : credentials ? "FAILED" : "PASSED"),
            "list schemas and tables " + (in ? list ? "FAILED" : "PASSED" : "SKIPPED"),
            "privileges " + (in ? "PASSED" : "SKIPPED"),
            PLANNER + " " + (in ? planner ? "FAILED" : "PASSED" : "SKIPPED"),
            AUDIT + " " + (in ? audit ? "FAILED" : "PASSED" : "SKIPPED"),
            "publications " + (in ? "PASSED" : "SKIPPED"),
            "limits of the server " + (in ? "PASSED" : "SKIPPED"));
    assertThat(report.passed()).isEqualTo(failing == 0);
    if (in && planner) {
      assertThat(step(report, PLANNER).remedies())
          .containsExactly(
              "Run, as owner or superuser: grant create on schema \"fulmar_planner\" to \"%s\""
                  .formatted(role));
    }
    if (in && audit) {
      assertThat(step(report, AUDIT).remedies())
          .containsExactly(
              "Run, as owner or superuser: grant usage, create on schema \"fulmar_audit\" to \"%s\""
                  .formatted(role));
    }
  }

  @Test
  void aSchemaThatIsMissingIsNamedWithWhatMakesIt() throws SQLException {
    database.execute("drop schema fulmar_audit");
    CheckReport.Step step = step(check(source().build()), AUDIT);
    assertThat(step.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(step.found()).containsExactly("there is no schema \"fulmar_audit\"");
    assertThat(step.remedies())
        .containsExactly(
            "Run, as owner of the database or superuser: create schema \"fulmar_audit\"; grant usage, create on schema \"fulmar_audit\" to \"%s\""
                .formatted(role));
  }

  private static final String CATALOG =
      """
      select md5(concat(
        (select string_agg(c::text, '' order by c.oid) from pg_class c where c.oid >= 16384),
        (select string_agg(t::text, '' order by t.oid) from pg_type t where t.oid >= 16384),
        (select string_agg(d::text, '' order by objoid, objsubid) from pg_description d where objoid >= 16384),
        (select string_agg(n::text, '' order by n.oid) from pg_namespace n),
        (select string_agg(r::text, '' order by r.oid) from pg_roles r),
        (select string_agg(d.datname || d.datacl::text, '' order by d.oid) from pg_database d)))
      """;

  private static final String XIDS = "select pg_snapshot_xmax(pg_current_snapshot())::text::int8";

  @Test
  @DisplayName("K-03: a check leaves nothing behind, and takes two transaction numbers")
  void aCheckLeavesNothingBehind() throws SQLException {
    String catalog = query(CATALOG);
    long xids = Long.parseLong(query(XIDS));
    try (SyncEngine engine = LightningEngine.on(source().build())) {
      engine.check(sync()).throwIfFailed();
    }
    assertThat(Long.parseLong(query(XIDS)) - xids).isBetween(1L, 2L);
    assertThat(query(CATALOG)).isEqualTo(catalog);
    awaitNoSession();
  }

  @Test
  @DisplayName("K-03: a role whose transactions are read-only by default, and one without disk")
  void aCheckSaysWhatKeepsItFromWriting() throws SQLException {
    database.execute("alter role \"%s\" set default_transaction_read_only = on".formatted(role));
    check(source().build()).throwIfFailed(); // the engine asks for what it needs
    database.execute(
        "alter role \"%s\" set default_transaction_read_only = off".formatted(role),
        "create function public.full() returns event_trigger language plpgsql as "
            + "'begin raise exception ''no space left'' using errcode = ''53100''; end'",
        "create event trigger full_disk on ddl_command_start when tag in ('CREATE TABLE')"
            + " execute function public.full()");
    CheckReport report = check(source().build());
    assertThat(verdicts(report)).contains(PLANNER + " FAILED", AUDIT + " FAILED");
    assertThat(step(report, PLANNER).found().get(0))
        .startsWith("Cannot write to \"fulmar_planner\": ")
        .contains("Make room on the server")
        .endsWith("[sqlstate=53100]");
    assertThat(step(report, "limits of the server").found())
        .contains(
            "the event trigger full_disk runs a function of postgres whenever Fulmar makes or drops a table");
  }

  @Test
  @DisplayName("H-06: what others planted fails the step of its schema")
  void whatOthersPlantedFailsTheStep() throws SQLException {
    SyncLogs logs = SyncLogs.builder().tables(SyncLogs.Table.RUNS).build();
    try (SyncEngine engine = LightningEngine.builder(source().build()).logs(logs).build()) {
      engine.run(sync()).throwIfFailed();
      engine.check(sync()).throwIfFailed();
      database.execute(
          "alter table fulmar_planner.s1_holds enable row level security",
          "alter table fulmar_audit.sync_runs alter column error set default 'none'");
      CheckReport report = engine.check(sync());
      assertThat(step(report, PLANNER).found())
          .containsExactly("\"fulmar_planner\".\"s1_holds\": it has row security");
      assertThat(step(report, PLANNER).remedies())
          .containsExactly(
              "Run: alter table fulmar_planner.s1_holds disable row level security, no force row level security");
      assertThat(step(report, AUDIT).found())
          .containsExactly("\"fulmar_audit\".\"sync_runs\": it has a default of the column error");
      assertThat(step(report, "state of crm").verdict()).isEqualTo(Verdict.SKIPPED);
    }
  }

  @Test
  @DisplayName("E-04: a hot standby is refused, and why is said")
  void aHotStandbyIsRefused() throws SQLException {
    try (HotStandby standby = HotStandby.of(database).start()) {
      standby.awaitReplay();
      CheckReport report = check(source().port(standby.database().port()).build());
      for (String name : List.of(PLANNER, AUDIT)) {
        CheckReport.Step step = step(report, name);
        assertThat(step.verdict()).isEqualTo(Verdict.FAILED);
        assertThat(step.found())
            .containsExactly("the server is a hot standby and takes no writes (sqlstate=25006)");
        assertThat(step.remedies())
            .containsExactly(
                "Give the address of the primary, or use StandardEngine, which only reads");
      }
    }
  }

  @Test
  void publicationsThatTakeOurTablesInAreNamedWithTheirRemedy() throws SQLException {
    boolean bySchema = POSTGRES.majorVersion() >= 15;
    try (SyncEngine engine = LightningEngine.on(source().build())) {
      engine.run(sync()).throwIfFailed();
      database.execute(
          "create publication dbz for all tables",
          "create publication one for table public.item, fulmar_planner.fulmar_syncs");
      if (bySchema) {
        database.execute("create publication \"Log\" for tables in schema fulmar_audit");
      }
      CheckReport report = engine.check().throwIfFailed();
      CheckReport.Step step = step(report, "publications");
      assertThat(step.verdict()).isEqualTo(Verdict.WARNING);
      assertThat(step.found().get(0))
          .isEqualTo(
              "the publication dbz takes in all tables, those of Fulmar, too: a subscriber that lacks them stops applying, and its slot holds back WAL");
      assertThat(step.remedies().get(0))
          .contains("publication.autocreate.mode=filtered")
          .endsWith(
              bySchema
                  ? "drop publication dbz; create publication dbz for tables in schema public"
                  : "create publication dbz for table ... (each of its tables)");
      assertThat(step.remedies().get(1))
          .isEqualTo("alter publication one drop table fulmar_planner.fulmar_syncs");
      if (bySchema) {
        assertThat(step.remedies().get(2))
            .isEqualTo("alter publication \"Log\" drop tables in schema fulmar_audit");
        database.execute(
            step.remedies().get(0).substring(step.remedies().get(0).indexOf("drop publication")),
            step.remedies().get(1),
            step.remedies().get(2));
        assertThat(step(engine.check(), "publications").found())
            .containsExactly("none takes in Fulmar's tables");
      }
    }
  }

  @Test
  void runsGoOnUnderAPublicationOfAllTables() throws SQLException {
    database.execute("create publication dbz for all tables");
    try (SyncEngine engine = LightningEngine.on(source().build())) {
      assertThat(engine.run(sync()).throwIfFailed().total().accepted()).isEqualTo(2);
      database.execute(
          "insert into item select i, 'c' from generate_series(3, 200) i",
          "update item set name = 'd' where id = 1");
      assertThat(engine.run(sync()).throwIfFailed().total().accepted()).isEqualTo(199);
      database.execute("update item set name = 'e' where id = 2", "delete from item where id = 3");
      assertThat(engine.run(sync()).throwIfFailed().total().accepted()).isEqualTo(1);
      engine.plan(sync());
      assertThat(engine.discard(sync())).isTrue();
      engine.forget(sync());
    }
  }

  @Test
  void whatTheServerLacksIsSaid() throws SQLException {
    database.execute(
        "alter role \"%s\" connection limit 3".formatted(role),
        "select pg_create_logical_replication_slot('unread', 'pgoutput')");
    try {
      CheckReport.Step step = step(check(source().build()), "limits of the server");
      assertThat(step.verdict()).isEqualTo(Verdict.WARNING);
      assertThat(step.found())
          .anyMatch(fact -> fact.matches("the server has \\d+ connections left"))
          .contains(
              "nobody reads the replication slot \"unread\": the server keeps all WAL for it, that of runs, too");
    } finally {
      database.execute("select pg_drop_replication_slot('unread')");
    }
    awaitNoSession();
    database.execute("alter role \"%s\" connection limit 2".formatted(role));
    CheckReport.Step step = step(check(source().build()), "limits of the server");
    assertThat(step.found()).contains("the role has 2 connections left, and a run takes up to 3");
    assertThat(step.remedies())
        .containsExactly("alter role \"%s\" connection limit -1".formatted(role));
  }

  @Test
  @DisplayName("K-04: a check does not interfere with a run of the same sync")
  void aCheckAndARunDoNotInterfere() throws Exception {
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch checked = new CountDownLatch(1);
    Sync sync =
        sync(
            Destination.of(
                "test:waiting",
                batch -> {
                  writing.countDown();
                  assertThat(checked.await(60, TimeUnit.SECONDS)).isTrue();
                  return Delivery.allAccepted();
                }));
    try (SyncEngine engine = LightningEngine.on(source().build())) {
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sync));
      Thread thread = new Thread(run);
      thread.start();
      assertThat(writing.await(60, TimeUnit.SECONDS)).isTrue();
      CheckReport report = engine.check(sync).throwIfFailed();
      assertThat(verdicts(report)).contains(PLANNER + " PASSED", "state of crm PASSED");
      checked.countDown();
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.SUCCEEDED);
      thread.join();
    }
  }

  @Test
  @DisplayName("K-04: a check through a pooler that pools by transaction passes")
  void aCheckGoesThroughAPooler() throws Exception {
    try (PgBouncer pooler =
        PgBouncer.before(database)
            .poolMode(PgBouncer.PoolMode.TRANSACTION)
            .poolSize(1)
            .user(role)
            .start()) {
      CheckReport report = check(source().port(pooler.port()).build()).throwIfFailed();
      assertThat(verdicts(report)).contains(PLANNER + " PASSED", AUDIT + " PASSED");
    }
  }
}
