package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.fulmar.ConfigurationException;
import io.fulmar.FailureCodes;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Row;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Text of every script, out of and into databases of several encodings: it arrives as it was, or
 * the error has a type. The databases of other encodings hold a few rows that only they can have.
 */
class EncodingsTest extends SourceFixture {
  /** Emoji with a joiner and of four bytes, both normal forms, both directions, a noncharacter. */
  private static final List<String> TEXTS =
      List.of(
          "\ud83d\udc69\u200d\ud83d\udcbb",
          "\ud83d\ude00",
          "\u00e9",
          "e\u0301",
          "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
          "\u202eevil\u202c",
          "\uffff",
          "\ufffd",
          "\ufeffbom",
          "\u0001\u001b[31m\u007f\u0085\u2028",
          "\ud840\udc00\u4e2d",
          "\u0130\u0131\u00df\u1e9e\u03c2",
          "a\u0300\u0301\u0302\u0303\u0304");

  private final List<TestDatabase> others = new ArrayList<>();

  /** A database of another encoding on the same server. */
  private TestDatabase database(String encoding) throws SQLException {
    String name = database.name() + "_" + encoding.toLowerCase(Locale.ROOT);
    database.execute(
        "create database %s encoding '%s' template template0 lc_collate 'C' lc_ctype 'C'"
            .formatted(name, encoding));
    TestDatabase other = new TestDatabase(database.host(), database.port(), name, database.user());
    others.add(other);
    return other;
  }

  @AfterEach
  void dropOthers() throws SQLException {
    for (TestDatabase other : others) {
      other.drop();
    }
  }

  private Source source(TestDatabase of) {
    return sourceBuilder().database(of.name()).build();
  }

  private static String escaped(String text) {
    StringBuilder sql = new StringBuilder("U&'");
    text.codePoints().forEach(c -> sql.append("\\+%06x".formatted(c)));
    return sql.append('\'').toString();
  }

  @Test
  @DisplayName("G-05: text of every script is a key and a value, and arrives as it was")
  void textOfEveryScriptArrivesAsItWas() throws SQLException {
    database.execute(
        "create table t (id text primary key, v text, vs text[])",
        "create table target (id text primary key, v text, vs text[])");
    for (String text : TEXTS) {
      String sql = escaped(text);
      database.execute("insert into t values (%s, %s, array[%s])".formatted(sql, sql, sql));
    }
    SyncReport report = run(sync("select * from t", "id").build()).throwIfFailed();

    assertThat(destination.contents()).hasSize(TEXTS.size());
    for (String text : TEXTS) {
      Row row = destination.contents().get(List.of(text));
      assertThat(row.string("v")).isEqualTo(text);
      assertThat(row.list("vs", String.class)).containsExactly(text);
    }
    Sync copy =
        Sync.builder("copy")
            .model(Model.query("rows", "select * from t").key("id"))
            .to(PostgresDestination.builder(source()).table("public", "target").build())
            .mapping(
                Mapping.builder()
                    .columns("id", "v")
                    .compute("vs", 1, List.of("v"), row -> List.of(row.string("v")))
                    .build())
            .build();
    run(copy).throwIfFailed();
    assertThat(query("select count(*) from t join target using (id, v, vs)"))
        .isEqualTo(Long.toString(report.total().accepted()));

    for (String text : TEXTS) {
      RunOptions only = RunOptions.builder().key(text).build();
      try (SyncEngine engine = StandardEngine.on(source(), state)) {
        Sync sync = sync("select * from t", "id").build();
        assertThat(engine.explain(sync, text).row()).isNotNull();
        assertThat(engine.run(sync, only).throwIfFailed().changeSet().invalid()).isZero();
      }
    }
  }

  @Test
  @DisplayName("G-05: what LATIN1 has arrives, and what it lacks is rejected with its SQLSTATE")
  void latin1IsExactOrRejected() throws SQLException {
    TestDatabase latin1 = database("LATIN1");
    latin1.execute(
        "create table t (id text primary key, v text)",
        "insert into t values (U&'\\00fc', U&'\\00e9\\00ff\\0080')",
        "create table target (id int primary key, v text)");
    Sync out = sync("select id, v from t", "id").build();
    run(source(latin1), out).throwIfFailed();
    assertThat(destination.contents().get(List.of("\u00fc")).text("v"))
        .isEqualTo("\u00e9\u00ff\u0080");
    assertThat(run(source(latin1), out).throwIfFailed().total().planned()).isZero();

    Sync in =
        Sync.builder("in")
            .model(
                Model.query(
                        "rows",
                        "select 1 as id, 'é' as v union all select 2, '中' union all select 3, 'ü'")
                    .key("id"))
            .to(PostgresDestination.builder(source(latin1)).table("public", "target").build())
            .build();
    SyncReport report = run(in);
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(report.failures()).singleElement().extracting("code").isEqualTo("22P05");
    assertThat(latin1Rows(latin1)).containsExactly("1 é", "3 ü");
  }

  private static List<String> latin1Rows(TestDatabase of) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Connection connection = of.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id || ' ' || v from target order by id")) {
      while (row.next()) {
        rows.add(row.getString(1));
      }
    }
    return rows;
  }

  @Test
  @DisplayName("G-05: a key that the encoding of the source lacks is an error of its own")
  void keyThatTheEncodingLacksIsRefused() throws SQLException {
    TestDatabase latin1 = database("LATIN1");
    latin1.execute("create table t (id text primary key)", "insert into t values ('a')");
    Sync sync = sync("select id from t", "id").build();
    RunOptions only = RunOptions.builder().key("中").build();
    try (SyncEngine engine = StandardEngine.on(source(latin1), state)) {
      engine.run(sync).throwIfFailed();
      assertThatThrownBy(() -> engine.run(sync, only).throwIfFailed())
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("what was given is no value of the key (id text)")
          .hasMessageNotContaining("中");
      assertThatThrownBy(() -> engine.explain(sync, "中"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("what was given is no value of the key (id text)");
    }
  }

  @Test
  @DisplayName("G-05: EUC_JP arrives as it was; what has no Unicode ends the run with 22P05")
  void eucJpIsExactOrFails() throws SQLException {
    TestDatabase japanese = database("EUC_JP");
    japanese.execute(
        "create table t (id int primary key, v text)",
        "insert into t values (1, U&'\\65e5\\672c\\8a9e\\ff71\\4e02')");
    Sync sync = sync("select id, v from t", "id").build();
    run(source(japanese), sync).throwIfFailed();
    assertThat(destination.contents().get(List.of("1")).text("v"))
        .isEqualTo("\u65e5\u672c\u8a9e\uff71\u4e02");

    japanese.execute("insert into t values (2, convert_from('\\xfcfc', 'EUC_JP'))");
    SyncReport report = run(source(japanese), sync);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageContaining("a text has no form in the encoding that it is converted to")
        .hasMessageContaining("sqlstate=22P05");
    assertThat(report.calls()).isZero();
    japanese.execute("delete from t where id = 2");
    assertThat(run(source(japanese), sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("G-05: in SQL_ASCII, bytes that are no UTF-8 end the run with 22021, and a remedy")
  void bytesThatAreNoTextEndTheRun() throws SQLException {
    TestDatabase ascii = database("SQL_ASCII");
    ascii.execute(
        "create table t (id text, v text, vs text[])",
        "insert into t values ('1', E'\\xc3\\xa4', '{a}')");
    Sync sync = sync("select id, v, vs from t", "id").build();
    assertThat(sent(run(source(ascii), sync).throwIfFailed())).containsExactly("ADDED 1");
    assertThat(destination.contents().get(List.of("1")).text("v")).isEqualTo("\u00e4");

    for (String values :
        List.of(
            "'2', E'caf\\xe9', '{a}'", // LATIN1
            "'3', 'x', array[E'\\xed\\xa0\\x80']", // a surrogate
            "E'\\xff', 'x', '{a}'")) {
      ascii.execute("insert into t values (%s)".formatted(values));
      SyncReport report = run(source(ascii), sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .hasMessageMatching(
              "Cannot read the model rows: a text has no form in the encoding that it is converted to\\. .*"
                  + "convert_from\\(convert\\(convert_to\\(x, 'SQL_ASCII'\\), 'LATIN1', 'UTF8'\\), 'UTF8'\\).*"
                  + "\\[sync=crm run=\\d+ sqlstate=22021]");
      assertThat(report.calls()).isZero();
      ascii.execute("delete from t where id <> '1'");
    }
    assertThat(run(source(ascii), sync).throwIfFailed().total().planned()).isZero();

    ascii.execute("update t set v = E'caf\\xe9'");
    String remedy =
        "convert_from(convert(convert_to(v, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'UTF8') as v";
    run(source(ascii), sync("select id, %s, vs from t".formatted(remedy), "id").build())
        .throwIfFailed();
    assertThat(destination.contents().get(List.of("1")).text("v")).isEqualTo("caf\u00e9");
  }

  @Test
  @DisplayName("G-06: zero bytes of bytea and json arrive; in text they are refused by type")
  void zeroBytesArriveOrAreRefused() throws SQLException {
    database.execute(
        "create table t (id bytea primary key, j json)",
        "insert into t values ('\\x00', '{\"a\": \"\\u0000\"}'), ('\\x0000', '\"x\"')",
        "create table target (id bytea primary key, j json, b jsonb)");
    assertThatThrownBy(() -> database.execute("select '\"\\u0000\"'::jsonb"))
        .isInstanceOf(SQLException.class)
        .extracting(e -> ((SQLException) e).getSQLState())
        .isEqualTo("22P05");
    Sync sync =
        Sync.builder("zero")
            .model(Model.query("rows", "select id, j, j as b from t").key("id"))
            .to(PostgresDestination.builder(source()).table("public", "target").build())
            .build();
    SyncReport report = run(sync);
    assertThat(report.failures())
        .extracting(group -> group.code() + " x" + group.count())
        .containsExactly("22P05 x1");
    assertThat(query("select string_agg(id::text || j, ',') from target"))
        .isEqualTo("\\x0000\"x\"");

    Sync plain = sync("select id, j from t", "id").build();
    run(plain).throwIfFailed();
    Row row = destination.contents().get(List.of("\\x00"));
    assertThat(row.value("id", byte[].class)).containsExactly(0);
    assertThat(row.text("j")).isEqualTo("{\"a\": \"\\u0000\"}");

    Sync computed =
        sync("select id, j from t", "id")
            .mapping(
                Mapping.builder()
                    .column("id")
                    .compute("c", 1, List.of("j"), r -> List.of("a\0b"))
                    .build())
            .build();
    assertThat(run(computed).failures())
        .extracting(SyncReport.FailureGroup::code, SyncReport.FailureGroup::message)
        .containsExactly(
            tuple(
                FailureCodes.VALUE_WITHOUT_FORM,
                "the column c has no form: its value has a part that holds the character 0"));
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      assertThatThrownBy(() -> engine.explain(plain, "a\0b"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("what was given is no value of the key (id bytea)");
    }
  }
}
