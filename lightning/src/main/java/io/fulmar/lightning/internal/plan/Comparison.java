package io.fulmar.lightning.internal.plan;

import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The statements that compare one model with what is remembered of its keys. Immutable, as are the
 * copies that {@link #looking} and {@link #remembering} give.
 */
final class Comparison {
  /** What is remembered, and whether all of it is looked at. */
  enum Memory {
    /** Nothing is. */
    NONE,
    /** The state; no key is held. */
    STATE,
    /** The state and holds. */
    STATE_AND_HOLDS,
    /** The state and holds of the given keys; of others nothing is planned. */
    OF_GIVEN
  }

  private final ModelParts model;
  private final StoredKey key;
  private final RowHash hash;
  private final Remembered remembered;
  private final boolean previous;
  private final Memory memory;

  private Comparison(
      ModelParts model, RowHash hash, Remembered remembered, boolean previous, Memory memory) {
    this.model = model;
    this.key = model.key();
    this.hash = hash;
    this.remembered = remembered;
    this.previous = previous;
    this.memory = memory;
  }

  /**
   * A comparison with nothing.
   *
   * @param shape the model
   * @param hash of its rows
   * @param columns what the columns of a plan mean
   * @param maxRowBytes rows with more come without their values
   */
  static Comparison of(ModelShape shape, RowHash hash, PlanHead.Columns columns, long maxRowBytes) {
    return new Comparison(
        ModelParts.of(shape, columns.stored(), hash, maxRowBytes),
        hash,
        columns.remembered(),
        columns.previous(),
        Memory.NONE);
  }

  /** The same, with what is remembered. */
  Comparison remembering(Memory value) {
    return new Comparison(model, hash, remembered, previous, value);
  }

  /**
   * The same, of which only some keys are looked at.
   *
   * @param rows reads the rows of these keys
   * @param gone a subquery: those that have no row; null for all that are remembered and have none
   */
  Comparison looking(ModelShape rows, @Nullable SqlPart gone) {
    return new Comparison(model.looking(rows, gone), hash, remembered, previous, memory);
  }

  private int kept() {
    return previous ? remembered.fields().size() : 0;
  }

  // ------------------------------------------------------------------------------------------ plan

  /**
   * The statement that makes a plan.
   *
   * @param tables of the sync
   * @param generation of the state; of no account if nothing is remembered
   * @param request what the plan is for
   * @param rules how is decided
   * @param place where the plan goes
   * @param run number of the run
   * @param now milliseconds since 1970
   */
  String plan(
      SyncTables tables,
      int generation,
      PlanRequest request,
      Rules rules,
      int place,
      long run,
      long now) {
    if (memory == Memory.NONE) {
      return FirstPlan.MAKE
          .with("plan", tables.plan(place))
          .with("keys", key.columns("w"))
          .with("version", model.version())
          .with("rows", model.rows())
          .with("values", model.fields("w", DiffSql.WITHIN, null))
          .sql();
    }
    List<SqlPart> values = new ArrayList<>(model.fields("j", DiffSql.SENT_WITHIN, DiffSql.SENT));
    List<Identifier> names = new ArrayList<>(model.fieldNames("s"));
    for (int i = 0; i < kept(); i++) {
      values.add(Parts.named(Identifier.of("j", "r" + i), Identifier.of("p" + i)));
      names.add(Identifier.of("s", "p" + i));
    }
    if (previous) {
      values.add(DiffSql.VALUED);
      names.add(Identifier.of("s", "p_valued"));
    }
    boolean mayWait = memory == Memory.STATE_AND_HOLDS || memory == Memory.OF_GIVEN;
    boolean ordered = mayWait || request.kind() != PlanRequest.Kind.RESYNC;
    return DiffSql.PLAN
        .with("plan", tables.plan(place))
        .with("keys", key.columns("s"))
        .with("names", names)
        .with("from", key.columns("j"))
        .with("now", Parts.number(now))
        .with("run", Parts.number(run))
        .with("values", values)
        .with("joined", joined(tables, generation, request, rules))
        .with("decision", decision(request, rules))
        .with("order", ordered ? DiffSql.IN_ORDER.with("now", Parts.number(now)) : DiffSql.NOTHING)
        .sql();
  }

  private SqlPart joined(SyncTables tables, int generation, PlanRequest request, Rules rules) {
    boolean holds = memory != Memory.STATE;
    List<SqlPart> keys = new ArrayList<>();
    List<SqlPart> either = new ArrayList<>();
    for (int i = 0; i < key.kinds().size(); i++) {
      Identifier w = Identifier.of("w", "k" + i);
      Identifier a = Identifier.of("a", "k" + i);
      Identifier h = Identifier.of("h", "k" + i);
      SqlPart found = holds ? Parts.coalesce(w, a, h) : Parts.coalesce(w, a);
      keys.add(Parts.named(found, Identifier.of("k" + i)));
      either.add(memory == Memory.OF_GIVEN ? w : Parts.coalesce(w, a));
    }
    SqlFragment with =
        memory == Memory.OF_GIVEN
            ? DiffSql.WITH_MEMORY_OF
            : holds ? DiffSql.WITH_STATE_AND_HOLDS : DiffSql.WITH_STATE;
    with =
        with.with("state", state(tables, generation, request))
            .with("same", Parts.same(key.columns("w"), key.columns("a")));
    if (holds) {
      with =
          with.with("holds", holds(tables, request))
              .with("held", Parts.same(either, key.columns("h")));
    }
    List<SqlPart> columns = new ArrayList<>(model.columns("w"));
    columns.addAll(Parts.numbered("a", "r", kept()));
    return DiffSql.JOINED
        .with("keys", keys)
        .with("version", model.version())
        .with("hold", holds ? DiffSql.HOLD : DiffSql.NO_HOLD)
        .with("columns", columns)
        .with("rows", model.rows())
        .with("memory", with)
        .with("interesting", interesting(request, rules, holds));
  }

  /** The state, or what it has of the keys that are asked for. */
  private SqlPart state(SyncTables tables, int generation, PlanRequest request) {
    List<Identifier> columns = new ArrayList<>(key.columns());
    columns.addAll(Identifier.all(List.of("hash", "gone_since")));
    columns.addAll(Parts.numbered("r", kept()));
    return ofKeys(tables.state(generation), columns, request);
  }

  private SqlPart holds(SyncTables tables, PlanRequest request) {
    List<Identifier> columns = new ArrayList<>(key.columns());
    columns.addAll(
        Identifier.all(
            List.of(
                "kind",
                "version",
                "attempts",
                "first_at",
                "planned_by",
                "planned_as",
                "change_id",
                "unsure",
                "until")));
    return ofKeys(tables.holds(), columns, request);
  }

  private SqlPart ofKeys(Identifier table, List<Identifier> columns, PlanRequest request) {
    if (request.keys() == null) {
      return table;
    }
    return DiffSql.OF_KEYS
        .with("columns", columns)
        .with("table", table)
        .with("keys", model.storedAsked())
        .with("asked", model.askedKeys())
        .with("names", key.columns())
        .with("same", Parts.same(key.columns("asked"), key.columns("kept")));
  }

  private SqlPart interesting(PlanRequest request, Rules rules, boolean holds) {
    boolean lacksValues = !previous && !remembered.isEmpty();
    return switch (request.kind()) {
      case RESYNC, FILL -> DiffSql.PRESENT;
      case RESET -> lacksValues ? DiffSql.TRUE : differing(holds);
      case RUN ->
          rules.mode() == SyncMode.ALL
              ? Parts.any(List.of(differing(holds), DiffSql.PRESENT))
              : differing(holds);
    };
  }

  private SqlPart differing(boolean holds) {
    return (holds ? DiffSql.INTERESTING_HELD : DiffSql.INTERESTING)
        .with("version", model.version());
  }

  private SqlPart decision(PlanRequest request, Rules rules) {
    boolean lacksValues = !previous && !remembered.isEmpty();
    return switch (request.kind()) {
      case RUN ->
          DiffSql.DECIDE_RUN
              .with("renews", truth(!rules.holdsSkipped()))
              .with("everything", truth(rules.mode() == SyncMode.ALL))
              .with("ignores", truth(rules.removal() == Removal.IGNORE))
              .with("adds", truth(rules.mode() == SyncMode.INSERT));
      case RESYNC -> DiffSql.DECIDE_RESYNC;
      case RESET -> DiffSql.DECIDE_RESET.with("keeps", truth(!lacksValues));
      case FILL -> throw new IllegalArgumentException("a destination is filled from nothing");
    };
  }

  private static SqlPart truth(boolean value) {
    return value ? DiffSql.TRUE : DiffSql.FALSE;
  }

  // ------------------------------------------------------------------------------------ what it is

  /** Reads what is remembered of the keys that are asked for, see {@link KeyLookSql#MEMORY}. */
  String memoryOfAsked(SyncTables tables, int generation) {
    return KeyLookSql.MEMORY
        .with("stored", model.storedAsked())
        .with("asked", model.askedKeys())
        .with("names", key.columns())
        .with("state", tables.state(generation))
        .with("accepted", Parts.same(key.columns("q"), key.columns("a")))
        .with("holds", tables.holds())
        .with("held", Parts.same(key.columns("q"), key.columns("h")))
        .sql();
  }

  /** What is compared. */
  ModelParts model() {
    return model;
  }

  /** What looks at a plan that this comparison made. */
  PlanQueries queries() {
    return new PlanQueries(model, key, hash, remembered, hasPrevious(), isFirst());
  }

  Memory memory() {
    return memory;
  }

  /** Whether a plan that was made has columns of accepted versions. */
  boolean hasPrevious() {
    return memory != Memory.NONE && previous;
  }

  /** Whether it makes a {@link FirstPlan}. */
  boolean isFirst() {
    return memory == Memory.NONE;
  }

  /** Whether every row with a usable key is in the plan, whatever becomes of it. */
  boolean plansEverything(PlanRequest request, Rules rules) {
    return memory == Memory.NONE
        || request.kind() == PlanRequest.Kind.RESYNC
        || (request.kind() == PlanRequest.Kind.RUN && rules.mode() == SyncMode.ALL);
  }
}
