package io.fulmar.spi;

import io.fulmar.Action;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a destination can do, and how much of it at once. Limits on concurrency and rate hold for
 * all syncs of an engine that share the destination object. Immutable.
 */
public final class Capabilities {
  private final Set<Action> actions;
  private final int maxRows;
  private final long maxBytes;
  private final int concurrency;
  private final @Nullable Rate rate;
  private final boolean canClear;

  private Capabilities(Builder builder) {
    actions = Set.copyOf(builder.actions);
    maxRows = builder.maxRows;
    maxBytes = builder.maxBytes;
    concurrency = builder.concurrency;
    rate = builder.rate;
    canClear = builder.canClear;
  }

  /**
   * A limit on calls.
   *
   * @param calls at most this many calls, 1 or more ...
   * @param per ... in this time, 1 ms to 365 days
   */
  public record Rate(int calls, Duration per) {
    private static final Duration LEAST = Duration.ofMillis(1);
    private static final Duration MOST = Duration.ofDays(365);

    /** Checks the bounds. */
    public Rate {
      Objects.requireNonNull(per, "per");
      if (calls < 1) {
        throw new IllegalArgumentException("calls must be at least 1, is " + calls);
      }
      if (per.compareTo(LEAST) < 0 || per.compareTo(MOST) > 0) {
        throw new IllegalArgumentException("per must be " + LEAST + " to " + MOST + ", is " + per);
      }
    }
  }

  /** Starts with no actions, 1,000 rows, 4 MiB, 4 calls at once and no rate limit. */
  public static Builder builder() {
    return new Builder();
  }

  /** The actions that it takes. */
  public Set<Action> actions() {
    return actions;
  }

  /** Most rows in a batch. */
  public int maxRows() {
    return maxRows;
  }

  /** Most bytes of row values (in PostgreSQL's form) in a batch; a single row may be larger. */
  public long maxBytes() {
    return maxBytes;
  }

  /** Most calls at once. */
  public int concurrency() {
    return concurrency;
  }

  /** The limit on calls in time; null for none. */
  public @Nullable Rate rate() {
    return rate;
  }

  /** Whether {@link Destination#clear} works. */
  public boolean canClear() {
    return canClear;
  }

  /** Collects capabilities. Not threadsafe. */
  public static final class Builder {
    private final EnumSet<Action> actions = EnumSet.noneOf(Action.class);
    private int maxRows = 1_000;
    private long maxBytes = 4L << 20;
    private int concurrency = 4;
    private @Nullable Rate rate;
    private boolean canClear;

    private Builder() {}

    /** Adds actions. */
    public Builder actions(Action... more) {
      return actions(Arrays.asList(Objects.requireNonNull(more, "actions")));
    }

    /** Adds actions. */
    public Builder actions(Collection<Action> more) {
      for (Action action : Objects.requireNonNull(more, "actions")) {
        actions.add(Objects.requireNonNull(action, "actions"));
      }
      return this;
    }

    /** Most rows in a batch: 1 to 100,000. Default 1,000. */
    public Builder maxRows(int rows) {
      if (rows < 1 || rows > 100_000) {
        throw new IllegalArgumentException("maxRows must be 1 to 100000, is " + rows);
      }
      maxRows = rows;
      return this;
    }

    /** Most bytes of row values in a batch, at least 1. Default 4 MiB (4,194,304). */
    public Builder maxBytes(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("maxBytes must be at least 1, is " + bytes);
      }
      maxBytes = bytes;
      return this;
    }

    /** Most calls at once: 1 to 256. Default 4. */
    public Builder concurrency(int calls) {
      if (calls < 1 || calls > 256) {
        throw new IllegalArgumentException("concurrency must be 1 to 256, is " + calls);
      }
      concurrency = calls;
      return this;
    }

    /**
     * At most so many calls in a time. Default: no limit.
     *
     * @param calls 1 or more
     * @param per 1 ms to 365 days
     */
    public Builder rate(int calls, Duration per) {
      rate = new Rate(calls, per);
      return this;
    }

    /** {@link Destination#clear} works. Default: it does not. */
    public Builder canClear() {
      canClear = true;
      return this;
    }

    /**
     * The capabilities.
     *
     * @throws IllegalStateException if no action was named
     */
    public Capabilities build() {
      if (actions.isEmpty()) {
        throw new IllegalStateException("name at least one action");
      }
      return new Capabilities(this);
    }
  }
}
