package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What counts as a change of a row: each other value, however nearly equal, and nothing else. The
 * database holds one row of one value for each test, or a row of every type.
 */
@BothEngines
@DisplayName("P9: comparison")
class ComparisonTest extends SourceFixture {

  /** Two values of a type, as SQL. */
  private record Pair(String type, String before, String after) {}

  private static List<Pair> nearlyEqual() {
    return List.of(
        new Pair("numeric", "1.0", "1.00"),
        new Pair("numeric", "0", "0.000"),
        new Pair("json", "'{\"a\":1}'", "'{\"a\": 1}'"),
        new Pair("json", "'{\"a\":1,\"b\":2}'", "'{\"b\":2,\"a\":1}'"),
        new Pair("jsonb", "'{\"a\":1.0}'", "'{\"a\":1.00}'"),
        new Pair("jsonb", "'[1]'", "'[1.0]'"),
        new Pair("citext", "'a'", "'A'"),
        new Pair("citext[]", "'{a}'", "'{A}'"),
        new Pair("text collate ci", "'a'", "'A'"),
        new Pair("float8", "'-0.0'", "'0.0'"),
        new Pair("float4", "'-0.0'", "'0.0'"),
        new Pair("float8", "'0.1'", "'0.10000000000000002'"),
        new Pair("float8", "'NaN'", "'Infinity'"),
        new Pair("float8[]", "'{-0.0}'", "'{0.0}'"),
        new Pair("interval", "'1 month'", "'30 days'"),
        new Pair("interval", "'1 day'", "'24 hours'"),
        new Pair("timetz", "'12:00+00'", "'13:00+01'"),
        new Pair("time", "'00:00'", "'24:00'"),
        new Pair("timestamptz", "'2020-01-01 00:00:00Z'", "'2020-01-01 00:00:00.000001Z'"),
        new Pair("timestamp", "'infinity'", "'-infinity'"),
        new Pair("text", "'a'", "'a '"),
        new Pair("text", "''", "null"),
        new Pair("text", "U&'\\00e9'", "U&'e\\0301'"),
        new Pair("varchar(5)", "'a'", "'a '"),
        new Pair("bytea", "'\\x00'", "'\\x0000'"),
        new Pair("bytea", "''", "null"),
        new Pair("inet", "'10.0.0.1'", "'10.0.0.1/31'"),
        new Pair("bit varying", "B'1'", "B'10'"),
        new Pair("int4range", "'[1,2)'", "'[1,3)'"),
        new Pair("numrange", "'[1.0,2)'", "'[1.00,2)'"),
        new Pair("int4[]", "'{1,null}'", "'{1}'"),
        new Pair("int4[]", "'[0:0]={1}'", "'{1}'"),
        new Pair("text[]", "'{\"null\"}'", "'{null}'"),
        new Pair("text[]", "'{}'", "null"),
        new Pair("pair", "'(,x)'", "'(\"\",x)'"),
        new Pair("pair", "'(,)'", "null"),
        new Pair("pair", "'(1.0,x)'", "'(1.00,x)'"),
        new Pair("xml", "'<a/>'", "'<a></a>'"),
        new Pair("tsvector", "'a:1'", "'a:1A'"),
        new Pair("point", "'(0,1)'", "'(-0,1)'"),
        new Pair("money", "'1.00'", "'1.01'"),
        new Pair("mood", "'sad'", "'Sad'"),
        new Pair("exact", "1.0", "1.00"),
        new Pair("\"char\"", "'a'", "'b'"),
        new Pair("pg_lsn", "'0/1'", "'0/2'"),
        new Pair("oid", "1", "2"),
        new Pair("bool", "false", "null"));
  }

  @Test
  @DisplayName("P9, G-02: values that differ only just are different rows, and back again")
  void nearlyEqualValuesAreChanges() throws SQLException {
    types();
    List<Pair> pairs = nearlyEqual();
    Sync sync = oneColumnForEach(pairs);
    assertThat(run(sync).throwIfFailed().counts(Operation.ADDED).accepted())
        .isEqualTo(pairs.size());
    assertThat(run(sync).throwIfFailed().total().planned()).as("the same values").isZero();

    setAll(pairs, Pair::after);
    SyncReport there = run(sync).throwIfFailed();
    setAll(pairs, Pair::before);
    SyncReport back = run(sync).throwIfFailed();

    assertThat(named(pairs, there)).containsExactlyInAnyOrderElementsOf(pairs);
    assertThat(named(pairs, back)).containsExactlyInAnyOrderElementsOf(pairs);
  }

  private static List<Pair> equal() {
    return List.of(
        new Pair("text", "null", "null"),
        new Pair("numeric", "'NaN'", "'NaN'"),
        new Pair("float8", "'NaN'", "'Infinity'::float8 - 'Infinity'::float8"),
        new Pair("float4", "'NaN'", "'Infinity'::float4 - 'Infinity'::float4"),
        new Pair("timestamptz", "'2020-01-01 00:00Z'", "'2020-01-01 01:00+01'"),
        new Pair("jsonb", "'{\"a\":1,\"b\":2}'", "'{\"b\": 2, \"a\": 1}'"),
        new Pair("int4range", "'[1,2]'", "'[1,3)'"),
        new Pair("char(3)", "'a'", "'a '"),
        new Pair("text", "repeat('x', 100000)", "repeat('x', 100000)"),
        new Pair(
            "uuid",
            "'A0EEBC999C0B4EF8BB6D6BB9BD380A11'",
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"));
  }

  @Test
  @DisplayName("P9: NULL equals NULL, NaN equals NaN, and one value written in two ways is one")
  void valuesThatAreTheSameAreNoChange() throws SQLException {
    List<Pair> pairs = equal();
    Sync sync = oneColumnForEach(pairs);
    run(sync).throwIfFailed();

    setAll(pairs, Pair::after);

    assertThat(named(pairs, run(sync).throwIfFailed())).isEmpty();
  }

  /** Row i has a value in column v[i] alone. */
  private Sync oneColumnForEach(List<Pair> pairs) throws SQLException {
    List<String> columns = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      columns.add("v" + i + " " + pairs.get(i).type());
      rows.add("insert into t (id, v%d) values (%d, %s)".formatted(i, i, pairs.get(i).before()));
    }
    database.execute("create table t (id int, " + String.join(", ", columns) + ")");
    database.execute(rows.toArray(String[]::new));
    return sync("select * from t", "id").build();
  }

  private void setAll(List<Pair> pairs, Function<Pair, String> value) throws SQLException {
    List<String> updates = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      updates.add("update t set v%d = %s where id = %d".formatted(i, value.apply(pairs.get(i)), i));
    }
    database.execute(updates.toArray(String[]::new));
  }

  private List<Pair> named(List<Pair> pairs, SyncReport report) {
    return destination.changes(report.run()).stream()
        .filter(change -> change.operation() == Operation.CHANGED)
        .map(change -> pairs.get((Integer) change.key().value("id")))
        .toList();
  }

  @Test
  @DisplayName("P9: a change in a column that the model does not select causes nothing")
  void changeInAnotherColumnCausesNothing() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text, other text)",
        "insert into t values (1, 'a', 'x'), (2, 'b', 'y')");
    Sync sync = sync("select id, v from t", "id").onRemoved(Removal.DELETE).build();
    run(sync).throwIfFailed();

    database.execute(
        "update t set other = other || '!'",
        "alter table t add column more int default 7",
        "update t set v = v",
        "vacuum full t");

    assertThat(sent(run(sync).throwIfFailed())).isEmpty();
  }

  @Test
  @DisplayName("P9, G-09: a value that is stored in another way is the same value")
  void storageOfAValueIsNoChange() throws SQLException {
    database.execute(
        "create table t (id int primary key, v text, b bytea, j jsonb, a text[])",
        "insert into t select i, repeat('ab', 20000), decode(repeat('00ff', 20000), 'hex'),"
            + " jsonb_build_object('k', repeat('x', 20000)), array_fill('text'::text, array[9000])"
            + " from generate_series(1, 3) i");
    Sync sync = sync("select * from t", "id").build();
    run(sync).throwIfFailed();
    String stored = "select sum(pg_column_size(v) + pg_column_size(b) + pg_column_size(a)) from t";
    String compressed = query(stored);

    for (String storage : List.of("external", "main", "extended")) {
      for (String column : List.of("v", "b", "j", "a")) {
        database.execute("alter table t alter %s set storage %s".formatted(column, storage));
      }
      database.execute(
          "update t set v = v || '', b = b || '', a = a || array[]::text[],"
              + " j = jsonb_set(j, '{k}', j -> 'k')",
          "vacuum full t");
      if (storage.equals("external")) {
        assertThat(query(stored)).as("the fixture: stored otherwise").isNotEqualTo(compressed);
      }
      assertThat(run(sync).throwIfFailed().total().planned()).as(storage).isZero();
    }
    database.execute("update t set v = v || 'c' where id = 2");
    assertThat(sent(run(sync))).containsExactly("CHANGED 2");
  }

  @Test
  @DisplayName("P9: another order of the columns in the query is no change")
  void orderOfColumnsIsNoChange() throws SQLException {
    database.execute(
        "create table t (id int primary key, a text, b text, c numeric)",
        "insert into t values (1, 'x', 'y', 1.50)");
    run(sync("select id, a, b, c from t", "id").build()).throwIfFailed();

    SyncReport moved = run(sync("select c, b, id, a from t where true", "id").build());

    assertThat(sent(moved.throwIfFailed())).isEmpty();
    database.execute("update t set a = 'y', b = 'x'");
    assertThat(sent(run(sync("select b, a, id, c from t", "id").build())))
        .containsExactly("CHANGED 1");
    assertThat(texts(destination.contents().get(List.of("1"))))
        .containsExactly("x", "y", "1", "1.50");
  }

  @Test
  @DisplayName("P9: two columns that swap their values, or their names, are a change")
  void swappedValuesAreAChange() throws SQLException {
    database.execute(
        "create table t (id int, a text, b text)", "insert into t values (1, null, 'x')");
    run(sync("select id, a, b from t", "id").build()).throwIfFailed();

    database.execute("update t set a = 'x', b = null");
    assertThat(sent(run(sync("select id, a, b from t", "id").build())))
        .containsExactly("CHANGED 1");
    assertThat(sent(run(sync("select id, a as b, b as a from t", "id").build())))
        .containsExactly("CHANGED 1");
  }

  @Test
  @DisplayName("P9, G-03: settings of role and database do not matter, whatever the types")
  void settingsOfRoleAndDatabaseDoNotMatter() throws SQLException {
    types();
    database.execute(
        "create role settings_" + database.name() + " login superuser",
        "create table everything as select 1 as id, 1.5::float8 f8, 0.1::float4 f4, 1.10::numeric"
            + " n, timestamptz '2020-02-03 04:05:06.789+01' tstz, timestamp '2020-02-03 04:05:06'"
            + " ts, date '2020-02-03' d, time '04:05' t, timetz '04:05+03' ttz, interval '1 mon -2"
            + " days 3:04:05.6' i, '\\x00ff'::bytea b, 1234.56::money m, 'x'::citext c,"
            + " '{1.5,NaN}'::float8[] f8s, array[timestamptz '2020-02-03 04:05:06+01'] tstzs,"
            + " array[interval '25:00'] ivs, array['\\x00ff'::bytea] bs, '<a/>'::xml x,"
            + " '{\"a\":1}'::json j, '{\"a\":1}'::jsonb jb, row(1.50, 'y')::pair p,"
            + " tstzrange('2020-02-03 00:00+00', null) r, '10.0.0.1'::inet ip, 'sad'::mood e,"
            + " point(1.5, 0.1) pt, 'pg_class'::regclass rc, b'101' bits, 'mood'::regtype rt,"
            + " array[date '2020-02-03'] ds, array[1234.5::money] ms");
    Sync sync = sync("select * from everything", "id").build();
    Source source = sourceBuilder().user("settings_" + database.name()).build();
    assertThat(sent(run(source, sync).throwIfFailed())).containsExactly("ADDED 1");
    List<String> texts = texts(destination.contents().get(List.of("1")));

    for (String setting :
        List.of(
            "TimeZone = 'Pacific/Chatham'",
            "DateStyle = 'SQL, DMY'",
            "DateStyle = 'German'",
            "DateStyle = 'Postgres, MDY'",
            "IntervalStyle = 'iso_8601'",
            "IntervalStyle = 'sql_standard'",
            "bytea_output = 'escape'",
            "extra_float_digits = -5",
            "extra_float_digits = 3",
            "xmloption = 'document'",
            "xmlbinary = 'hex'",
            "quote_all_identifiers = on",
            "backslash_quote = off",
            "standard_conforming_strings = off",
            "default_transaction_isolation = 'serializable'",
            "default_transaction_read_only = on",
            "client_encoding = 'LATIN1'",
            "lc_monetary = 'C.UTF-8'",
            "lc_messages = 'C'",
            "work_mem = '64kB'",
            "enable_hashjoin = off",
            "row_security = off",
            "search_path = 'pg_catalog', 'public'",
            "idle_in_transaction_session_timeout = '100ms'",
            "jit_above_cost = 0")) {
      database.execute("alter role settings_" + database.name() + " set " + setting);
      SyncReport report = run(source, sync);
      assertThat(report.status()).as(setting).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(sent(report)).as(setting).isEmpty();
    }
    database.execute("update everything set id = id, f8 = 2.5");
    assertThat(sent(run(source, sync).throwIfFailed())).containsExactly("CHANGED 1");
    List<String> now = texts(destination.contents().get(List.of("1")));
    now.set(1, "1.5");
    assertThat(now).as("under all settings at once the same text").isEqualTo(texts);
  }

  private void types() throws SQLException {
    database.execute(
        "create extension citext",
        "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "create type mood as enum ('sad', 'Sad')",
        "create domain exact as numeric",
        "create type pair as (a text, b text)");
  }
}
