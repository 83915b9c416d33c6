package io.fulmar;

import io.fulmar.spi.Destination;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model and the destination that it is kept in step with, under a name. Immutable, without
 * resources; the memory of what the destination has accepted belongs to the name and lives with the
 * engine.
 *
 * <pre>{@code
 * Sync sync = Sync.builder("crm")
 *     .model(customers)
 *     .to(crm)
 *     .onRemoved(Removal.DELETE)
 *     .build();
 * }</pre>
 */
public final class Sync {
  private final String name;
  private final Model model;
  private final Destination destination;
  private final @Nullable Mapping mapping;
  private final List<String> remembered;
  private final SyncMode mode;
  private final Removal removal;
  private final int batchRows;
  private final int lanes;
  private final Duration callDeadline;
  private final Duration retryFor;
  private final int quarantineAttempts;
  private final Duration quarantineAge;
  private final double guardedRemovalShare;
  private final long guardedRemovals;
  private final EmptyModel emptyModel;
  private final double guardedChangeShare;
  private final long guardedChanges;
  private final Duration guardedReturn;
  private final List<Guard> guards;
  private final Duration planExpiry;
  private final long revision;
  private final double failFastShare;
  private final long failFastAfterRows;
  private final long maxRowBytes;
  private final @Nullable Duration forgetAfter;
  private final List<RunListener> listeners;

  private Sync(Builder builder, Model model, Destination destination) {
    this.name = builder.name;
    this.model = model;
    this.destination = destination;
    this.mapping = builder.mapping;
    this.remembered = List.copyOf(builder.remembered);
    this.mode = builder.mode;
    this.removal = builder.removal;
    this.batchRows = builder.batchRows;
    this.lanes = builder.lanes;
    this.callDeadline = builder.callDeadline;
    this.retryFor = builder.retryFor;
    this.quarantineAttempts = builder.quarantineAttempts;
    this.quarantineAge = builder.quarantineAge;
    this.guardedRemovalShare = builder.guardedRemovalShare;
    this.guardedRemovals = builder.guardedRemovals;
    this.emptyModel = builder.emptyModel;
    this.guardedChangeShare = builder.guardedChangeShare;
    this.guardedChanges = builder.guardedChanges;
    this.guardedReturn = builder.guardedReturn;
    this.guards = List.copyOf(builder.guards);
    this.planExpiry = builder.planExpiry;
    this.revision = builder.revision;
    this.failFastShare = builder.failFastShare;
    this.failFastAfterRows = builder.failFastAfterRows;
    this.maxRowBytes = builder.maxRowBytes;
    this.forgetAfter = builder.forgetAfter;
    this.listeners = List.copyOf(builder.listeners);
  }

  /** What to do when the model is empty although rows have been synced. */
  public enum EmptyModel {
    /** Hold the run: an empty model is more often an accident than a wish. The default. */
    HOLD,
    /** Remove everything. */
    DELIVER
  }

  /**
   * Begins a sync.
   *
   * @param name identifies the memory of what was accepted; 1 to 100 of {@code A-Z a-z 0-9 . _ -}
   */
  public static Builder builder(String name) {
    Checks.name("sync", name);
    return new Builder(name);
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** What is synced. */
  public Model model() {
    return model;
  }

  /** Where to. */
  public Destination destination() {
    return destination;
  }

  /** See {@link Builder#mapping}; null for every column under its name. */
  public @Nullable Mapping mapping() {
    return mapping;
  }

  /** See {@link Builder#remember}. */
  public List<String> remembered() {
    return remembered;
  }

  /** See {@link Builder#mode}. */
  public SyncMode mode() {
    return mode;
  }

  /** See {@link Builder#onRemoved}. */
  public Removal removal() {
    return removal;
  }

  /** See {@link Builder#batchRows}. */
  public int batchRows() {
    return batchRows;
  }

  /** See {@link Builder#lanes}. */
  public int lanes() {
    return lanes;
  }

  /** See {@link Builder#callDeadline}. */
  public Duration callDeadline() {
    return callDeadline;
  }

  /** See {@link Builder#retryFor}. */
  public Duration retryFor() {
    return retryFor;
  }

  /** See {@link Builder#quarantineAfter}. */
  public int quarantineAttempts() {
    return quarantineAttempts;
  }

  /** See {@link Builder#quarantineAfter}. */
  public Duration quarantineAge() {
    return quarantineAge;
  }

  /** See {@link Builder#guardRemovals}. */
  public double guardedRemovalShare() {
    return guardedRemovalShare;
  }

  /** See {@link Builder#guardRemovals}. */
  public long guardedRemovals() {
    return guardedRemovals;
  }

  /** See {@link Builder#onEmptyModel}. */
  public EmptyModel emptyModel() {
    return emptyModel;
  }

  /** See {@link Builder#guardChanges}. */
  public double guardedChangeShare() {
    return guardedChangeShare;
  }

  /** See {@link Builder#guardChanges}. */
  public long guardedChanges() {
    return guardedChanges;
  }

  /** See {@link Builder#guardReturn}. */
  public Duration guardedReturn() {
    return guardedReturn;
  }

  /** See {@link Builder#guard}. */
  public List<Guard> guards() {
    return guards;
  }

  /** See {@link Builder#planExpiry}. */
  public Duration planExpiry() {
    return planExpiry;
  }

  /** See {@link Builder#revision}. */
  public long revision() {
    return revision;
  }

  /** See {@link Builder#failFast}. */
  public double failFastShare() {
    return failFastShare;
  }

  /** See {@link Builder#failFast}. */
  public long failFastAfterRows() {
    return failFastAfterRows;
  }

  /** See {@link Builder#maxRowBytes}. */
  public long maxRowBytes() {
    return maxRowBytes;
  }

  /** See {@link Builder#forgetAfter}; null for never. */
  public @Nullable Duration forgetAfter() {
    return forgetAfter;
  }

  /** See {@link Builder#listener}. */
  public List<RunListener> listeners() {
    return listeners;
  }

  /**
   * The action that a change of this operation asks for, or null if this sync sends nothing for it.
   */
  public @Nullable Action action(Operation operation) {
    return switch (Objects.requireNonNull(operation, "operation")) {
      case ADDED, CHANGED ->
          switch (mode) {
            case UPSERT, ALL -> Action.UPSERT;
            case INSERT -> Action.INSERT;
            case UPDATE -> Action.UPDATE;
          };
      case REMOVED ->
          switch (removal) {
            case IGNORE -> null;
            case DELETE -> Action.DELETE;
            case CLEAR -> Action.CLEAR;
          };
    };
  }

  @Override
  public String toString() {
    return OneLine.of("Sync[" + name + ", " + model.name() + " to " + destination.identity() + "]");
  }

  /** Collects the parts of a sync. Not threadsafe. */
  public static final class Builder {
    private final String name;
    private @Nullable Model model;
    private @Nullable Destination destination;
    private @Nullable Mapping mapping;
    private final Set<String> remembered = new LinkedHashSet<>();
    private SyncMode mode = SyncMode.UPSERT;
    private Removal removal = Removal.IGNORE;
    private int batchRows = 1_000;
    private int lanes = 1;
    private Duration callDeadline = Duration.ofSeconds(60);
    private Duration retryFor = Duration.ofMinutes(5);
    private int quarantineAttempts = 10;
    private Duration quarantineAge = Duration.ofHours(24);
    private double guardedRemovalShare = 0.3;
    private long guardedRemovals = 100;
    private EmptyModel emptyModel = EmptyModel.HOLD;
    private double guardedChangeShare = 0.1;
    private long guardedChanges = 1_000;
    private Duration guardedReturn = Duration.ofDays(1);
    private final List<Guard> guards = new ArrayList<>();
    private Duration planExpiry = Duration.ofDays(7);
    private long revision;
    private double failFastShare = 0.5;
    private long failFastAfterRows = 1_000;
    private long maxRowBytes = 16L << 20;
    private @Nullable Duration forgetAfter;
    private final List<RunListener> listeners = new ArrayList<>();

    private Builder(String name) {
      this.name = name;
    }

    /** What is synced. Required. */
    public Builder model(Model value) {
      model = Objects.requireNonNull(value, "model");
      return this;
    }

    /** Where to. Required. */
    public Builder to(Destination value) {
      destination = Objects.requireNonNull(value, "destination");
      return this;
    }

    /**
     * What the destination gets of a row. Default: every column of the model under its name.
     *
     * <p>Another mapping makes every row due again; {@link Mapping} says what counts as another.
     */
    public Builder mapping(Mapping value) {
      mapping = Objects.requireNonNull(value, "mapping");
      return this;
    }

    /**
     * Keeps columns of the version that the destination accepted last, so that {@link
     * Operation#REMOVED} has them in its row beside the key, {@link Operation#CHANGED} has them in
     * {@link Change#previous}, and {@link ChangeSet#columnChanges} counts in how many changes each
     * of them differs. Default: none. Further calls add columns.
     *
     * <p>Their values are stored in the state. Rows that were accepted before a column was named
     * here, or under another list, have none until they are accepted again; a full resync or a
     * reset fills them in. A column that the mapping does not take is read and compared because it
     * is named here.
     *
     * @param first a column of the model, in its exact spelling; not one of its key
     * @param more further columns
     * @throws IllegalArgumentException if a column is named twice
     */
    public Builder remember(String first, String... more) {
      remembered(Checks.column("first", first));
      for (String column : Objects.requireNonNull(more, "more")) {
        remembered(Checks.column("more", column));
      }
      return this;
    }

    private void remembered(String column) {
      if (!remembered.add(column)) {
        throw new IllegalArgumentException("the column " + column + " is remembered twice");
      }
    }

    /** Which changes are sent, and as what. Default {@link SyncMode#UPSERT}. */
    public Builder mode(SyncMode value) {
      mode = Objects.requireNonNull(value, "mode");
      return this;
    }

    /** What happens to rows that left the model. Default {@link Removal#IGNORE}. */
    public Builder onRemoved(Removal value) {
      removal = Objects.requireNonNull(value, "removal");
      return this;
    }

    /**
     * Most rows in a batch, 1 to 100,000; the destination's own limit applies too. Default 1,000.
     */
    public Builder batchRows(int rows) {
      batchRows = Checks.inRange("batchRows", rows, 1, 100_000);
      return this;
    }

    /** Most calls of the destination at once, 1 to 256; its own limit applies too. Default 1. */
    public Builder lanes(int value) {
      lanes = Checks.inRange("lanes", value, 1, 256);
      return this;
    }

    /**
     * How long one call may act, 1 s to 1 h. A call that ended without an answer is taken to be
     * able to act until this time has passed since it began; the key is not sent again before by a
     * later run. Default 60 s.
     *
     * <p>A call that is still going on a second before its deadline, or a tenth of it if that is
     * less, is interrupted. If it does not end then, its thread is left behind and its outcome is
     * unknown; another thread goes on with a writer of its own. After 4 calls in a row that passed
     * their deadline the run is FAILED. The same holds for opening and closing a writer.
     */
    public Builder callDeadline(Duration value) {
      callDeadline =
          Checks.inRange("callDeadline", value, Duration.ofSeconds(1), Duration.ofHours(1));
      return this;
    }

    /**
     * How long a batch that was not applied is tried again before the run is FAILED, 0 to 24 h.
     * Default 5 min.
     *
     * <p>The waits grow from 200 ms to 30 s, each varied by a fifth; a longer wait that the
     * destination asks for is kept.
     */
    public Builder retryFor(Duration value) {
      retryFor = Checks.inRange("retryFor", value, Duration.ZERO, Duration.ofHours(24));
      return this;
    }

    /**
     * When a rejected change is quarantined: after this many attempts <em>and</em> this long since
     * the first. Default 10 attempts and 24 h.
     *
     * @param attempts 1 to 1,000,000
     * @param age 0 to 3650 days
     */
    public Builder quarantineAfter(int attempts, Duration age) {
      quarantineAttempts = Checks.inRange("attempts", attempts, 1, 1_000_000);
      quarantineAge = Checks.inRange("age", age, Duration.ZERO, Duration.ofDays(3650));
      return this;
    }

    /**
     * Holds a run that would remove, for the first time, more than this share of the synced keys
     * and more than this many. Default 0.3 and 100.
     *
     * @param share 0 to 1; 1 switches the guard off
     * @param rows 0 or more
     */
    public Builder guardRemovals(double share, long rows) {
      guardedRemovalShare = Checks.share(share);
      guardedRemovals = Checks.inRange("rows", rows, 0, Long.MAX_VALUE);
      return this;
    }

    /**
     * Holds a run whose definition (query and its settings, mapping, columns and their types, mode,
     * removal) differs from that of the last run, and that would send more than this share of the
     * synced keys and more than this many as CHANGED. Default 0.1 and 1,000.
     *
     * @param share 0 to 1; 1 switches the guard off
     * @param rows 0 or more
     */
    public Builder guardChanges(double share, long rows) {
      guardedChangeShare = Checks.share(share);
      guardedChanges = Checks.inRange("rows", rows, 0, Long.MAX_VALUE);
      return this;
    }

    /**
     * Holds a run that would send anything as CHANGED under a definition that goes back to one used
     * within this time before another: two versions of an application side by side would otherwise
     * overwrite each other's rows in turn. 0 to 30 days, 0 switches the guard off. Default 1 day.
     */
    public Builder guardReturn(Duration within) {
      guardedReturn = Checks.inRange("within", within, Duration.ZERO, Duration.ofDays(30));
      return this;
    }

    /** Adds a guard of the application's own. */
    public Builder guard(Guard guard) {
      guards.add(Objects.requireNonNull(guard, "guard"));
      return this;
    }

    /** How long a stored plan can be applied, 1 min to 365 days. Default 7 days. */
    public Builder planExpiry(Duration value) {
      planExpiry = Checks.inRange("planExpiry", value, Duration.ofMinutes(1), Duration.ofDays(365));
      return this;
    }

    /**
     * Number of this version of the sync, 0 or more. A sync with a lower number than the highest
     * one that its state has seen is refused, so that an old version of an application that is
     * still running cannot send its idea of the rows. Default 0.
     */
    public Builder revision(long value) {
      revision = Checks.inRange("revision", value, 0, Long.MAX_VALUE);
      return this;
    }

    /**
     * What to do when the model is empty although rows have been synced. Default {@link
     * EmptyModel#HOLD}.
     */
    public Builder onEmptyModel(EmptyModel value) {
      emptyModel = Objects.requireNonNull(value, "emptyModel");
      return this;
    }

    /**
     * Stops a run, as FAILED, of whose changes more than this share have failed, once so many were
     * attempted: something is wrong with all of them. What was accepted is remembered, and the rest
     * stays due. Default 0.5 and 1,000.
     *
     * @param share of the changes that were attempted, 0 to 1; 1 never stops a run
     * @param afterRows not before so many were attempted, 1 or more
     */
    public Builder failFast(double share, long afterRows) {
      failFastShare = Checks.share(share);
      failFastAfterRows = Checks.inRange("afterRows", afterRows, 1, Long.MAX_VALUE);
      return this;
    }

    /**
     * Rows with more bytes than this are not read into memory but rejected as {@link
     * FailureCodes#ROW_TOO_LARGE}; 1 kB to 256 MiB. What counts are the columns without a small
     * limit of their own: text, bytea, json, arrays, not {@code varchar(80)} or numbers. Default 16
     * MiB (16,777,216).
     */
    public Builder maxRowBytes(long bytes) {
      maxRowBytes = Checks.inRange("maxRowBytes", bytes, 1_000, 256L << 20);
      return this;
    }

    /**
     * How long a key that left the model under {@link Removal#IGNORE} is remembered, 1 h to 3650
     * days. Default: for ever.
     */
    public Builder forgetAfter(Duration value) {
      forgetAfter =
          Checks.inRange("forgetAfter", value, Duration.ofHours(1), Duration.ofDays(3650));
      return this;
    }

    /** Adds a listener to the events of each run. */
    public Builder listener(RunListener listener) {
      listeners.add(Objects.requireNonNull(listener, "listener"));
      return this;
    }

    /**
     * The sync.
     *
     * @throws IllegalStateException if model or destination are missing, the destination does not
     *     take an action that mode and removal ask for, a column of the key is to be remembered, or
     *     the mapping gives the name of a key or remembered column that it does not choose to
     *     something else
     */
    public Sync build() {
      Model theModel = model;
      Destination theDestination = destination;
      if (theModel == null) {
        throw new IllegalStateException("model(...) is missing");
      }
      if (theDestination == null) {
        throw new IllegalStateException("to(...) is missing");
      }
      checkNames(theModel);
      Sync sync = new Sync(this, theModel, theDestination);
      for (Operation operation : Operation.values()) {
        Action action = sync.action(operation);
        if (action != null && !theDestination.capabilities().actions().contains(action)) {
          throw new IllegalStateException(
              "%s does not take %s, which mode %s and removal %s ask for; it takes %s"
                  .formatted(
                      theDestination.type(),
                      action,
                      mode,
                      removal,
                      theDestination.capabilities().actions()));
        }
      }
      return sync;
    }

    /** A column keeps its name in keys and previous values unless the mapping chooses it. */
    private void checkNames(Model theModel) {
      for (String column : theModel.key()) {
        if (remembered.contains(column)) {
          throw new IllegalStateException(
              "the column %s is part of the key, which every change has; do not name it in remember(...)"
                  .formatted(column));
        }
      }
      List<Mapping.Column> mapped = mapping == null ? List.of() : mapping.columns();
      Set<String> chosen = new HashSet<>();
      mapped.forEach(
          column -> {
            if (column instanceof Mapping.Chosen each) {
              chosen.add(each.column());
            }
          });
      for (Mapping.Column column : mapped) {
        String name = column.name();
        if ((theModel.key().contains(name) || remembered.contains(name))
            && !chosen.contains(name)) {
          throw new IllegalStateException(
              "the mapping gives the name %1$s to something else than the %2$s column %1$s, which keeps its name unless it is chosen; choose it, or take another name"
                  .formatted(name, theModel.key().contains(name) ? "key" : "remembered"));
        }
      }
    }
  }
}
