package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random texts, some of which are queries, some write, some are broken in the middle, previewed by
 * a superuser in a server in which nobody else does anything: so the number of the next transaction
 * tells whether anything was written: nothing of a table gets into the write-ahead log without one.
 * Seed and number of texts come from the properties {@code fulmar.fuzz.seed} and {@code
 * fulmar.fuzz.texts}.
 */
@DisplayName("H-08: no text passes that writes")
class ModelFuzzTest {
  private static final int TEXTS = Integer.getInteger("fulmar.fuzz.texts", 250);
  private static final long SEED =
      Long.getLong("fulmar.fuzz.seed", System.nanoTime() ^ 0x5DEECE66DL);

  private static TestPostgres server;
  private static TestDatabase database;
  private static Connection watcher;

  @TempDir Path state;

  @BeforeAll
  static void start() throws SQLException {
    server = TestPostgres.builder().parameter("autovacuum", "off").start();
    database = server.createDatabase();
    database.execute(
        "create table victim (id int primary key, name text, n numeric)",
        "insert into victim select i, 'n' || i, i from generate_series(1, 50) i",
        "create table other (id int, victim_id int, doc jsonb)",
        "insert into other select i, i % 50, '{\"a\": 1}' from generate_series(1, 50) i",
        "create sequence counter",
        "create function touch(i int) returns int language plpgsql as"
            + " 'begin update victim set n = n + 1 where id = i; return i; end'",
        "create function sneak(i int) returns int language sql stable as 'select i + 1'",
        "create view shown as select v.id, v.name, o.doc from victim v join other o on o.victim_id = v.id",
        "vacuum analyze");
    watcher = database.connect();
  }

  @AfterAll
  static void stop() throws SQLException {
    watcher.close();
    server.close();
  }

  /** What any write changes: the next transaction, contents, the catalog. */
  private static String fingerprint() throws SQLException {
    try (Statement statement = watcher.createStatement()) {
      try (ResultSet row =
          statement.executeQuery(
              """
              select concat_ws(' ',
                pg_snapshot_xmax(pg_current_snapshot()),
                (select md5(string_agg(v::text, ',' order by id)) from victim v),
                (select md5(string_agg(o::text, ',' order by id)) from other o),
                (select last_value from counter),
                (select count(*) from pg_class),
                (select count(*) from pg_locks where locktype = 'advisory'))
              """)) {
        row.next();
        return row.getString(1);
      }
    }
  }

  @Test
  void theFingerprintSeesWrites() throws SQLException {
    String before = fingerprint();
    assertThat(fingerprint()).isEqualTo(before);
    for (String write :
        List.of(
            "update victim set n = n where id = 1",
            "select nextval('counter')",
            "select touch(2)",
            "create temporary table t (id int)",
            "select lo_create(0)")) {
      database.execute(write);
      assertThat(fingerprint()).as(write).isNotEqualTo(before);
      before = fingerprint();
    }
  }

  @Test
  @DisplayName("H-08: random texts are refused or read, and change nothing")
  void noTextThatPassesWrites() throws SQLException {
    System.out.println(
        "fuzz of models: -Dfulmar.fuzz.seed=" + SEED + " -Dfulmar.fuzz.texts=" + TEXTS);
    Texts texts = new Texts(new Random(SEED));
    int read = 0;
    int refused = 0;
    int failed = 0;
    int writing = 0;
    Source source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(database.user())
            .poolSize(1)
            .withoutTls()
            .build();
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      engine.preview(Model.query("first", "select 1 as id").key("id"));
      String before = fingerprint();
      for (int i = 0; i < TEXTS; i++) {
        String text = texts.next();
        try {
          engine.preview(Model.query("m" + i, text).key("id"));
          read++;
          assertThat(texts.writes).as("seed %d passes: %s", SEED, text).isFalse();
        } catch (ConfigurationException e) {
          refused++;
        } catch (SourceException e) {
          failed++; // of a value, or a function that writes
          assertThat(e.sqlState()).as("seed %d: %s", SEED, text).isNotNull().doesNotStartWith("08");
        }
        writing += texts.writes ? 1 : 0;
        assertThat(fingerprint()).as("seed %d: %s", SEED, text).isEqualTo(before);
      }
    }
    System.out.printf(
        "fuzz of models: %d read, %d refused, %d failed, %d would write%n",
        read, refused, failed, writing);
    assertThat(read).as("read").isGreaterThan(TEXTS / 10);
    assertThat(refused).as("refused").isGreaterThan(TEXTS / 10);
    assertThat(writing).as("would write").isGreaterThan(TEXTS / 10);
  }

  /** Makes texts up. */
  private static final class Texts {
    private final Random random;

    /** Whether the last text is no query, or holds a statement that writes. */
    private boolean writes;

    Texts(Random random) {
      this.random = random;
    }

    String next() {
      writes = false;
      String text =
          switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> query(3);
            case 4 -> "with w as (" + query(2) + ") " + query(2);
            case 5 -> "with w as (" + write() + ") select id from victim";
            case 6 -> "with w as (" + write() + " returning id) select id from w";
            case 7 -> write();
            case 8 -> query(1) + one(";", "; ", ";\n--x\n", "/**/;") + write();
            case 9 -> "select id from (" + write() + " returning id) q";
            case 10 -> query(1) + ") q; " + write() + "; select * from (" + query(1);
            default -> other();
          };
      if (random.nextInt(10) > 0) {
        return wrapped(text);
      }
      writes = false; // the half that is left may be a query
      return text.substring(0, random.nextInt(text.length()) + 1) + " ";
    }

    private String one(String... choices) {
      return choices[random.nextInt(choices.length)];
    }

    private String wrapped(String text) {
      return one("", "", "", " ", "-- ; delete from victim\n", "/* ' */ ", "\n\n")
          + text
          + one("", "", "", ";", " ;; ", " -- )", "/* ; */", "\n");
    }

    private String query(int depth) {
      String columns =
          "id"
              + one(
                  "",
                  ", name",
                  ", " + expression(depth) + " as x",
                  ", " + expression(depth) + " as y, name");
      return one("select ", "select ", "select distinct ", "select all ")
          + columns
          + " from "
          + from(depth)
          + one("", " where " + condition(depth))
          + one(
              "",
              "",
              " order by id",
              " group by id, name",
              " limit 5",
              " offset 2 fetch first row only")
          + (depth > 1 && random.nextInt(5) == 0
              ? one(" union ", " union all ", " except ", " intersect ") + query(depth - 1)
              : "");
    }

    private String from(int depth) {
      if (depth <= 0) {
        return one("victim", "shown");
      }
      return one(
          "victim",
          "victim",
          "shown",
          "only victim",
          "victim tablesample system (50)",
          "(" + query(depth - 1) + ") as q",
          "(values (1, 'a'), (2, 'b')) as q (id, name)",
          "generate_series(1, 5) as g (id) cross join (select 'x' as name) n",
          "victim natural join (select 1 as z) n",
          "lateral (select 1 as id, 'x' as name) l");
    }

    private String expression(int depth) {
      if (depth <= 0) {
        return one("1", "name", "null", "'; delete from victim; --'", "$$);$$", "id");
      }
      return one(
          "1 + id",
          "upper(name)",
          "(select count(*) from other)",
          "(" + query(0) + " limit 1)",
          "case when " + condition(depth - 1) + " then 'a' else 'b' end",
          "coalesce(name, 'x')",
          "row_number() over (order by id)",
          "array(select 1)",
          "sneak(id)",
          "touch(id)",
          "nextval('counter')",
          "set_config('a.b', 'c', false)",
          "pg_advisory_xact_lock(1)::text",
          "query_to_xml('delete from victim', true, false, '')::text",
          "1 / (id - 7)",
          "E'\\'' || ';'",
          "U&'\\003B'",
          "now()");
    }

    private String condition(int depth) {
      if (depth <= 0) {
        return one("id > 3", "name is null", "true");
      }
      return one(
          "id in (select victim_id from other)",
          "exists (select from other where victim_id = 1)",
          condition(depth - 1) + one(" and ", " or ") + condition(depth - 1),
          "not (" + condition(depth - 1) + ")",
          "name like '%;%'",
          expression(depth - 1) + " is not null");
    }

    private String write() {
      writes = true;
      return one(
          "delete from victim",
          "update victim set n = n + 1 where id = 3",
          "insert into other select id, id, '{}' from victim",
          "insert into victim values (99, 'x', 1) on conflict do nothing",
          "merge into victim v using other o on o.id = v.id when matched then update set name = 'm'");
    }

    /** Statements that are no queries. */
    private String other() {
      writes = true;
      return one(
          "truncate victim",
          "create table t as " + query(1),
          // Of a query without a table it would lock nothing, and so be read.
          "select id, name from victim where " + condition(1) + " for update",
          "select id into stolen from victim",
          "copy victim to stdout",
          "copy (" + query(1) + ") to program 'true'",
          "explain analyze delete from victim",
          "explain " + query(1),
          "do $$ begin delete from victim; end $$",
          "prepare p as " + query(1),
          "set transaction read write",
          "commit",
          "declare c cursor for " + query(1),
          "lock table victim",
          "refresh materialized view shown",
          "drop table victim cascade",
          "vacuum victim",
          "notify x",
          "listen x",
          "call touch(1)");
    }
  }
}
