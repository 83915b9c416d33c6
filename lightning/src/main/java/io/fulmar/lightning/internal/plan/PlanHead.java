package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All of a plan but its changes: what it was made under, and what is in it. Immutable.
 *
 * @param sync name of the sync
 * @param run number of the run that made it, which is its id
 * @param place which plan table of the sync has its changes; {@link #NO_TABLE} if there are none
 *     and no effects
 * @param terms what decides whether it may still be delivered
 * @param extent how much of the model it is about
 * @param change how the definition differs from the one that was folded last
 * @param server which database it was made of, and when
 * @param columns what the columns of its table mean
 * @param counts what is in it
 * @param invalidRows the first invalid keys
 * @param samples the keys of the first changes
 * @param objections what speaks against the source
 * @param guards what the guards object to
 * @param way how the changes were found
 * @param base what the delta scan goes by once all of this is folded; null for nothing
 * @param writes stands for what was written to the model's tables; empty for unknown
 */
public record PlanHead(
    String sync,
    long run,
    int place,
    PlanTerms terms,
    Extent extent,
    DefinitionChange change,
    ServerIdentity server,
    Columns columns,
    Counts counts,
    List<Invalid> invalidRows,
    List<Sample> samples,
    List<String> objections,
    List<String> guards,
    ChangeSet.Way way,
    @Nullable String base,
    String writes) {
  /** The {@link #place} of a plan that changes nothing. */
  public static final int NO_TABLE = -1;

  /** Copies the lists. */
  public PlanHead {
    invalidRows = List.copyOf(invalidRows);
    samples = List.copyOf(samples);
    objections = List.copyOf(objections);
    guards = List.copyOf(guards);
  }

  /**
   * What the columns of a plan's table mean.
   *
   * @param key the key's columns and the classes of types within which a key stays the same
   * @param row how {@code f0, f1 ...} are decoded
   * @param keyRow how images of keys are decoded
   * @param stored how {@code k0, k1 ...} are kept
   * @param remembered which fields are kept of accepted versions
   * @param previous whether {@code p0, p1 ...} are there: the state keeps the same columns
   * @param first whether nothing was remembered, so that every change is an addition: columns that
   *     would say the same of all of them are not there
   */
  public record Columns(
      String key,
      Shape row,
      Shape keyRow,
      StoredKey stored,
      Remembered remembered,
      boolean previous,
      boolean first) {
    /** Columns of a plan over what is remembered. */
    public Columns(
        String key,
        Shape row,
        Shape keyRow,
        StoredKey stored,
        Remembered remembered,
        boolean previous) {
      this(key, row, keyRow, stored, remembered, previous, false);
    }

    /** Which columns of accepted versions are kept, as text. */
    public String rememberedText() {
      return RememberedText.of(remembered);
    }

    /** The same, with or without {@code p0, p1 ...}. */
    Columns withPrevious(boolean there) {
      return new Columns(key, row, keyRow, stored, remembered, there, first);
    }

    /** The same of a plan that was made. */
    Columns of(FoundChanges found) {
      return new Columns(key, row, keyRow, stored, remembered, found.previous(), found.first());
    }
  }

  /**
   * What is in a plan.
   *
   * @param rows rows of the model
   * @param live synced keys before the run, without those that are gone
   * @param planned changes, by the ordinals of {@link Operation}
   * @param held changes that are not sent because their key is quarantined or skipped
   * @param ignored removals that are not sent, seen for the first time
   * @param invalid rows with an unusable key
   * @param firstRemovals see {@link StoredPlan#firstRemovals}
   * @param effects keys that the fold changes besides
   * @param columnChanges how many changes there are in each remembered column, in the order in
   *     which they are kept
   */
  public record Counts(
      long rows,
      long live,
      List<Long> planned,
      long held,
      long ignored,
      long invalid,
      long firstRemovals,
      long effects,
      List<Long> columnChanges) {
    /** Copies the lists. */
    public Counts {
      planned = List.copyOf(planned);
      columnChanges = List.copyOf(columnChanges);
    }

    /** How many changes there are of an operation. */
    public long planned(Operation operation) {
      return planned.get(operation.ordinal());
    }

    /** How many changes there are in all; their positions are 0 to this, without it. */
    public long total() {
      return planned.stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * An invalid key.
   *
   * @param reason why it is
   * @param keyImage whether the bytes are the image of a key; else they are the key's fields as
   *     they were read, one after the other
   * @param key the bytes
   * @param rows how many rows have it
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Invalid(InvalidRow.Reason reason, boolean keyImage, byte[] key, long rows) {}

  /**
   * The key of a planned change.
   *
   * @param operation what is planned
   * @param key image of the key
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Sample(Operation operation, byte[] key) {}

  /**
   * What is in its table, with every column that a plan has, for a FROM clause.
   *
   * @param tables of the sync
   */
  public SqlPart rows(SyncTables tables) {
    Identifier table = tables.plan(place);
    return columns.first() ? FirstPlan.rows(table, run, terms.madeAt()) : table;
  }

  /** The id of the plan. */
  public String id() {
    return Long.toString(run);
  }

  /** The plan as the runner and the application see it. */
  public StoredPlan plan() {
    List<InvalidRow> invalid = new ArrayList<>();
    for (Invalid sample : invalidRows) {
      invalid.add(
          new InvalidRow(
              sample.reason(),
              sample.keyImage()
                  ? ImageRow.ofKey(columns.keyRow(), sample.key())
                  : ImageRow.of(columns.keyRow(), sample.key()),
              sample.rows()));
    }
    Map<Operation, Long> planned = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      planned.put(operation, counts.planned(operation));
    }
    ChangeSet changeSet =
        new ChangeSet(
            id(),
            sync,
            run,
            server.at(),
            counts.rows(),
            counts.live(),
            planned,
            counts.held(),
            counts.ignored(),
            counts.invalid(),
            invalid,
            samples.stream()
                .map(
                    s ->
                        new ChangeSet.Sample(
                            s.operation(), ImageRow.ofKey(columns.keyRow(), s.key())))
                .toList(),
            guards,
            columns
                .remembered()
                .named(counts.columnChanges().stream().mapToLong(Long::longValue).toArray()),
            way);
    return new StoredPlan(
        changeSet,
        counts.firstRemovals(),
        objections,
        counts.effects(),
        terms.request(),
        extent,
        change);
  }

  /** This plan with the objections of guards. */
  public PlanHead withGuards(List<String> found) {
    return with(sync, found);
  }

  /** This plan of the sync under another name. */
  PlanHead of(String name) {
    return with(name, guards);
  }

  private PlanHead with(String name, List<String> found) {
    return new PlanHead(
        name,
        run,
        place,
        terms,
        extent,
        change,
        server,
        columns,
        counts,
        invalidRows,
        samples,
        objections,
        found,
        way,
        base,
        writes);
  }

  /** As bytes, for {@link #decode}. */
  public byte[] encode() {
    return PlanHeadCode.encode(this);
  }

  /**
   * What {@link #encode} gave.
   *
   * @throws DamagedException if it is something else, or of a newer version of Fulmar
   */
  public static PlanHead decode(byte[] bytes) throws DamagedException {
    return PlanHeadCode.decode(bytes);
  }

  /** Names the plan and shows no values. */
  @Override
  public String toString() {
    return "PlanHead[" + sync + " " + run + "]";
  }
}
