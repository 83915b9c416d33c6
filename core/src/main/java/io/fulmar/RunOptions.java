package io.fulmar;

import io.fulmar.internal.type.JavaValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How much of a sync one run is about: for a first trial, for one record again, for a time window.
 * What is left out counts as aborted and stays due. Immutable.
 *
 * <pre>{@code
 * engine.run(sync, RunOptions.builder().limit(10).build());
 * engine.run(sync, RunOptions.builder().key(42).build());
 * }</pre>
 */
public final class RunOptions {
  private static final RunOptions DEFAULTS = builder().build();

  private final long limit;
  private final @Nullable Duration budget;
  private final List<List<String>> keys;

  private RunOptions(Builder builder) {
    this.limit = builder.limit;
    this.budget = builder.budget;
    this.keys = List.copyOf(builder.keys);
  }

  /** Everything, for as long as it takes. */
  public static RunOptions defaults() {
    return DEFAULTS;
  }

  /** Starts with everything, for as long as it takes. */
  public static Builder builder() {
    return new Builder();
  }

  /** See {@link Builder#limit}; {@code Long.MAX_VALUE} for no limit. */
  public long limit() {
    return limit;
  }

  /** See {@link Builder#budget}; null for no limit. */
  public @Nullable Duration budget() {
    return budget;
  }

  /** See {@link Builder#key}: the texts of the key's columns, key by key; empty for all keys. */
  public List<List<String>> keys() {
    return keys;
  }

  /** The texts of a key's columns. */
  static List<String> texts(Object... columns) {
    Objects.requireNonNull(columns, "columns");
    if (columns.length == 0) {
      throw new IllegalArgumentException("a key has at least one column");
    }
    return Arrays.stream(columns)
        .map(column -> text(Objects.requireNonNull(column, "columns")))
        .toList();
  }

  private static String text(Object column) {
    return JavaValue.objection(column) == null
        ? JavaValue.text(JavaValue.normal(column))
        : Objects.requireNonNull(column.toString(), "columns");
  }

  /** Names keys and counts only. */
  @Override
  public String toString() {
    return "RunOptions[limit=%s, budget=%s, keys=%s]"
        .formatted(limit == Long.MAX_VALUE ? "none" : limit, budget, keys.size());
  }

  /** Collects the options. Not threadsafe. */
  public static final class Builder {
    private static final int MAX_KEYS = 10_000;

    private long limit = Long.MAX_VALUE;
    private @Nullable Duration budget;
    private final List<List<String>> keys = new ArrayList<>();

    private Builder() {}

    /**
     * Delivers at most so many of the planned changes, 1 or more. The plan is made and guarded as a
     * whole. Default: all of them.
     */
    public Builder limit(long changes) {
      limit = Checks.inRange("limit", changes, 1, Long.MAX_VALUE);
      return this;
    }

    /**
     * Hands out no batch once this time has passed since the run began, 1 ms to 365 days; calls
     * that are under way are waited for. Default: no limit.
     */
    public Builder budget(Duration value) {
      budget = Checks.inRange("budget", value, Duration.ofMillis(1), Duration.ofDays(365));
      return this;
    }

    /**
     * Looks at this key only, or at these, if called more than once: at most 10,000. Everything
     * else stays as it is remembered.
     *
     * @param columns the values of the key's columns in the order of the model's key, as {@link
     *     Row#value} gives them or as PostgreSQL's text; the {@code toString()} of anything else is
     *     cast to the column's type by PostgreSQL
     */
    public Builder key(Object... columns) {
      if (keys.size() == MAX_KEYS) {
        throw new IllegalArgumentException("a run is about at most " + MAX_KEYS + " single keys");
      }
      keys.add(texts(columns));
      return this;
    }

    /** The options. */
    public RunOptions build() {
      return new RunOptions(this);
    }
  }
}
