package io.fulmar.verify.type;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Operation;
import io.fulmar.PostgresDestination;
import io.fulmar.Range;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.SpecialValue;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.type.TypeValues.Type;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every type that a server has, with every value of {@link TypeValues}: unchanged, changed into the
 * next one, into NULL and out of NULL. Some dozens of types share a table, in which each row has a
 * value in the column of one type alone. A view stands before two tables, one with what was and one
 * with what is, so that the model stays the same. Both engines run over the same tables.
 *
 * <p>Proven of each engine: a change is found exactly if PostgreSQL's text differs; the text that
 * is delivered is what the server's output functions and {@code psql} print; values are of the Java
 * type that is announced, or special if they must be. What {@link PostgresDestination} writes is
 * equal again.
 */
@DisplayName("G-01, P9, P12: the type matrix")
class TypeMatrixTest {
  private static final int TYPES_PER_TABLE = 60;
  private static final String[] PINNED = {
    "set TimeZone = 'UTC'",
    "set DateStyle = 'ISO, MDY'",
    "set IntervalStyle = 'postgres'",
    "set bytea_output = 'hex'",
    "set extra_float_digits = 1",
    "set lc_monetary = 'C'"
  };
  private static final Pattern SPECIAL =
      Pattern.compile(
          "-?[Ii]nfinity|NaN|24:00:00(\\+02)?|\\[\\d+:\\d+](\\[\\d+:\\d+])*=.*", Pattern.DOTALL);
  private static final String FIELDS = "\u001f";
  private static final String ROWS = "\u001e";
  private static final String NULL = "\u001d";

  /** What no column can be of: rows with a part of type anyarray, and such rows in turn. */
  private static final Set<String> WITHOUT_COLUMNS =
      Set.of(
          "cstring",
          "pg_attribute",
          "pg_statistic",
          "pg_statistic_ext_data",
          "pg_stats",
          "pg_stats_ext",
          "pg_stats_ext_exprs");

  @TempDir Path state;

  /** What is tried on a server, and how many types that are at least. */
  private enum Extent {
    ALL_TYPES(600),
    ALL_BUT_ROWS_OF_THE_CATALOG(200),
    ALL_BUT_THESE_AND_ARRAYS(100);

    private final int types;

    Extent(int types) {
      this.types = types;
    }

    boolean includes(Type type) {
      return switch (this) {
        case ALL_TYPES -> true;
        case ALL_BUT_ROWS_OF_THE_CATALOG -> !type.ofCatalog();
        case ALL_BUT_THESE_AND_ARRAYS -> !type.ofCatalog() && type.element() == 0;
      };
    }
  }

  @Test
  @DisplayName("G-01: every type, with each value kept, changed, into NULL and out of it")
  void everyTypeIsComparedDeliveredAndWrittenAsItsText() throws Exception {
    run(TestPostgres.builder(), Extent.ALL_BUT_ROWS_OF_THE_CATALOG);
  }

  /** The oldest and the newest version. */
  @ParameterizedTest(name = "PostgreSQL {0}")
  @ValueSource(ints = {14, 18})
  @DisplayName("G-01: other versions: every type that is no array")
  void everyTypeOfOtherVersionsIsToo(int version) throws Exception {
    run(TestPostgres.builder().majorVersion(version), Extent.ALL_BUT_THESE_AND_ARRAYS);
  }

  static List<Integer> versions() {
    return TestPostgres.majorVersions();
  }

  @ParameterizedTest(name = "PostgreSQL {0}")
  @MethodSource("versions")
  @Tag("soak")
  @DisplayName("G-01: every version: every type, rows of the catalog's tables as well")
  void everyTypeOfEveryVersionIs(int version) throws Exception {
    run(TestPostgres.builder().majorVersion(version), Extent.ALL_TYPES);
  }

  private void run(TestPostgres.Builder server, Extent extent) throws Exception {
    try (TestPostgres postgres = server.parameter("timezone", "Asia/Kathmandu").start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(TypeValues.OWN_TYPES);
      for (EngineUnderTest engine : EngineUnderTest.values()) {
        engine.prepare(database);
      }
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement()) {
        for (String setting : PINNED) {
          statement.execute(setting);
        }
        TypeValues values = TypeValues.read(connection, postgres.majorVersion());
        new Matrix(postgres, database, statement, values, state).run(extent);
      }
    }
  }

  /** An engine that the rows of a table go through, and what it has sent. */
  private record Tried(EngineUnderTest kind, RecordingDestination recording, Sync sync) {
    Tried(EngineUnderTest kind, Sync.Builder sync) {
      this(kind, RecordingDestination.of("test:" + kind), sync);
    }

    private Tried(EngineUnderTest kind, RecordingDestination recording, Sync.Builder sync) {
      this(kind, recording, sync.to(recording).build());
    }

    SyncEngine open(Source source, Path state) {
      return kind.on(source, state.resolve(kind.name()));
    }

    String about() {
      return kind.name();
    }
  }

  /** The matrix of one server. */
  private static final class Matrix {
    private final int version;
    private final TestDatabase database;
    private final Statement statement;
    private final TypeValues values;
    private final Source source;
    private final Path state;
    private final TreeSet<String> noColumn = new TreeSet<>();
    private final TreeSet<String> noValue = new TreeSet<>();
    private final TreeSet<String> asText = new TreeSet<>();
    private final TreeSet<String> notWritten = new TreeSet<>();
    private int types;
    private int rows;
    private int changes;
    private int specials;

    Matrix(
        TestPostgres postgres,
        TestDatabase database,
        Statement statement,
        TypeValues values,
        Path state) {
      this.version = postgres.majorVersion();
      this.database = database;
      this.statement = statement;
      this.values = values;
      this.state = state;
      this.source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user(database.user())
              .withoutTls()
              .build();
    }

    void run(Extent extent) throws Exception {
      long start = System.nanoTime();
      List<Type> table = new ArrayList<>();
      int tables = 0;
      for (Type type : values.types()) {
        if (extent.includes(type) && hasValues(type)) {
          table.add(type);
        }
        if (table.size() == TYPES_PER_TABLE) {
          check(table, tables++);
          table.clear();
        }
      }
      check(table, tables);
      System.out.printf(
          "TypeMatrixTest, PostgreSQL %d: %d types, %d rows, %d changed, %d special values, %.1f s%n",
          version, types, rows, changes, specials, (System.nanoTime() - start) / 1e9);
      System.out.println("  no columns of: " + noColumn);
      System.out.println("  no values but NULL: " + noValue);
      System.out.println("  given as text: " + asText);
      System.out.println("  printed and not read by PostgreSQL: " + notWritten);
      assertThat(types).isGreaterThan(extent.types);
      assertThat(noColumn.stream().map(name -> name.replace("[]", ""))).isSubsetOf(WITHOUT_COLUMNS);
      assertThat(noValue).isSubsetOf(TypeValues.WITHOUT_VALUES);
    }

    /** Puts the values of a type into a table of their own. */
    private boolean hasValues(Type type) throws SQLException {
      try {
        statement.execute("create temp table v%d (i int, v %s)".formatted(type.oid(), type.name()));
      } catch (SQLException e) {
        assertThat(e.getSQLState()).as(type.name()).isEqualTo("42P16"); // a part is a pseudo-type
        noColumn.add(type.name());
        return false;
      }
      List<String> expressions = values.of(type);
      if (expressions.isEmpty()) {
        noValue.add(type.name());
        expressions = List.of("null");
      }
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < expressions.size(); i++) {
        lines.add("(%s, %s)".formatted(i, expressions.get(i)));
      }
      String sql = "insert into v%s values %s".formatted(type.oid(), String.join(", ", lines));
      try {
        statement.execute(sql);
      } catch (SQLException e) {
        throw new AssertionError("values of " + type.name() + ": " + sql, e);
      }
      return true;
    }

    private void check(List<Type> of, int number) throws Exception {
      types += of.size();
      create(of, number);
      Model model = Model.query("matrix", "select * from matrix_" + number).key("id");
      Map<String, List<@Nullable String>> before = texts("was_" + number, of);
      Map<String, List<@Nullable String>> after = texts("is_" + number, of);
      rows += before.size();
      List<Tried> all = new ArrayList<>();
      for (EngineUnderTest each : EngineUnderTest.values()) {
        all.add(new Tried(each, Sync.builder("matrix-" + number).model(model)));
      }

      for (Tried tried : all) {
        try (SyncEngine engine = tried.open(source, state)) {
          engine.run(tried.sync()).throwIfFailed();
          assertThat(delivered(tried.recording(), of)).as(tried.about()).isEqualTo(before);
          assertThat(engine.run(tried.sync()).throwIfFailed().total().planned())
              .as(tried.about())
              .isZero();
        }
      }
      show("is_" + number, number);
      for (Tried tried : all) {
        try (SyncEngine engine = tried.open(source, state)) {
          SyncReport second = engine.run(tried.sync()).throwIfFailed();
          checkChanges(tried, second, before, after, of);
          assertThat(delivered(tried.recording(), of)).as(tried.about()).isEqualTo(after);
          checkValues(engine.preview(model), tried.recording(), of);
          if (tried == all.get(0)) {
            checkWritten(engine, of, number, after);
          }
        }
        assertThat(tried.recording().violations()).isEmpty();
      }
      checkPsql(number, of, after);
      statement.execute("drop table was_%d, is_%d cascade".formatted(number, number));
    }

    /** For each value four rows: as it is, then the next value, NULL, and NULL before it. */
    private void create(List<Type> of, int number) throws SQLException {
      List<String> columns = new ArrayList<>(List.of("id int primary key"));
      for (int i = 0; i < of.size(); i++) {
        // A domain may have a default, the present moment even.
        columns.add("c%d %s default null".formatted(i, of.get(i).name()));
      }
      for (String table : List.of("was_", "is_")) {
        statement.execute(
            "create table %s%d (%s)".formatted(table, number, String.join(", ", columns)));
      }
      for (int i = 0; i < of.size(); i++) {
        String rows = "%d * 1000 + 4 * v.i + j".formatted(i);
        long oid = of.get(i).oid();
        statement.execute(
            "insert into was_%d (id, c%d) select %s, case when j < 3 then v.v end from v%d v, generate_series(0, 3) j"
                .formatted(number, i, rows, oid));
        statement.execute(
            "insert into is_%d (id, c%d) select %s, case when j = 1 then coalesce(w.v, f.v) when j <> 2 then v.v end from v%d v left join v%d w on w.i = v.i + 1 join v%d f on f.i = 0, generate_series(0, 3) j"
                .formatted(number, i, rows, oid, oid, oid));
      }
      show("was_" + number, number);
    }

    private void show(String table, int number) throws SQLException {
      statement.execute(
          "create or replace view matrix_%d as select * from %s".formatted(number, table));
    }

    /** The texts of all columns, by the key: those of the output functions. */
    private Map<String, List<@Nullable String>> texts(String table, List<Type> of)
        throws SQLException {
      List<String> columns = new ArrayList<>(List.of("id::text"));
      for (int i = 0; i < of.size(); i++) {
        String text = of.get(i).name().equals("boolean") ? "c%d::text" : "format('%%s', c%d)";
        columns.add(("case when num_nulls(c%d) = 0 then " + text + " end").formatted(i, i));
      }
      Map<String, List<@Nullable String>> texts = new HashMap<>();
      try (ResultSet row =
          statement.executeQuery(
              "select %s from %s".formatted(String.join(", ", columns), table))) {
        while (row.next()) {
          List<@Nullable String> row1 = new ArrayList<>();
          for (int i = 0; i < of.size(); i++) {
            row1.add(row.getString(i + 2));
          }
          texts.put(row.getString(1), row1);
        }
      }
      return texts;
    }

    private static Map<String, List<@Nullable String>> delivered(
        RecordingDestination recording, List<Type> of) {
      Map<String, List<@Nullable String>> texts = new HashMap<>();
      recording.contents().forEach((key, row) -> texts.put(key.get(0), texts(row, of.size())));
      return texts;
    }

    private static List<@Nullable String> texts(Row row, int columns) {
      List<@Nullable String> texts = new ArrayList<>();
      for (int i = 0; i < columns; i++) {
        texts.add(row.text("c" + i));
      }
      return texts;
    }

    private void checkChanges(
        Tried tried,
        SyncReport report,
        Map<String, List<@Nullable String>> before,
        Map<String, List<@Nullable String>> after,
        List<Type> of) {
      TreeSet<String> expected = new TreeSet<>();
      before.forEach(
          (id, texts) -> {
            if (!texts.equals(after.get(id))) {
              assertThat(Integer.parseInt(id) % 4).as("a row that was kept").isNotZero();
              expected.add(of.get(Integer.parseInt(id) / 1000).name() + " " + id);
            }
          });
      List<Change> sent = tried.recording().changes(report.run());
      assertThat(sent).allMatch(change -> change.operation() == Operation.CHANGED);
      assertThat(
              sent.stream()
                  .map(change -> change.key().text("id"))
                  .map(id -> of.get(Integer.parseInt(id) / 1000).name() + " " + id))
          .as(tried.about())
          .containsExactlyInAnyOrderElementsOf(expected);
      changes += sent.size();
    }

    private void checkValues(ModelPreview preview, RecordingDestination recording, List<Type> of) {
      for (int i = 0; i < of.size(); i++) {
        ModelPreview.Column column = preview.columns().get(i + 1);
        if (column.givenAsText()) {
          asText.add(of.get(i).name());
        }
      }
      Set<List<?>> checked = new HashSet<>();
      recording
          .contents()
          .forEach(
              (key, row) -> {
                int i = Integer.parseInt(key.get(0)) / 1000;
                String text = row.text("c" + i);
                // A number of 131,072 digits takes its time, and is in more than one row.
                if (text == null || checked.add(List.of(i, text))) {
                  checkValue(preview, of, i, row);
                }
              });
    }

    /** All other columns of the row are NULL, as their texts are. */
    private void checkValue(ModelPreview preview, List<Type> of, int i, Row row) {
      ModelPreview.Column column = preview.columns().get(i + 1);
      String text = row.text(column.name());
      Object value = row.value(column.name());
      if (text == null) {
        assertThat(value).isNull();
        return;
      }
      String what = "%s: %s".formatted(of.get(i).name(), text);
      boolean special =
          !List.of(String.class, Float.class, Double.class).contains(column.javaType())
              && SPECIAL.matcher(text).matches();
      assertThat(value).as(what).isInstanceOf(special ? SpecialValue.class : column.javaType());
      checkSpecials(what, value);
    }

    /** What could not be read for another reason would be special, too. */
    private void checkSpecials(String what, @Nullable Object value) {
      if (value instanceof SpecialValue special) {
        specials++;
        assertThat(special.text()).as(what).matches(SPECIAL);
      } else if (value instanceof List<?> list) {
        list.forEach(each -> checkSpecials(what, each));
      } else if (value instanceof Map<?, ?> map) {
        map.values().forEach(each -> checkSpecials(what, each));
      } else if (value instanceof Range<?> range) {
        checkSpecials(what, range.lower());
        checkSpecials(what, range.upper());
      }
    }

    /** Into tables of the same types: the rows as they are, and what a function made of them. */
    private void checkWritten(
        SyncEngine engine, List<Type> of, int number, Map<String, List<@Nullable String>> expected)
        throws SQLException {
      List<String> columns = new ArrayList<>();
      for (int i = 0; i < of.size(); i++) {
        if (values.canBeWritten(of.get(i))) {
          columns.add("c" + i);
        } else {
          notWritten.add(of.get(i).name());
        }
      }
      Mapping.Builder handedOn = Mapping.builder().column("id");
      for (String column : columns) {
        Type type = of.get(Integer.parseInt(column.substring(1)));
        handedOn.compute(column, 1, List.of(column), row -> handedOn(type, row.value(column)));
      }
      Model model =
          Model.query(
                  "matrix",
                  "select id, %s from matrix_%d".formatted(String.join(", ", columns), number))
              .key("id");
      for (String table : List.of("copied_" + number, "computed_" + number)) {
        statement.execute(
            "create table %s (like is_%d including indexes)".formatted(table, number));
        Sync.Builder sync =
            Sync.builder(table.replace('_', '-'))
                .model(model)
                .to(PostgresDestination.builder(source).table("public", table).build());
        engine
            .run((table.startsWith("copied") ? sync : sync.mapping(handedOn.build())).build())
            .throwIfFailed();
        Map<String, List<@Nullable String>> written = texts(table, of);
        for (int i = 0; i < of.size(); i++) {
          if (columns.contains("c" + i)) {
            assertThat(column(written, i))
                .as("%s in %s", of.get(i).name(), table)
                .isEqualTo(column(expected, i));
          }
        }
      }
    }

    /**
     * A value as it is or, where Java's alone tells what it was, made anew of its parts: not of the
     * one type whose arrays have another delimiter.
     */
    private static @Nullable Object handedOn(Type type, @Nullable Object value) {
      if (value instanceof List<?> list && type.element() != 0 && !type.name().equals("box[]")) {
        return new ArrayList<>(list);
      }
      boolean hstore = type.name().equals("hstore");
      return value instanceof Map<?, ?> map && hstore ? new LinkedHashMap<>(map) : value;
    }

    private static Map<String, @Nullable String> column(
        Map<String, List<@Nullable String>> rows, int column) {
      Map<String, @Nullable String> values = new HashMap<>();
      rows.forEach((id, texts) -> values.put(id, texts.get(column)));
      return values;
    }

    /** What psql prints of the same rows, if there is one on this machine. */
    private void checkPsql(int number, List<Type> of, Map<String, List<@Nullable String>> expected)
        throws Exception {
      Path printed = state.resolve("psql-" + number);
      List<String> command =
          new ArrayList<>(List.of("psql", "-X", "-q", "-A", "-t", "-F", FIELDS, "-R", ROWS));
      command.addAll(List.of("-P", "null=" + NULL, "-h", database.host()));
      command.addAll(List.of("-p", Integer.toString(database.port()), "-U", database.user()));
      for (String setting : PINNED) {
        command.addAll(List.of("-c", setting));
      }
      command.addAll(List.of("-c", "select * from is_" + number, database.name()));
      ProcessBuilder psql =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(printed.toFile());
      psql.environment().put("PGCLIENTENCODING", "UTF8");
      Process process;
      try {
        process = psql.start();
      } catch (IOException e) {
        assertThat(System.getenv("CI")).as("psql is missing").isNotEqualTo("true");
        System.out.println("  without psql, since there is none here");
        return;
      }
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      String all = Files.readString(printed);
      assertThat(process.exitValue()).as(all).isZero();
      Map<String, List<@Nullable String>> rows = new HashMap<>();
      for (String line : all.replaceFirst("\\n$", "").split(ROWS)) {
        List<@Nullable String> fields = new ArrayList<>(of.size() + 1);
        for (String field : line.split(FIELDS, -1)) {
          fields.add(field.equals(NULL) ? null : field);
        }
        rows.put(String.valueOf(fields.remove(0)), fields);
      }
      for (int i = 0; i < of.size(); i++) {
        Map<String, @Nullable String> texts = column(expected, i);
        if (of.get(i).name().equals("boolean")) {
          texts.replaceAll((id, text) -> text == null ? null : text.substring(0, 1));
        }
        assertThat(column(rows, i)).as(of.get(i).name()).isEqualTo(texts);
      }
    }
  }
}
