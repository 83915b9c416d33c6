package io.fulmar.lightning.internal.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.StateException;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How our tables come, change and go, by many at once, in schemas of odd names, and over versions.
 * Each test has a database with the schemas, and a role that may do there what the manual says.
 */
class ProvisionTest {
  private static final TestPostgres POSTGRES = SharedServer.own();
  private static final String ABOUT = "[sync=crm]";
  private static final SyncColumns COLUMNS =
      new SyncColumns(
          List.of(new StoredColumn("Id", "bigint"), new StoredColumn("kind", "text")),
          List.of(new StoredColumn("e-mail", "text")));

  private TestDatabase database;
  private String role;
  private final Schemas schemas = Schemas.DEFAULT;

  @BeforeEach
  void createSchemas() throws SQLException {
    database = POSTGRES.createDatabase();
    role = "role_of_" + database.name();
    database.execute("create role %s login".formatted(role));
    grant(schemas);
  }

  private void grant(Schemas to) throws SQLException {
    for (String schema : List.of(to.planner(), to.audit())) {
      String quoted = "\"" + schema.replace("\"", "\"\"") + "\"";
      database.execute(
          "create schema " + quoted,
          "grant usage, create on schema %s to %s".formatted(quoted, role));
    }
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute("drop owned by %s cascade".formatted(role), "drop role %s".formatted(role));
    database.drop();
  }

  /** A transaction as the engine begins them. */
  private Connection begin() throws SQLException {
    Connection connection =
        DriverManager.getConnection(
            "jdbc:postgresql://%s:%s/%s?user=%s"
                .formatted(database.host(), database.port(), database.name(), role));
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("set local search_path to pg_catalog, pg_temp");
    }
    return connection;
  }

  private void ensure(Provision provision) throws SQLException {
    try (Connection connection = begin()) {
      provision.ensure(connection, ABOUT);
      connection.commit();
    }
  }

  private String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  private String relations() throws SQLException {
    return query(
        """
        select string_agg(relname, ' ' order by relname) from pg_class
        where relowner = (select oid from pg_roles where rolname = '%s') and relkind in ('r', 'v')
        """
            .formatted(role));
  }

  @Test
  void tablesAreMadeOnceAndFoundAsTheyWereMade() throws SQLException {
    Provision provision = new Provision(schemas);
    ensure(provision);
    assertThat(relations())
        .isEqualTo(
            "fulmar_leases fulmar_numbers fulmar_plans fulmar_runs fulmar_status fulmar_syncs");
    String before = query("select string_agg(xmin::text, ' ' order by oid) from pg_class");
    ensure(provision);
    assertThat(query("select string_agg(xmin::text, ' ' order by oid) from pg_class"))
        .isEqualTo(before);
  }

  @Test
  @DisplayName("I-06: many that make the tables for the first time at once all succeed")
  void manyMakeTheTablesAtOnce() throws Exception {
    int many = 8;
    for (int round = 0; round < 5; round++) {
      CyclicBarrier together = new CyclicBarrier(many);
      ExecutorService threads = Executors.newFixedThreadPool(many);
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < many; i++) {
        ends.add(
            threads.submit(
                () -> {
                  try (Connection connection = begin()) {
                    together.await();
                    new Provision(schemas).ensure(connection, ABOUT);
                    connection.commit();
                  }
                  return null;
                }));
      }
      for (Future<?> end : ends) {
        end.get();
      }
      threads.shutdown();
      assertThat(relations()).startsWith("fulmar_leases fulmar_numbers fulmar_plans");
      database.execute(
          "drop table fulmar_planner.fulmar_syncs, fulmar_planner.fulmar_leases cascade",
          "drop table fulmar_planner.fulmar_plans, fulmar_planner.fulmar_numbers");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "My \"Schema\".x; drop table a--",
        "select",
        "Größe mit Ümlaut ✓",
        "012345678901234567890123456789012345678901234567890123456789012"
      })
  @DisplayName("H-05: any name of a schema is quoted")
  void anyNameOfASchemaIsQuoted(String name) throws SQLException {
    Schemas odd = new Schemas(name, "audit");
    grant(odd);
    Provision provision = new Provision(odd);
    ensure(provision);
    SyncTables tables = odd.tables(1);
    try (Connection connection = begin()) {
      provision.createSync(connection, tables, "crm", COLUMNS);
      connection.commit();
    }
    try (Connection connection = begin()) {
      provision.requireOurs(connection, tables, ABOUT);
      provision.dropSync(connection, tables, "crm", ABOUT);
      connection.commit();
    }
    assertThat(relations())
        .isEqualTo(
            "fulmar_leases fulmar_numbers fulmar_plans fulmar_runs fulmar_status fulmar_syncs");
  }

  @Test
  void aSyncComesGetsAnotherNameAndGoesWithoutARest() throws SQLException {
    Provision provision = new Provision(schemas);
    ensure(provision);
    String before = relations();
    SyncTables tables = schemas.tables(7);
    String longest = "x".repeat(100);
    SyncViews views = new SyncViews(tables, longest);
    try (Connection connection = begin();
        Statement statement = connection.createStatement()) {
      provision.createSync(connection, tables, longest, COLUMNS);
      for (int generation = 0; generation < 2; generation++) {
        statement.execute(
            "create table %s as select 1::int8 k0, 'a'::text collate \"C\" k1, 2::int8 hash, null::int8 gone_since, 'b'::text r0"
                .formatted(tables.state(generation)));
        statement.execute(Comments.onState(tables, generation, longest));
        views.dropState(connection);
        views.createState(connection, generation, COLUMNS);
        if (generation == 1) {
          statement.execute("drop table " + tables.state(0));
        }
      }
      connection.commit();
    }
    assertThat(views.stateName()).hasSize(63).endsWith("x~7");
    assertThat(
            query(
                "select \"Id\" || kind || \"e-mail\" || (gone_since is null) from fulmar_planner.\"%s\""
                    .formatted(views.stateName())))
        .isEqualTo("1abtrue");
    assertThat(
            query(
                "select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = 'fulmar_planner.\"%s\"'::regclass"
                    .formatted(views.holdsName())))
        .isEqualTo(
            "Id kind kind_2 planned_as attempts first_attempt_at first_planned_by_run is_unsure code message call_may_act_until");
    try (Connection connection = begin()) {
      provision.rename(connection, tables, longest, "crm", COLUMNS, 1);
      connection.commit();
    }
    assertThat(relations()).contains("holds_of_crm", "state_of_crm").doesNotContain("~");
    assertThat(
            query(
                "select count(*) from pg_class c where relname ~ '(^s7_|_of_crm)' and relkind in ('r', 'v') and obj_description(c.oid) like 'Fulmar, format 1: sync crm: %'"))
        .isEqualTo("5");
    try (Connection connection = begin();
        Statement statement = connection.createStatement()) {
      statement.execute("create table %s as select 1 as position".formatted(tables.plan(2)));
      statement.execute(Comments.onPlan(tables, 2, "crm"));
      provision.dropMemory(connection, tables, "crm", ABOUT);
      connection.commit();
    }
    assertThat(relations()).isEqualTo(before + " s7_plan_2");
    try (Connection connection = begin()) {
      provision.dropSync(connection, tables, "crm", ABOUT);
      connection.commit();
    }
    assertThat(relations()).isEqualTo(before);
  }

  @Test
  @DisplayName("A-10: shared tables that are gone are not made anew while others are there")
  void sharedTablesThatAreGoneAreNotMadeAnew() throws SQLException {
    Provision provision = new Provision(schemas);
    ensure(provision);
    database.execute("drop table fulmar_planner.fulmar_leases cascade");
    assertThatThrownBy(() -> ensure(provision))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith(
            "Cannot use the planner schema: of the tables that all syncs share, fulmar_syncs among them, some are gone from \"fulmar_planner\"")
        .hasMessageEndingWith("if its destination holds the present rows. [sync=crm]");
    try (Connection connection = begin()) {
      provision.createSync(connection, schemas.tables(1), "crm", COLUMNS);
      connection.commit();
    }
    database.execute(
        "drop table fulmar_planner.fulmar_syncs cascade",
        "drop table fulmar_planner.fulmar_plans, fulmar_planner.fulmar_numbers");
    assertThatThrownBy(() -> ensure(provision)).isInstanceOf(StateException.class);
    assertThat(relations()).isEqualTo("holds_of_crm s1_holds s1_ledger");
  }

  @Test
  @DisplayName("H-07: a missing schema and each missing grant is named")
  void aMissingSchemaAndEachMissingGrantIsNamed() throws SQLException {
    Provision provision = new Provision(schemas);
    for (String grant : List.of("create", "usage")) {
      database.execute("revoke %s on schema fulmar_planner from %s".formatted(grant, role));
      assertThatThrownBy(() -> ensure(provision))
          .isInstanceOf(StateException.class)
          .hasMessage(
              "Cannot use the planner schema: \"%1$s\" lacks %2$s on schema \"fulmar_planner\". Run, as owner or superuser: grant %2$s on schema \"fulmar_planner\" to \"%1$s\". [sync=crm]",
              role, grant);
      database.execute("grant %s on schema fulmar_planner to %s".formatted(grant, role));
    }
    database.execute("drop schema fulmar_planner");
    assertThatThrownBy(() -> ensure(provision))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot use the planner schema: there is no schema \"fulmar_planner\". Run, as owner of the database or superuser: create schema \"fulmar_planner\"; grant usage, create on schema \"fulmar_planner\" to \"%s\". [sync=crm]",
            role);
  }

  /** A later version, which writes down that it has brought the tables to its format. */
  private static Provision next() {
    return new Provision(
        Schemas.DEFAULT,
        2,
        List.of(
            new Migration(
                1,
                schemas ->
                    List.of(
                        "alter table %s alter column live type bigint using 0"
                            .formatted(schemas.syncs()),
                        "insert into %s (sync, run, head) select 'step', count(*), '' from %s"
                            .formatted(schemas.plans(), schemas.plans())))));
  }

  private String steps() throws SQLException {
    return query("select count(*) from fulmar_planner.fulmar_plans");
  }

  @Test
  @DisplayName(
      "I-07: a later version brings the tables to its format, once, and this one refuses them")
  void aLaterVersionBringsTheTablesToItsFormat() throws Exception {
    ensure(new Provision(schemas));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<?>> ends = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      ends.add(
          threads.submit(
              () -> {
                ensure(next());
                return null;
              }));
    }
    for (Future<?> end : ends) {
      end.get();
    }
    threads.shutdown();
    assertThat(steps()).isEqualTo("1");
    assertThat(relations()).contains("fulmar_runs fulmar_status");
    assertThatThrownBy(() -> ensure(new Provision(schemas)))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("(format 2, this version knows 1)");
  }

  @Test
  @DisplayName("I-07: a server process that is killed in the middle leaves the format as it was")
  void aKilledMigrationLeavesTheFormatAsItWas() throws SQLException {
    ensure(new Provision(schemas));
    try (Connection connection = begin()) {
      next().ensure(connection, ABOUT);
      database.execute(
          "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '%s'"
              .formatted(role));
      assertThatThrownBy(connection::commit).isInstanceOf(SQLException.class);
    }
    assertThat(steps()).isEqualTo("0");
    ensure(new Provision(schemas));
    ensure(next());
    assertThat(steps()).isEqualTo("1");
  }

  @Test
  @DisplayName("I-07: the format does not change under a run of an older version")
  void theFormatDoesNotChangeUnderARun() throws SQLException {
    ensure(new Provision(schemas));
    database.execute(
        "insert into fulmar_planner.fulmar_leases values ('crm', 1, 'me', now(), now() + interval '1 hour')");
    assertThatThrownBy(() -> ensure(next()))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith(
            "Cannot bring the tables in \"fulmar_planner\" to format 2: an older version of Fulmar runs crm. Wait until it has ended, or until ");
    assertThat(steps()).isEqualTo("0");
    database.execute("update fulmar_planner.fulmar_leases set expires_at = now()");
    ensure(next());
    assertThat(steps()).isEqualTo("1");
  }

  @Test
  @DisplayName("I-07: tables of a newer version are refused")
  void tablesOfANewerVersionAreRefused() throws SQLException {
    ensure(new Provision(schemas));
    database.execute("comment on table fulmar_planner.fulmar_syncs is 'Fulmar, format 3: later'");
    String before = query("select string_agg(xmin::text, ' ' order by oid) from pg_class");
    assertThatThrownBy(() -> ensure(new Provision(schemas)))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot use the planner schema: a newer version of Fulmar made the tables in \"fulmar_planner\" (format 3, this version knows 1). Use that version again. [sync=crm]");
    assertThat(query("select string_agg(xmin::text, ' ' order by oid) from pg_class"))
        .isEqualTo(before);
  }
}
