package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.Queries;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A table of 200 rows that were delivered, under DDL between two runs and during one. During: the
 * change holds its lock when the run begins, the run takes its snapshot and waits for the table,
 * and goes on when the change commits; so the snapshot is older than the change, and shows a table
 * that was emptied or rewritten as an empty one.
 */
@BothEngines
@DisplayName("C-10, C-11: the schema changes between runs and during one")
class SchemaChangeTest extends SourceFixture {
  private static final String ROWS = "200";

  private final List<RunEvent> events = new CopyOnWriteArrayList<>();

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
    return builder("crm", model).build();
  }

  private Sync.Builder builder(String name, Model model) {
    return Sync.builder(name)
        .model(model)
        .to(destination)
        .onRemoved(Removal.DELETE)
        .listener(events::add);
  }

  /** Runs while a change holds its locks, and goes on when the change commits. */
  private SyncReport runDuring(Sync sync, String... change) throws Exception {
    return runDuring(sync, List.of(change), List.of(), List.of());
  }

  /**
   * Runs while a change holds its locks, and goes on when the change commits.
   *
   * @param before what the change does before the run begins
   * @param meanwhile what others commit while the run waits
   * @param after what the change does then
   */
  private SyncReport runDuring(
      Sync sync, List<String> before, List<String> meanwhile, List<String> after) throws Exception {
    return during(() -> run(sync), before, meanwhile, after);
  }

  private <T> T during(
      Callable<T> call, List<String> before, List<String> meanwhile, List<String> after)
      throws Exception {
    FutureTask<T> run = new FutureTask<>(call);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (String sql : before) {
        statement.execute(sql);
      }
      new Thread(run, "caller").start();
      awaitQuery(Queries.WAITING_FOR_LOCK, "1");
      database.execute(meanwhile.toArray(String[]::new));
      for (String sql : after) {
        statement.execute(sql);
      }
      connection.commit();
    }
    return run.get(60, TimeUnit.SECONDS);
  }

  private long readAgain() {
    return events.stream().filter(RunEvent.ReadAgain.class::isInstance).count();
  }

  private void assertReadAgainAndUnchanged(SyncReport report) {
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.changeSet().rows()).isEqualTo(200);
    assertThat(report.total().planned()).isZero();
    assertThat(readAgain()).isEqualTo(1);
  }

  private void assertHeld(SyncReport report, String why) throws SQLException {
    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(report.problem())
        .hasValueSatisfying(text -> assertThat(text).containsIgnoringCase(why));
    assertThat(destination.changes(report.run())).isEmpty();
  }

  @Test
  @DisplayName("C-11: a table that is emptied and filled again during the run is read again")
  void truncateDuringTheRunIsReadAgain() throws Exception {
    SyncReport report =
        runDuring(
            sync(),
            "create table kept as select * from item",
            "truncate item",
            "insert into item select * from kept");

    assertReadAgainAndUnchanged(report);
  }

  /** Two tables of 200 rows that are joined; of the second one, 50 are in a partition. */
  private Sync joined() throws SQLException {
    database.execute(
        "create table price (id int, amount int) partition by range (id)",
        "create table price_low partition of price for values from (1) to (51)",
        "create table price_high partition of price for values from (51) to (1000)",
        "insert into price select id, id from item");
    Sync joined =
        builder(
                "joined",
                Model.query("priced", "select i.id, amount from item i join price using (id)")
                    .key("id"))
            .build();
    run(joined).throwIfFailed();
    return joined;
  }

  @Test
  @DisplayName("C-11: so few rows of a join that no guard holds are not removed by a TRUNCATE")
  void truncateOfOnePartitionOfAJoinRemovesNothing() throws Exception {
    SyncReport report =
        runDuring(
            joined(),
            "truncate price_low",
            "insert into price select i, i from generate_series(1, 50) i");

    assertReadAgainAndUnchanged(report);
  }

  @Test
  @DisplayName("C-11: rows that move from one partition to another during the run are not removed")
  void rowsThatMoveBetweenPartitionsAreNotRemoved() throws Exception {
    SyncReport report =
        runDuring(
            joined(),
            "alter table price detach partition price_low",
            "alter table price detach partition price_high",
            "insert into price_high select * from price_low",
            "alter table price attach partition price_high for values from (1) to (1000)");

    assertReadAgainAndUnchanged(report);
  }

  @Test
  @DisplayName("C-11: rows that move into the partition of all other rows are not removed")
  void rowsThatMoveIntoTheDefaultPartitionAreNotRemoved() throws Exception {
    Sync joined = joined();
    database.execute("create table price_other partition of price default");

    SyncReport report =
        runDuring(
            joined,
            "alter table price detach partition price_low",
            "insert into price select * from price_low");

    assertReadAgainAndUnchanged(report);
  }

  @Test
  @DisplayName("C-11: a key is not explained by a table that was emptied after the snapshot")
  void keyOfATableThatIsEmptiedIsNotExplained() throws Exception {
    try (SyncEngine engine = open()) {
      assertThatThrownBy(
              () ->
                  during(
                      () -> engine.explain(sync(), 7),
                      List.of("truncate item"),
                      List.of(),
                      List.of("insert into item values (7, 'n7', 7)")))
          .cause()
          .isInstanceOf(SourceException.class)
          .hasMessageStartingWith("Cannot read ")
          .hasMessageContaining(
              ": something that it reads was emptied, rewritten, altered or replaced just after"
                  + " the snapshot was taken, so rows of it would look removed. Run again when the"
                  + " change of the schema is over. [sync=crm");
      assertThat(engine.explain(sync(), 7).source()).isEqualTo(Explanation.InSource.PRESENT);
    }
  }

  @Test
  @DisplayName("C-11: a table that only a function of the model reads is looked at too")
  void tableBehindAFunctionIsLookedAt() throws Exception {
    database.execute(
        "create table listed (id int)",
        "insert into listed select generate_series(1, 20)",
        "create function is_listed(asked int) returns bool stable language plpgsql as"
            + " $$ begin return exists (select from listed where id = asked); end $$");
    Sync behind =
        builder(
                "behind",
                Model.query("rows", "select id, is_listed(id) as listed from item").key("id"))
            .build();
    run(behind).throwIfFailed();

    SyncReport report =
        runDuring(behind, "truncate listed", "insert into listed select generate_series(1, 20)");

    assertReadAgainAndUnchanged(report);
  }

  /** A view of the 200 rows, which shows them in the same way once it is replaced. */
  private void assertViewShowsRowsOfAfter(String replacement) throws Exception {
    database.execute(
        "alter table item add title text", "create view shown as select id, name from item");
    Sync view = sync(Model.query("rows", "select id, name from shown").key("id"));
    assertThat(run(view).throwIfFailed().changeSet().rows()).isEqualTo(200);

    SyncReport report = runDuring(view, "update item set title = name", replacement);

    assertReadAgainAndUnchanged(report);
  }

  @Test
  @DisplayName("C-11: a view that another version replaces is not read with rows of before")
  void viewThatIsReplacedShowsRowsOfAfter() throws Exception {
    assertViewShowsRowsOfAfter(
        "create or replace view shown as select id, title as name from item");
  }

  @Test
  @DisplayName("C-11: nor is one whose rule alone is replaced")
  void viewWhoseRuleIsReplacedShowsRowsOfAfter() throws Exception {
    assertViewShowsRowsOfAfter(
        "create or replace rule \"_RETURN\" as on select to shown do instead"
            + " select id, title as name from item");
  }

  @Test
  @DisplayName("C-11: a table that is filled while the run waits, and swapped in, is read whole")
  void tableThatIsFilledMeanwhileAndSwappedIn() throws Exception {
    database.execute("create table fresh (like item including all)");

    SyncReport report =
        runDuring(
            sync(),
            List.of("lock table item in access exclusive mode"),
            List.of("insert into fresh select i, 'n' || i, i from generate_series(1, 200) i"),
            List.of("alter table item rename to outworn", "alter table fresh rename to item"));

    assertReadAgainAndUnchanged(report);
  }

  @Test
  @DisplayName("C-11: a table that is swapped during the run is read as it is then")
  void swapDuringTheRunIsReadAgain() throws Exception {
    SyncReport report =
        runDuring(
            sync(),
            "create table fresh (like item including all)",
            "insert into fresh select id, name || '!', price from item where id <= 60",
            "alter table item rename to outworn",
            "alter table fresh rename to item");

    assertThat(report.changeSet().rows()).isEqualTo(60);
    assertHeld(report, "140 of 200");
    assertThat(readAgain()).isEqualTo(1);
    assertThat(destination.changes()).hasSize(200);
  }

  @Test
  @DisplayName("C-11: a change that is taken back, and what makes no rows look gone, cost nothing")
  void whatChangesNoRowsIsNotReadAgain() throws Exception {
    Sync joined = joined();
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(joined));
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("truncate item");
      statement.execute("alter table item alter price type text");
      new Thread(run, "caller").start();
      awaitQuery(Queries.WAITING_FOR_LOCK, "1");
      connection.rollback();
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.SUCCEEDED);
    }
    SyncReport report =
        runDuring(
            sync(),
            List.of("lock table item in access exclusive mode"),
            List.of("create table other (id int)", "insert into other values (1)"),
            List.of("create index on item (name)", "update item set name = name", "analyze item"));

    assertThat(report.throwIfFailed().total().planned()).isZero();
    report =
        runDuring(
            joined,
            "lock table price in access exclusive mode",
            "create table price_new partition of price for values from (1000) to (2000)");

    assertThat(report.throwIfFailed().total().planned()).isZero();
    assertThat(readAgain()).isZero();
  }

  @Test
  @DisplayName("C-11: a run that meets a TRUNCATE three times ends, and says why")
  void tableThatIsEmptiedAgainAndAgain() throws Exception {
    List<Throwable> escaped = new CopyOnWriteArrayList<>();
    Sync again =
        builder("crm", sync().model())
            .listener(
                event -> {
                  if (event instanceof RunEvent.ReadAgain) {
                    emptyUntilSomebodyWaits(escaped);
                  }
                })
            .build();
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(again));
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      emptyAndFill(statement);
      new Thread(run, "caller").start();
      awaitQuery(Queries.WAITING_FOR_LOCK, "1");
      connection.commit();
    }
    SyncReport report = run.get(60, TimeUnit.SECONDS);

    assertThat(escaped).isEmpty();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageContaining(
            ": something that it reads was emptied, rewritten, altered or replaced just after"
                + " the snapshot was taken, so rows of it would look removed. Run again when the"
                + " change of the schema is over. [sync=crm run="
                + report.run()
                + " sqlstate=40001]");
    assertThat(readAgain()).isEqualTo(2);
    assertThat(destination.changes(report.run())).isEmpty();
    assertThat(run(sync()).throwIfFailed().total().planned()).isZero();
  }

  private static void emptyAndFill(Statement statement) throws SQLException {
    statement.execute("truncate item");
    statement.execute("insert into item select i, 'n' || i, i from generate_series(1, 200) i");
  }

  /** Holds the table until the next read waits for it. */
  private void emptyUntilSomebodyWaits(List<Throwable> escaped) {
    CountDownLatch locked = new CountDownLatch(1);
    Thread other =
        new Thread(
            () -> {
              try (Connection connection = database.connect();
                  Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                emptyAndFill(statement);
                locked.countDown();
                awaitQuery(Queries.WAITING_FOR_LOCK, "1");
                connection.commit();
              } catch (SQLException | AssertionError e) {
                escaped.add(e);
                locked.countDown();
              }
            },
            "other");
    other.start();
    try {
      locked.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
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
  @DisplayName("C-10: a table that is rewritten during the run is read again")
  void rewriteDuringTheRunIsReadAgain() throws Exception {
    SyncReport report = runDuring(sync(), "alter table item alter price type int using price + 0");

    assertReadAgainAndUnchanged(report);
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
                        + " (select pg_advisory_xact_lock_shared(7)) s) = 1")
                .key("id"));
    FutureTask<SyncReport> run = new FutureTask<>(() -> run(slow));
    FutureTask<Boolean> change =
        new FutureTask<>(
            () -> {
              database.execute("alter table item drop column price");
              return true;
            });
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      lock.execute("select pg_advisory_lock(7)");
      new Thread(run, "caller").start();
      awaitQuery(Queries.WAITING_FOR_LOCK, "1");
      new Thread(change, "change").start();
      awaitQuery(
          "select count(*) from pg_stat_activity where wait_event = 'relation'"
              + " and query like 'alter table item %' and datname = current_database()",
          "1"); // for the end of the snapshot
      lock.execute("select pg_advisory_unlock(7)");
    }

    SyncReport report = run.get(60, TimeUnit.SECONDS);
    assertThat(change.get(60, TimeUnit.SECONDS)).isTrue();
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
  @DisplayName("C-11: a model that is a table is read as it is after the change")
  void tableModelIsReadAsItIsAfter() throws Exception {
    Sync table = builder("table", Model.table("rows", "public", "item").key("id")).build();
    run(table).throwIfFailed();

    SyncReport report = runDuring(table, "truncate item", "insert into item values (1, 'x', 1)");

    assertHeld(report, "199 of 200");
    // Lightning locks the table before its snapshot, and so sees the row that came after.
    assertThat(readAgain()).isEqualTo(tested == EngineUnderTest.LIGHTNING ? 0 : 1);
    try (SyncEngine engine = open()) {
      assertThat(engine.storedPlan(table)).isPresent();
      engine.discard(table);
    }
  }
}
