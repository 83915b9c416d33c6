package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Nothing that is not used stays behind: not after many runs, of which some change one row, some
 * every row and some none, not after a sync was forgotten, and not of a run whose process died.
 */
class HousekeepingTest {
  private static final int ROWS = 200;

  /** From 10,000 changes on, a state is built anew if they are a good share of it. */
  private static final int MANY = 10_300;

  private static TestPostgres postgres;

  private TestDatabase database;
  private Source source;

  @BeforeAll
  static void start() throws SQLException {
    postgres = SharedServer.own();
    postgres.createDatabase().execute("create role fulmar login");
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void setUp() throws SQLException {
    database = postgres.createDatabase();
    database.execute(
        LightningSetup.of("fulmar").setupSql(),
        "create table item (id int primary key, name text)",
        "grant select on item to fulmar",
        "insert into item select i, 'a' from generate_series(1, %s) i".formatted(ROWS));
    source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user("fulmar")
            .withoutTls()
            .build();
  }

  private void manyRows() throws SQLException {
    database.execute(
        "insert into item select i, 'a' from generate_series(%s, %s) i".formatted(ROWS + 1, MANY));
  }

  private LightningEngine engine() {
    return LightningEngine.builder(source).logs(SyncLogs.builder().build()).build();
  }

  /** A sync of a query, so that everything is compared each time; it rejects one row. */
  private static Sync sync(String name) {
    return sync(name, name);
  }

  private static Sync sync(String destination, String name) {
    return builder(destination, name, "select id, name from item").remember("name").build();
  }

  private static Sync.Builder builder(String destination, String name, String model) {
    return Sync.builder(name)
        .model(Model.query("items", model).key("id"))
        .onRemoved(Removal.DELETE)
        .to(
            Destination.of(
                "test:" + destination,
                batch -> {
                  Delivery.Builder answer = Delivery.acceptedExcept();
                  for (Change change : batch.changes()) {
                    if ("7".equals(change.key().text("id"))) {
                      answer.rejected(change, "ODD", "not this one");
                    }
                  }
                  return answer.build();
                }));
  }

  private String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** What the catalogs hold, row by row counted. */
  private String rows() throws SQLException {
    return query(
        """
        select concat_ws(' ',
          (select count(*) from pg_class), (select count(*) from pg_attribute),
          (select count(*) from pg_type), (select count(*) from pg_depend),
          (select count(*) from pg_shdepend), (select count(*) from pg_description),
          (select count(*) from pg_index), (select count(*) from pg_constraint),
          (select count(*) from pg_attrdef), (select count(*) from pg_rewrite),
          (select count(*) from pg_statistic where starelid >= 16384 and starelid not in
            (select oid from pg_class)))
        """);
  }

  /** Bytes of the catalogs, after the vacuum that autovacuum would do. */
  private long bytes() throws SQLException {
    database.execute(
        "vacuum pg_class",
        "vacuum pg_attribute",
        "vacuum pg_type",
        "vacuum pg_depend",
        "vacuum pg_shdepend",
        "vacuum pg_description",
        "vacuum pg_index",
        "vacuum pg_constraint",
        "vacuum pg_rewrite");
    return Long.parseLong(
        query(
            """
            select sum(pg_total_relation_size(c.oid)) from pg_class c
            where c.relname in ('pg_class', 'pg_attribute', 'pg_type', 'pg_depend', 'pg_shdepend',
              'pg_description', 'pg_index', 'pg_constraint', 'pg_rewrite')
            """));
  }

  /** One row in most runs, all in some, none in others. */
  private void change(int run) throws SQLException {
    if (run % 10 == 9) {
      database.execute("update item set name = name || '%s'".formatted(run % 7));
    } else if (run % 3 != 0) {
      database.execute(
          "update item set name = name || 'x' where id = %s".formatted(run % ROWS + 1));
    }
  }

  private void runs(int from, int to) throws SQLException {
    try (LightningEngine engine = engine()) {
      for (int run = from; run < to; run++) {
        change(run);
        assertThat(engine.run(sync("crm")).status()).isIn(RunStatus.SUCCEEDED, RunStatus.WARNING);
        if (run % 25 == 24) {
          bytes(); // as often as autovacuum at least
        }
      }
    }
  }

  private void holdSteady(int runs) throws SQLException {
    manyRows();
    String state = "select relname from pg_class where relname ~ '^s1_state_[01]$'";
    runs(0, 9);
    String first = query(state);
    runs(9, 10); // every row
    assertThat(query(state)).isNotEqualTo(first);
    runs(10, 25);
    String before = rows();
    long bytes = bytes();
    runs(25, 25 + runs);
    assertThat(rows()).isEqualTo(before);
    assertThat(bytes()).isLessThanOrEqualTo(bytes + bytes / 10);
    assertThat(query("select string_agg(relname, ' ') from pg_class where relname ~ '_plan_[0-9]'"))
        .isNull();
  }

  @Test
  void someRunsLeaveTheCatalogsAsTheyWere() throws SQLException {
    holdSteady(30);
  }

  @Test
  @Tag("soak")
  @DisplayName("D-08: a thousand runs leave the catalogs as they were")
  void aThousandRunsLeaveTheCatalogsAsTheyWere() throws SQLException {
    holdSteady(1_000);
  }

  private static final String OURS =
      """
      select string_agg(c.relname, ' ' order by c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('fulmar_planner', 'fulmar_audit') and c.relkind in ('r', 'v', 'S')
      """;

  @Test
  void aSyncThatIsForgottenLeavesNothing() throws SQLException {
    try (LightningEngine engine = engine()) {
      engine.run(sync("stays"));
      engine.forget(sync("stays"));
      String before = query(OURS);
      String rows = rows();
      engine.run(sync("crm"));
      engine.plan(sync("crm"));
      assertThat(query(OURS)).contains("holds_of_crm", "state_of_crm");
      engine.forget(sync("crm"));
      assertThat(query(OURS)).isEqualTo(before);
      assertThat(rows()).isEqualTo(rows);
      for (String table : List.of("fulmar_syncs", "fulmar_leases", "fulmar_plans")) {
        assertThat(query("select count(*) from fulmar_planner." + table)).as(table).isEqualTo("0");
      }
    }
  }

  @Test
  void aSyncWithAnotherNameHasItsViewsUnderIt() throws SQLException {
    String longest = "x".repeat(100);
    manyRows();
    try (LightningEngine engine = engine()) {
      engine.run(sync("crm"));
      // The name of the destination stays, that of the sync does not.
      Sync renamed = sync("crm", longest);
      engine.rename("crm", renamed);
      String cut = "x".repeat(63 - "state_of_~1".length()) + "~1";
      assertThat(query(OURS))
          .contains("state_of_" + cut, "holds_of_" + cut)
          .doesNotContain("of_crm");
      assertThat(query("select count(*) from fulmar_planner.\"state_of_%s\"".formatted(cut)))
          .isEqualTo(Integer.toString(MANY - 1));
      assertThat(
              query("select id || kind || code from fulmar_planner.\"holds_of_%s\"".formatted(cut)))
          .isEqualTo("7REJECTEDODD");
      change(9); // every row, so that the state is built anew
      engine.run(renamed);
      assertThat(
              query(
                  "select count(*) from fulmar_planner.\"state_of_%s\" where name like 'a_%%'"
                      .formatted(cut)))
          .isEqualTo(Integer.toString(MANY - 1));
    }
  }

  @Test
  void aPlanFromBeforeTheFirstRunIsRenamedWithItsTable() throws SQLException {
    Sync renamed = sync("crm", "sales");
    try (LightningEngine engine = engine()) {
      engine.run(sync("stays"));
      String before = query(OURS);
      String plan = engine.plan(sync("crm")).id();
      engine.rename("crm", renamed);
      assertThat(engine.storedPlan(renamed).orElseThrow().id()).isEqualTo(plan);
      // Whoever takes the old name finds no table that seems to be his.
      assertThat(engine.run(sync("crm")).total().accepted()).isPositive();
      engine.forget(sync("crm"));
      assertThat(engine.apply(renamed, plan).total().accepted()).isPositive();
      engine.forget(renamed);
      assertThat(query(OURS)).isEqualTo(before);
    }
  }

  @Test
  void aColumnThatIsRememberedMayHaveAnyName() throws SQLException {
    database.execute("alter table item add \"a\\b\tc\nd\re\" text default 'x'");
    Sync.Builder odd = builder("crm", "crm", "select * from item").remember("a\\b\tc\nd\re");
    try (LightningEngine engine = engine()) {
      engine.run(odd.build());
      engine.rename(
          "crm", builder("crm", "sales", "select * from item").remember("a\\b\tc\nd\re").build());
      assertThat(
              query(
                  "select count(*) from fulmar_planner.state_of_sales where \"a\\b\tc\nd\re\" = 'x'"))
          .isEqualTo(Integer.toString(ROWS - 1));
    }
  }

  @Test
  void whoMayReadAStateStillMayWhenAnotherTakesItsPlace() throws SQLException {
    String readers =
        """
        select string_agg(
          concat(c.relname, ' ', coalesce(r.rolname, 'everybody'), case when a.is_grantable then '*' end),
          ', ' order by c.relname, r.rolname)
        from pg_class c cross join aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
        where c.relname ~ '^(s1_state_[01]|state_of_.*|holds_of_.*)$' and a.grantee <> c.relowner
        """;
    manyRows();
    try (LightningEngine engine = engine()) {
      engine.run(sync("crm"));
      database.execute(
          "create role \"dash board\"",
          "create role chief",
          "grant select on fulmar_planner.s1_state_0, fulmar_planner.state_of_crm,"
              + " fulmar_planner.holds_of_crm to \"dash board\"",
          "grant select on fulmar_planner.state_of_crm to chief with grant option",
          "grant select on fulmar_planner.state_of_crm to public",
          "grant insert on fulmar_planner.state_of_crm to \"dash board\"");
      change(9); // every row, so that the state is built anew
      engine.run(sync("crm"));
      assertThat(query(readers))
          .isEqualTo(
              "holds_of_crm dash board, s1_state_1 dash board,"
                  + " state_of_crm chief*, state_of_crm dash board, state_of_crm everybody");
      engine.rename("crm", sync("crm", "sales"));
      assertThat(query(readers))
          .isEqualTo(
              "holds_of_sales dash board, s1_state_1 dash board,"
                  + " state_of_sales chief*, state_of_sales dash board, state_of_sales everybody");
    }
    database.drop();
    postgres.createDatabase().execute("drop role \"dash board\"", "drop role chief");
  }

  @Test
  void whoMayReadAColumnStillMayWhenItMeansTheSame() throws SQLException {
    String readers =
        """
        select string_agg(
          concat(c.relname, '.', t.attname, ' ', r.rolname, case when a.is_grantable then '*' end),
          ', ' order by c.relname, t.attname)
        from pg_class c join pg_attribute t on t.attrelid = c.oid
        cross join aclexplode(t.attacl) a join pg_roles r on r.oid = a.grantee
        where c.relname ~ '^(s1_state_[01]|state_of_.*|holds_of_.*)$'
        """;
    String model = "select id, name, id % 2 as odd from item";
    Sync crm = builder("crm", "crm", model).remember("name").build();
    manyRows();
    try (LightningEngine engine = engine()) {
      engine.run(crm);
      database.execute(
          "create role clerk",
          "grant select (k0, r0) on fulmar_planner.s1_state_0 to clerk",
          "grant select (id, name) on fulmar_planner.state_of_crm to clerk",
          "grant select (kind) on fulmar_planner.holds_of_crm to clerk with grant option",
          "grant insert (id) on fulmar_planner.state_of_crm to clerk");
      change(9); // every row, so that the state is built anew
      engine.run(crm);
      assertThat(query(readers))
          .isEqualTo(
              "holds_of_crm.kind clerk*, s1_state_1.k0 clerk, s1_state_1.r0 clerk,"
                  + " state_of_crm.id clerk, state_of_crm.name clerk");
      engine.rename("crm", builder("crm", "sales", model).remember("name").build());
      assertThat(query(readers))
          .isEqualTo(
              "holds_of_sales.kind clerk*, s1_state_1.k0 clerk, s1_state_1.r0 clerk,"
                  + " state_of_sales.id clerk, state_of_sales.name clerk");
      // The state keeps another column where it kept the name.
      engine.run(builder("crm", "sales", model).remember("odd").build());
      assertThat(query(readers))
          .isEqualTo("holds_of_sales.kind clerk*, s1_state_0.k0 clerk, state_of_sales.id clerk");
    }
    database.drop();
    postgres.createDatabase().execute("drop role clerk");
  }

  @Test
  void whatOthersBuildOnAViewIsNamedAndNothingIsLost() throws SQLException {
    manyRows();
    try (LightningEngine engine = engine()) {
      engine.run(sync("crm"));
      database.execute("create view dashboard as select id from fulmar_planner.state_of_crm");
      change(9); // every row, so that the state is built anew
      SyncReport report = engine.run(sync("crm"));
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.problem())
          .hasValueSatisfying(
              problem ->
                  assertThat(problem)
                      .contains("state_of_crm because other objects depend on it")
                      .contains("drop it and query ours instead, then run again"));
      database.execute("drop view dashboard");
      assertThat(engine.run(sync("crm")).total().accepted()).isZero(); // it was noted before
      assertThat(query("select count(*) from fulmar_planner.state_of_crm where name like 'a_%'"))
          .isEqualTo(Integer.toString(MANY - 1));
    }
  }

  @Test
  void theViewsTellOfARunThatGoesOn() throws SQLException {
    List<String> seen = new ArrayList<>();
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("items", "select id, name from item").key("id"))
            .to(
                Destination.of(
                    "test:looks",
                    batch -> {
                      seen.add(
                          query(
                              """
                              select concat_ws(' ', s.sync, s.is_running, s.last_status, s.synced_keys,
                                r.run > s.last_run, r.ends_unless_renewed_at > now())
                              from fulmar_planner.fulmar_status s
                              join fulmar_planner.fulmar_runs r on r.sync = s.sync
                              """));
                      return Delivery.allAccepted();
                    }))
            .build();
    try (LightningEngine engine = engine()) {
      engine.run(sync).throwIfFailed();
      assertThat(seen).containsExactly("crm t 0 t t");
      assertThat(query("select count(*) from fulmar_planner.fulmar_runs")).isEqualTo("0");
      assertThat(
              query(
                  """
                  select concat_ws(' ', is_running, last_status, synced_keys, failures_in_a_row,
                    last_success_at > now() - interval '1 minute')
                  from fulmar_planner.fulmar_status
                  """))
          .isEqualTo("f SUCCEEDED %s 0 t".formatted(ROWS));
    }
  }

  @Test
  @DisplayName("I-06: engines that run for the first time at once all succeed")
  void enginesThatRunForTheFirstTimeAtOnceAllSucceed() throws Exception {
    int many = 6;
    CyclicBarrier together = new CyclicBarrier(many);
    ExecutorService threads = Executors.newFixedThreadPool(many);
    List<Future<RunStatus>> ends = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      String name = "sync" + i;
      ends.add(
          threads.submit(
              () -> {
                try (LightningEngine engine = engine()) {
                  together.await();
                  return engine.run(sync(name)).status();
                }
              }));
    }
    for (Future<RunStatus> end : ends) {
      assertThat(end.get()).isEqualTo(RunStatus.WARNING); // one row is rejected
    }
    threads.shutdown();
    assertThat(query("select count(*) from fulmar_planner.fulmar_status where synced_keys = 199"))
        .isEqualTo(Integer.toString(many));
  }

  @Test
  void whatAKilledRunLeavesIsFoundByItsNameAndRemoved() throws SQLException {
    try (LightningEngine engine = engine()) {
      engine.run(sync("crm"));
      // A plan whose process died before it was delivered, and the lease of that process.
      engine.plan(sync("crm"));
      database.execute(
          "set role fulmar",
          "create table fulmar_planner.s1_plan_2 as select 1 as position",
          "comment on table fulmar_planner.s1_plan_2 is 'Fulmar, format 1: sync crm: left'",
          "reset role");
      change(1);
      SyncReport report = engine.run(sync("crm"));
      assertThat(report.total().accepted()).isEqualTo(1);
      assertThat(query("select to_regclass('fulmar_planner.s1_plan_2')")).isNull();
    }
  }
}
