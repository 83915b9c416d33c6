package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.PGConnection;

/** The role that the README gives, and models whose functions do more than return rows. */
@DisplayName("H-02, H-03: functions with side effects, under the role that may only read")
class SideEffectsTest extends SourceFixture {
  @BeforeEach
  void createRole() throws SQLException {
    database.execute(
        "create role h02_reader login",
        "create table item (id int primary key)",
        "insert into item values (1), (2)",
        "grant select on item to h02_reader",
        "create function writes() returns int language plpgsql security definer as"
            + " 'begin insert into item values (9); return 1; end'",
        "create extension dblink",
        "create function makes() returns int language plpgsql as"
            + " 'begin create temp table kept (id int); return 1; end'");
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute("drop owned by h02_reader", "drop role h02_reader");
  }

  private Source reader() {
    return sourceBuilder()
        .user("h02_reader")
        .poolSize(1)
        .statementTimeout(Duration.ofSeconds(2))
        .build();
  }

  private static Model model(String expression) {
    return Model.query("rows", "select id, (" + expression + ")::text as x from item").key("id");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "writes() ~ 25006",
        "nextval('pg_catalog.pg_class'::regclass::text) ~ 42809",
        "(select i from dblink('dbname=postgres port=' || current_setting('port'), 'select 1') as t (i int)) ~ 2F003",
        "pg_terminate_backend((select max(pid) from pg_stat_activity where usename = 'postgres' and datname is not null)) ~ 42501",
        "pg_read_file('postgresql.conf') ~ 42501",
        "pg_reload_conf() ~ 42501",
        "pg_switch_wal() ~ 42501",
        "lo_import('/etc/passwd') ~ 42501",
        "set_config('session_replication_role', 'replica', true) ~ 42501",
        "set_config('role', 'postgres', false) ~ 42501",
        "set_config('session_authorization', 'postgres', false) ~ 42501",
        "set_config('transaction_read_only', 'off', true) ~ 25001",
        "query_to_xml('insert into item values (9)', true, false, '') ~ 0A000"
      })
  @DisplayName("H-02: what would reach beyond the rows is stopped, and says so")
  void whatReachesBeyondIsStopped(String expression, String state) throws SQLException {
    try (Connection bystander = database.connect();
        SyncEngine engine = StandardEngine.on(reader(), state(state))) {
      assertThatThrownBy(() -> engine.preview(model(expression)))
          .isInstanceOf(SourceException.class)
          .satisfies(e -> assertThat(((SourceException) e).sqlState()).isEqualTo(state));
      assertThat(bystander.isValid(5)).isTrue();
      assertThat(engine.preview(model("1")).rows()).hasSize(2);
    }
    assertThat(query("select count(*) from item")).isEqualTo("2");
  }

  private java.nio.file.Path state(String name) {
    return state.resolve(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "makes()",
        "pg_advisory_lock(7)",
        "pg_advisory_xact_lock(7)",
        "set_config('search_path', 'nowhere', false)",
        "set_config('app.leak', 'x', false)",
        "lo_create(0)"
      })
  @DisplayName("H-02: what stays within the session is gone for the next model")
  void whatStaysWithinTheSessionIsGone(String expression) throws SQLException {
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      try {
        engine.preview(model(expression));
      } catch (SourceException e) {
        assertThat(e.sqlState()).isIn("25006", "42P07"); // later versions stop some of these
      }
      Model next =
          Model.query(
                  "next",
                  "select 1 as id, (select count(*) from pg_locks where locktype = 'advisory'"
                      + " and pid = pg_backend_pid()) as locks,"
                      + " current_setting('search_path') as path,"
                      + " coalesce(current_setting('app.leak', true), '') as leak,"
                      + " (select count(*) from pg_class where relname = 'kept') as temporary,"
                      + " (select count(*) from pg_largeobject_metadata) as objects")
              .key("id");
      assertThat(texts(engine.preview(next).rows().get(0)))
          .containsExactly("1", "0", "\"$user\", public", "", "0", "0");
      awaitQuery("select count(*) from pg_locks where locktype = 'advisory'", "0");
    }
  }

  @Test
  @DisplayName("H-02: nobody hears a NOTIFY of a model")
  void nobodyHearsNotify() throws SQLException {
    try (Connection listener = database.connect();
        Statement listen = listener.createStatement();
        SyncEngine engine = StandardEngine.on(reader(), state)) {
      listen.execute("listen heard");
      engine.preview(model("pg_notify('heard', 'x') is null"));
      listen.execute("select 1");
      assertThat(listener.unwrap(PGConnection.class).getNotifications()).isNullOrEmpty();
      listen.execute("notify heard, 'y'"); // it would be heard
      assertThat(listener.unwrap(PGConnection.class).getNotifications()).hasSize(1);
    }
  }

  @Test
  @DisplayName("H-03: a model that turns off the limits runs within them, and so does the next one")
  void limitsThatAreTurnedOffHoldAgain() {
    String off =
        "select i as id, set_config('statement_timeout', '0', false) as a,"
            + " set_config('lock_timeout', '0', false) as b,"
            + " set_config('idle_in_transaction_session_timeout', '0', false) as c,"
            + " pg_sleep(case i when 3 then 3600 else 0 end)::text as d from generate_series(1, 3) i";
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThatThrownBy(() -> engine.preview(Model.query("rows", off).key("id")))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("sqlstate=57014");
      engine.preview(Model.query("rows", off.replace("3600", "0")).key("id"));
      assertThatThrownBy(() -> engine.preview(model("pg_sleep(3600)")))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("sqlstate=57014");
    }
  }
}
