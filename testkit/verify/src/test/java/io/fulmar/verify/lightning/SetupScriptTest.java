package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
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
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The SQL that an administrator runs, on the oldest and the newest server, with names that need
 * quotes: the role can do what the engine does, nobody else can do anything, and taking away leaves
 * what Fulmar did not make.
 */
class SetupScriptTest {
  private static final String ROLE = "Ful\"mar $fulmar$ 'x'";
  private static final String QUOTED = "\"Ful\"\"mar $fulmar$ 'x'\"";
  private static final String PLANNER = "Plan 'n\" $fulmar$";
  private static final String AUDIT = "audit; --";

  private TestDatabase database;

  @AfterEach
  void clean() throws SQLException {
    SharedServer.clean();
  }

  private LightningEngine engine() {
    Source source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(ROLE)
            .withoutTls()
            .build();
    return LightningEngine.builder(source)
        .schemas(PLANNER, AUDIT)
        .logs(SyncLogs.builder().build())
        .build();
  }

  /** A first run, and one with a change; they make all that there can be. */
  private void twoRuns() throws SQLException {
    database.execute(
        "create table public.item (id int primary key, name text)",
        "insert into public.item values (1, 'a'), (2, 'b')",
        "grant usage on schema public to " + QUOTED,
        "grant select on public.item to " + QUOTED);
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("items", "select id, name from public.item").key("id"))
            .to(Destination.of("test:accepts", batch -> Delivery.allAccepted()))
            .build();
    try (LightningEngine engine = engine()) {
      engine.check(sync).throwIfFailed();
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(2);
      database.execute("update public.item set name = 'c' where id = 2");
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(1);
      engine.plan(sync);
    }
  }

  private String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  /** For each of both schemas, whether a role has USAGE and CREATE. */
  private String privileges(String role) throws SQLException {
    return query(
        """
        select string_agg(concat(has_schema_privilege(r.oid, n.oid, 'usage'),
                                 has_schema_privilege(r.oid, n.oid, 'create')), ' ')
        from pg_namespace n, pg_roles r
        where (n.nspname like 'Plan%%' or n.nspname like 'audit%%') and r.rolname = '%s'
        """
            .formatted(role.replace("'", "''")));
  }

  private String left() throws SQLException {
    return query(
        """
        select string_agg(c.relname, ' ' order by c.relname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where (n.nspname like 'Plan%' or n.nspname like 'audit%') and c.relkind in ('r', 'v')
        """);
  }

  private String schemas() throws SQLException {
    return query(
        "select count(*) from pg_namespace where nspname like 'Plan%' or nspname like 'audit%'");
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 18})
  @DisplayName("P10, H-05: each variant gives the role what it needs, and nobody else anything")
  void eachVariantGivesTheRoleWhatItNeeds(int version) throws SQLException {
    LightningSetup plain = LightningSetup.of(ROLE).schemas(PLANNER, AUDIT);
    TestPostgres postgres = SharedServer.of(version);
    for (LightningSetup setup : List.of(plain, plain.ownedByRole(), plain.existingSchemas())) {
      database = postgres.createDatabase();
      boolean exist = setup.setupSql().contains("that are there");
      database.execute(
          "create role %s login".formatted(QUOTED),
          "create role somebody login",
          // A database whose defaults let everybody in.
          "alter default privileges grant all on schemas to public");
      if (exist) {
        database.execute(
            "alter default privileges revoke all on schemas from public",
            "create schema \"Plan 'n\"\" $fulmar$\"",
            "create schema \"audit; --\"");
      }
      database.execute(setup.setupSql());
      assertThat(privileges(ROLE)).isEqualTo("tt tt");
      assertThat(privileges("somebody")).isEqualTo("ff ff");
      twoRuns();
      String made = left();
      database.execute(
          "create table \"audit; --\".theirs (id int)",
          "comment on table \"audit; --\".theirs is 'not of Fulmar, format 1: theirs'");
      if (!exist) {
        assertThatThrownBy(() -> database.execute(setup.teardownSql()))
            .isInstanceOf(SQLException.class)
            .hasMessageContaining("audit; --");
        assertThat(left()).isEqualTo(made + " theirs");
        database.execute("drop table \"audit; --\".theirs");
        database.execute(setup.teardownSql());
        assertThat(schemas()).isEqualTo("0");
      } else {
        database.execute(setup.teardownSql());
        assertThat(left()).isEqualTo("theirs"); // what Fulmar made is gone
        assertThat(privileges(ROLE)).isEqualTo("ff ff");
      }
      database.execute(
          "drop owned by %s".formatted(QUOTED), "drop role %s, somebody".formatted(QUOTED));
    }
  }

  @Test
  void whatDependsOnATableKeepsEverything() throws SQLException {
    TestPostgres postgres = SharedServer.own();
    database = postgres.createDatabase();
    database.execute("create role %s login".formatted(QUOTED));
    LightningSetup setup = LightningSetup.of(ROLE).schemas(PLANNER, AUDIT);
    database.execute(setup.setupSql());
    twoRuns();
    String before = left();
    database.execute("create view dashboard as select * from \"audit; --\".sync_runs");
    assertThatThrownBy(() -> database.execute(setup.teardownSql()))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("other objects depend on it");
    assertThat(left()).isEqualTo(before);
  }

  @Test
  void namesThatAreNoneAndVariantsThatExcludeEachOtherAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> LightningSetup.of(""));
    assertThatIllegalArgumentException()
        .as("a grant to \"public\" is one to everybody")
        .isThrownBy(() -> LightningSetup.of("public"))
        .withMessageStartingWith("role must be that of Fulmar, is public");
    LightningSetup setup = LightningSetup.of("fulmar");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> setup.schemas("$user", "a"))
        .withMessageStartingWith("planner and audit schema must not be $user");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> setup.schemas("a", "a"))
        .withMessage("planner and audit schema must differ, both are given as the same");
    assertThatIllegalArgumentException().isThrownBy(() -> setup.schemas("a", "x".repeat(64)));
    assertThatIllegalStateException()
        .isThrownBy(() -> setup.ownedByRole().existingSchemas())
        .withMessageStartingWith("ownedByRole() and existingSchemas() exclude each other");
    assertThat(setup.setupSql())
        .isEqualTo(
            """
            -- Two schemas in which Fulmar keeps what destinations have accepted, and its logs. To be run by the
            -- owner of the database or a superuser.
            create schema "fulmar_planner";
            create schema "fulmar_audit";
            revoke all on schema "fulmar_planner", "fulmar_audit" from public;
            grant usage, create on schema "fulmar_planner", "fulmar_audit" to "fulmar";
            """);
  }
}
