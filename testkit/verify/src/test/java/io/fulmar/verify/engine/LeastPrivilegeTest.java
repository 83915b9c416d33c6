package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A role that may connect, use one schema and select from one table, whose names all need quotes;
 * whatever PUBLIC may do beyond the built-in functions is taken away.
 */
@DisplayName("P10: SELECT is enough, and nothing is written")
class LeastPrivilegeTest extends SourceFixture {
  private static final String ROLE = "Reader \"of\" Rows";
  private static final String MODEL =
      "select \"Id of; Row\", \"Na\"\"me\" from \"My Schema\".\"Cus;tomer\"";

  @BeforeEach
  void createRole() throws SQLException {
    database.execute(
        "create role \"Reader \"\"of\"\" Rows\" login",
        "do $$ begin execute format('revoke all on database %I from public', current_database());"
            + " execute format('grant connect on database %I to %I', current_database(),"
            + " 'Reader \"of\" Rows'); end $$",
        "revoke all on schema public from public",
        "create schema \"My Schema\"",
        "create table \"My Schema\".\"Cus;tomer\" (\"Id of; Row\" int primary key, \"Na\"\"me\" text)",
        "insert into \"My Schema\".\"Cus;tomer\" values (1, 'a'), (2, 'b')",
        "create table \"My Schema\".secret (id int primary key)",
        "create table \"My Schema\".written (id int primary key)",
        """
        create function "My Schema".writes(id int) returns int language plpgsql volatile security definer as $$
        begin
          insert into "My Schema".written values (id);
          return id;
        end $$
        """,
        "grant usage on schema \"My Schema\" to \"Reader \"\"of\"\" Rows\"",
        "grant select on \"My Schema\".\"Cus;tomer\" to \"Reader \"\"of\"\" Rows\"");
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute(
        "drop owned by \"Reader \"\"of\"\" Rows\"", "drop role \"Reader \"\"of\"\" Rows\"");
  }

  private Source reader() {
    return sourceBuilder().user(ROLE).build();
  }

  @Test
  void theRoleMayReadOneTableAndNothingElse() throws SQLException {
    assertThat(
            query(
                """
                select concat_ws(' ',
                  has_table_privilege(r, '"My Schema"."Cus;tomer"', 'select'),
                  has_table_privilege(r, '"My Schema"."Cus;tomer"', 'insert'),
                  has_table_privilege(r, '"My Schema".secret', 'select'),
                  has_database_privilege(r, current_database(), 'connect'),
                  has_database_privilege(r, current_database(), 'temporary'),
                  has_schema_privilege(r, 'public', 'usage'))
                from (select 'Reader "of" Rows'::name) as reader (r)
                """))
        .isEqualTo("t f f t f f");
  }

  @Test
  void previewAndRunNeedSelectAlone() throws SQLException {
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThat(engine.preview(Model.query("rows", MODEL).key("Id of; Row")).rows()).hasSize(2);
      SyncReport first = engine.run(sync(MODEL, "Id of; Row").build()).throwIfFailed();
      assertThat(first.counts(Operation.ADDED).accepted()).isEqualTo(2);
      database.execute(
          "update \"My Schema\".\"Cus;tomer\" set \"Na\"\"me\" = 'c' where \"Id of; Row\" = 2");
      SyncReport second = engine.run(sync(MODEL, "Id of; Row").build()).throwIfFailed();
      assertThat(sent(second)).containsExactly("CHANGED 2");
    }
  }

  @Test
  void aRoleThatMayNotUsePlpgsqlReadsItsModels() throws SQLException {
    database.execute("revoke usage on language plpgsql from public");
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThat(engine.preview(Model.query("rows", MODEL).key("Id of; Row")).rows()).hasSize(2);
      assertThatThrownBy(
              () -> engine.preview(Model.query("rows", MODEL + "; select 1").key("Id of; Row")))
          .isInstanceOf(ConfigurationException.class);
    }
  }

  @Test
  void aFunctionThatWritesIsStoppedByTheTransaction() throws SQLException {
    String model =
        "select \"My Schema\".writes(\"Id of; Row\") as id from \"My Schema\".\"Cus;tomer\"";
    String fact =
        "Cannot read the model rows: cannot execute INSERT in a read-only transaction."
            + " The model writes; make it a plain query. [";
    SyncReport report = run(reader(), sync(model, "id").build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem()).hasValueSatisfying(text -> assertThat(text).startsWith(fact));
    assertThat(report.error()).isInstanceOf(SourceException.class);
    assertThat(((SourceException) report.error()).sqlState()).isEqualTo("25006");
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThatThrownBy(() -> engine.preview(Model.query("rows", model).key("id")))
          .isInstanceOf(SourceException.class)
          .hasMessageStartingWith(fact);
    }
    assertThat(query("select count(*) from \"My Schema\".written")).isEqualTo("0");
    database.execute("select \"My Schema\".writes(7)"); // it does write where it may
    assertThat(query("select count(*) from \"My Schema\".written")).isEqualTo("1");
  }

  @Test
  void aMissingGrantIsNamed() {
    Model model = Model.query("rows", "select id from \"My Schema\".secret").key("id");
    Sync sync = Sync.builder("crm").model(model).to(destination).build();
    String message =
        "permission denied for table secret. Run, as owner or superuser: grant select on"
            + " \"My Schema\".\"secret\" to \"Reader \"\"of\"\" Rows\". [";
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThatThrownBy(() -> engine.preview(model))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("sqlstate=42501");
      assertThatThrownBy(() -> engine.run(sync))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("sqlstate=42501");
    }
  }
}
