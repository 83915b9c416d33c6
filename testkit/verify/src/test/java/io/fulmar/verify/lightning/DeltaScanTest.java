package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.lightning.internal.delta.XidRange;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * When the delta scan is made, and when every row is compared instead and for what reason. The
 * table {@code item} has five rows, all of them synced by a first run that was folded whole. Every
 * look is also held against a comparison of all rows in its snapshot ({@link DeltaFixture}).
 */
@DisplayName("P1: the delta scan, its preconditions and its reasons")
class DeltaScanTest {
  private static final String SINCE = " since the base";
  private static final Model ITEM =
      Model.table("items", "public", "item").columns("id", "v", "m").key("id");

  private static TestPostgres postgres;

  private TestDatabase database;
  private DeltaFixture fixture;

  @BeforeAll
  static void start() {
    postgres = SharedServer.own();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void fill() throws SQLException {
    database = postgres.createDatabase();
    database.execute(
        "create type mood as enum ('calm', 'glad')",
        "create table item (id int primary key, v text, w text, m mood default 'calm', n numeric(10, 2))",
        "insert into item (id, v, w) select i, 'v' || i, 'w' from generate_series(1, 5) i");
    fixture = new DeltaFixture(database, ITEM);
  }

  @AfterEach
  void close() throws SQLException {
    fixture.close();
    database.drop();
  }

  private static String reason(DeltaWay way) {
    return way.way().reason();
  }

  private void restart(Model model) throws SQLException {
    fixture.close();
    database.execute("drop schema if exists fulmar_planner cascade");
    fixture = new DeltaFixture(database, model);
  }

  // ------------------------------------------------------------------------------------ the
  // fixture

  @Test
  void tableThatNobodyWroteToNeedsNoPlan() throws SQLException {
    assertThat(fixture.run()).isInstanceOf(DeltaWay.Full.class);
    assertThat(fixture.state.live()).isEqualTo(5);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    assertThat(fixture.run().way().kind()).hasToString("DELTA");
  }

  @Test
  void onlyWhatWasWrittenOrIsHeldIsLookedAt() throws SQLException {
    fixture.run();
    database.execute("update item set v = 'other' where id = 2", "insert into item values (6)");
    DeltaWay way =
        fixture.run(
            key -> key.get(0).equals("2") ? DeltaFixture.Fate.HELD : DeltaFixture.Fate.ACCEPTED);
    assertThat(reason(way))
        .isEqualTo("since the base 2 rows were written and 0 removed; 0 keys are held");
    database.execute("delete from item where id in (2, 3)");
    way = fixture.run();
    assertThat(way)
        .isInstanceOfSatisfying(
            DeltaWay.Some.class,
            some -> {
              assertThat(some.rows()).isEqualTo(4);
              assertThat(some.written()).isZero();
              assertThat(some.held()).isEqualTo(1);
              assertThat(some.removed()).isEqualTo(2);
            });
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(4));
  }

  // ------------------------------------------------------------------------------------ no base

  static Stream<Arguments> unfit() {
    return Stream.of(
        Arguments.of(
            "a query",
            Model.query("q", "select * from item").key("id"),
            "the model is a query",
            List.of()),
        Arguments.of(
            "a condition",
            Model.table("t", "public", "item").where("id > 0").key("id"),
            "the model has a condition",
            List.of()),
        Arguments.of(
            "a view",
            Model.table("t", "public", "shown").key("id"),
            "the model is neither an ordinary nor a partitioned table",
            List.of("create view shown as select * from item")),
        Arguments.of(
            "a materialized view",
            Model.table("t", "public", "shown").key("id"),
            "the model is neither an ordinary nor a partitioned table",
            List.of("create materialized view shown as select * from item")),
        Arguments.of(
            "another access method",
            Model.table("t", "public", "other").key("id"),
            "the access method of the table is not heap",
            List.of(
                "create access method heap_too type table handler heap_tableam_handler",
                "create table other (id int primary key) using heap_too")),
        Arguments.of(
            "row security",
            ITEM,
            "the table has row security",
            List.of("alter table item enable row level security")),
        Arguments.of(
            "children",
            ITEM,
            "other tables inherit from the table",
            List.of("create table child () inherits (item)")),
        Arguments.of(
            "no index",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of("create table other (id int not null)", "create index on other (id)")),
        Arguments.of(
            "a partial index",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of(
                "create table other (id int not null)",
                "create unique index on other (id) where id > 0")),
        Arguments.of(
            "an index on an expression",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of(
                "create table other (id int not null)", "create unique index on other (abs(id))")),
        Arguments.of(
            "an index on more",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of(
                "create table other (id int not null, v int)",
                "create unique index on other (id, v)")),
        Arguments.of(
            "an index that includes more does prove the key, but NULL is allowed",
            Model.table("t", "public", "other").key("id"),
            "a column of the key may be NULL",
            List.of(
                "create table other (id int, v int)",
                "create unique index on other (id) include (v)")),
        Arguments.of(
            "a deferrable constraint",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of("create table other (id int not null unique deferrable initially deferred)")),
        Arguments.of(
            "an index that is not valid",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of(
                "create table other (id int not null)",
                "create unique index other_id on other (id)",
                "update pg_index set indisvalid = false where indexrelid = 'other_id'::regclass")),
        Arguments.of(
            "operators of others",
            Model.table("t", "public", "other").key("id"),
            "no unique index proves the key",
            List.of(
                "create operator class odd_ops for type int4 using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int4, int4)",
                "create table other (id int not null)",
                "create unique index on other (id odd_ops)")),
        Arguments.of(
            "names of objects",
            Model.table("t", "public", "other").key("id"),
            "the text of a type of its columns may change without a row being written: regclass",
            List.of("create table other (id int primary key, of regclass[])")),
        Arguments.of(
            "names of roles in a composite",
            Model.table("t", "public", "other").key("id"),
            "the text of a type of its columns may change without a row being written: aclitem",
            List.of(
                "create type granted as (acl aclitem[], n int)",
                "create table other (id int primary key, g granted)")),
        Arguments.of(
            "a text that a function of the application makes",
            Model.table("t", "public", "other").key("id"),
            "the text of a type of its columns may change without a row being written: part",
            List.of(
                "create type part as (a int, b int)",
                "create function shown(part) returns text language sql immutable as $$ select 'a part' $$",
                "create cast (part as text) with function shown(part)",
                "create domain parts as part",
                "create table other (id int primary key, p parts)")),
        Arguments.of(
            "a base type of the application",
            Model.table("t", "public", "other").key("id"),
            "the text of a type of its columns may change without a row being written: own",
            List.of(
                "create type own",
                "create function own_in(cstring) returns own language internal immutable strict as 'int4in'",
                "create function own_out(own) returns cstring language internal immutable strict as 'int4out'",
                "create type own (input = own_in, output = own_out, like = int4)",
                "create table other (id int primary key, o own)")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unfit")
  void modelThatDoesNotTellWhatWasWrittenIsComparedWhole(
      String what, Model model, String reason, List<String> before) throws SQLException {
    database.execute(before.toArray(String[]::new));
    restart(model);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(reason));
    assertThat(fixture.base).isNull();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(reason));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALL", "INSERT"})
  void modeThatSendsMoreOrLessThanTheChangesComparesAllRows(SyncMode mode) throws SQLException {
    fixture.run();
    fixture.sync = DeltaFixture.sync(ITEM).mode(mode).build();
    assertThat(reason(fixture.run())).startsWith("the mode " + mode);
    assertThat(fixture.base).isNull();
  }

  @Test
  void roleWithGrantsOnColumnsAloneComparesAllRows() throws SQLException {
    database.execute(
        "create role reader login",
        "grant select (id, v, m) on item to reader",
        "grant create on database %s to reader".formatted(database.name()));
    try (DeltaFixture reader = new DeltaFixture(database, ITEM, "reader");
        DeltaFixture.Look look = reader.open()) {
      assertThat(look.look())
          .isEqualTo(new DeltaWay.Full("the role may not select all columns of the table"));
    } finally {
      database.execute("drop owned by reader", "drop role reader");
    }
  }

  // ----------------------------------------------------------------------------- changed since the
  // base

  static Stream<Arguments> changes() {
    String column = "a column of the table was altered, or made anew";
    String type = "a type of the table's columns was altered";
    String content =
        "rows are compared in another way: mapping, columns or types changed, or all are due again";
    return Stream.of(
        Arguments.of(
            "dropped and added with a default",
            column,
            List.of(
                "begin",
                "alter table item drop v",
                "alter table item add v text default 'x'",
                "commit")),
        Arguments.of(
            "swapped names",
            column,
            List.of(
                "begin",
                "alter table item rename v to x",
                "alter table item rename w to v",
                "alter table item rename x to w",
                "commit")),
        Arguments.of(
            "swapped names, and back again",
            column,
            List.of("alter table item rename v to x", "alter table item rename x to v")),
        Arguments.of(
            "a renamed label", type, List.of("alter type mood rename value 'calm' to 'cool'")),
        Arguments.of(
            "a renamed label, and back again",
            type,
            List.of(
                "alter type mood rename value 'calm' to 'cool'",
                "alter type mood rename value 'cool' to 'calm'")),
        Arguments.of("another label", type, List.of("alter type mood add value 'sad'")),
        Arguments.of("another type", column, List.of("alter table item alter v type varchar")),
        Arguments.of(
            "the table made anew",
            "the table was made anew",
            List.of(
                "create table other (like item including all)",
                "insert into other select * from item",
                "drop table item",
                "alter table other rename to item")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void changeThatRewritesNoRowIsNoticed(String what, String reason, List<String> sql)
      throws SQLException {
    fixture.run();
    database.execute(sql.toArray(String[]::new));
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(reason + SINCE));
    assertThat(fixture.run()).isInstanceOf(DeltaWay.Unchanged.class);
  }

  @Test
  void changeOfATypeInsideATypeIsNoticed() throws SQLException {
    database.execute(
        "create type part as (m mood, n int)",
        "create domain parts as part[]",
        "create table other (id int primary key, p parts, r int4multirange)",
        "insert into other values (1, array[row('calm', 1)::part], '{[1,2)}')");
    restart(Model.table("others", "public", "other").key("id"));
    fixture.run();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(1));
    database.execute("alter type mood rename value 'calm' to 'cool'");
    assertThat(reason(fixture.run()))
        .isEqualTo("a type of the table's columns was altered" + SINCE);
    database.execute("alter type part rename attribute n to number");
    assertThat(fixture.run()).isInstanceOf(DeltaWay.Full.class);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(1));
  }

  @Test
  void columnThatIsNotUsedMayChange() throws SQLException {
    fixture.run();
    database.execute(
        "alter table item drop n",
        "alter table item add n int default 7",
        "alter table item drop w");
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
  }

  @Test
  void labelThatIsRenamedWhileAFirstPlanIsMadeAndThenBackIsNoticed() throws SQLException {
    try (DeltaFixture.Look look = fixture.open()) {
      look.look();
      database.execute("alter type mood rename value 'calm' to 'cool'");
      fixture.fold(look, look.verify(), key -> DeltaFixture.Fate.ACCEPTED);
    }
    database.execute("alter type mood rename value 'cool' to 'calm'");
    assertThat(reason(fixture.run()))
        .isEqualTo("a type of the table's columns was altered" + SINCE);
  }

  @Test
  void termsOfTheSyncAreComparedAndTheFirstThatChangedIsTold() throws SQLException {
    fixture.run();
    fixture.content = "epoch 2";
    assertThat(reason(fixture.run())).startsWith("rows are compared in another way");
    fixture.sync = DeltaFixture.sync(ITEM).onRemoved(Removal.IGNORE).build();
    assertThat(reason(fixture.run())).isEqualTo("what happens to removed rows changed" + SINCE);
    fixture.sync = DeltaFixture.sync(ITEM).mode(SyncMode.UPDATE).onRemoved(Removal.IGNORE).build();
    assertThat(reason(fixture.run())).isEqualTo("the mode changed" + SINCE);
    fixture.sync = DeltaFixture.sync(ITEM.setting("app.tenant", "7")).build();
    fixture.run();
    fixture.sync = DeltaFixture.sync(ITEM.setting("app.tenant", "8")).build();
    assertThat(reason(fixture.run())).isEqualTo("a setting of the model changed" + SINCE);
    assertThat(fixture.base).doesNotContain("tenant");
    fixture.sync = DeltaFixture.sync(ITEM.setting("app.tenant", "8")).remember("v").build();
    assertThat(reason(fixture.run())).isEqualTo("other columns are remembered" + SINCE);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
  }

  @Test
  void anotherServerTimelineOrVersionIsNoticed() throws SQLException {
    fixture.server = new ServerIdentity(Instant.EPOCH, "shop", 1, 1, 1);
    fixture.run();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    fixture.server = new ServerIdentity(Instant.EPOCH, "shop", 1, 2, 1);
    assertThat(reason(fixture.run()))
        .isEqualTo("the source is another server, or was promoted or restored" + SINCE);
    fixture.server = new ServerIdentity(Instant.EPOCH, "shop", 2, 2, 1);
    assertThat(reason(fixture.run())).startsWith("the source is another server");
    fixture.base = fixture.base.replaceFirst("VERSION \\d+", "VERSION 140001");
    assertThat(reason(fixture.run()))
        .isEqualTo("the server runs another version of PostgreSQL" + SINCE);
  }

  @Test
  @DisplayName("P1: settings that come back find no base, since the memory has moved meanwhile")
  void settingsThatComeBackFindNoBase() throws SQLException {
    fixture.run();
    String before = fixture.base;
    fixture.sync = DeltaFixture.sync(ITEM).onRemoved(Removal.IGNORE).build();
    fixture.run(key -> DeltaFixture.Fate.NOT_TRIED);
    database.execute("delete from item where id = 1");
    fixture.run(key -> DeltaFixture.Fate.NOT_TRIED);
    fixture.sync = DeltaFixture.sync(ITEM).build();
    assertThat(before).isNotNull();
    assertThat(reason(fixture.run(key -> DeltaFixture.Fate.NOT_TRIED)))
        .startsWith("what happens to removed rows changed");
    fixture.base = null;
    assertThat(reason(fixture.run())).startsWith("there is no base");
  }

  @Test
  void baseIsKeptReplacedOrDroppedByTheFold() throws SQLException {
    fixture.run();
    String first = fixture.base;
    database.execute("insert into item values (6)");
    fixture.run();
    String second = fixture.base;
    assertThat(second).isNotEqualTo(first);
    PlanRequest.Kind run = PlanRequest.Kind.RUN;
    assertThat(DeltaScan.after(first, second, run, Extent.WHOLE)).isEqualTo(second);
    assertThat(DeltaScan.after(first, second, run, Extent.PART)).isEqualTo(first);
    assertThat(DeltaScan.after(null, second, run, Extent.PART)).isNull();
    assertThat(DeltaScan.after(first, null, run, Extent.WHOLE)).isNull();
    assertThat(DeltaScan.after(first, null, run, Extent.PART)).isNull();
    String other = second.replace("UPSERT", "UPDATE");
    assertThat(DeltaScan.after(first, other, run, Extent.PART)).isNull();
    assertThat(DeltaScan.after(first, other, run, Extent.WHOLE)).isEqualTo(other);
    for (PlanRequest.Kind kind : PlanRequest.Kind.values()) {
      if (kind != run) {
        assertThat(DeltaScan.after(first, second, kind, Extent.WHOLE)).isNull();
      }
    }
    for (String garbled : List.of("", "7", first + "\n", first.replace("MODE", "MOOD"))) {
      assertThat(DeltaScan.after(garbled, second, run, Extent.PART)).isNull();
    }
  }

  // -------------------------------------------------------------------------------------- this
  // plan

  @Test
  void requestsAboutMoreOrLessThanTheChangesCompareAllRows() throws SQLException {
    fixture.run();
    String before = fixture.base;
    fixture.request = new PlanRequest(PlanRequest.Kind.RUN, List.of(List.of("1")));
    assertThat(reason(fixture.run())).isEqualTo("only some keys are asked for");
    assertThat(fixture.base).isEqualTo(before);
    for (PlanRequest.Kind kind : List.of(PlanRequest.Kind.RESYNC, PlanRequest.Kind.FILL)) {
      fixture.request = PlanRequest.of(kind);
      assertThat(reason(fixture.run())).isEqualTo("every row is sent again");
      assertThat(fixture.base).isNull();
    }
    fixture.request = PlanRequest.of(PlanRequest.Kind.RESET);
    assertThat(reason(fixture.run())).isEqualTo("every row is taken as delivered");
  }

  @Test
  void fullDiffIsMadeFromTimeToTime() throws SQLException {
    fixture.run();
    fixture.now = fixture.now.plus(Duration.ofHours(24)).minusMillis(1);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    fixture.now = fixture.now.plusMillis(1);
    assertThat(reason(fixture.run()))
        .isEqualTo("the last full diff is older than fullDiffEvery, PT24H");
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    fixture.fullDiffEvery = Duration.ZERO;
    assertThat(reason(fixture.run())).isEqualTo("fullDiffEvery is 0");
  }

  @Test
  void tableThatWasNotLockedIsComparedWhole() throws SQLException {
    fixture.run();
    try (DeltaFixture.Look look = fixture.open()) {
      assertThat(look.look(DeltaTerms.Lock.NOT_TAKEN))
          .isEqualTo(new DeltaWay.Full("the table could not be locked"));
    }
  }

  @Test
  void baseOfAnotherCounterOrTooLongAgoIsNotGoneBy() throws SQLException {
    fixture.run();
    String base = fixture.base;
    long horizon = Long.parseLong(base.split("\n")[1]);
    fixture.base = base.replace("\n" + horizon + "\n", "\n" + (horizon + 1_000) + "\n");
    assertThat(reason(fixture.run()))
        .isEqualTo("the server's transaction numbers went back since the base");
    fixture.base = base.replace("\n" + horizon + "\n", "\n" + (horizon - 1_000_000_000) + "\n");
    assertThat(reason(fixture.run())).isEqualTo("the base is older than a billion transactions");
  }

  @Test
  void manyRowsAreComparedWhole() throws SQLException {
    fixture.run();
    database.execute("insert into item (id) select i from generate_series(6, 10006) i");
    assertThat(reason(fixture.run()))
        .isEqualTo("more than a tenth of the rows were written since the base, or are held");
  }

  @Test
  void manyRemovedKeysAreFoundToo() throws SQLException {
    database.execute("insert into item (id) select i from generate_series(6, 10010) i");
    fixture.run();
    database.execute("delete from item where id > 9", "insert into item values (0)");
    try (DeltaFixture.Look look = fixture.open()) {
      assertThat(reason(look.look()))
          .isEqualTo("since the base 1 rows were written and 10001 removed; 0 keys are held");
      assertThat(look.verify()).hasSize(10_002);
    }
  }

  @ParameterizedTest(name = "{0}: {1}")
  @DisplayName(
      "P8: a key that has no place in the state is left to the full diff, which reports it")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          k text                    | repeat('b', 2001)
          k bytea                   | decode(repeat('00', 2001), 'hex')
          k numeric                 | repeat('7', 4100)::numeric
          k varchar(2048)           | repeat('b', 2048)
          k varchar(1500), l char(600) | repeat('b', 1500), repeat('c', 600)
          """)
  void keyThatIsTooLargeIsLeftToTheFullDiff(String columns, String values) throws SQLException {
    String[] more = columns.contains(",") ? new String[] {"l"} : new String[0];
    database.execute(
        "create table wide (%s, primary key (k%s))"
            .formatted(columns, more.length > 0 ? ", l" : ""));
    restart(Model.table("wide", "public", "wide").key("k", more));
    fixture.run();
    database.execute("insert into wide values (%s)".formatted(values));
    assertThat(reason(fixture.run()))
        .isEqualTo("a row that was written since the base has too large a key");
  }

  @Test
  @DisplayName("P1, P8: a key that is too large and takes the place of another is noticed")
  void keyThatIsTooLargeInPlaceOfAnotherIsNoticed() throws SQLException {
    database.execute(
        "create table wide (k text primary key)", "insert into wide values ('a'), ('b')");
    restart(Model.table("wide", "public", "wide").key("k"));
    fixture.run();
    database.execute("update wide set k = repeat('b', 2001) where k = 'b'");
    assertThat(reason(fixture.run()))
        .isEqualTo("a row that was written since the base has too large a key");
  }

  @Test
  @DisplayName("P1: a held addition does not hide that a key was removed")
  void heldAdditionDoesNotHideARemoval() throws SQLException {
    fixture.run();
    database.execute("insert into item values (6)");
    fixture.run(key -> DeltaFixture.Fate.HELD);
    database.execute("update item set v = 'x' where id = 1");
    assertThat(reason(fixture.run(key -> DeltaFixture.Fate.HELD)))
        .isEqualTo("since the base 1 rows were written and 0 removed; 1 keys are held");
    database.execute("delete from item where id = 2", "insert into item values (7)");
    assertThat(reason(fixture.run(key -> DeltaFixture.Fate.HELD)))
        .isEqualTo("since the base 1 rows were written and 1 removed; 2 keys are held");
  }

  // --------------------------------------------------------------------------------------- the
  // state

  @Test
  void stateThatWasRewrittenIsCountedAgain() throws SQLException {
    fixture.run();
    database.execute("vacuum full " + fixture.tables.state(0));
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    String state = fixture.tables.state(0).toString();
    database.execute(
        "create table kept as select * from " + state + " where k0 > 1",
        "truncate " + state,
        "insert into " + state + " select * from kept");
    assertThat(reason(fixture.run()))
        .isEqualTo("the state does not hold the keys that the last fold left in it");
  }

  @Test
  void countsThatDoNotFitLeadToTheFullDiff() throws SQLException {
    fixture.run();
    database.execute("delete from %s where k0 = 1".formatted(fixture.tables.state(0)));
    database.execute("delete from item where id = 1");
    assertThat(reason(fixture.run(key -> DeltaFixture.Fate.NOT_TRIED)))
        .startsWith("other synced keys have lost their rows");
    database.execute("insert into item values (1)");
    fixture.run();
    database.execute("delete from %s where k0 = 1".formatted(fixture.tables.state(0)));
    fixture.look();
    assertThat(reason(fixture.run())).startsWith("the table has more rows than the state");
  }

  // -------------------------------------------------------------------------------------------
  // keys

  static Stream<Arguments> keys() {
    return Stream.of(
        Arguments.of("int2", "i::int2"),
        Arguments.of("int8", "i * 5000000000"),
        Arguments.of("numeric", "i + 0.50"),
        Arguments.of("numeric(9, 3)", "i + 0.5"),
        Arguments.of("text", "'k\u00e4' || i"),
        Arguments.of("text collate \"POSIX\"", "'k' || i"),
        Arguments.of("varchar(20)", "'k' || i"),
        Arguments.of("char(9)", "'k' || i"),
        Arguments.of("name", "('k' || i)::name"),
        Arguments.of("mood5", "('m' || i)::mood5"),
        Arguments.of("uuid", "md5(i::text)::uuid"),
        Arguments.of("bytea", "decode(md5(i::text), 'hex')"),
        Arguments.of("date", "date '2000-01-01' + i"),
        Arguments.of("time", "time '10:00' + i * interval '1 s'"),
        Arguments.of("timestamp", "timestamp '2000-01-01' + i * interval '1 s'"),
        Arguments.of("timestamptz", "timestamptz '2000-01-01 00:00Z' + i * interval '1 s'"),
        Arguments.of("inet", "('10.0.0.' || i || '/24')::inet"),
        Arguments.of("cidr", "('10.0.' || i || '.0/24')::cidr"),
        Arguments.of("macaddr", "('00:00:00:00:00:0' || i)::macaddr"),
        Arguments.of("short", "i"),
        Arguments.of("label", "'k' || i"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("keys")
  @DisplayName("P12: keys of every kind are found, held, without a row and removed")
  void keysOfEveryKindAreFound(String type, String value) throws SQLException {
    database.execute(
        "create type mood5 as enum ('m1', 'm2', 'm3', 'm4', 'm5')",
        "create domain short as int check (value < 100)",
        "create domain label as varchar(20)",
        "create table keyed (k %s, b bool default true, v text default '', primary key (k, b))"
            .formatted(type),
        "insert into keyed (k) select %s from generate_series(1, 5) i".formatted(value));
    restart(Model.table("keyed", "public", "keyed").key("b", "k"));
    fixture.run();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(5));
    String number = "(row_number() over (order by k))";
    database.execute(
        "update keyed set v = 'x' where k in (select k from (select k, %s as n from keyed) s where n in (1, 2))"
            .formatted(number));
    fixture.run(key -> DeltaFixture.Fate.HELD);
    assertThat(((DeltaWay.Some) fixture.run(key -> DeltaFixture.Fate.HELD)).held()).isEqualTo(2);
    database.execute(
        "delete from keyed where k in (select k from (select k, %s as n from keyed) s where n in (1, 4))"
            .formatted(number));
    DeltaWay way = fixture.run();
    assertThat(reason(way))
        .isEqualTo("since the base 0 rows were written and 2 removed; 2 keys are held");
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(3));
  }

  @Test
  @DisplayName("P1, P12: keys of an enum are found by their labels, whatever cast there is")
  void enumKeysAreFoundByTheirLabels() throws SQLException {
    database.execute(
        "create table tagged (m mood primary key, v text)",
        "insert into tagged values ('calm'), ('glad')");
    restart(Model.table("tagged", "public", "tagged").key("m"));
    fixture.run();
    database.execute("update tagged set v = 'x' where m = 'glad'");
    fixture.run(key -> DeltaFixture.Fate.HELD);
    database.execute(
        "create function shown(mood) returns text language sql immutable as $$ select 'a mood' $$",
        "create cast (mood as text) with function shown(mood)",
        "delete from tagged where m = 'calm'");
    try (DeltaFixture.Look look = fixture.open()) {
      assertThat(reason(look.look()))
          .isEqualTo("since the base 0 rows were written and 1 removed; 1 keys are held");
    }
  }

  @Test
  void heldKeyThatIsNoValueOfItsTypeAnyMoreStandsInNobodysWay() throws SQLException {
    database.execute(
        "create table tagged (m mood primary key, v text)",
        "insert into tagged values ('calm'), ('glad')");
    restart(Model.table("tagged", "public", "tagged").key("m"));
    fixture.run();
    database.execute(
        "delete from tagged where m = 'calm'", "alter type mood rename value 'calm' to 'cool'");
    fixture.run(key -> DeltaFixture.Fate.HELD);
    assertThat(reason(fixture.run(key -> DeltaFixture.Fate.HELD)))
        .isEqualTo("since the base 0 rows were written and 1 removed; 2 keys are held");
  }

  // --------------------------------------------------------------------------------------
  // partitions

  @Test
  void partitionsAreScannedAndAnotherOneIsNoticed() throws SQLException {
    database.execute(
        "create table log (id int, day date, v text, primary key (id, day)) partition by range (day)",
        "create table log_1 partition of log for values from ('2026-01-01') to ('2026-02-01')",
        "create table log_2 partition of log for values from ('2026-02-01') to ('2026-03-01') partition by list (id)",
        "create table log_2a partition of log_2 default",
        "insert into log select i, date '2026-01-01' + i, 'v' from generate_series(1, 40) i",
        "create table log_3 (like log_1 including all)",
        "insert into log_3 values (1, '2026-03-03')");
    restart(Model.table("logs", "public", "log").key("day", "id"));
    fixture.run();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(40));
    database.execute(
        "update log set day = day + 20 where id = 20", "delete from log where id = 35");
    assertThat(reason(fixture.run()))
        .isEqualTo("since the base 1 rows were written and 2 removed; 0 keys are held");
    String changed = "a partition was attached or detached" + SINCE;
    String attach =
        "alter table log attach partition log_3 for values from ('2026-03-01') to ('2026-04-01')";
    database.execute(attach);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(changed));
    database.execute("alter table log detach partition log_3");
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(changed));
    try (DeltaFixture.Look look = fixture.open()) {
      assertThat(look.look()).isEqualTo(new DeltaWay.Unchanged(39));
      database.execute(attach);
      look.verify();
      assertThat(look.way).isEqualTo(new DeltaWay.Full("the run reads again"));
    }
    fixture.run();
    database.execute("alter table log detach partition log_3", attach);
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Full(changed));
  }

  // -------------------------------------------------------------------------------------------
  // races

  @Test
  @DisplayName("E: a table cannot be emptied between the snapshot of a delta scan and its lock")
  void tableThatIsLockedBeforeTheSnapshotCannotBeEmptied() throws SQLException {
    fixture.run();
    try (DeltaFixture.Look look = fixture.open()) {
      assertThatThrownBy(() -> database.execute("set lock_timeout = '50ms'", "truncate item"))
          .isInstanceOf(SQLException.class)
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("55P03");
      assertThat(look.look()).isEqualTo(new DeltaWay.Unchanged(5));
    }
  }

  @Test
  void transactionThatBeganBeforeTheBaseAndEndsAfterItIsNotMissed() throws SQLException {
    try (Connection early = database.connect();
        Statement statement = early.createStatement()) {
      early.setAutoCommit(false);
      statement.execute("insert into item values (6)");
      database.execute("insert into item values (7)");
      fixture.run();
      assertThat(fixture.run()).isInstanceOf(DeltaWay.Some.class); // row 7, at or after the base
      early.commit();
      assertThat(fixture.run())
          .isInstanceOfSatisfying(
              DeltaWay.Some.class, some -> assertThat(some.rows()).isEqualTo(7));
    }
    fixture.run();
    assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(7));
  }

  // ----------------------------------------------------------------------------------------
  // numbers

  @Test
  void rangesOfTransactionsHaveTheRowsThatWereWrittenInThem() throws SQLException {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    Random random = new Random(seed);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      for (int i = 0; i < 400; i++) {
        long from = edge(random);
        int length = random.nextBoolean() ? 1_000_000_000 : 2_100;
        XidRange range = new XidRange(from, from + random.nextInt(length));
        long xid = random.nextBoolean() ? edge(random) : from + random.nextInt(length);
        String about = "%s in %s, seed %s".formatted(xid, range, seed);
        for (SqlPart condition : List.of(range.written(), range.counted())) {
          boolean found = isTrue(statement, condition, xid);
          if (xid >= from && xid < range.until()) {
            assertThat(found).as(about).isTrue();
          } else if (xid >= from - (1L << 31) && xid < from) {
            assertThat(found).as("not " + about).isFalse();
          }
        }
      }
    }
    assertThatThrownBy(() -> new XidRange(5, 4)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new XidRange(0, 1L << 32))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static boolean isTrue(Statement statement, SqlPart condition, long xid)
      throws SQLException {
    try (ResultSet row =
        statement.executeQuery(
            "select %s from (values ('%s'::xid)) as fulmar_table (xmin)"
                .formatted(condition.sql(), xid & 0xffff_ffffL))) {
      row.next();
      return row.getBoolean(1);
    }
  }

  /** A number near those at which something begins anew, or any. */
  private static long edge(Random random) {
    long around = (random.nextInt(4)) * (1L << 31) + random.nextInt(10) - 5;
    return random.nextInt(3) > 0
        ? Math.max(3, around)
        : 3 + Math.floorMod(random.nextLong(), 1L << 34);
  }
}
