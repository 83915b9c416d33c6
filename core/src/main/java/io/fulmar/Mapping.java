package io.fulmar;

import io.fulmar.internal.type.JavaValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a destination gets of a row: chosen columns of the model, under their own or other names,
 * constants, columns that a function computes, and number and time of the run. Without a mapping a
 * sync sends every column of the model under its name.
 *
 * <pre>{@code
 * Mapping mapping = Mapping.builder()
 *     .column("id")
 *     .column("email", "EmailAddress")
 *     .constant("Source", "shop")
 *     .compute("Name", 1, List.of("first", "last"),
 *         row -> row.value("first") + " " + row.value("last"))
 *     .syncedAt("SyncedAt")
 *     .build();
 * }</pre>
 *
 * <p>Only the columns that a sync uses are read and compared: its key, the chosen columns, the
 * inputs of computed columns, and those of {@link Sync.Builder#remember}. A computed column is
 * compared by its inputs and its version, number and time of the run take no part in the
 * comparison. Another mapping, apart from these two and the order of the columns, makes every row
 * due again as CHANGED.
 *
 * <p>A key column that is chosen has its new name in {@link Change#key()} too, the first one if it
 * is chosen more than once; one that is not chosen keeps its name there. {@link Operation#REMOVED}
 * has the key, and what is remembered, under the same names. What is about the model and not about
 * a destination ({@link InvalidRow}, {@link HeldChange}, {@link Explanation}, the samples of a
 * {@link ChangeSet}) names columns as the model does.
 *
 * <p>Immutable and threadsafe if the functions are; they are called by several lanes at once.
 */
public final class Mapping {
  private final List<Column> columns;

  private Mapping(List<Column> columns) {
    this.columns = List.copyOf(columns);
  }

  /** Begins a mapping. */
  public static Builder builder() {
    return new Builder();
  }

  /** The columns that a destination gets, in order; unmodifiable. */
  public List<Column> columns() {
    return columns;
  }

  /** Names the columns. */
  @Override
  public String toString() {
    return "Mapping" + columns.stream().map(Column::name).toList();
  }

  /** Computes the value of a column. Called by several lanes at once. */
  @FunctionalInterface
  public interface Computation {
    /**
     * Computes a value; once for each change in each run that tries it.
     *
     * <p>The value is one of the Java types that {@link Row} documents, or null. {@link Row#text}
     * gives PostgreSQL's text of it. A timestamp with a time zone is put into UTC, and what is
     * finer than a microsecond is cut off.
     *
     * @param inputs the columns named as inputs, under their names in the model
     * @throws Exception and the row is rejected with {@link FailureCodes#COMPUTE_FAILED}, the
     *     others go on; an {@link Error} too, but for a {@link VirtualMachineError}, which fails
     *     the run
     */
    @Nullable Object compute(Row inputs) throws Exception;
  }

  /** A column that a destination gets. */
  public sealed interface Column {
    /** The name under which it gets it. */
    String name();

    /** The columns of the model that it takes. */
    default List<String> inputs() {
      return List.of();
    }
  }

  /**
   * A column of the model.
   *
   * @param name for the destination
   * @param column in the model
   */
  public record Chosen(String name, String column) implements Column {
    @Override
    public List<String> inputs() {
      return List.of(column);
    }
  }

  /**
   * The same value in each row.
   *
   * @param name for the destination
   * @param value one of the Java types that {@link Row} documents, or null
   */
  public record Constant(String name, @Nullable Object value) implements Column {
    /** Copies what can be changed. */
    public Constant {
      value = copy(value);
    }

    /** The value; bytes are a fresh copy, lists and maps are unmodifiable. */
    @Override
    public @Nullable Object value() {
      return copy(value);
    }

    private static @Nullable Object copy(@Nullable Object value) {
      return value == null ? null : JavaValue.copy(value);
    }

    /** Shows no value. */
    @Override
    public String toString() {
      return "Constant[" + name + "]";
    }
  }

  /**
   * A value that a function computes.
   *
   * @param name for the destination
   * @param version grows when the function changes
   * @param inputs columns of the model
   * @param function computes it
   */
  public record Computed(String name, int version, List<String> inputs, Computation function)
      implements Column {
    /** Copies the list. */
    public Computed {
      inputs = List.copyOf(inputs);
    }
  }

  /**
   * The number of the run that sends the row: a {@link Long}.
   *
   * @param name for the destination
   */
  public record RunNumber(String name) implements Column {}

  /**
   * The moment at which the run began to deliver: an {@link java.time.OffsetDateTime} in UTC.
   *
   * @param name for the destination
   */
  public record SyncedAt(String name) implements Column {}

  /** Collects the columns of a mapping. Not threadsafe. */
  public static final class Builder {
    private final Map<String, Column> columns = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Chooses a column of the model, under its name.
     *
     * @param column in its exact spelling
     * @throws IllegalArgumentException if there is a column of this name already
     */
    public Builder column(String column) {
      return column(column, column);
    }

    /**
     * Chooses columns of the model, under their names.
     *
     * @param first in its exact spelling
     * @param more further columns
     * @throws IllegalArgumentException if there is a column of one of these names already
     */
    public Builder columns(String first, String... more) {
      column(Objects.requireNonNull(first, "first"));
      for (String column : Objects.requireNonNull(more, "more")) {
        column(Objects.requireNonNull(column, "more"));
      }
      return this;
    }

    /**
     * Chooses a column of the model, under another name. A column may be chosen more than once.
     *
     * @param column in its exact spelling
     * @param name for the destination; not empty, without the character 0
     * @throws IllegalArgumentException if there is a column of this name already
     */
    public Builder column(String column, String name) {
      Checks.column("column", column);
      return add(new Chosen(name(name), column));
    }

    /**
     * Adds the same value to each row.
     *
     * @param name for the destination; not empty, without the character 0
     * @param value one of the Java types that {@link Row} documents, or null
     * @throws IllegalArgumentException if there is a column of this name already, or the value is
     *     of another type
     */
    public Builder constant(String name, @Nullable Object value) {
      String objection = value == null ? null : JavaValue.objection(value);
      if (objection != null) {
        throw new IllegalArgumentException(
            "the value of %s %s; Row says which types there are".formatted(name(name), objection));
      }
      return add(new Constant(name(name), value == null ? null : JavaValue.normal(value)));
    }

    /**
     * Adds a value that a function computes out of columns of the model. The function should give
     * the same for the same inputs: what it gives is not compared, the inputs are. Whoever changes
     * the function gives it another version, which sends every row again.
     *
     * @param name for the destination; not empty, without the character 0
     * @param version of the function, 1 to 1,000,000,000
     * @param inputs columns of the model in their exact spelling, each once; the function sees no
     *     others
     * @param function computes the value
     * @throws IllegalArgumentException if there is a column of this name already, the version is
     *     out of range, or an input is named twice
     */
    public Builder compute(String name, int version, List<String> inputs, Computation function) {
      Objects.requireNonNull(inputs, "inputs");
      Objects.requireNonNull(function, "function");
      Checks.inRange("version", version, 1, 1_000_000_000);
      for (String input : inputs) {
        Checks.column("inputs", input);
      }
      if (new LinkedHashSet<>(inputs).size() != inputs.size()) {
        throw new IllegalArgumentException(
            "the inputs of %s name a column twice: %s"
                .formatted(name(name), String.join(", ", inputs)));
      }
      return add(new Computed(name(name), version, inputs, function));
    }

    /**
     * Adds the number of the run that sends the row, which grows from run to run: a {@link Long}.
     * It is not compared, so a destination keeps the number of the last run that sent the row.
     *
     * @param name for the destination; not empty, without the character 0
     * @throws IllegalArgumentException if there is a column of this name already
     */
    public Builder runNumber(String name) {
      return add(new RunNumber(name(name)));
    }

    /**
     * Adds the moment at which the run that sends the row began to deliver, by the clock of the
     * engine, the same for all rows of the run: an {@link java.time.OffsetDateTime} in UTC. It is
     * not compared, so a destination keeps the time of the last run that sent the row.
     *
     * @param name for the destination; not empty, without the character 0
     * @throws IllegalArgumentException if there is a column of this name already
     */
    public Builder syncedAt(String name) {
      return add(new SyncedAt(name(name)));
    }

    private static String name(String name) {
      return Checks.column("name", name);
    }

    private Builder add(Column column) {
      if (columns.putIfAbsent(column.name(), column) != null) {
        throw new IllegalArgumentException("there is a column %s already".formatted(column.name()));
      }
      return this;
    }

    /**
     * The mapping.
     *
     * @throws IllegalStateException if it has no columns
     */
    public Mapping build() {
      if (columns.isEmpty()) {
        throw new IllegalStateException("a mapping needs at least one column");
      }
      return new Mapping(new ArrayList<>(columns.values()));
    }
  }
}
