package io.fulmar.testkit;

import io.fulmar.testkit.internal.memory.MemoryDatabase;
import io.fulmar.testkit.internal.memory.MemoryTable;
import io.fulmar.testkit.internal.memory.MemoryType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Rows in memory in place of a database, for unit tests of an application: what a model of this
 * name returns. An {@link InMemoryEngine} runs the application's own models and syncs over them.
 *
 * <pre>{@code
 * InMemorySource shop = InMemorySource.create();
 * shop.model("customers")
 *     .column("id", "bigint").column("email", "text")
 *     .row(1L, "a@example.com")
 *     .row(2L, null);
 * }</pre>
 *
 * <p>Values come out as from PostgreSQL: the same Java types, texts and images of rows. Whatever
 * the database itself would say is not checked: the SQL of a query and the condition of a table are
 * not run (the rows here are what they return), and neither are grants, row security, settings of
 * models and whether the types in the database are these. {@link InMemoryEngine} says more.
 *
 * <p>This class is threadsafe. Each call takes effect at once and as a whole; a run sees the rows
 * as they were when it began to read.
 */
public final class InMemorySource {
  private static final Pattern SQL_STATE = Pattern.compile("[0-9A-Z]{5}");

  private final MemoryDatabase database = new MemoryDatabase();
  private final Map<String, Rows> models = new LinkedHashMap<>();

  private InMemorySource() {}

  /** A source without models. */
  public static InMemorySource create() {
    return new InMemorySource();
  }

  MemoryDatabase database() {
    return database;
  }

  /**
   * The rows of a model; without columns and rows at the first call for that name.
   *
   * @param name that of the {@link io.fulmar.Model}
   */
  public synchronized Rows model(String name) {
    Objects.requireNonNull(name, "name");
    return models.computeIfAbsent(name, any -> new Rows(name, database));
  }

  /**
   * Lets the next read fail, after half of the rows. A run ends as FAILED with the {@link
   * io.fulmar.SourceException} that an application would see; what passes by itself ({@code 57P01},
   * a server that restarts, say), it reads again, up to its limit of attempts.
   *
   * @param sqlState PostgreSQL's error code, five digits or capital letters (manual, appendix A)
   */
  public void failNext(String sqlState) {
    failNext(1, sqlState);
  }

  /**
   * Lets the next reads fail, as {@link #failNext(String)} does.
   *
   * @param times how many, 1 to 1,000; they add up with those of earlier calls
   * @param sqlState PostgreSQL's error code, five digits or capital letters (manual, appendix A)
   */
  public void failNext(int times, String sqlState) {
    if (times < 1 || times > 1_000) {
      throw new IllegalArgumentException("times must be 1 to 1000, is " + times);
    }
    if (!SQL_STATE.matcher(Objects.requireNonNull(sqlState, "sqlState")).matches()) {
      throw new IllegalArgumentException("sqlState must be five digits or capital letters");
    }
    database.failNext(times, sqlState);
  }

  /** How many reads are yet to fail: 0 in a test that has used all that it asked for. */
  public int failuresLeft() {
    return database.faultsLeft();
  }

  /**
   * From here on nothing connects, until {@link #reachable}: whatever reads the source throws a
   * {@link io.fulmar.SourceException}.
   */
  public void unreachable() {
    database.reachable(false);
  }

  /** From here on it can be connected to again, as at the beginning. */
  public void reachable() {
    database.reachable(true);
  }

  /** Names the models and shows no rows. */
  @Override
  public synchronized String toString() {
    return "InMemorySource" + models.keySet();
  }

  /**
   * What a model returns. Columns first, then rows. This class is threadsafe.
   *
   * <p>Types are those of PostgreSQL by their names in SQL: smallint, integer, bigint, numeric,
   * real, double precision, boolean, text, varchar, char, uuid, date, time, timestamp, timestamptz,
   * bytea, json and jsonb; varchar(n), char(n) and numeric(p, s) too. Values are of the Java types
   * that {@link io.fulmar.Row} documents, a {@link io.fulmar.SpecialValue} for NaN and the
   * infinities of numeric, date and timestamp, {@code null} for NULL; a bigint takes an Integer,
   * too. What is finer than a microsecond is cut off, and the text of a json is taken as it is.
   */
  public static final class Rows {
    private static final int MOST_COLUMNS = 1_600;

    private final String name;
    private final MemoryDatabase database;
    private final List<MemoryTable.Column> columns = new ArrayList<>();
    private final List<String> key = new ArrayList<>();
    private List<List<byte @Nullable []>> rows = List.of();

    private Rows(String name, MemoryDatabase database) {
      this.name = name;
      this.database = database;
      publish();
    }

    /**
     * Adds a column, which is returned after those that are there.
     *
     * @param column its name, in the spelling that the model has
     * @param type its type in SQL
     * @throws IllegalArgumentException if there is a column of that name, or no such type here
     * @throws IllegalStateException if there are rows already
     */
    public synchronized Rows column(String column, String type) {
      Objects.requireNonNull(column, "column");
      MemoryType known = MemoryType.of(Objects.requireNonNull(type, "type"));
      if (known == null) {
        throw refused(
            "declare the column " + column,
            "type must be one that is kept in memory, is " + type,
            "Take one of " + MemoryType.NAMES + "; or test with a database: TestPostgres");
      }
      if (column.isEmpty() || names().contains(column)) {
        throw refused(
            "declare the column " + column, "the name is empty or taken", "Choose another name");
      }
      if (!rows.isEmpty() || columns.size() == MOST_COLUMNS) {
        throw new IllegalStateException(
            message(
                "declare the column " + column,
                rows.isEmpty() ? "there are 1,600 already" : "there are rows already",
                "Declare the columns first"));
      }
      columns.add(new MemoryTable.Column(column, known));
      publish();
      return this;
    }

    /**
     * Names the columns by which {@link #put} and {@link #remove} find a row. Default: the first
     * column. It has no other meaning: the key of the model says what is ambiguous.
     *
     * @param first a column that was declared
     * @param more further columns
     */
    public synchronized Rows key(String first, String... more) {
      List<String> named = new ArrayList<>();
      named.add(Objects.requireNonNull(first, "first"));
      named.addAll(List.of(more));
      for (String column : named) {
        position(column);
      }
      key.clear();
      key.addAll(named);
      return this;
    }

    /**
     * Adds a row as it is: with a NULL in the key or the key of another row, it is invalid for the
     * run.
     *
     * @param values in the order of the columns
     * @throws IllegalArgumentException if they are not as many as the columns, or of other types
     */
    public synchronized Rows row(@Nullable Object... values) {
      List<byte @Nullable []> added = images(values);
      List<List<byte @Nullable []>> all = new ArrayList<>(rows);
      all.add(added);
      return set(all);
    }

    /**
     * Puts a row in the place of all that have its key, or adds it.
     *
     * @param values in the order of the columns
     * @throws IllegalArgumentException if they are not as many as the columns, or of other types
     */
    public synchronized Rows put(@Nullable Object... values) {
      List<byte @Nullable []> added = images(values);
      int[] positions = keyPositions();
      List<List<byte @Nullable []>> all = new ArrayList<>();
      boolean placed = false;
      for (List<byte @Nullable []> row : rows) {
        if (!isSame(row, added, positions)) {
          all.add(row);
        } else if (!placed) {
          all.add(added);
          placed = true;
        }
      }
      if (!placed) {
        all.add(added);
      }
      return set(all);
    }

    /**
     * Removes all rows of a key.
     *
     * @param keyValues in the order of {@link #key}
     * @throws IllegalArgumentException if there is none, or the values are of other types
     */
    public synchronized Rows remove(@Nullable Object... keyValues) {
      int[] positions = keyPositions();
      Objects.requireNonNull(keyValues, "keyValues");
      if (keyValues.length != positions.length) {
        throw refused(
            "remove a row",
            "%s values were given, and its key has %s"
                .formatted(keyValues.length, positions.length),
            "Give the columns of the key in its order, or name them by key(...)");
      }
      List<byte @Nullable []> wanted = new ArrayList<>();
      for (int i = 0; i < columns.size(); i++) {
        wanted.add(null);
      }
      for (int i = 0; i < positions.length; i++) {
        wanted.set(positions[i], image(positions[i], keyValues[i], "remove a row"));
      }
      List<List<byte @Nullable []>> all = new ArrayList<>();
      for (List<byte @Nullable []> row : rows) {
        if (!isSame(row, wanted, positions)) {
          all.add(row);
        }
      }
      if (all.size() == rows.size()) {
        throw refused("remove a row", "there is none of that key", "Look at the key");
      }
      return set(all);
    }

    /**
     * Puts these rows in the place of all that there are, at once.
     *
     * @param values of each row, in the order of the columns
     * @throws IllegalArgumentException if they are not as many as the columns, or of other types;
     *     then nothing is replaced
     */
    public synchronized Rows replaceAll(
        Collection<? extends List<? extends @Nullable Object>> values) {
      List<List<byte @Nullable []>> all = new ArrayList<>();
      values.forEach(row -> all.add(images(row.toArray())));
      return set(all);
    }

    /** Removes all rows; the columns stay. */
    public synchronized Rows clear() {
      return set(List.of());
    }

    /** How many rows there are. */
    public synchronized int size() {
      return rows.size();
    }

    /** Names the columns and counts the rows. */
    @Override
    public synchronized String toString() {
      return "Rows[" + name + " " + names() + ", " + rows.size() + " rows]";
    }

    private Rows set(List<List<byte @Nullable []>> all) {
      rows = List.copyOf(all);
      publish();
      return this;
    }

    private void publish() {
      database.set(name, new MemoryTable(List.copyOf(columns), rows));
    }

    private List<String> names() {
      return columns.stream().map(MemoryTable.Column::name).toList();
    }

    private int position(String column) {
      int position = names().indexOf(column);
      if (position < 0) {
        throw refused(
            "name the column " + column,
            "there is none but " + names(),
            "Declare it by column(name, type) before");
      }
      return position;
    }

    private int[] keyPositions() {
      if (columns.isEmpty()) {
        throw refused(
            "find a row", "no columns are declared", "Declare them by column(name, type) before");
      }
      return key.isEmpty() ? new int[] {0} : key.stream().mapToInt(this::position).toArray();
    }

    private static boolean isSame(
        List<byte @Nullable []> row, List<byte @Nullable []> other, int[] positions) {
      return Arrays.stream(positions).allMatch(i -> Arrays.equals(row.get(i), other.get(i)));
    }

    private List<byte @Nullable []> images(@Nullable Object[] values) {
      Objects.requireNonNull(values, "values: for one NULL, write (Object) null");
      if (values.length != columns.size() || columns.isEmpty()) {
        throw refused(
            "take a row",
            "%s values were given, and the columns are %s".formatted(values.length, names()),
            columns.isEmpty()
                ? "Declare them by column(name, type) before"
                : "Give one value for each column, null for NULL");
      }
      List<byte @Nullable []> images = new ArrayList<>();
      for (int i = 0; i < values.length; i++) {
        images.add(image(i, values[i], "take a row"));
      }
      return images;
    }

    private byte @Nullable [] image(int position, @Nullable Object value, String doing) {
      if (value == null) {
        return null;
      }
      MemoryTable.Column column = columns.get(position);
      String objection = column.type().objection(value);
      if (objection != null) {
        throw refused(
            doing,
            "the value for %s, a %s, %s".formatted(column.name(), column.type().name(), objection),
            "Give a " + column.type().takes());
      }
      return column.type().image(value);
    }

    private IllegalArgumentException refused(String doing, String fact, String remedy) {
      return new IllegalArgumentException(message(doing, fact, remedy));
    }

    private String message(String doing, String fact, String remedy) {
      return "Cannot %s: %s. %s. [model=%s]".formatted(doing, fact, remedy, name);
    }
  }
}
