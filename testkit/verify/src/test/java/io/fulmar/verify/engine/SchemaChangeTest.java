package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A table of 200 rows that were delivered, under DDL between two runs and during one. During: the
 * change holds its lock when the run begins, the run takes its snapshot and waits for the table,
 * and goes on when the change commits; so the snapshot is older than the change.
 */
@BothEngines
@DisplayName("C-10, C-11: the schema changes between runs and during one")
class SchemaChangeTest extends SourceFixture {
  private static final String ROWS = "200";
  private static final String WAITS =
      "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
          + " and application_name like 'fulmar%' and datname = current_database()";

  @BeforeEach
  void deliverRows() throws SQLException {
    database.execute(
        "create table item (id int primary key, name text, price int)",
        "insert into item select i, 'n' || i, i from generate_series(1, " + ROWS + ") i");
    assertThat(run(sync()).throwIfFailed().total().planned()).isEqualTo(200);
  }

  private Sync sync() {
    return sync(Model.query("rows", "select id, name, price from item").key("id"));
  }

  private Sync sync(Model model) {
    return Sync.builder("crm").model(model).to(destination).onRemoved(Removal.DELETE).build();
  }

  /** Runs while a change holds its locks, and goes on when the change commits. */
  private SyncReport runDuring(Sync sync, String... change) throws Exception {
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(sync));
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (String sql : change) {
        statement.execute(sql);
      }
      new Thread(run, "caller").start();
      awaitQuery(WAITS, "1");
      connection.commit();
    }
    return run.get(60, TimeUnit.SECONDS);
  }

  private void assertHeld(SyncReport report, String why) throws SQLException {
    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(report.problem())
        .hasValueSatisfying(text -> assertThat(text).containsIgnoringCase(why));
    assertThat(destination.changes(report.run())).isEmpty();
  }

  @Test
  @DisplayName("C-11: a TRUNCATE during the run empties the snapshot, and the removals are held")
  void truncateDuringTheRunIsHeld() throws Exception {
    SyncReport report =
        runDuring(
            sync(),
            "create table kept as select * from item",
            "truncate item",
            "insert into item select * from kept");

    assertThat(report.changeSet().rows()).isZero();
    assertHeld(report, "empty");
    SyncReport next = run(sync());
    assertThat(next.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(next.total().planned()).isZero();
  }

  @Test
  @DisplayName(
      "C-11: a table that is swapped during the run looks empty, and the removals are held")
  void swapDuringTheRunIsHeld() throws Exception {
    SyncReport report =
        runDuring(
            sync(),
            "create table fresh (like item including all)",
            "insert into fresh select id, name || '!', price from item where id <= 60",
            "alter table item rename to outworn",
            "alter table fresh rename to item");

    assertThat(report.changeSet().rows()).isZero();
    assertHeld(report, "empty");
    assertThat(run(sync()).status()).isEqualTo(RunStatus.HELD); // 140 of 200 are gone for good
    assertThat(destination.changes()).hasSize(200);
  }

  @Test
  @DisplayName("C-11: a table that was filled before and swapped in during the run is read whole")
  void swapOfWhatWasThereBeforeIsRead() throws Exception {
    database.execute(
        "create table fresh (like item including all)",
        "insert into fresh select id, case id when 7 then 'new' else name end, price from item");

    SyncReport report =
        runDuring(sync(), "alter table item rename to outworn", "alter table fresh rename to item");

    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(report)).containsExactly("CHANGED 7");
  }

  @Test
  @DisplayName("C-10: a table that is rewritten during the run looks empty, and is held")
  void rewriteDuringTheRunIsHeld() throws Exception {
    SyncReport report = runDuring(sync(), "alter table item alter price type bigint");

    assertThat(report.changeSet().rows()).isZero();
    assertHeld(report, "empty");
  }

  @Test
  @DisplayName("C-10: a column that is dropped during the run is an error, and nothing is removed")
  void dropDuringTheRunIsAnError() {
    assertThatThrownBy(() -> runDuring(sync(), "alter table item drop column price"))
        .cause()
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("column \"price\" does not exist (line 1, column 18)");
    assertThat(destination.changes()).hasSize(200);
  }

  @Test
  @DisplayName("C-10: a column that is added during the run is none of a query that names its own")
  void addedColumnDuringTheRunChangesNothing() throws Exception {
    SyncReport report = runDuring(sync(), "alter table item add column more int default 7");

    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.total().planned()).isZero();
  }

  @Test
  @DisplayName("C-10: no DDL comes between a model's description and its rows")
  void noChangeComesBetweenDescriptionAndRows() throws Exception {
    database.execute("create table other (id int)");
    Sync slow =
        sync(
            Model.query(
                    "rows",
                    "select id, name, price from item where (select count(*) from"
                        + " (select pg_sleep(0.3)) s) = 1")
                .key("id"));
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(slow));
    new Thread(run, "caller").start();
    awaitQuery(
        "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep'"
            + " and application_name like 'fulmar%' and datname = current_database()",
        "t");

    database.execute("alter table item drop column price"); // waits for the end of the snapshot

    SyncReport report = run.get(60, TimeUnit.SECONDS);
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.changeSet().rows()).isEqualTo(200);
  }

  @Test
  @DisplayName(
      "C-10: a column added between runs makes a table model's rows due, and the guard says why")
  void addedColumnBetweenRuns() throws SQLException {
    Sync table =
        Sync.builder("table")
            .model(Model.table("rows", "public", "item").key("id"))
            .to(destination)
            .guardChanges(0.1, 50)
            .build();
    assertThat(run(table).throwIfFailed().total().planned()).isEqualTo(200);

    database.execute("alter table item add column more int");

    SyncReport report = run(table);
    assertHeld(report, "columns");
    assertThat(report.changeSet().planned().getOrDefault(Operation.CHANGED, 0L)).isEqualTo(200);
  }

  @Test
  @DisplayName("C-10: a column dropped or renamed between runs is an error with its place")
  void droppedAndRenamedColumnsBetweenRuns() throws SQLException {
    for (String change :
        new String[] {
          "alter table item rename column name to title", "alter table item drop column title",
        }) {
      database.execute(change);
      assertThatThrownBy(() -> run(sync()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(
              "Cannot use the model rows: column \"name\" does not exist (line 1, column 12).");
    }
    database.execute("alter table item rename to gone");
    assertThatThrownBy(() -> run(sync()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot use the model rows: relation \"item\" does not exist (line 1, column 29).");
    assertThat(destination.changes()).hasSize(200);
    database.execute(
        "alter table gone rename to item",
        "alter table item add column name text",
        "update item set name = 'n' || id");
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName(
      "C-10: a key that gets another type of its kind stays, and one of another is refused")
  void retypedKeyBetweenRuns() throws SQLException {
    database.execute("alter table item alter id type bigint");
    SyncReport wider = run(sync());
    assertThat(wider.status()).isIn(RunStatus.SUCCEEDED, RunStatus.HELD);
    assertThat(wider.changeSet().planned().getOrDefault(Operation.REMOVED, 0L)).isZero();

    database.execute("alter table item alter id type text");
    assertThatThrownBy(() -> run(sync()))
        .isInstanceOf(io.fulmar.FulmarException.class)
        .hasMessageContaining("key");
  }

  @Test
  @DisplayName("C-10: an index or a constraint that comes and goes changes nothing")
  void whatIsNoColumnChangesNothing() throws SQLException {
    database.execute(
        "create index on item (name)",
        "alter table item add check (id > 0)",
        "alter table item drop constraint item_pkey",
        "analyze item",
        "cluster item using item_name_idx",
        "vacuum full item",
        "comment on table item is 'x'");
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("C-11: a model that is a table is held in the same way")
  void tableModelIsHeldToo() throws Exception {
    Sync table =
        Sync.builder("table")
            .model(Model.table("rows", "public", "item").key("id"))
            .to(destination)
            .onRemoved(Removal.DELETE)
            .build();
    run(table).throwIfFailed();

    // Lightning locks the table before its snapshot, and so sees the row that came after.
    String why = tested == EngineUnderTest.LIGHTNING ? "199 of 200" : "empty";
    assertHeld(runDuring(table, "truncate item", "insert into item values (1, 'x', 1)"), why);

    try (SyncEngine engine = open()) {
      assertThat(engine.storedPlan(table)).isPresent();
      engine.discard(table);
    }
  }
}
