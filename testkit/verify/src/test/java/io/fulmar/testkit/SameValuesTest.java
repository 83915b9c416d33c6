package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.SpecialValue;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.internal.plan.PostgresSnapshots;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.testkit.internal.memory.MemorySnapshots;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A table of PostgreSQL with every type that is kept in memory, and the same rows in memory, their
 * values written down as SQL and as Java. Both are read, and run through an engine.
 */
@DisplayName("P9, P12: rows in memory are those of PostgreSQL")
class SameValuesTest {
  /** A value in SQL and in Java. */
  private record Value(String sql, @Nullable Object java) {}

  private static final Map<String, List<Value>> VALUES = new LinkedHashMap<>();

  private static TestDatabase database;
  private static Source source;
  private static InMemorySource memory;

  @TempDir Path state;

  static {
    of("smallint", "0", 0, "-32768", -32768, "32767", 32767);
    of("integer", "0", 0, "-2147483648", Integer.MIN_VALUE, "2147483647", Integer.MAX_VALUE);
    of(
        "bigint",
        "7",
        7,
        "-9223372036854775808",
        Long.MIN_VALUE,
        "9223372036854775807",
        Long.MAX_VALUE);
    for (String number :
        List.of(
            "1.0",
            "1.00",
            "0",
            "0.000",
            "-0.5",
            "0.0001",
            "0.00010",
            "10000",
            "100000000",
            "-12345678.9012345678901234567890",
            "99999999999999999999999999999999999999",
            "0.00000000000000000000000000000000000001",
            "1" + "0".repeat(200),
            "10000.0001",
            "1." + "0".repeat(50))) {
      of("numeric", "'" + number + "'", new BigDecimal(number));
    }
    of("numeric", "1e3", new BigDecimal("1E+3"), "'NaN'", special("NaN"));
    of("numeric", "'Infinity'", special("Infinity"), "'-Infinity'", special("-Infinity"));
    of("numeric(10, 2)", "1", new BigDecimal("1"), "1.005", new BigDecimal("1.005"));
    of("numeric(10, 2)", "-1.005", new BigDecimal("-1.005"), "'NaN'", special("NaN"));
    of("numeric(5)", "12345", new BigDecimal("12345"), "0.4", new BigDecimal("0.4"));
    of("real", "'-0'", -0.0f, "0", 0.0f, "'NaN'", Float.NaN, "0.1", 0.1f);
    of(
        "real",
        "1e-45",
        Float.MIN_VALUE,
        "3.4028235e38",
        Float.MAX_VALUE,
        "'-Infinity'",
        Float.NEGATIVE_INFINITY);
    of("double precision", "'-0'", -0.0, "0", 0.0, "'NaN'", Double.NaN, "0.1", 0.1);
    of("double precision", "5e-324", Double.MIN_VALUE, "1.7976931348623157e308", Double.MAX_VALUE);
    of(
        "double precision",
        "'Infinity'",
        Double.POSITIVE_INFINITY,
        "'inf'::float8 - 'inf'",
        Double.longBitsToDouble(0xfff8000000000000L));
    of("boolean", "true", true, "false", false);
    of("text", "''", "", "'a '", "a ", "e'\\u00e4\\u20ac\\U0001F600\\n\\t\\\\'", "ä€😀\n\t\\");
    of("text", "repeat('x', 3000)", "x".repeat(3000));
    of("varchar", "'A'", "A", "' '", " ");
    of("varchar(3)", "'abc'", "abc", "'😀😀😀'", "😀😀😀", "'abc   '", "abc   ");
    of("char", "'x'", "x", "''", "");
    of("char(4)", "'ab'", "ab", "'ab  '", "ab  ", "'ä'", "ä");
    of("uuid", "'00000000-0000-0000-0000-000000000000'", new UUID(0, 0));
    of(
        "uuid",
        "'ffffffff-8000-4000-8000-00ff00ff00ff'",
        UUID.fromString("ffffffff-8000-4000-8000-00ff00ff00ff"));
    of(
        "date",
        "'2024-02-29'",
        LocalDate.of(2024, 2, 29),
        "'0044-03-15 BC'",
        LocalDate.of(-43, 3, 15));
    of(
        "date",
        "'4713-11-24 BC'",
        LocalDate.of(-4712, 11, 24),
        "'5874897-12-31'",
        LocalDate.of(5_874_897, 12, 31));
    of("date", "'infinity'", special("infinity"), "'-infinity'", special("-infinity"));
    of(
        "time",
        "'00:00'",
        LocalTime.MIDNIGHT,
        "'23:59:59.999999'",
        LocalTime.of(23, 59, 59, 999_999_000));
    of("time", "'24:00'", special("24:00:00"));
    of(
        "timestamp",
        "'2024-03-10 02:30:00.000001'",
        LocalDateTime.parse("2024-03-10T02:30:00.000001"));
    of("timestamp", "'1999-12-31 23:59:59.5'", LocalDateTime.parse("1999-12-31T23:59:59.5"));
    of("timestamp", "'4713-11-24 00:00:00 BC'", LocalDateTime.of(-4712, 11, 24, 0, 0));
    of(
        "timestamp",
        "'294276-12-31 23:59:59.999999'",
        LocalDateTime.of(294_276, 12, 31, 23, 59, 59, 999_999_000));
    of("timestamp", "'infinity'", special("infinity"), "'-infinity'", special("-infinity"));
    of(
        "timestamptz",
        "'2024-03-10 02:30:00.25+05:45'",
        OffsetDateTime.parse("2024-03-10T02:30:00.25+05:45"));
    of(
        "timestamptz",
        "'1969-12-31 23:59:59.000001Z'",
        OffsetDateTime.parse("1969-12-31T23:59:59.000001Z"));
    of("timestamptz", "'infinity'", special("infinity"), "'-infinity'", special("-infinity"));
    of("bytea", "''", new byte[0], "'\\x00ff5c'", new byte[] {0, -1, 92});
    of("json", "'{\"a\": 1.0, \"a\":[]}'", "{\"a\": 1.0, \"a\":[]}", "' null '", " null ");
    for (String document :
        List.of(
            "{}",
            "[]",
            "null",
            "\"\"",
            "1.0",
            "1e3",
            "-0",
            "0.10",
            "12E-3",
            "[1,[2,{\"a\":[]}],\"x\"]",
            "{\"bb\":1,\"a\":2,\"B\":3,\"a\":4,\"ä\":5,\"😀\":6}",
            " { \"x\" : \"\\u00e4\\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\\ud83d\\ude00<>'\" } ",
            "[true, false, null, 123456789012345678901234567890.5]")) {
      of("jsonb", "e'" + document.replace("\\", "\\\\").replace("'", "\\'") + "'", document);
    }
  }

  private static void of(String type, Object... values) {
    List<Value> all =
        VALUES.computeIfAbsent(type, any -> new ArrayList<>(List.of(new Value("null", null))));
    for (int i = 0; i < values.length; i += 2) {
      all.add(new Value((String) values[i], values[i + 1]));
    }
  }

  private static SpecialValue special(String text) {
    return new SpecialValue(text);
  }

  @BeforeAll
  static void fill() throws SQLException {
    database = SharedServer.get().createDatabase();
    source = database.source().build();
    memory = InMemorySource.create();
    InMemorySource.Rows rows = memory.model("things").column("id", "integer");
    List<String> columns = new ArrayList<>(List.of("id integer"));
    List<String> types = List.copyOf(VALUES.keySet());
    for (int i = 0; i < types.size(); i++) {
      columns.add(name(i) + " " + types.get(i));
      rows.column(name(i), types.get(i));
    }
    database.execute("create table thing (" + String.join(", ", columns) + ")");
    int most = VALUES.values().stream().mapToInt(List::size).max().orElseThrow();
    for (int id = 0; id < most; id++) {
      List<String> sql = new ArrayList<>(List.of(Integer.toString(id)));
      List<@Nullable Object> java = new ArrayList<>(List.of(id));
      for (String type : types) {
        Value value = VALUES.get(type).get(id % VALUES.get(type).size());
        sql.add(value.sql());
        java.add(value.java());
      }
      database.execute("insert into thing values (" + String.join(", ", sql) + ")");
      rows.row(java.toArray());
    }
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private static String name(int column) {
    return "c" + column;
  }

  private static Model model() {
    return Model.query("things", "select * from thing").key("id");
  }

  @Test
  void theTableHoldsEveryType() {
    assertThat(VALUES).hasSizeGreaterThan(17);
    assertThat(memory.model("things").size()).isGreaterThan(15);
  }

  @Test
  void valuesAndTextsAreThoseOfPostgres() {
    Map<String, String> real = delivered(StandardEngine.on(source, state.resolve("real")));
    Map<String, String> fake = delivered(InMemoryEngine.on(memory));
    assertThat(fake).isEqualTo(real);
  }

  /** What a destination gets, by key: of each column the Java type, the value and the text. */
  private static Map<String, String> delivered(SyncEngine engine) {
    RecordingDestination crm = RecordingDestination.of("crm");
    try (engine) {
      engine.run(Sync.builder("things").model(model()).to(crm).build()).throwIfFailed();
    }
    Map<String, String> rows = new TreeMap<>();
    for (Change change : crm.changes()) {
      rows.put(String.valueOf(change.key().text("id")), shown(change.row()));
    }
    return rows;
  }

  private static String shown(Row row) {
    List<String> types = List.copyOf(VALUES.keySet());
    return row.columns().stream()
        .map(
            column -> {
              Object value = row.value(column);
              String type =
                  column.equals("id") ? "" : types.get(Integer.parseInt(column.substring(1)));
              Object plain =
                  value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : value;
              String held =
                  plain instanceof SpecialValue special ? special.text() : String.valueOf(plain);
              return column
                  + " "
                  + type
                  + " "
                  + (value == null ? "" : value.getClass().getName())
                  + " <"
                  + held
                  + "> <"
                  + row.text(column)
                  + ">";
            })
        .collect(Collectors.joining("\n"));
  }

  @Test
  void previewIsThatOfPostgres() {
    try (SyncEngine real = StandardEngine.on(source, state);
        SyncEngine fake = InMemoryEngine.on(memory)) {
      ModelPreview expected = real.preview(model());
      ModelPreview given = fake.preview(model());
      assertThat(given.columns()).isEqualTo(expected.columns());
      assertThat(given.rows().stream().map(SameValuesTest::shown))
          .containsExactlyElementsOf(expected.rows().stream().map(SameValuesTest::shown).toList());
      assertThat(given.unstable()).isEmpty();
    }
  }

  @Test
  void rowsHaveTheImagesOfPostgres() throws IOException {
    for (long most : List.of(Long.MAX_VALUE / 4, 2_900L, 20L)) {
      assertSame(
          images(new MemorySnapshots(memory.database(), Clock.systemUTC()), model(), most),
          images(new PostgresSnapshots(source), model(), most));
    }
  }

  @Test
  void largeKeysHaveTheImagesOfPostgres() throws Exception {
    database.execute("create table long_key (k text, v text)");
    InMemorySource.Rows rows = memory.model("long-keys").column("k", "text").column("v", "text");
    for (int length : List.of(1, 8_192, 8_193)) {
      database.execute(
          "insert into long_key values (repeat('k', %s), repeat('v', 50))".formatted(length));
      rows.row("k".repeat(length), "v".repeat(50));
    }
    for (String columns : List.of("k, v", "k")) {
      Model model =
          Model.table("long-keys", "public", "long_key")
              .columns("k", columns.split(", ").length == 2 ? new String[] {"v"} : new String[0])
              .key("k");
      for (long most : List.of(1_000_000L, 40L)) {
        assertSame(
            images(new MemorySnapshots(memory.database(), Clock.systemUTC()), model, most),
            images(new PostgresSnapshots(source), model, most));
      }
    }
  }

  /** One after the other, or the message would fill a screen. */
  private static void assertSame(List<String> given, List<String> expected) {
    assertThat(given).hasSameSizeAs(expected);
    for (int i = 0; i < given.size(); i++) {
      assertThat(given.get(i)).as("line %s", i).isEqualTo(expected.get(i));
    }
  }

  /** Fingerprint and fields of all rows; the table is filled in the order of the rows in memory. */
  private static List<String> images(Snapshots snapshots, Model model, long most)
      throws IOException {
    List<String> images = new ArrayList<>();
    try (snapshots;
        Snapshot snapshot = snapshots.open(model, "test", "[test]", new Cancellation())) {
      ModelShape shape = snapshot.shape();
      images.add(shape.fingerprint() + " " + shape.keySignature() + " " + shape.isMeasured());
      snapshot.rows(
          shape,
          most,
          (buffer, from, to, fields) ->
              images.add(
                  HexFormat.of().formatHex(buffer, from, to)
                      + " "
                      + Arrays.toString(relative(fields, from))));
    }
    return images;
  }

  private static int[] relative(int[] fields, int from) {
    int[] relative = fields.clone();
    for (int i = 0; i < relative.length; i += 2) {
      relative[i] -= from;
    }
    return relative;
  }
}
