package io.fulmar.lightning;

import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which sync logs a sync writes into the audit schema, and how. Immutable; the same value may serve
 * several syncs.
 *
 * <p>The three tables are shared by all syncs. What a run logs is written in the transaction that
 * moves the state forward, so that the logs say what the state says.
 *
 * <pre>{@code
 * SyncLogs logs = SyncLogs.builder()
 *     .fields("email", "plan")
 *     .retention(Duration.ofDays(30))
 *     .build();
 * }</pre>
 */
public final class SyncLogs {
  private static final Duration LEAST_RETENTION = Duration.ofHours(1);
  private static final Duration LONGEST_RETENTION = Duration.ofDays(36_500);
  private static final SyncLogs OFF = new SyncLogs(builder(), Set.of());

  private final Set<Table> tables;
  private final Fields fields;
  private final List<String> columns;
  private final Duration retention;
  private final OnLogFailure onLogFailure;

  private SyncLogs(Builder builder, Set<Table> tables) {
    this.tables = Set.copyOf(tables);
    this.fields = builder.fields;
    this.columns = List.copyOf(builder.columns);
    this.retention = builder.retention;
    this.onLogFailure = builder.onLogFailure;
  }

  /** A table of the audit schema. */
  public enum Table {
    /**
     * {@code sync_changelog}: one row for each change of each run, what became of it, and why it
     * failed.
     */
    CHANGELOG,
    /** {@code sync_snapshot}: the latest such row of each key. */
    SNAPSHOT,
    /** {@code sync_runs}: one row for each run, with counts. */
    RUNS
  }

  /** How much of a row the column {@code fields} holds. */
  public enum Fields {
    /** All columns of the model that the sync reads. */
    ALL,
    /** Some columns, by name. */
    SOME,
    /** Nothing: {@code fields} is NULL. */
    NONE
  }

  /** What happens to a run whose logs cannot be written. */
  public enum OnLogFailure {
    /**
     * The run fails. What the destination has answered stays on record; the next run writes the
     * logs of this one and moves the state forward before it does anything else, and nothing is
     * sent twice.
     */
    FAIL,
    /**
     * The state moves forward without the logs, with a warning in the log of the application. The
     * run gets its row in {@code sync_runs} as soon as that can be written, by this run or a later
     * one, and its {@code error} says what is missing.
     */
    CONTINUE
  }

  /** No logs; the default of an engine. */
  public static SyncLogs off() {
    return OFF;
  }

  /** Starts with all three tables, without the values of rows, kept for 90 days. */
  public static Builder builder() {
    return new Builder();
  }

  /** See {@link Builder#tables}; empty for {@link #off()}. */
  public Set<Table> tables() {
    return tables;
  }

  /** See {@link Builder#allFields}, {@link Builder#fields} and {@link Builder#noFields}. */
  public Fields fields() {
    return fields;
  }

  /** The columns that {@link Fields#SOME} is about; empty for the others. */
  public List<String> columns() {
    return columns;
  }

  /** See {@link Builder#retention}. */
  public Duration retention() {
    return retention;
  }

  /** See {@link Builder#onLogFailure}. */
  public OnLogFailure onLogFailure() {
    return onLogFailure;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SyncLogs logs
        && tables.equals(logs.tables)
        && fields == logs.fields
        && columns.equals(logs.columns)
        && retention.equals(logs.retention)
        && onLogFailure == logs.onLogFailure;
  }

  @Override
  public int hashCode() {
    return Objects.hash(tables, fields, columns, retention, onLogFailure);
  }

  @Override
  public String toString() {
    return tables.isEmpty()
        ? "SyncLogs[off]"
        : "SyncLogs[tables=%s, fields=%s, retention=%s, onLogFailure=%s]"
            .formatted(
                tables.stream().sorted().toList(),
                fields == Fields.SOME ? columns : fields,
                retention,
                onLogFailure);
  }

  /** Collects the settings. Not threadsafe. */
  public static final class Builder {
    private Set<Table> tables = EnumSet.allOf(Table.class);
    private Fields fields = Fields.NONE;
    private List<String> columns = List.of();
    private Duration retention = Duration.ofDays(90);
    private OnLogFailure onLogFailure = OnLogFailure.FAIL;

    private Builder() {}

    /** Writes only these tables. Default: all three. */
    public Builder tables(Table first, Table... more) {
      Objects.requireNonNull(first, "first");
      for (Table table : Objects.requireNonNull(more, "more")) {
        Objects.requireNonNull(table, "more");
      }
      tables = EnumSet.of(first, more);
      return this;
    }

    /**
     * Writes into {@code fields} every column of the model that the sync reads, as the database has
     * it. Rows of people are then in a second place for as long as {@link #retention} says, also
     * after they have left the first. Default: {@link #noFields}.
     */
    public Builder allFields() {
      fields = Fields.ALL;
      columns = List.of();
      return this;
    }

    /**
     * Writes into {@code fields} only these columns of the model. A run fails before anything is
     * sent if the model has no such column. Default: {@link #noFields}.
     *
     * @throws IllegalArgumentException if a name is empty, holds the character 0 or is given twice
     */
    public Builder fields(String first, String... more) {
      Set<String> names = new LinkedHashSet<>();
      add(names, first);
      Arrays.stream(Objects.requireNonNull(more, "more")).forEach(name -> add(names, name));
      fields = Fields.SOME;
      columns = List.copyOf(names);
      return this;
    }

    private static void add(Set<String> names, String name) {
      Objects.requireNonNull(name, "fields");
      if (name.isEmpty() || name.indexOf('\0') >= 0) {
        throw new IllegalArgumentException(
            "fields must be names of columns: not empty, without the character 0");
      }
      if (!names.add(name)) {
        throw new IllegalArgumentException("fields must differ, " + name + " is given twice");
      }
    }

    /**
     * Writes no values of rows: {@code fields} is NULL, and of each row only the key is logged.
     * This is the default.
     */
    public Builder noFields() {
      fields = Fields.NONE;
      columns = List.of();
      return this;
    }

    /**
     * How long rows of the changelog and of the runs are kept, 1 hour to 36,500 days; older ones
     * are deleted at the end of a run, in portions. The snapshot, which has one row for each key,
     * loses only removals that are that old. Default: 90 days.
     */
    public Builder retention(Duration age) {
      Objects.requireNonNull(age, "retention");
      if (age.compareTo(LEAST_RETENTION) < 0 || age.compareTo(LONGEST_RETENTION) > 0) {
        throw new IllegalArgumentException(
            "retention must be " + LEAST_RETENTION + " to " + LONGEST_RETENTION + ", is " + age);
      }
      retention = age;
      return this;
    }

    /** What happens to a run whose logs cannot be written. Default: {@link OnLogFailure#FAIL}. */
    public Builder onLogFailure(OnLogFailure choice) {
      onLogFailure = Objects.requireNonNull(choice, "onLogFailure");
      return this;
    }

    /** The settings. */
    public SyncLogs build() {
      return new SyncLogs(this, tables);
    }
  }
}
