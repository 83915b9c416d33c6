package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.RUN;
import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Rows that are new are copied straight into the table, which shows in that a role without the
 * right to temporary tables can write them; and what comes out is the same as by the stage.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class PostgresStraightCopyTest {
  private static TestPostgres postgres;

  private TableFixture fixture;
  private Source unstaged;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.own();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void createTable() throws SQLException {
    fixture = new TableFixture(postgres.createDatabase());
    String role = "unstaged_" + fixture.database().name();
    fixture.run(
        "create table customers (id bigint primary key, name text check (name <> 'bad'))",
        "insert into customers values (1, 'Ada')",
        "create role \"%s\" login".formatted(role),
        "revoke all on database \"%s\" from public".formatted(fixture.database().name()),
        "grant connect on database \"%s\" to \"%s\"".formatted(fixture.database().name(), role),
        "grant select, insert, update, delete on customers to \"%s\"".formatted(role));
    unstaged = fixture.source().user(role).build();
  }

  private PostgresDestination withoutStage() {
    return PostgresDestination.builder(unstaged).table("public", "customers").build();
  }

  private static Change added(long id, @Nullable String name) {
    return changed(Operation.ADDED, id, name, 1);
  }

  private static Change changed(Operation operation, long id, @Nullable String name, int attempt) {
    TextRow row = TextRow.of("id", Long.toString(id), "name", name);
    return new Change(operation, row.first(1), row, id + "@" + name, 5, attempt);
  }

  @Test
  void newRowsNeedNoStage() throws Exception {
    Change[] changes = {
      added(2, "a\tb\\c\n\r"),
      added(3, null),
      added(4, ""),
      added(5, "\\N"),
      added(6, "\u00fc?\ud83d\ude00")
    };
    for (Action action : new Action[] {Action.UPSERT, Action.INSERT}) {
      Delivery delivery = write(withoutStage(), action, changes);
      assertThat(verdicts(delivery, changes)).containsOnly("accepted");
      assertThat(fixture.rows("select * from customers where id > 1 order by id"))
          .containsExactly("2|a\tb\\c\n\r", "3|null", "4|", "5|\\N", "6|\u00fc?\ud83d\ude00");
      fixture.run("delete from customers where id > 1");
    }
  }

  @Test
  void otherRowsGoByTheStage() {
    for (Change[] changes :
        new Change[][] {
          {added(2, "b"), changed(Operation.CHANGED, 3, "c", 1)},
          {changed(Operation.ADDED, 2, "b", 2)},
          {added(1, "there")},
          {added(2, "b"), added(3, "bad")}
        }) {
      assertThatThrownBy(() -> write(withoutStage(), Action.UPSERT, changes))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessageContaining("grant temporary on database");
    }
  }

  @Test
  void rowThatIsThereIsWrittenOverOrSkipped() throws Exception {
    Change[] changes = {added(2, "b"), added(1, "Eve"), added(3, "c")};
    PostgresDestination destination = fixture.into("customers").build();
    assertThat(verdicts(write(destination, Action.INSERT, changes), changes))
        .containsExactly("accepted", "skipped", "accepted");
    assertThat(verdicts(write(destination, Action.INSERT, changes), changes))
        .as("the same again: those that got through are accepted")
        .containsExactly("accepted", "skipped", "accepted");
    assertThat(verdicts(write(destination, Action.UPSERT, changes), changes))
        .containsOnly("accepted");
    assertThat(fixture.rows("select * from customers order by id"))
        .containsExactly("1|Eve", "2|b", "3|c");
  }

  @Test
  void newRowThatIsRefusedIsToldFromTheOthers() throws Exception {
    Change[] changes = {
      added(2, "b"), added(3, "bad"), added(4, "x\ud800"), added(5, "c"), added(6, "z\0")
    };
    Delivery delivery = write(fixture.into("customers").build(), Action.UPSERT, changes);
    assertThat(verdicts(delivery, changes))
        .containsExactly("accepted", "23514", "22021", "accepted", "22021");
    assertThat(fixture.rows("select id from customers order by id")).containsExactly("1", "2", "5");
  }

  @Test
  void textThatIsNoUnicodeIsRejectedWithoutAStage() throws Exception {
    Change[] changes = {added(2, "b"), added(3, "x\udc00?"), added(4, "really?")};
    Delivery delivery = write(withoutStage(), Action.UPSERT, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("accepted", "22021", "accepted");
    assertThat(fixture.rows("select * from customers order by id"))
        .containsExactly("1|Ada", "2|b", "4|really?");
  }

  @Test
  void ruleOfTheTableIsHeeded() throws Exception {
    fixture.run(
        "create table seen (id bigint)",
        "create rule seen as on insert to customers do also insert into seen values (new.id)");
    Change[] changes = {added(2, "b")};
    // PostgreSQL takes no ON CONFLICT on a table with rules for INSERT, so nothing may get through.
    assertThatThrownBy(() -> write(fixture.into("customers").build(), Action.UPSERT, changes))
        .isExactlyInstanceOf(StopRunException.class);
    assertThat(fixture.rows("select id from customers")).containsExactly("1");
  }

  @Test
  void partitionsAndTriggersGetTheirRows() throws Exception {
    fixture.run(
        "create table parts (id bigint primary key, name text) partition by hash (id)",
        "create table parts_0 partition of parts for values with (modulus 2, remainder 0)",
        "create table parts_1 partition of parts for values with (modulus 2, remainder 1)",
        "create table log (id bigint)",
        """
        create function log() returns trigger language plpgsql as
        'begin insert into log values (new.id); return new; end'
        """,
        "create trigger log before insert on parts for each row execute function log()");
    Change[] changes = {added(1, "a"), added(2, "b"), added(3, "c")};
    write(fixture.into("parts").build(), Action.UPSERT, changes);
    assertThat(fixture.rows("select * from parts order by id"))
        .containsExactly("1|a", "2|b", "3|c");
    assertThat(fixture.rows("select id from log order by id")).containsExactly("1", "2", "3");
  }

  @Test
  void newerTombstoneWins() throws Exception {
    fixture.run(
        "alter table customers add column s bigint",
        """
        create table customers_fulmar_tombstones (
          id bigint primary key, fulmar_sequence bigint not null,
          fulmar_deleted_at timestamptz not null)
        """,
        "insert into customers_fulmar_tombstones values (2, 9, now()), (3, 4, now())");
    PostgresDestination destination = fixture.into("customers").sequenceColumn("s").build();
    Change[] changes = {added(2, "late"), added(3, "newer"), added(4, "new")};
    assertThat(verdicts(write(destination, Action.UPSERT, changes), changes))
        .containsOnly("accepted");
    assertThat(fixture.rows("select * from customers order by id"))
        .containsExactly("1|Ada|null", "3|newer|5", "4|new|5");
    fixture.run("delete from customers_fulmar_tombstones");
    write(destination, Action.UPSERT, added(5, "straight"));
    assertThat(fixture.rows("select * from customers where id = 5"))
        .containsExactly("5|straight|5");
  }

  @Test
  void tryThatFailsIsNotRepeatedAtOnce() throws Exception {
    fixture.run("alter table customers add column n bigint default null", "create sequence tries");
    fixture.run("alter table customers alter column n set default nextval('tries')");
    try (Writer writer = fixture.into("customers").build().open(RUN)) {
      for (int i = 0; i < 40; i++) {
        write(writer, Action.UPSERT, added(100 + i, "new"), added(1, "there"));
      }
    }
    assertThat(fixture.rows("select count(*) from customers")).containsExactly("41");
    // Each batch counts to 2 by the stage, and to 2 more if a straight copy failed before: that is
    // batch 1, 3, 6, 11, 20 and 37.
    assertThat(fixture.rows("select last_value from tries")).containsExactly("92");
  }
}
