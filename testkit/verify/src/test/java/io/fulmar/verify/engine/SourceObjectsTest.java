package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import io.fulmar.verify.fixture.Queries;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A table of 300 rows, and what else can hold or show them: each gives its rows, or an error. */
@BothEngines
@DisplayName("G-13: objects of every kind are read right, or the run fails and sends nothing")
class SourceObjectsTest extends SourceFixture {
  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table item (id int primary key, name text)",
        "insert into item select i, 'n' || i from generate_series(1, 300) i");
  }

  private Sync sync(String table) {
    return Sync.builder(table)
        .model(Model.table("rows", "public", table).key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE)
        .guardChanges(1, Integer.MAX_VALUE)
        .build();
  }

  private long planned(String table) {
    return run(sync(table)).throwIfFailed().total().planned();
  }

  @Test
  @DisplayName("G-13: a view that is replaced gives what it shows now")
  void viewThatIsReplaced() throws SQLException {
    database.execute("create view shown as select id, name from item");
    assertThat(planned("shown")).isEqualTo(300);

    database.execute("create or replace view shown as select id, name from item where id > 2");

    assertThat(sent(run(sync("shown")))).containsExactly("REMOVED 1", "REMOVED 2");
  }

  @Test
  @DisplayName(
      "G-13: a materialized view that is refreshed during the run is the old or the new one")
  void materializedViewRefreshedDuringTheRun() throws Exception {
    database.execute(
        "create materialized view stored as select id, name from item",
        "create unique index on stored (id)");
    assertThat(planned("stored")).isEqualTo(300);
    for (String refresh :
        new String[] {
          "refresh materialized view stored", "refresh materialized view concurrently stored"
        }) {
      database.execute("update item set name = name || '!' where id = 7");
      FutureTask<SyncReport> run = new FutureTask<>(() -> run(sync("stored")));
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute(refresh);
        statement.execute("lock table item in access exclusive mode");
        new Thread(run, "caller").start();
        boolean waits = !refresh.contains("concurrently"); // readers pass that one
        awaitQuery(Queries.WAITING_FOR_LOCK, waits ? "1" : "0");
        if (!waits) {
          run.get(60, TimeUnit.SECONDS);
        }
        connection.commit();
      }
      SyncReport during = run.get(60, TimeUnit.SECONDS).throwIfFailed();
      SyncReport after = run(sync("stored")).throwIfFailed();
      assertThat(during.changeSet().rows()).isEqualTo(300);
      assertThat(during.total().planned() + after.total().planned()).as(refresh).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("G-13: a foreign table is read, and one that fails in the middle removes nothing")
  void foreignTable() throws SQLException {
    database.execute(
        "create extension postgres_fdw",
        "create view remote as select id, name, 10 / (id - 1000) as x from item",
        "do $$ begin execute format('create server far foreign data wrapper postgres_fdw"
            + " options (host %L, port %L, dbname %L, fetch_size ''50'')', '"
            + database.host()
            + "', '"
            + database.port()
            + "', current_database()); end $$",
        "create user mapping for current_user server far options (user 'postgres')",
        "create foreign table abroad (id int, name text, x int) server far"
            + " options (schema_name 'public', table_name 'remote')");
    assertThat(planned("abroad")).isEqualTo(300);
    assertThat(planned("abroad")).isZero();

    database.execute("update item set id = 1000 where id = 200"); // fails there, after 4 fetches

    SyncReport report = run(sync("abroad"));
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem())
        .hasValueSatisfying(
            text ->
                assertThat(text)
                    .matches("Cannot (read|compare) the model rows.*")
                    .contains("sqlstate="));
    assertThat(destination.changes(report.run())).isEmpty();
    database.execute("update item set id = 200 where id = 1000");
    assertThat(planned("abroad")).isZero();
  }

  @Test
  @DisplayName("G-13: a foreign table whose server is not there fails the run, and removes nothing")
  void foreignTableWithoutItsServer() throws SQLException {
    database.execute(
        "create extension postgres_fdw",
        "create server far foreign data wrapper postgres_fdw options"
            + " (host '127.0.0.1', port '1', dbname 'x', connect_timeout '1')",
        "create user mapping for current_user server far options (user 'postgres')",
        "create foreign table abroad (id int, name text) server far");

    assertThatThrownBy(() -> run(sync("abroad")))
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith(
            "Cannot describe the model rows: could not connect to server \"far\". ")
        .hasMessageContaining("sqlstate=08001");
  }

  @Test
  @DisplayName("G-13: partitions that are attached and detached come and go with their rows")
  void partitionsComeAndGo() throws SQLException {
    database.execute(
        "create table parts (id int, name text) partition by range (id)",
        "create table low partition of parts for values from (0) to (10)",
        "insert into low select * from item where id < 10",
        "create table high (id int, name text)",
        "insert into high select * from item where id between 10 and 12");
    assertThat(planned("parts")).isEqualTo(9);

    database.execute("alter table parts attach partition high for values from (10) to (20)");
    assertThat(sent(run(sync("parts")))).containsExactly("ADDED 10", "ADDED 11", "ADDED 12");

    database.execute("alter table parts detach partition high");
    assertThat(sent(run(sync("parts")))).containsExactly("REMOVED 10", "REMOVED 11", "REMOVED 12");

    database.execute("alter table parts detach partition low");
    SyncReport none = run(sync("parts"));
    assertThat(none.status()).isEqualTo(RunStatus.HELD);
    assertThat(destination.changes(none.run())).isEmpty();
  }

  @Test
  @DisplayName("G-13: rows of tables that inherit are rows of the table, and ONLY leaves them out")
  void inheritance() throws SQLException {
    database.execute(
        "create table child (more int) inherits (item)",
        "insert into child values (301, 'c', 1), (7, 'twice', 1)");
    assertThat(planned("item")).isEqualTo(300); // 301 rows, of which a key is there twice
    assertThat(invalid(run(sync("item")))).containsExactly("DUPLICATE_KEY 7 x2");
    assertThat(
            run(Sync.builder("only")
                    .model(Model.query("rows", "select id, name from only item").key("id"))
                    .to(destination)
                    .build())
                .throwIfFailed()
                .total()
                .planned())
        .isEqualTo(300);
  }

  @Test
  @DisplayName("G-13: generated columns change with what they are generated from")
  void generatedColumns() throws SQLException {
    database.execute(
        "create table made (id int primary key, a int, twice int generated always as (a * 2) stored,"
            + " serial bigint generated by default as identity)",
        "insert into made values (1, 1), (2, 2)");
    assertThat(planned("made")).isEqualTo(2);

    database.execute("update made set a = 5 where id = 2");

    SyncReport report = run(sync("made"));
    assertThat(sent(report)).containsExactly("CHANGED 2");
    assertThat(destination.changes(report.run()).get(0).row().value("twice")).isEqualTo(10);
  }

  @Test
  @DisplayName("G-13: domains give the values of what they are made of, whatever their CHECK")
  void domains() throws SQLException {
    database.execute(
        "create domain score as int check (value between 0 and 10)",
        "create domain high_score as score not null",
        "create table scored (id score primary key, best high_score)",
        "insert into scored values (1, 9), (2, 3)");
    assertThat(planned("scored")).isEqualTo(2);

    database.execute(
        "alter domain score drop constraint score_check",
        "alter domain score add check (value > 100) not valid");
    assertThat(planned("scored")).isZero();
  }

  @Test
  @DisplayName(
      "G-13: a label of an enum that is renamed is another value; one that is added is not")
  void enumLabels() throws SQLException {
    database.execute(
        "create type mood as enum ('sad', 'happy')",
        "create table felt (id int primary key, mood mood)",
        "insert into felt values (1, 'sad'), (2, 'happy')");
    assertThat(planned("felt")).isEqualTo(2);

    database.execute("alter type mood rename value 'sad' to 'blue'");
    SyncReport renamed = run(sync("felt")).throwIfFailed();
    assertThat(sent(renamed)).contains("CHANGED 1");
    assertThat(destination.changes(renamed.run()).get(0).row().text("mood")).isIn("blue", "happy");

    database.execute("alter type mood add value 'calm' before 'happy'");
    run(sync("felt")).throwIfFailed();
    assertThat(planned("felt")).isZero();
    database.execute("update felt set mood = 'calm' where id = 2");
    SyncReport added = run(sync("felt")).throwIfFailed();
    assertThat(sent(added)).containsExactly("CHANGED 2");
    assertThat(destination.changes(added.run()).get(0).row().text("mood")).isEqualTo("calm");
  }

  @Test
  @DisplayName("G-13: composite types that get another attribute")
  void compositeTypes() throws SQLException {
    database.execute(
        "create type place as (street text, zip int)",
        "create table lives (id int primary key, place place)",
        "insert into lives values (1, ('a', 1)), (2, null)");
    assertThat(planned("lives")).isEqualTo(2);

    database.execute("alter type place add attribute town text");

    SyncReport report = run(sync("lives")).throwIfFailed();
    assertThat(sent(report)).contains("CHANGED 1");
    assertThat(destination.changes(report.run()).get(0).row().text("place")).isEqualTo("(a,1,)");
    assertThat(planned("lives")).isZero();
  }
}
