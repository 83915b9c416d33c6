package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.change;
import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.PostgresDestination;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.StopRunException;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A table that the destination made, with a sequence column: whatever order calls arrive in, what
 * stays is what the newest one said.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class PostgresDestinationSequenceTest {
  private static TestServer postgres;

  private TableFixture fixture;
  private Destination items;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void createTable() throws Exception {
    fixture = new TableFixture(postgres.createDatabase());
    Map<String, String> types = new LinkedHashMap<>();
    types.put("id", "bigint");
    types.put("name", "text");
    items = fixture.into("items").sequenceColumn("seq").createTableIfMissing(types).build();
    write(items, Action.UPSERT, change(5, "id", "1", "name", "five"));
  }

  private List<String> items() throws SQLException {
    return fixture.rows("select * from items order by id");
  }

  private List<String> tombstones() throws SQLException {
    return fixture.rows("select id, fulmar_sequence from items_fulmar_tombstones order by id");
  }

  private void accept(Action action, Change change) throws Exception {
    assertThat(verdicts(write(items, action, change), change)).containsExactly("accepted");
  }

  @Test
  void tableIsCreatedWithKeySequenceAndTombstones() throws Exception {
    assertThat(items()).containsExactly("1|five|5");
    assertThat(tombstones()).isEmpty();
    assertThat(
            fixture.rows(
                "select relname, pg_get_constraintdef(c.oid) from pg_constraint c join pg_class t on t.oid = conrelid where contype = 'p' and relname like 'items%' order by relname"))
        .containsExactly("items|PRIMARY KEY (id)", "items_fulmar_tombstones|PRIMARY KEY (id)");
  }

  @ParameterizedTest
  @DisplayName("P4: an older write never wins")
  @EnumSource
  void olderWriteIsAcceptedAndChangesNothing(Action action) throws Exception {
    Change change = change(4, "id", "1", "name", "four");
    assertThat(verdicts(write(items, action, change), change))
        .containsExactly(action == Action.INSERT ? "skipped" : "accepted");
    assertThat(items()).containsExactly("1|five|5");
  }

  @Test
  void sameAndNewerWritesWin() throws Exception {
    accept(Action.UPSERT, change(5, "id", "1", "name", "five again"));
    assertThat(items()).containsExactly("1|five again|5");
    accept(Action.UPDATE, change(6, "id", "1", "name", "six"));
    assertThat(items()).containsExactly("1|six|6");
    accept(Action.CLEAR, change(7, "id", "1"));
    assertThat(items()).containsExactly("1|null|7");
  }

  @Test
  void rowWithoutASequenceIsOlderThanAny() throws Exception {
    fixture.run("update items set seq = null");
    accept(Action.UPSERT, change(1, "id", "1", "name", "one"));
    assertThat(items()).containsExactly("1|one|1");
  }

  @Test
  void insertIsKnownAgainByItsSequence() throws Exception {
    fixture.run("update items set name = 'made lower case by a trigger'");
    accept(Action.INSERT, change(5, "id", "1", "name", "five"));
  }

  @ParameterizedTest
  @DisplayName("P4: an older write does not bring a deleted row back")
  @EnumSource(names = {"DELETE", "CLEAR"})
  void olderWriteAfterADeleteDoesNothing(Action removal) throws Exception {
    accept(removal, change(7, "id", "2"));
    accept(removal, change(7, "id", "1"));
    assertThat(tombstones()).containsExactly("1|7", "2|7");
    for (Action action : List.of(Action.UPSERT, Action.INSERT)) {
      accept(action, change(6, "id", "2", "name", "six"));
    }
    accept(Action.UPSERT, change(6, "id", "1", "name", "six"));
    assertThat(items()).isEqualTo(removal == Action.DELETE ? List.of() : List.of("1|null|7"));

    accept(Action.UPSERT, change(8, "id", "2", "name", "eight"));
    accept(removal, change(6, "id", "2"));
    assertThat(tombstones()).containsExactly("1|7", "2|7");
    assertThat(items()).contains("2|eight|8");
  }

  @Test
  @DisplayName("P4: a write that runs beside the delete waits for it, and sees its tombstone")
  void writeAndDeleteAtTheSameTimeDoNotMissEachOther() throws Exception {
    try (Connection other = fixture.database().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("lock table items in access exclusive mode");
      FutureTask<Delivery> delete =
          new FutureTask<>(() -> write(items, Action.DELETE, change(7, "id", "2")));
      new Thread(delete).start();
      fixture.until("1", "select count(*) from pg_locks where not granted");
      FutureTask<Delivery> upsert =
          new FutureTask<>(() -> write(items, Action.UPSERT, change(6, "id", "2", "name", "six")));
      new Thread(upsert).start();
      fixture.until(
          "1",
          "select count(*) from pg_locks where not granted and relation = 'items_fulmar_tombstones'::regclass");
      other.rollback();
      delete.get();
      upsert.get();
    }
    assertThat(items()).containsExactly("1|five|5");
  }

  @Test
  void tombstonesArePurgedWhenTheirTimeIsOver() throws Exception {
    accept(Action.DELETE, change(7, "id", "1"));
    accept(Action.DELETE, change(7, "id", "2"));
    fixture.run(
        "update items_fulmar_tombstones set fulmar_deleted_at = now() - interval '7 days 1 minute' where id = 1",
        "update items_fulmar_tombstones set fulmar_deleted_at = now() - interval '6 days 23 hours' where id = 2");
    accept(Action.DELETE, change(8, "id", "3"));
    assertThat(tombstones()).containsExactly("2|7", "3|8");
  }

  @Test
  void badRowLeavesNoTombstone() throws Exception {
    fixture.run(
        "create table parts (item bigint references items)", "insert into parts values (1)");
    Change[] changes = {change(7, "id", "1"), change(7, "id", "2")};
    assertThat(verdicts(write(items, Action.DELETE, changes), changes))
        .containsExactly("23503", "accepted");
    assertThat(tombstones()).containsExactly("2|7");
  }

  @Test
  void missingTombstoneTableIsSaidWithTheSqlThatMakesIt() throws Exception {
    PostgresDestination.Builder builder =
        fixture.into("items").sequenceColumn("seq").tombstoneTable("graves");
    String[] sql = new String[1];
    assertThatThrownBy(
            () -> write(builder.build(), Action.UPSERT, change(9, "id", "1", "name", "x")))
        .isInstanceOf(StopRunException.class)
        .hasMessageStartingWith(
            "Cannot write to \"public\".\"items\": there is no table \"public\".\"graves\" for the"
                + " tombstones of deleted keys, which a sequence column needs."
                + " Use createTableIfMissing(...), or run: ")
        .satisfies(e -> sql[0] = e.getMessage().replaceFirst("(?s).* run: ", ""));
    fixture.run(sql[0].substring(0, sql[0].length() - 1));
    write(builder.build(), Action.DELETE, change(9, "id", "1"));
    assertThat(fixture.rows("select id, fulmar_sequence from graves")).containsExactly("1|9");
  }

  @Test
  void sequenceColumnMustBeThereAndABigintOfItsOwn() throws Exception {
    fixture.run("create table t (id bigint primary key, small int)");
    for (String[] expected :
        new String[][] {
          {
            "seq",
            "the table has no column \"seq\" for the sequence."
                + " Run: alter table \"public\".\"t\" add column \"seq\" bigint."
          },
          {
            "small",
            "the column \"small\" for the sequence is not a plain bigint."
                + " Run: alter table \"public\".\"t\" alter column \"small\" type bigint."
          },
          {
            "id",
            "the column \"id\" for the sequence is also one of the model."
                + " Give sequenceColumn(...) a column of its own."
          }
        }) {
      assertThatThrownBy(
              () ->
                  write(
                      fixture.into("t").sequenceColumn(expected[0]).build(),
                      Action.UPSERT,
                      change(1, "id", "1")))
          .isInstanceOf(StopRunException.class)
          .hasMessage("Cannot write to \"public\".\"t\": " + expected[1]);
    }
  }

  @Test
  void writersCreateTheTablesTogether() throws Exception {
    Map<String, String> types = Map.of("id", "bigint");
    Destination made =
        fixture.into("made").sequenceColumn("seq").createTableIfMissing(types).build();
    try (Connection other = fixture.database().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute(
          "select pg_advisory_xact_lock(hashtextextended('fulmar \"public\".\"made\"', 0))");
      List<FutureTask<Delivery>> calls =
          List.of(
              new FutureTask<>(() -> write(made, Action.UPSERT, change(1, "id", "1"))),
              new FutureTask<>(() -> write(made, Action.UPSERT, change(1, "id", "2"))));
      calls.forEach(call -> new Thread(call).start());
      fixture.until("2", "select count(*) from pg_locks where not granted");
      other.rollback();
      for (FutureTask<Delivery> call : calls) {
        call.get();
      }
    }
    assertThat(fixture.rows("select * from made order by id")).containsExactly("1|1", "2|1");
  }

  @Test
  void createdTableNeedsATypeForEachColumn() {
    assertThatThrownBy(
            () ->
                write(
                    fixture.into("made").createTableIfMissing(Map.of("id", "bigint")).build(),
                    Action.UPSERT,
                    change(1, "id", "1", "name", "x")))
        .isInstanceOf(StopRunException.class)
        .hasMessage(
            "Cannot create \"public\".\"made\": createTableIfMissing(...) has no type for"
                + " [\"name\"]. Add one.");
  }

  @Test
  void settingsAreCheckedAtOnce() {
    PostgresDestination.Builder builder = fixture.into("items");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.keepTombstones(Duration.ofMinutes(59)))
        .withMessage("keepTombstones must be PT1H to PT87600H, is PT59M");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.createTableIfMissing(Map.of("a", "int); drop table items; --")));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.table("public", ""));
    assertThatIllegalArgumentException().isThrownBy(builder::clearColumns);
    assertThatIllegalStateException()
        .isThrownBy(() -> builder.tombstoneTable("t").build())
        .withMessage("tombstoneTable(...) and keepTombstones(...) need sequenceColumn(...)");
    assertThatIllegalStateException()
        .isThrownBy(PostgresDestination.builder(fixture.source().build())::build)
        .withMessage("table(...) is missing");
  }
}
