package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Start;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Special cases of connections that the application gives (what holds for every pool is in {@link
 * ApplicationPoolsTest}): a pool of one connection, if not said otherwise, so that the next
 * borrower gets the very connection that a run has used. Its sessions have settings that are
 * neither the server's nor Fulmar's. The table {@code item} holds 100 rows.
 */
@DisplayName("The application's own connections")
class OwnDataSourceTest extends SourceFixture {
  private static final String MODEL = "select id, v from item";

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, 'v' from generate_series(1, 100) i");
  }

  private HikariDataSource pool(Consumer<HikariConfig> settings) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(1);
    config.setConnectionTimeout(2_000);
    config.addDataSourceProperty("ApplicationName", "shop");
    config.addDataSourceProperty(
        "options",
        "-c statement_timeout=7s -c lock_timeout=3s -c idle_in_transaction_session_timeout=9s"
            + " -c IntervalStyle=iso_8601 -c extra_float_digits=0 -c bytea_output=escape");
    settings.accept(config);
    return new HikariDataSource(config);
  }

  private static String probe(DataSource dataSource) throws Exception {
    try (Connection connection = dataSource.getConnection()) {
      String handle =
          connection.getAutoCommit()
              + " "
              + connection.isReadOnly()
              + " "
              + connection.getTransactionIsolation();
      try (Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  """
                  select concat_ws(' ', pg_backend_pid()::text,
                    (select string_agg(name || '=' || setting, ' ' order by name) from pg_settings
                     where name not like 'plpgsql.%' and name <> 'transaction_read_only'))
                  """)) {
        row.next();
        String settings = row.getString(1);
        if (!connection.getAutoCommit()) {
          connection.rollback();
        }
        return handle + " " + settings;
      }
    }
  }

  private static String withoutProcess(String probe) {
    return probe.replaceFirst("^(\\w+ \\w+ \\d) \\d+ ", "$1 ");
  }

  private SyncReport deliverAll(DataSource dataSource) {
    SyncReport report = run(Source.of(dataSource), sync(MODEL, "id").build()).throwIfFailed();
    assertThat(report.total().accepted()).isEqualTo(100);
    return report;
  }

  @Test
  @DisplayName("P6: a refused model leaves every setting as it was")
  void refusedModelLeavesEverySettingAsItWas() throws Exception {
    try (HikariDataSource pool = pool(config -> {})) {
      Sync refused = sync("select nothing from item", "id").build();
      assertThatThrownBy(() -> run(Source.of(pool), refused)).hasMessageContaining("nothing");
      String after = probe(pool);
      assertThat(after)
          .startsWith("true false 2 ")
          .contains("application_name=shop", "statement_timeout=7000", "IntervalStyle=iso_8601");
    }
  }

  @Test
  @DisplayName("P6: connections without a pool are closed before anything is delivered")
  void connectionsWithoutPoolAreClosedAfterTheRead() throws Exception {
    AtomicBoolean closed = new AtomicBoolean();
    destination.answers(
        (run, batch) -> {
          awaitQuery(
              "select count(*) from pg_stat_activity where datname = current_database()"
                  + " and backend_type = 'client backend' and pid <> pg_backend_pid()",
              "0");
          closed.set(true);
          return Delivery.allAccepted();
        });
    deliverAll(database.dataSource());
    assertThat(closed).isTrue();
  }

  @Test
  @DisplayName("A run is no part of a transaction that its caller holds open")
  void runIsNoPartOfTransactionOfItsCaller() throws Exception {
    try (HikariDataSource pool = pool(config -> config.setMaximumPoolSize(2));
        Connection caller = pool.getConnection();
        Statement statement = caller.createStatement()) {
      caller.setAutoCommit(false);
      statement.execute("insert into item values (101, 'not committed')");
      deliverAll(pool);
      caller.commit();
      SyncReport report = run(Source.of(pool), sync(MODEL, "id").build()).throwIfFailed();
      assertThat(sent(report)).containsExactly("ADDED 101");
    }
  }

  @Test
  @DisplayName("A pool without a free connection is named, with the usual reason")
  void poolWithoutFreeConnectionIsNamed() throws Exception {
    try (HikariDataSource pool = pool(config -> config.setConnectionTimeout(300));
        Connection caller = pool.getConnection()) {
      assertThat(caller.isValid(1)).isTrue();
      assertThatThrownBy(() -> run(Source.of(pool), sync(MODEL, "id").build()))
          .isInstanceOf(SourceException.class)
          .hasMessageMatching(
              "Cannot connect to the application's data source: no connection was to be had within (0\\.[3-9]|[1-9]\\d*\\.\\d) s \\(pool of 1, 1 in use\\)\\. Is the caller inside a transaction\\? A run needs 1 connection besides what its caller holds: make the pool larger, or run outside of the transaction\\. \\[sync=crm run=\\d+]");
    }
  }

  @Test
  @DisplayName("P6: timeouts given beside the data source hold for the read alone")
  void timeoutsGivenBesideDataSourceHoldForTheRead() throws Exception {
    try (HikariDataSource pool = pool(config -> {})) {
      String before = probe(pool);
      Source source = Source.of(pool, Source.builder().statementTimeout(Duration.ofSeconds(1)));
      String slow = "select id, pg_sleep(30)::text as v from item";
      assertThat(run(source, sync(slow, "id").build()).error())
          .hasMessageContaining("The statement_timeout of 1000ms is set by");
      Source zero = Source.of(pool, Source.builder().statementTimeout(Duration.ZERO));
      assertThat(run(zero, sync(slow, "id").build()).error())
          .hasMessageContaining(
              "The statement_timeout of 7s is set by the application's data source");
      assertThat(withoutProcess(probe(pool))).isEqualTo(withoutProcess(before));
    }
  }

  @Test
  @DisplayName("A socket factory makes all sockets, and is forgotten when the engine is closed")
  void socketFactoryMakesAllSockets() throws Exception {
    CountingSockets sockets = new CountingSockets();
    try (SyncEngine engine =
        StandardEngine.on(sourceBuilder().socketFactory(sockets).build(), state)) {
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().calls()).isPositive();
      assertThat(sockets.made()).isEqualTo(1);
      database.execute(
          "select pg_terminate_backend(pid) from pg_stat_activity"
              + " where datname = current_database() and application_name = 'fulmar'");
      assertThat(engine.run(sync(MODEL, "id").build()).throwIfFailed().calls()).isZero();
      assertThat(sockets.made()).isEqualTo(2);
      assertThat(registered()).contains(sockets);
    }
    assertThat(registered()).doesNotContain(sockets);
  }

  private static List<Object> registered() throws ReflectiveOperationException {
    Class<?> wiring = Class.forName("io.fulmar.internal.postgres.Wiring");
    List<Object> sockets = new ArrayList<>();
    for (Object each : ((Map<?, ?>) field(wiring, "ALL", null)).values()) {
      sockets.add(field(wiring, "sockets", each));
    }
    return sockets;
  }

  private static Object field(Class<?> type, String name, Object of)
      throws ReflectiveOperationException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  @Test
  @DisplayName(
      "no call of the engine asks for a connection on the caller's thread or a common pool")
  void connectionsAreAskedForOnTheEnginesThreads() throws Exception {
    Set<String> asking = ConcurrentHashMap.newKeySet();
    try (HikariDataSource pool = pool(config -> {})) {
      DataSource watched =
          (DataSource)
              Proxy.newProxyInstance(
                  getClass().getClassLoader(),
                  new Class<?>[] {DataSource.class},
                  (proxy, method, arguments) -> {
                    if (method.getName().equals("getConnection")) {
                      asking.add(Thread.currentThread().getName());
                    }
                    return method.invoke(pool, arguments);
                  });
      Sync sync = sync(MODEL, "id").build();
      try (SyncEngine engine = StandardEngine.on(Source.of(watched), state)) {
        engine.preview(sync.model());
        engine.initialise(sync, Start.BASELINE);
        engine.run(sync).throwIfFailed();
        engine.resync(sync).throwIfFailed();
        engine.clearAndFill(sync).throwIfFailed();
        assertThat(engine.plan(sync).total()).isZero();
        assertThat(engine.reset(sync).total()).isZero();
        assertThat(engine.explain(sync, 1).rule()).isEqualTo("same");
        assertThat(engine.release(sync, 1)).isFalse();
        assertThat(engine.holds(sync, 1)).isEmpty();
      }
    }
    assertThat(asking)
        .containsExactlyInAnyOrder("fulmar-crm-run", "fulmar-crm-explain", "fulmar-rows-preview");
  }
}
