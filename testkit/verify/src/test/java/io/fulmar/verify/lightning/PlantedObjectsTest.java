package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.StateException;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.StoredColumn;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What others do to our tables is seen before the next use, refused, and left as it is; the remedy
 * in the message mends it. The schemas hold the tables that all share and those of one sync; the
 * role {@code mallory} may create tables there, too.
 */
class PlantedObjectsTest {
  private static final String ABOUT = "[sync=crm]";
  private static final Pattern REMEDY = Pattern.compile("\\. Run: (.+?)\\. \\[sync=crm]$");
  private static final Schemas SCHEMAS = Schemas.DEFAULT;
  private static final Provision PROVISION = new Provision(SCHEMAS);

  private static TestPostgres postgres;
  private static TestDatabase database;

  @BeforeAll
  static void makeTables() throws SQLException {
    postgres = SharedServer.own();
    database = postgres.createDatabase();
    database.execute(
        "create role fulmar login",
        "create role mallory login",
        "create role elsewhere login",
        "create schema fulmar_planner",
        "create schema fulmar_audit",
        "grant usage, create on schema fulmar_planner, fulmar_audit to fulmar, mallory",
        "grant create on schema public to mallory",
        "create function public.act() returns trigger language plpgsql as 'begin return new; end'",
        """
        create function public.watch() returns event_trigger language plpgsql
        as 'begin raise notice ''seen''; end'
        """);
    try (Connection connection = begin("fulmar")) {
      PROVISION.ensure(connection, ABOUT);
      PROVISION.createSync(
          connection,
          SCHEMAS.tables(1),
          "crm",
          new SyncColumns(List.of(new StoredColumn("id", "bigint")), List.of()));
      connection.commit();
    }
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private static Connection begin(String role) throws SQLException {
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

  private static void use() throws SQLException {
    try (Connection connection = begin("fulmar")) {
      PROVISION.ensure(connection, ABOUT);
      PROVISION.requireOurs(connection, SCHEMAS.tables(1), ABOUT);
      connection.commit();
    }
  }

  private static String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** The catalog, but for what autovacuum sets in it at any time. */
  private static String catalog() throws SQLException {
    return query(
        """
        select md5(concat(
          (select string_agg(
             c.xmin::text || (to_jsonb(c)
               - '{relpages, reltuples, relallvisible, relallfrozen, relfrozenxid, relminmxid,
                   relhasindex, relhasrules, relhastriggers}'::text[])::text,
             '' order by oid)
           from pg_class c),
          (select string_agg(a.xmin::text || a::text, '' order by attrelid, attnum)
           from pg_attribute a),
          (select string_agg(t::text, '' order by oid) from pg_trigger t)))
        """);
  }

  @Test
  void whatNobodyTouchedIsUsed() throws SQLException {
    String before = catalog();
    use();
    assertThat(catalog()).isEqualTo(before);
  }

  @ParameterizedTest
  @DisplayName("H-06: what was planted is refused with its remedy, and untouched")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          the trigger act                | create trigger act before insert on %s for each row execute function public.act()
          the rule peek                  | create rule peek as on update to %s do also select 1
          row security                   | alter table %s enable row level security
          row security                   | alter table %s force row level security
          the policy mine                | create policy mine on %s using (true)
          a default of the column        | alter table %s alter column until set default 1
          the inheriting table public.a  | create table public.a () inherits (%s)
          the constraint narrow          | alter table %s add constraint narrow check (until > 0)
          the foreign key far of public. | create table public.b (k %key%, constraint far foreign key (k) references %s)
          the index                      | create index on %s (abs(until))
          the index                      | create unique index on %s (until)
          the index                      | create index on %s (until) where until > 0
          is unlogged                    | alter table %s set unlogged
          belongs to "mallory"           | alter table %s owner to mallory
          nothing that Fulmar has made   | comment on table %s is 'mine'
          """)
  void whatWasPlantedIsRefused(String fact, String plant) throws SQLException {
    for (String table : List.of("fulmar_planner.fulmar_syncs", "fulmar_planner.s1_holds")) {
      String comment = query("select obj_description('%s'::regclass)".formatted(table));
      database.execute(
          plant
              .replace("%s", table)
              .replace("%key%", table.endsWith("holds") ? "int8" : "text collate \"C\""));
      String before = catalog();
      Throwable refused = catchThrowable(PlantedObjectsTest::use);
      assertThat(refused)
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith("Cannot use the ")
          .hasMessageContaining(table.substring(table.indexOf('.') + 1))
          .hasMessageContaining(fact);
      assertThat(catalog()).isEqualTo(before);
      if (plant.startsWith("comment")) {
        database.execute("comment on table %s is '%s'".formatted(table, comment));
      } else if (plant.contains("owner")) {
        assertThat(refused).hasMessageContaining("or run: alter table \"fulmar_planner\".");
        database.execute("alter table %s owner to fulmar".formatted(table));
      } else {
        Matcher remedy = REMEDY.matcher(refused.getMessage());
        assertThat(remedy.find()).as(refused.getMessage()).isTrue();
        database.execute(remedy.group(1));
      }
      use();
      database.execute("drop table if exists public.a, public.b");
    }
  }

  @Test
  @DisplayName("H-06: columns that were altered are refused, and what they were is said")
  void columnsThatWereAlteredAreRefused() throws SQLException {
    List<String> alter =
        List.of(
            "alter column epoch type numeric",
            "add column more int",
            "rename column epoch to more",
            "alter column destination drop not null",
            "alter column epoch set not null",
            "drop column epoch");
    for (String change : alter) {
      assertThatThrownBy(
              () -> {
                try (Connection connection = begin("fulmar");
                    Statement statement = connection.createStatement()) {
                  statement.execute("alter table fulmar_planner.fulmar_syncs " + change);
                  PROVISION.ensure(connection, ABOUT);
                }
              })
          .as(change)
          .isInstanceOf(StateException.class)
          .hasMessageContaining(
              "the columns of \"fulmar_planner\".\"fulmar_syncs\" are not those that it was made with. Undo what was altered: it had \"sync\" text collate pg_catalog.\"C\" not null, ");
    }
  }

  @Test
  @DisplayName("H-06: an event trigger of somebody who is no administrator is refused")
  void anEventTriggerOfSomebodyElseIsRefused() throws SQLException {
    database.execute(
        "create event trigger watch on ddl_command_end execute function public.watch()");
    use(); // a superuser may do as he likes
    database.execute("alter function public.watch() owner to mallory");
    try {
      assertThatThrownBy(PlantedObjectsTest::use)
          .isInstanceOf(StateException.class)
          .hasMessageContaining("it has the event trigger watch, with a function of mallory")
          .hasMessageContaining("Run: drop event trigger watch.");
      database.execute("alter event trigger watch disable");
      use();
    } finally {
      database.execute(
          "drop event trigger watch", "alter function public.watch() owner to postgres");
    }
  }

  @Test
  @DisplayName(
      "H-06: a table that somebody made under our name before us is neither written nor altered")
  void aTableThatSomebodyMadeBeforeUsIsRefused() throws SQLException {
    Schemas elsewhere = new Schemas("elsewhere", "elsewhere audit");
    database.execute(
        "create schema elsewhere",
        "grant usage, create on schema elsewhere to fulmar, mallory",
        "set role mallory",
        "create table elsewhere.fulmar_leases (sync text collate \"C\" primary key, token int8)",
        "comment on table elsewhere.fulmar_leases is 'Fulmar, format 1: mine'",
        "grant all on elsewhere.fulmar_leases to public",
        "reset role");
    String before = catalog();
    assertThatThrownBy(
            () -> {
              try (Connection connection = begin("fulmar")) {
                new Provision(elsewhere).ensure(connection, ABOUT);
                connection.commit();
              }
            })
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith(
            "Cannot use the planner schema: \"elsewhere\".\"fulmar_leases\" belongs to \"mallory\", and not to \"fulmar\". Move it out of the schema,");
    assertThat(catalog()).isEqualTo(before);
  }
}
