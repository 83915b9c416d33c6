package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The table of types in README.md and the one in the Javadoc of {@link Row} say the same, and what
 * they say of a type is what a row has for a value of it: the accessors too.
 */
class TypeTableTest {
  /** A value of each type in the tables; of kinds of types, and of what is in no line, several. */
  private static final Map<String, List<String>> VALUES = new LinkedHashMap<>();

  static {
    VALUES.put("boolean", List.of("true"));
    VALUES.put("smallint", List.of("'1'::smallint"));
    VALUES.put("integer", List.of("1"));
    VALUES.put("bigint", List.of("1::bigint"));
    VALUES.put("oid", List.of("1::oid"));
    VALUES.put("real", List.of("1.5::real"));
    VALUES.put("double precision", List.of("1.5::double precision"));
    VALUES.put("numeric", List.of("1.50"));
    VALUES.put("money", List.of("'1.50'::money"));
    for (String text : List.of("text", "varchar", "char", "name", "\"char\"", "citext")) {
      VALUES.put(text, List.of("'x'::" + text));
    }
    VALUES.put("enums", List.of("'sad'::mood"));
    VALUES.put("json", List.of("'{}'::json"));
    VALUES.put("jsonb", List.of("'{}'::jsonb"));
    VALUES.put("jsonpath", List.of("'$.a'::jsonpath"));
    VALUES.put("xml", List.of("'<a/>'::xml"));
    VALUES.put("inet", List.of("'::1'::inet"));
    VALUES.put("cidr", List.of("'10.0.0.0/8'::cidr"));
    VALUES.put("macaddr", List.of("'08:00:2b:01:02:03'::macaddr"));
    VALUES.put("macaddr8", List.of("'08:00:2b:01:02:03:04:05'::macaddr8"));
    VALUES.put("point", List.of("'(1,2)'::point"));
    VALUES.put("line", List.of("'{1,2,3}'::line"));
    for (String pair : List.of("lseg", "box", "path", "polygon")) {
      VALUES.put(pair, List.of("'((1,2),(3,4))'::" + pair));
    }
    VALUES.put("circle", List.of("'<(1,2),3>'::circle"));
    VALUES.put("tsvector", List.of("'a:1'::tsvector"));
    VALUES.put("tsquery", List.of("'a & b'::tsquery"));
    VALUES.put("bit", List.of("b'101'"));
    VALUES.put("bit varying", List.of("b'101'::bit varying"));
    VALUES.put("bytea", List.of("'\\x00'::bytea"));
    VALUES.put("uuid", List.of("'123e4567-e89b-12d3-a456-426614174000'::uuid"));
    VALUES.put("date", List.of("'2026-01-05'::date"));
    VALUES.put("time", List.of("'10:00'::time"));
    VALUES.put("time with time zone", List.of("'10:00+01'::timetz"));
    VALUES.put("timestamp", List.of("'2026-01-05 10:00'::timestamp"));
    VALUES.put("timestamp with time zone", List.of("'2026-01-05 10:00+01'::timestamptz"));
    VALUES.put("interval", List.of("'1 day'::interval"));
    VALUES.put("arrays", List.of("'{1}'::int[]", "'{sad}'::mood[]", "array[1.5]"));
    VALUES.put("ranges", List.of("'[1,2)'::int4range", "'[a,b]'::textrange"));
    VALUES.put("multiranges", List.of("'{[1,2)}'::int4multirange", "'{[a,b]}'::textmultirange"));
    VALUES.put(
        "composite types",
        List.of("row(1, 'x')::pair", "(select t from pg_tables t where tablename = 'pg_class')"));
    VALUES.put("hstore", List.of("'a=>1'::hstore"));
    VALUES.put("domains", List.of());
    VALUES.put("regclass", List.of("'pg_class'::regclass"));
    VALUES.put("pg_lsn", List.of("'0/1'::pg_lsn"));
    VALUES.put("xid", List.of("'1'::xid"));
    VALUES.put("record", List.of("row(1)"));
    VALUES.put("ltree", List.of("'a.b'::ltree"));
  }

  /** Of whose values nothing but the text is known. */
  private static final Set<String> AS_TEXT = Set.of("regclass", "pg_lsn", "xid", "record", "ltree");

  /** What a line says, and the types that it is about. */
  private record Line(List<String> types, String java, List<String> accessors) {}

  private static List<Line> readme() {
    String section = Readme.text();
    section = section.substring(section.indexOf("\n## Types\n"));
    section = section.substring(0, section.indexOf("\n## ", 1));
    return Pattern.compile("(?m)^\\| ([^-].*?) \\| (.*?) \\| ?(.*?) ?\\|$")
        .matcher(section)
        .results()
        .skip(1)
        .map(line -> new Line(types(line.group(1)), java(line.group(2)), names(line.group(3))))
        .toList();
  }

  private static List<Line> javadoc() {
    String source =
        Readme.read("core/src/main/java/io/fulmar/Row.java").replaceAll("\\n \\* ?", " ");
    return Pattern.compile("<tr><td>(.*?)</td> *<td>(.*?)</td></tr>")
        .matcher(source)
        .results()
        .map(line -> new Line(types(line.group(1)), java(line.group(2)), List.of()))
        .toList();
  }

  private static List<String> types(String cell) {
    return Arrays.stream(cell.replaceAll("`|anything else:?|[()]|\\.\\.\\.", "").split(","))
        .map(String::strip)
        .filter(type -> VALUES.containsKey(type))
        .toList();
  }

  /** The first word that is the name of a class. */
  private static String java(String cell) {
    return Pattern.compile("byte\\[]|\\b[A-Z]\\w+\\b")
        .matcher(cell.replace("java.math.", "").replaceAll("java\\.\\w+\\.", ""))
        .results()
        .findFirst()
        .map(MatchResult::group)
        .orElse("");
  }

  private static List<String> names(String cell) {
    return Pattern.compile("`(\\w+)`").matcher(cell).results().map(r -> r.group(1)).toList();
  }

  private static Map<String, String> byType(List<Line> lines) {
    Map<String, String> java = new TreeMap<>();
    lines.forEach(line -> line.types().forEach(type -> java.put(type, line.java())));
    return java;
  }

  @Test
  void tablesAgreeAndLeaveOutNoTypeOfThisTest() {
    Map<String, String> readme = byType(readme());
    assertThat(readme.keySet()).containsAll(withoutExamples());
    assertThat(byType(javadoc())).containsAllEntriesOf(subset(readme, withoutExamples()));
    assertThat(readme).hasSizeGreaterThan(40);
  }

  private static Set<String> withoutExamples() {
    Set<String> types = new TreeSet<>(VALUES.keySet());
    types.removeAll(AS_TEXT);
    return types;
  }

  private static Map<String, String> subset(Map<String, String> map, Set<String> keys) {
    Map<String, String> subset = new TreeMap<>(map);
    subset.keySet().retainAll(keys);
    return subset;
  }

  @Test
  void valuesAreOfTheJavaTypesOfTheTable(@TempDir Path state) throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create extension citext",
          "create extension hstore",
          "create extension ltree",
          "create type mood as enum ('sad')",
          "create type pair as (a int, b text)",
          "create type textrange as range (subtype = text)");
      Source source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user(database.user())
              .withoutTls()
              .build();
      List<String> names = new ArrayList<>();
      List<String> columns = new ArrayList<>(List.of("1 as id"));
      VALUES.forEach(
          (type, values) -> {
            for (String value : values) {
              columns.add("%s as v%d".formatted(value, names.size()));
              names.add(type);
            }
          });
      ModelPreview preview;
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        preview =
            engine.preview(Model.query("all", "select " + String.join(", ", columns)).key("id"));
      }

      Row row = preview.rows().get(0);
      for (Line line : readme()) {
        for (int i = 0; i < names.size(); i++) {
          if (line.types().contains(names.get(i)) && !line.java().isEmpty()) {
            ModelPreview.Column column = preview.columns().get(i + 1);
            assertThat(column.javaType().getSimpleName()).as(names.get(i)).isEqualTo(line.java());
            assertThat(row.value("v" + i)).as(names.get(i)).isInstanceOf(column.javaType());
            assertThat(column.givenAsText())
                .as(names.get(i))
                .isEqualTo(AS_TEXT.contains(names.get(i)));
            for (String accessor : line.accessors()) {
              assertThat(call(row, accessor, "v" + i)).as(names.get(i) + accessor).isNotNull();
            }
          }
        }
      }
    }
  }

  private static Object call(Row row, String accessor, String column) throws Exception {
    if (accessor.equals("list")) {
      return row.list(column, Object.class);
    }
    Method method = Row.class.getMethod(accessor, String.class);
    return method.invoke(row, column);
  }
}
