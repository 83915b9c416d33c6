package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.testkit.internal.postgres.PgBouncer.PoolMode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that leave something in their session, which the next borrower would find. {@code left()}
 * counts what is there: advisory locks, prepared statements, temporary relations, and settings that
 * are not the session's own.
 */
@DisplayName("H-02, H-03: what a model leaves in its session")
class LeftBehindTest extends SourceFixture {
  private static final String LEFT =
      """
      select concat_ws(' ',
        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
        (select count(*) from pg_prepared_statements where from_sql),
        (select count(*) from pg_class where relnamespace = pg_my_temp_schema()),
        coalesce(nullif(current_setting('shop.leak', true), ''), 'none'),
        current_setting('statement_timeout'))
      """;

  @BeforeEach
  void createFunctions() throws Exception {
    database.execute(
        "create extension dblink",
        """
        create function connect_back() returns text language sql as $$
          select format('host=localhost port=%s dbname=%s user=%s',
            current_setting('port'), current_database(), current_user) $$
        """,
        """
        create function prepares() returns text language plpgsql as $$
        begin execute 'prepare left_behind as select 1'; return 'x'; end $$
        """,
        """
        create function listens() returns text language plpgsql as $$
        begin execute 'listen left_behind'; return 'x'; end $$
        """);
  }

  private HikariDataSource pool(DataSource dataSource) {
    HikariConfig config = new HikariConfig();
    config.setDataSource(dataSource);
    config.setMaximumPoolSize(1);
    return new HikariDataSource(config);
  }

  private static String ask(DataSource dataSource, String sql) throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  private static final String PROCESS = "select pg_backend_pid()";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pg_advisory_lock(42)::text",
        "prepares()",
        "(pg_create_physical_replication_slot('left_behind', false, true)).slot_name::text",
        "dblink_connect('left_behind', connect_back())"
      })
  @DisplayName("H-02: a session that holds more than before is ended, and nobody else gets it")
  void sessionThatHoldsMoreIsEnded(String leaves) throws Exception {
    try (HikariDataSource pool = pool(database.dataSource())) {
      String before = ask(pool, PROCESS);
      run(Source.of(pool), sync("select 1 as id, " + leaves + " as v", "id").build())
          .throwIfFailed();
      assertThat(ask(pool, LEFT)).isEqualTo("0 0 0 none 0");
      assertThat(ask(pool, PROCESS)).isNotEqualTo(before);
      awaitQuery("select count(*) from pg_locks where locktype = 'advisory'", "0");
      awaitQuery("select count(*) from pg_replication_slots", "0");
      assertThat(ask(pool, "select dblink_get_connections()")).isNull();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'x'",
        "set_config('shop.leak', 'leaked', false)",
        "set_config('statement_timeout', '0', false)",
        "pg_advisory_xact_lock(42)::text",
        "listens()"
      })
  @DisplayName("H-02, H-03: what ends with the transaction costs no session")
  void whatEndsWithTheTransactionCostsNoSession(String leaves) throws Exception {
    try (HikariDataSource pool = pool(database.dataSource())) {
      String before = ask(pool, PROCESS);
      run(Source.of(pool), sync("select 1 as id, " + leaves + " as v", "id").build())
          .throwIfFailed();
      assertThat(ask(pool, LEFT)).isEqualTo("0 0 0 none 0");
      assertThat(ask(pool, "select count(*) from pg_listening_channels()")).isEqualTo("0");
      assertThat(ask(pool, PROCESS)).isEqualTo(before);
    }
  }

  @Test
  @DisplayName("What the application keeps in its own sessions stays there")
  void whatTheApplicationKeepsStaysThere() throws Exception {
    try (HikariDataSource pool = pool(database.dataSource())) {
      try (Connection connection = pool.getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute("select pg_advisory_lock(1)");
        statement.execute("prepare kept as select 1");
        statement.execute("create temp table kept (id int)");
        statement.execute("set shop.leak = 'kept'");
      }
      run(Source.of(pool), sync("select 1 as id", "id").build()).throwIfFailed();
      assertThat(ask(pool, LEFT)).isEqualTo("1 1 1 kept 0");
    }
  }

  @Test
  @DisplayName("H-02: a refused model costs no session, nor does one that fails for a row")
  void modelThatFailsCostsNoSession() throws Exception {
    try (HikariDataSource pool = pool(database.dataSource());
        SyncEngine engine = StandardEngine.on(Source.of(pool), state)) {
      String before = ask(pool, PROCESS);
      assertThat(catching(() -> engine.run(sync("select nothing", "id").build())))
          .contains("nothing");
      String divides = "select id, 1 / (id - 5000) as v from generate_series(1, 9000) id";
      assertThat(engine.run(sync(divides, "id").build()).problem().orElseThrow())
          .contains("a value could not be computed");
      assertThat(ask(pool, PROCESS)).isEqualTo(before);
      assertThat(ask(pool, LEFT)).isEqualTo("0 0 0 none 0");
    }
  }

  private static String catching(Runnable call) {
    try {
      call.run();
      return "nothing was thrown";
    } catch (RuntimeException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  @DisplayName("H-02: sessions of the engine's own pool are as new for the next model")
  void sessionsOfTheEnginesOwnPoolAreAsNew() throws Exception {
    String leaves = "pg_advisory_lock(42)::text || prepares()";
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      engine.run(sync("select 1 as id, " + leaves + " as v", "id").build()).throwIfFailed();
      String left =
          engine
              .preview(sync(LEFT.strip() + " as id", "id").build().model())
              .rows()
              .get(0)
              .text("id");
      assertThat(left).startsWith("0 0 0 none");
    }
  }

  @Test
  @DisplayName("F-01, H-02: behind a pooler the server connection goes too")
  void behindPoolerTheServerConnectionGoesToo() throws Exception {
    try (PgBouncer pooler =
            PgBouncer.before(database).poolMode(PoolMode.TRANSACTION).poolSize(1).start();
        SyncEngine engine = StandardEngine.on(sourceBuilder().port(pooler.port()).build(), state)) {
      engine.run(sync("select 1 as id", "id").build()).throwIfFailed();
      String before = ask(pooler.database().dataSource(), PROCESS);
      engine.run(sync("select 1 as id, 'same' as v", "id").build()).throwIfFailed();
      assertThat(ask(pooler.database().dataSource(), PROCESS)).isEqualTo(before);
      engine
          .run(sync("select 1 as id, pg_advisory_lock(42)::text as v", "id").build())
          .throwIfFailed();
      assertThat(ask(pooler.database().dataSource(), PROCESS)).isNotEqualTo(before);
      assertThat(ask(pooler.database().dataSource(), LEFT)).isEqualTo("0 0 0 none 0");
      awaitQuery("select count(*) from pg_locks where locktype = 'advisory'", "0");
    }
  }
}
