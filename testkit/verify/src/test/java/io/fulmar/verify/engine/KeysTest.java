package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.HoldKind;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Which keys are told apart, which are refused, and what becomes of rows without a usable one. The
 * database holds a table without constraints, so that any key can be in it any number of times.
 */
@BothEngines
@DisplayName("P8, G-07: keys")
class KeysTest extends SourceFixture {
  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table t (id int8, v text)", "insert into t values (1, 'a'), (2, 'b'), (3, 'c')");
  }

  private Sync.Builder sync() {
    return sync("select id, v from t", "id");
  }

  @Test
  @DisplayName("P8, G-07: the fixture: three rows of three keys are sent once")
  void rowsOfDistinctKeysAreSent() {
    SyncReport first = run(sync().build()).throwIfFailed();

    assertThat(first.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(first)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
    assertThat(run(sync().build()).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("P8, G-07: rows with NULL in the key are counted, shown and not sent")
  void rowWithNullInTheKeyIsReportedNotSent() throws SQLException {
    database.execute("insert into t values (null, 'x'), (null, 'y')");

    SyncReport report = run(sync().build());

    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(sent(report)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
    assertThat(report.changeSet().invalid()).isEqualTo(2);
    assertThat(invalid(report)).containsExactly("NULL_KEY null x1", "NULL_KEY null x1");
  }

  @Test
  @DisplayName("P8, G-07: a key that occurs twice is shown and none of its rows is sent")
  void duplicateKeyIsReportedNotSent() throws SQLException {
    database.execute("insert into t values (2, 'other'), (2, 'third')");

    SyncReport report = run(sync().build());

    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(sent(report)).containsExactly("ADDED 1", "ADDED 3");
    assertThat(report.changeSet().invalid()).isEqualTo(3);
    assertThat(invalid(report)).containsExactly("DUPLICATE_KEY 2 x3");
    InvalidRow sample = report.changeSet().invalidRows().get(0);
    assertThat(sample.key().value("id")).isEqualTo(2L);
    assertThat(sample.toString()).doesNotContain("2,").contains("Row[id]");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "an identical second copy             | insert into t values (2, 'b')",
        "one changed and one unchanged copy   | insert into t values (2, 'changed')",
        "two changed copies                   | delete from t where id = 2; insert into t values"
            + " (2, 'x'), (2, 'y')"
      })
  @DisplayName("P8, G-07: a synced key that becomes ambiguous is held as it was")
  void syncedKeyThatBecomesAmbiguousIsHeldAsItWas(String what, String sql) throws SQLException {
    Sync sync = sync().onRemoved(Removal.DELETE).build();
    run(sync).throwIfFailed();
    database.execute(sql);

    SyncReport ambiguous = run(sync);

    assertThat(ambiguous.status()).as(what).isEqualTo(RunStatus.WARNING);
    assertThat(sent(ambiguous)).isEmpty();
    assertThat(invalid(ambiguous)).containsExactly("DUPLICATE_KEY 2 x2");
    assertThat(destination.contents().get(List.of("2")).text("v")).isEqualTo("b");

    database.execute("delete from t where id = 2", "insert into t values (2, 'b')");
    SyncReport clear = run(sync).throwIfFailed();
    assertThat(clear.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(clear)).isEmpty();

    database.execute("delete from t where id = 2");
    assertThat(sent(run(sync).throwIfFailed())).containsExactly("REMOVED 2");
  }

  @Test
  @DisplayName("P8, G-07: a gone key that comes back twice stays gone and is reported")
  void goneKeyWithTwoRowsIsReported() throws SQLException {
    Sync sync = sync().build();
    run(sync).throwIfFailed();
    database.execute("delete from t where id = 2");
    assertThat(run(sync).throwIfFailed().changeSet().ignored()).isEqualTo(1);
    database.execute("insert into t values (2, 'b'), (2, 'new')");

    SyncReport report = run(sync);

    assertThat(sent(report)).isEmpty();
    assertThat(invalid(report)).containsExactly("DUPLICATE_KEY 2 x2");
    database.execute("delete from t where id = 2", "insert into t values (2, 'new')");
    assertThat(sent(run(sync).throwIfFailed())).containsExactly("CHANGED 2");
  }

  @Test
  @DisplayName("P8, G-07: a quarantined key that was never accepted is held while it is ambiguous")
  void quarantinedKeyWithTwoRowsIsReported() throws SQLException {
    Sync sync = sync().quarantineAfter(1, Duration.ZERO).build();
    destination.verdicts(
        change ->
            change.key().value("id").equals(2L)
                ? new Verdict.Rejected("NO", "no", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    assertThat(run(sync).newlyQuarantined()).isEqualTo(1);
    destination.acceptAll();
    database.execute("insert into t values (2, 'b')");

    SyncReport report = run(sync);

    assertThat(sent(report)).isEmpty();
    assertThat(invalid(report)).containsExactly("DUPLICATE_KEY 2 x2");
    try (SyncEngine engine = open()) {
      assertThat(engine.status(sync).holds(HoldKind.QUARANTINED)).isEqualTo(1);
    }
    database.execute("delete from t where id = 2", "insert into t values (2, 'mended')");
    assertThat(sent(run(sync).throwIfFailed())).containsExactly("ADDED 2");
  }

  @Test
  @DisplayName("P8, G-07: at most 100 invalid keys are shown, and all are counted")
  void samplesAreBoundedAndCountsAreNot() throws SQLException {
    database.execute("insert into t select null, 'x' from generate_series(1, 5000)");

    SyncReport report = run(sync().build());

    assertThat(report.changeSet().invalid()).isEqualTo(5000);
    assertThat(report.changeSet().invalidRows()).hasSize(100);
  }

  @Test
  @DisplayName("P8, G-07: the parts of a composite key do not run into each other")
  void compositeKeysAreToldApart() throws SQLException {
    database.execute(
        "create table c (a text, b text, n int, v int)",
        "insert into c values ('a', 'bc', 1, 0), ('ab', 'c', 1, 0), ('', 'abc', 1, 0),"
            + " ('abc', '', 1, 0), ('abc', '', 2, 0), ('abc', null, 2, 0), (null, 'abc', 2, 0)");
    Sync sync = sync("select v, b, n, a from c", "a", "n", "b").build();

    SyncReport report = run(sync);

    assertThat(sent(report))
        .containsExactly(
            "ADDED ,1,abc", "ADDED a,1,bc", "ADDED ab,1,c", "ADDED abc,1,", "ADDED abc,2,");
    assertThat(invalid(report)).containsExactly("NULL_KEY abc,2,null x1", "NULL_KEY null,2,abc x1");
    database.execute("update c set v = 1 where a = 'ab'");
    assertThat(sent(run(sync))).containsExactly("CHANGED ab,1,c");
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "uuid        | 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',"
            + " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12' | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
            + " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12",
        "text        | 'x', 'X', 'x ', ' x', ''                   | ~ ~x X x x~",
        "varchar(9)  | 'x', 'x '                                  | x x~",
        "char(3)     | 'x', 'X'                                   | X x",
        "name        | 'x', 'X'                                   | X x",
        "bool        | true, false                                | false true",
        "bytea       | '\\x', '\\x00', '\\x0000'                  | \\x \\x00 \\x0000",
        "int2        | 1, -1                                      | -1 1",
        "numeric     | 1, 1.001, -1, 'NaN', 0                     | -1 0 1 1.001 NaN",
        "date        | '2020-02-29', 'infinity', '0001-01-01 BC'  | 0001-01-01~BC 2020-02-29"
            + " infinity",
        "time        | '00:00', '24:00'                           | 00:00:00 24:00:00",
        "timestamp   | '2020-01-01', '2020-01-01 00:00:00.000001' | 2020-01-01~00:00:00"
            + " 2020-01-01~00:00:00.000001",
        "timestamptz | '2020-01-01 00:00+00', '2020-01-01 00:00+01', '-infinity' | -infinity"
            + " 2019-12-31~23:00:00+00 2020-01-01~00:00:00+00",
        "inet        | '10.0.0.1', '10.0.0.1/8', '::1'            | 10.0.0.1 10.0.0.1/8 ::1",
        "cidr        | '10.0.0.0/8', '10.0.0.0/9'                 | 10.0.0.0/8 10.0.0.0/9",
        "macaddr     | '08:00:2b:01:02:03', '08:00:2b:01:02:04'   | 08:00:2b:01:02:03"
            + " 08:00:2b:01:02:04",
        "mood        | 'sad', 'Sad'                               | Sad sad",
        "positive    | 1, 2                                       | 1 2",
        "handle      | 'a', 'A'                                   | A a",
        "handle_too  | 'a', 'A'                                   | A a"
      })
  @DisplayName("P8, P9, G-07: different values of a key type are different keys, and stay the same")
  void valuesOfATypeAreToldApart(String type, String values, String expected) throws SQLException {
    database.execute(
        "create type mood as enum ('sad', 'Sad')",
        "create domain positive as int check (value > 0)",
        "create domain handle as varchar(20)",
        "create domain handle_too as handle",
        "create table k (id " + type + ")",
        "insert into k select unnest(array[" + values + "]::" + type + "[])");
    Sync sync = sync("select id from k", "id").onRemoved(Removal.DELETE).build();

    SyncReport report = run(sync);

    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(report).stream().map(s -> s.substring(6).replace(' ', '~')))
        .containsExactlyInAnyOrder(expected.replace("~ ", " ").split(" ", -1));
    assertThat(run(sync).total().planned()).isZero();
    database.execute("update k set id = id");
    assertThat(run(sync).total().planned()).isZero();
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "int2        | -7",
        "int8        | 9007199254740993",
        "numeric     | 1.50",
        "numeric     | 'NaN'",
        "numeric     | 1e30",
        "text        | 'ü \"x\" \\ '",
        "char(3)     | 'x'",
        "uuid        | 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        "bool        | true",
        "bytea       | '\\x00ff'",
        "date        | '0044-03-15 BC'",
        "date        | '-infinity'",
        "time        | '24:00'",
        "time        | '09:05'",
        "timestamp   | '0044-03-15 12:00 BC'",
        "timestamptz | '2020-01-01 00:00:00.5+05:45'",
        "timestamptz | 'infinity'",
        "inet        | '10.0.0.1/8'",
        "mood        | 'sad'"
      })
  @DisplayName("P8, G-07: a key is found by the value that a row gives, and by its text")
  void keyIsFoundByItsValue(String type, String value) throws SQLException {
    database.execute(
        "create type mood as enum ('sad')",
        "create table k (id " + type + ")",
        "insert into k values (" + value + ")");
    Sync sync = sync("select id from k", "id").build();
    SyncReport report = run(sync).throwIfFailed();
    Row key = destination.changes(report.run()).get(0).key();

    try (SyncEngine engine = open()) {
      for (Object given : List.of(key.value("id"), key.text("id"))) {
        Explanation found = engine.explain(sync, given);
        assertThat(found.row()).isNotNull();
        assertThat(found.accepted()).isEqualTo(Explanation.Accepted.THIS_VERSION);
      }
    }
  }

  @Test
  @DisplayName("P8, G-07: numeric keys 1, 1.0 and 1.00 are one key, so together they are ambiguous")
  void numericKeysThatAreEqualAreOneKey() throws SQLException {
    database.execute("create table n (id numeric, v int)", "insert into n values (1, 7)");
    Sync sync = sync("select id, v from n", "id").onRemoved(Removal.DELETE).build();
    assertThat(sent(run(sync))).containsExactly("ADDED 1");

    database.execute("update n set id = 1.00");
    SyncReport rewritten = run(sync);

    assertThat(sent(rewritten)).as("another image of the row, no other key").hasSize(1);
    assertThat(rewritten.counts(Operation.CHANGED).accepted()).isEqualTo(1);
    assertThat(destination.changes(rewritten.run()).get(0).row().text("id")).isEqualTo("1.00");
    assertThat(destination.changes(rewritten.run()).get(0).key().text("id")).isEqualTo("1");
    assertThat(destination.contents()).hasSize(1);

    database.execute("insert into n values (1.0, 7)");
    SyncReport ambiguous = run(sync);
    assertThat(sent(ambiguous)).isEmpty();
    assertThat(invalid(ambiguous)).containsExactly("DUPLICATE_KEY 1 x2");
  }

  @Test
  @DisplayName("P8, G-07: char(n) keys are one key whatever their width")
  void charKeysAreEqualWithoutTheirBlanks() throws SQLException {
    database.execute("create table w (id char(3))", "insert into w values ('x'), ('x  ')");

    assertThat(invalid(run(sync("select id from w", "id").build())))
        .containsExactly("DUPLICATE_KEY x x2");
  }

  @Test
  @DisplayName("P8, G-07: an integer key stays the same key when its type grows")
  void integerKeyMayGrow() throws SQLException {
    database.execute("create table g (id int2, v text)", "insert into g values (1, 'a')");
    Sync sync = sync("select id, v from g", "id").onRemoved(Removal.DELETE).build();
    run(sync).throwIfFailed();
    database.execute("alter table g alter id type int8");

    assertThat(sent(run(sync).throwIfFailed())).containsExactly("CHANGED 1");
    assertThat(destination.contents()).hasSize(1);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "citext        | 'x'                  | lower(\"id\"::text) as \"id\"",
        "float8        | 1.5                  | \"id\"::numeric as \"id\"",
        "float4        | 1.5                  | \"id\"::float8::numeric as \"id\"",
        "json          | '{}'                 | \"id\"::text as \"id\"",
        "jsonb         | '{}'                 | \"id\"::text as \"id\"",
        "interval      | '1 day'              | \"id\"::text as \"id\"",
        "timetz        | '12:00+01'           | \"id\"::text as \"id\"",
        "int4[]        | '{1}'                | \"id\"::text as \"id\"",
        "text[]        | '{a}'                | \"id\"::text as \"id\"",
        "xml           | '<a/>'               | \"id\"::text as \"id\"",
        "point         | '(1,2)'              | \"id\"::text as \"id\"",
        "int4range     | '[1,2)'              | \"id\"::text as \"id\"",
        "bit(3)        | '101'                | \"id\"::text as \"id\"",
        "oid           | 1                    | \"id\"::int8 as \"id\"",
        "money         | 1                    | \"id\"::numeric as \"id\"",
        "pair          | '(1,2)'              | \"id\"::text as \"id\"",
        "ci_domain     | 'x'                  | lower(\"id\"::text) as \"id\"",
      })
  @DisplayName("P9, G-07: key types without a normal form are refused, naming the cast that works")
  void keyTypeWithoutNormalFormIsRefusedNamingTheCast(String type, String value, String cast)
      throws SQLException {
    database.execute(
        "create extension citext",
        "create type pair as (a int, b int)",
        "create domain ci_domain as citext",
        "create table k (id " + type + ", v int)",
        "insert into k values (" + value + ", 1)");

    assertThatThrownBy(() -> run(sync("select id, v from k", "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("Cannot use the model rows: the key column \"id\" of type ")
        .hasMessageContaining("Write " + cast + " in the model.")
        .hasMessageContaining("[sync=crm run=");
    assertThat(destination.calls()).isEmpty();

    SyncReport report = run(sync("select " + cast + ", v from k", "id").build());
    assertThat(report.throwIfFailed().counts(Operation.ADDED).accepted()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"text", "varchar(10)", "char(4)", "loose"})
  @DisplayName(
      "P9, G-07: a key under a nondeterministic collation is refused, naming the collation")
  void nondeterministicCollationIsRefused(String type) throws SQLException {
    database.execute(
        "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "create domain loose as text collate ci",
        "create table k (id " + type + (type.equals("loose") ? "" : " collate ci") + ", v int)",
        "insert into k values ('x', 1), ('X', 2)");

    assertThatThrownBy(() -> run(sync("select id, v from k", "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("has the collation ci, under which different texts are equal")
        .hasMessageContaining("Write \"id\" collate \"C\" as \"id\" in the model.");

    SyncReport report = run(sync("select \"id\" collate \"C\" as \"id\", v from k", "id").build());
    assertThat(report.throwIfFailed().counts(Operation.ADDED).accepted()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"text", "varchar", "varchar(12000)", "bytea"})
  @DisplayName("P8, G-07: a key above 8 kB is reported as too large and not sent")
  void keyAbove8kBIsReported(String type) throws SQLException {
    database.execute(
        "create table k (id " + type + ", v int)",
        "insert into k values (repeat('k', "
            + tested.largestKeyBytes()
            + ")::"
            + type
            + ", 1), (repeat('y', 10000)::"
            + type
            + ", 2),"
            + " ('small'::"
            + type
            + ", 3)");

    SyncReport report = run(sync("select id, v from k", "id").build());

    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.changeSet().invalid()).isEqualTo(1);
    assertThat(report.changeSet().invalidRows().get(0).reason())
        .isEqualTo(InvalidRow.Reason.KEY_TOO_LARGE);
    assertThat(report.counts(Operation.ADDED).accepted()).isEqualTo(2);
    assertThat(destination.contents()).hasSize(2);
  }

  @Test
  @DisplayName("P8, G-07: a key above 8 kB shows the parts that are small")
  void compositeKeyAbove8kBShowsItsSmallParts() throws SQLException {
    database.execute("insert into t values (9, repeat('y', 10000))");

    SyncReport report = run(sync("select id, v from t", "id", "v").build());

    assertThat(invalid(report)).containsExactly("KEY_TOO_LARGE 9,null x1");
  }

  @Test
  @DisplayName("P8, G-07: a NULL key is a NULL key, also in a row that is too large")
  void nullKeyOfALargeRowIsANullKey() throws SQLException {
    database.execute("insert into t values (null, repeat('y', 10000))");

    SyncReport report = run(sync().maxRowBytes(1000).build());

    assertThat(invalid(report)).containsExactly("NULL_KEY null x1");
  }

  @Test
  @DisplayName("P8, G-07: a key column that the model does not return is refused by name")
  void missingKeyColumnIsRefused() {
    assertThatThrownBy(() -> run(sync("select id as \"Id\", v from t", "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot use the model rows: it does not return the key column \"id\" but Id, v. Select"
                + " it, in exactly this spelling.");
  }

  @Test
  @DisplayName("P8: another key is refused, because what is remembered does not fit")
  void anotherKeyIsRefused() {
    run(sync().build()).throwIfFailed();

    assertThatThrownBy(() -> run(sync("select id, v from t", "v").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("its key was (id integer) and now is (v text)");
  }
}
