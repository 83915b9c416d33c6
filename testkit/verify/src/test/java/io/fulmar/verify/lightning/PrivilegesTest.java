package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Start;
import io.fulmar.StateException;
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
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A role with SELECT on one table and what the set-up gives it, in a database that gives nothing to
 * PUBLIC: all that an engine does goes through, nothing outside the two schemas is written, and a
 * run without one of the grants says which.
 */
class PrivilegesTest {
  private static final TestPostgres POSTGRES = SharedServer.own();
  private static final String QUOTED = "\"Writer of; Lightning\"";

  private final AtomicLong sent = new AtomicLong();
  private TestDatabase database;

  @BeforeEach
  void setUp() throws SQLException {
    database = POSTGRES.createDatabase();
    database.execute(
        "create schema shop",
        "create table shop.item (id int primary key, name text)",
        "insert into shop.item select i, 'a' from generate_series(1, 20) i",
        "create table shop.secret (id int primary key)",
        "create role %s login".formatted(QUOTED),
        "revoke all on schema public from public",
        "revoke all on database \"%s\" from public".formatted(database.name()),
        "grant connect on database \"%s\" to %s".formatted(database.name(), QUOTED),
        "grant usage on schema shop to " + QUOTED,
        "grant select on shop.item to " + QUOTED,
        LightningSetup.of("Writer of; Lightning").setupSql());
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute("drop owned by %s cascade".formatted(QUOTED), "drop role " + QUOTED);
    database.drop();
  }

  private LightningEngine engine() {
    Source source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user("Writer of; Lightning")
            .withoutTls()
            .build();
    return LightningEngine.builder(source).logs(SyncLogs.builder().build()).build();
  }

  private Sync.Builder sync() {
    return Sync.builder("crm")
        .onRemoved(Removal.DELETE)
        .to(
            Destination.of(
                "test:counts",
                batch -> {
                  sent.addAndGet(batch.changes().size());
                  return Delivery.allAccepted();
                }));
  }

  private Sync ofQuery() {
    return sync()
        .model(Model.query("items", "select id, name from shop.item").key("id"))
        .remember("name")
        .build();
  }

  private String query(String sql) throws SQLException {
    return Queries.first(database, sql);
  }

  private static final String ELSEWHERE =
      """
      select concat(
        (select string_agg(c.xmin::text || c.oid, ' ' order by c.oid)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname not in ('fulmar_planner', 'fulmar_audit', 'pg_toast', 'pg_catalog')),
        (select string_agg(n.nspname, ' ' order by 1) from pg_namespace n),
        (select string_agg(i.xmin::text || i.ctid::text, ' ' order by id) from shop.item i),
        (select count(*) from pg_proc where oid >= 16384),
        (select count(*) from pg_largeobject_metadata))
      """;

  @Test
  @DisplayName("P10: the engine needs SELECT and its two schemas, and writes to nothing else")
  void theEngineNeedsItsTwoSchemas() throws SQLException {
    String elsewhere = query(ELSEWHERE);
    try (LightningEngine engine = engine()) {
      engine.check(ofQuery()).throwIfFailed();
      engine.initialise(ofQuery(), Start.SEND);
      assertThat(engine.run(ofQuery()).throwIfFailed().total().accepted()).isEqualTo(20);
      engine.plan(ofQuery());
      engine.resync(ofQuery()).throwIfFailed();
      engine.reset(ofQuery());
      assertThat(engine.run(ofQuery()).throwIfFailed().total().planned()).isZero();
      engine.explain(ofQuery(), 1);
      assertThat(engine.status(ofQuery()).syncedKeys()).isEqualTo(20);
      engine.holds(ofQuery(), 10);
      engine.forget(ofQuery());
      Sync ofTable = sync().model(Model.table("items", "shop", "item").key("id")).build();
      engine.run(ofTable).throwIfFailed();
      assertThat(engine.run(ofTable).throwIfFailed().total().planned()).isZero();
    }
    assertThat(query(ELSEWHERE)).isEqualTo(elsewhere);
    assertThat(
            query(
                """
                select string_agg(distinct n.nspname, ' ' order by n.nspname)
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                join pg_roles r on r.oid = c.relowner
                where r.rolname = 'Writer of; Lightning' and n.nspname <> 'pg_toast'
                """))
        .isEqualTo("fulmar_audit fulmar_planner");
    assertThat(
            query(
                "select sum(temp_files) from pg_stat_database where datname = current_database()"))
        .isEqualTo("0");
  }

  @ParameterizedTest
  @DisplayName("H-07, C-09: a run without one of the grants says which, and sends nothing")
  @CsvSource({
    "create on schema fulmar_planner, create on schema \"fulmar_planner\"",
    "usage on schema fulmar_planner, usage on schema \"fulmar_planner\"",
    "create on schema fulmar_audit, create on schema \"fulmar_audit\"",
    "usage on schema fulmar_audit, usage on schema \"fulmar_audit\"",
    "select on shop.item, select on \"shop\".\"item\"",
    "usage on schema shop, usage on schema \"shop\""
  })
  void aRunWithoutAGrantSaysWhich(String grant, String named) throws SQLException {
    try (LightningEngine engine = engine()) {
      for (int run = 0; run < 2; run++) {
        sent.set(0);
        database.execute("revoke %s from %s".formatted(grant, QUOTED));
        Throwable refused =
            catchThrowable(() -> assertThat(engine.run(ofQuery()).throwIfFailed()).isNotNull());
        assertThat(refused)
            .isInstanceOf(FulmarException.class)
            .hasMessageContaining("grant %s to %s".formatted(named, QUOTED));
        assertThat(sent.get()).isZero();
        database.execute("grant %s to %s".formatted(grant, QUOTED));
        // Before the first run nothing was there; before the second one everything is.
        assertThat(engine.run(ofQuery()).status()).isEqualTo(RunStatus.SUCCEEDED);
        database.execute("update shop.item set name = name || 'x'");
      }
    }
  }

  @Test
  @DisplayName("H-06: a run over tables to which others did something is refused before it plans")
  void aRunOverTablesThatOthersChangedIsRefused() throws SQLException {
    try (LightningEngine engine = engine()) {
      engine.run(ofQuery()).throwIfFailed();
      sent.set(0);
      database.execute(
          "create function shop.act() returns trigger language plpgsql as 'begin return null; end'",
          "create trigger act before insert on fulmar_planner.s1_holds for each row execute function shop.act()",
          "update shop.item set name = 'b'");
      Throwable refused = catchThrowable(() -> engine.run(ofQuery()).throwIfFailed());
      assertThat(refused)
          .isInstanceOf(StateException.class)
          .hasMessageContaining("\"fulmar_planner\".\"s1_holds\": it has the trigger act")
          .hasMessageContaining("Run: drop trigger act on fulmar_planner.s1_holds.");
      assertThat(sent.get()).isZero();
      database.execute("drop trigger act on fulmar_planner.s1_holds");
      engine.run(ofQuery()).throwIfFailed();
      assertThat(sent.get()).isEqualTo(20);
    }
  }
}
