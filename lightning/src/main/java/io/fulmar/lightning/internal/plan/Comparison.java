package io.fulmar.lightning.internal.plan;

import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The statements that compare one model with what is remembered of its keys. Immutable, as are the
 * copies that {@link #looking} and {@link #remembering} give.
 */
final class Comparison {
  /**
   * Most bytes of a key: an entry of an index takes 2,704, with what goes along with each column.
   */
  static final int MAX_KEY_BYTES = 2_000;

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

  private final ModelShape shape;
  private final StoredKey key;
  private final RowHash hash;
  private final Remembered remembered;
  private final boolean previous;
  private final long maxRowBytes;
  private final List<Identifier> aliases;
  private final Memory memory;
  private final @Nullable SqlPart absent;

  private Comparison(
      ModelShape shape,
      StoredKey key,
      RowHash hash,
      Remembered remembered,
      boolean previous,
      long maxRowBytes,
      Memory memory,
      @Nullable SqlPart absent) {
    this.shape = shape;
    this.key = key;
    this.hash = hash;
    this.remembered = remembered;
    this.previous = previous;
    this.maxRowBytes = maxRowBytes;
    this.aliases = Parts.numbered("c", shape.columns().size());
    this.memory = memory;
    this.absent = absent;
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
        shape,
        columns.stored(),
        hash,
        columns.remembered(),
        columns.previous(),
        maxRowBytes,
        Memory.NONE,
        null);
  }

  /** The same, with what is remembered. */
  Comparison remembering(Memory value) {
    return new Comparison(shape, key, hash, remembered, previous, maxRowBytes, value, absent);
  }

  /**
   * The same, of which only some keys are looked at.
   *
   * @param rows reads the rows of these keys
   * @param gone a subquery: those that have no row; null for all that are remembered and have none
   */
  Comparison looking(ModelShape rows, @Nullable SqlPart gone) {
    return new Comparison(rows, key, hash, remembered, previous, maxRowBytes, memory, gone);
  }

  // ----------------------------------------------------------------------------------------- model

  private List<Identifier> keyAliases() {
    return shape.keyPositions().stream().map(aliases::get).toList();
  }

  private List<SqlPart> storedKeys() {
    return shape.keyPositions().stream().map(i -> storedKey(i, aliases.get(i))).toList();
  }

  private SqlPart storedKey(int position, SqlPart column) {
    return StoredForm.key(shape.columns().get(position).kind(), column);
  }

  /** Whether a row has its key whole. */
  private SqlPart whole() {
    return Parts.noneNull(keyAliases());
  }

  /** Key columns whose size has no limit of their own that would do. */
  private List<Integer> measuredKeys() {
    return shape.keyPositions().stream()
        .filter(
            i ->
                switch (shape.columns().get(i).kind()) {
                  case TEXT, BPCHAR, BYTEA, NUMERIC -> true;
                  default -> false;
                })
        .toList();
  }

  /** Whether a key can be too large. */
  boolean isKeyMeasured() {
    return !measuredKeys().isEmpty();
  }

  private SqlPart keyBytes() {
    return Parts.sum(
        measuredKeys().stream()
            .map(
                i -> {
                  SqlPart stored = storedKey(i, aliases.get(i));
                  return shape.columns().get(i).kind() == ColumnKind.NUMERIC
                      ? FormSql.SIZE.with("value", stored)
                      : FormSql.OCTETS.with("value", stored);
                })
            .toList());
  }

  /** Whether a row's key, which is whole, is too large. */
  private SqlPart large() {
    return isKeyMeasured()
        ? FormSql.BEYOND.with("bytes", keyBytes()).with("limit", Parts.number(MAX_KEY_BYTES))
        : DiffSql.FALSE;
  }

  private SqlPart valid() {
    return isKeyMeasured()
        ? Parts.all(
            List.of(
                whole(),
                FormSql.WITHIN
                    .with("bytes", keyBytes())
                    .with("limit", Parts.number(MAX_KEY_BYTES))))
        : whole();
  }

  /** Columns that count towards the size of a row; none if no row can have too many bytes. */
  private List<Integer> measured() {
    List<Integer> unbounded =
        shape.used().stream().filter(i -> !shape.columns().get(i).bounded()).toList();
    return unbounded.stream().allMatch(shape.keyPositions()::contains) ? List.of() : unbounded;
  }

  private SqlPart oversize() {
    List<Integer> columns = measured();
    if (columns.isEmpty()) {
      return DiffSql.FALSE;
    }
    List<SqlPart> bytes =
        columns.stream()
            .map(
                i ->
                    FormSql.OCTETS.with(
                        "value",
                        switch (shape.columns().get(i).kind()) {
                          case JSON, OTHER -> StoredForm.value(ColumnKind.TEXT, aliases.get(i));
                          default -> aliases.get(i);
                        }))
            .<SqlPart>map(part -> part)
            .toList();
    return FormSql.BEYOND.with("bytes", Parts.sum(bytes)).with("limit", Parts.number(maxRowBytes));
  }

  private List<Identifier> used() {
    return shape.used().stream().map(aliases::get).toList();
  }

  private SqlPart rows() {
    SqlFragment rows =
        DiffSql.ROWS
            .with("keys", Parts.named(storedKeys(), key.columns()))
            .with("hash", hash.of(aliases))
            .with("oversize", oversize())
            .with("columns", used())
            .with("model", shape.query())
            .with("aliases", aliases)
            .with("valid", valid());
    SqlPart gone = absent;
    return gone == null
        ? rows
        : DiffSql.ROWS_AND_ABSENT
            .with("rows", rows)
            .with("keys", key.columns("fulmar_absent"))
            .with("nulls", used().stream().map(column -> DiffSql.NULL).toList())
            .with("absent", gone);
  }

  private SqlPart version() {
    Identifier plain = Identifier.of("w", "hash");
    return measured().isEmpty() ? plain : hash.marked(plain, Identifier.of("w", "oversize"));
  }

  /** The fields of a row in the order in which they are read: positions in the model. */
  private List<Integer> readOrder() {
    List<Integer> fields = shape.rowShape().fields();
    Integer[] order = new Integer[fields.size()];
    for (int i = 0; i < order.length; i++) {
      order[fields.get(i)] = shape.used().get(i);
    }
    return Arrays.asList(order);
  }

  private List<SqlPart> values(String alias, SqlFragment within, @Nullable SqlFragment always) {
    List<SqlPart> values = new ArrayList<>();
    List<Integer> bounded = measured();
    for (int i : readOrder()) {
      SqlPart value = StoredForm.value(shape.columns().get(i).kind(), behind(alias, i));
      if (bounded.contains(i) && !shape.keyPositions().contains(i)) {
        value = within.with("value", value);
      } else if (always != null) {
        value = always.with("value", value);
      }
      values.add(Parts.named(value, Identifier.of("f" + values.size())));
    }
    return values;
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
      return DiffSql.FIRST_PLAN
          .with("plan", tables.plan(place))
          .with("keys", key.columns("w"))
          .with("version", version())
          .with("now", Parts.number(now))
          .with("run", Parts.number(run))
          .with("rows", rows())
          .with("values", values("w", DiffSql.WITHIN, null))
          .sql();
    }
    List<SqlPart> values = new ArrayList<>(values("j", DiffSql.SENT_WITHIN, DiffSql.SENT));
    List<Identifier> names = new ArrayList<>(Parts.numbered("s", "f", shape.fieldCount()));
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
    List<SqlPart> columns =
        new ArrayList<>(shape.used().stream().map(i -> behind("w", i)).toList());
    columns.addAll(Parts.numbered("a", "r", kept()));
    return DiffSql.JOINED
        .with("keys", keys)
        .with("version", version())
        .with("hold", holds ? DiffSql.HOLD : DiffSql.NO_HOLD)
        .with("columns", columns)
        .with("rows", rows())
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
        .with("keys", storedAsked())
        .with("asked", shape.askedKeys())
        .with("names", key.columns())
        .with("same", Parts.same(key.columns("asked"), key.columns("kept")));
  }

  /** The keys that are asked for, as they are kept. */
  private List<SqlPart> storedAsked() {
    List<Identifier> asked = key.columns("fulmar_key");
    List<SqlPart> stored = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      stored.add(storedKey(shape.keyPositions().get(i), asked.get(i)));
    }
    return stored;
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
    return (holds ? DiffSql.INTERESTING_HELD : DiffSql.INTERESTING).with("version", version());
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

  private static Identifier behind(String alias, int position) {
    return Identifier.of(alias, "c" + position);
  }

  // -------------------------------------------------------------------------------- counts,
  // samples

  /** Counts rows of the model: all, those without a whole key, those whose key is too large. */
  String countModel() {
    return CountSql.MODEL
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("keyless", Parts.anyNull(keyAliases()))
        .with("whole", whole())
        .with("large", large())
        .sql();
  }

  /** Reads the first rows without a usable key: whether it is whole, then its columns. */
  String invalidRows(int most) {
    List<SqlPart> fields = new ArrayList<>();
    List<Integer> bounded = measuredKeys();
    for (int i : shape.keyPositions()) {
      fields.add(
          bounded.contains(i)
              ? FormSql.UNLESS.with("condition", large()).with("value", aliases.get(i))
              : aliases.get(i));
    }
    return CountSql.INVALID
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("keyless", Parts.anyNull(keyAliases()))
        .with("whole", whole())
        .with("large", large())
        .with("fields", fields)
        .with("most", Parts.number(most))
        .sql();
  }

  /** Finds the keys that occur more than once in the model. */
  String duplicatesOfModel(SyncTables tables) {
    return CountSql.DUPLICATES_OF_MODEL
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("w"))
        .with("values", Parts.named(storedKeys(), key.columns()))
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("valid", valid())
        .sql();
  }

  /** Finds the keys that occur more than once in a plan. */
  String duplicatesOfPlan(SyncTables tables, int place) {
    return CountSql.DUPLICATES_OF_PLAN
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("w"))
        .with("plan", tables.plan(place))
        .sql();
  }

  /** Makes a plan again without ambiguous keys. */
  String withoutDuplicates(SyncTables tables, int from, int to) {
    List<Identifier> names = new ArrayList<>(Parts.numbered("s", "f", shape.fieldCount()));
    if (memory != Memory.NONE && previous) {
      names.addAll(Parts.numbered("s", "p", kept()));
      names.add(Identifier.of("s", "p_valued"));
    }
    return CountSql.WITHOUT_DUPLICATES
        .with("ambiguous", tables.plan(from))
        .with("plan", tables.plan(to))
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("s"))
        .with("names", names)
        .with("same", Parts.same(key.columns("d"), key.columns("p")))
        .sql();
  }

  /** Counts what is in a plan. */
  String countPlan(SyncTables tables, int place) {
    List<SqlPart> differences = new ArrayList<>();
    List<ColumnKind> kinds = shape.fieldKinds();
    boolean known = memory != Memory.NONE && previous;
    for (int i = 0; i < remembered.fields().size(); i++) {
      int field = remembered.fields().get(i);
      differences.add(
          known
              ? CountSql.DIFFERENCE.with(
                  "differ",
                  hash.differ(
                      kinds.get(field),
                      Identifier.of("p", "p" + i),
                      Identifier.of("p", "f" + field)))
              : CountSql.ZERO);
    }
    differences.add(CountSql.ZERO);
    return CountSql.PLAN.with("plan", tables.plan(place)).with("differences", differences).sql();
  }

  /** Counts keys with a hold of which no version was accepted. */
  String countHeldAlone(SyncTables tables, int generation) {
    return CountSql.HELD_ALONE
        .with("holds", tables.holds())
        .with("state", tables.state(generation))
        .with("same", Parts.same(key.columns("a"), key.columns("h")))
        .sql();
  }

  /** Counts live keys of the state that have a row in a plan. */
  String countLiveInPlan(SyncTables tables, int generation, int place) {
    return CountSql.LIVE_IN_PLAN
        .with("plan", tables.plan(place))
        .with("state", tables.state(generation))
        .with("same", Parts.same(key.columns("a"), key.columns("p")))
        .sql();
  }

  /** Reads the keys of the first changes of an operation: its name, then the key. */
  String firstChanges(Identifier plan, Operation operation, int most) {
    SqlTemplate samples =
        switch (operation) {
          case ADDED -> CountSql.FIRST_ADDED;
          case CHANGED -> CountSql.FIRST_CHANGED;
          case REMOVED -> CountSql.FIRST_REMOVED;
        };
    return samples
        .with("plan", plan)
        .with("keys", key.columns("p"))
        .with("most", Parts.number(most))
        .sql();
  }

  /** Reads the first ambiguous keys: how many rows each has, then the key. */
  String firstDuplicates(SyncTables tables, int most) {
    return CountSql.DUPLICATE_KEYS
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("d"))
        .with("most", Parts.number(most))
        .sql();
  }

  /** Reads the rows: version, whether it has too many bytes, and its fields. */
  String hashedRows() {
    return KeyLookSql.ROWS
        .with("version", version())
        .with("values", values("w", DiffSql.WITHIN, null))
        .with("rows", rows())
        .sql();
  }

  /** Reads what is remembered of the keys that are asked for, see {@link KeyLookSql#MEMORY}. */
  String memoryOfAsked(SyncTables tables, int generation) {
    return KeyLookSql.MEMORY
        .with("stored", storedAsked())
        .with("asked", shape.askedKeys())
        .with("names", key.columns())
        .with("state", tables.state(generation))
        .with("accepted", Parts.same(key.columns("q"), key.columns("a")))
        .with("holds", tables.holds())
        .with("held", Parts.same(key.columns("q"), key.columns("h")))
        .sql();
  }

  StoredKey key() {
    return key;
  }

  /** How the columns of the key are read out of the model. */
  List<ColumnKind> keyKinds() {
    return shape.keyPositions().stream().map(i -> shape.columns().get(i).kind()).toList();
  }

  Memory memory() {
    return memory;
  }

  /** Whether a plan that was made has columns of accepted versions. */
  boolean hasPrevious() {
    return memory != Memory.NONE && previous;
  }

  /** Whether every row with a usable key is in the plan, whatever becomes of it. */
  boolean plansEverything(PlanRequest request, Rules rules) {
    return memory == Memory.NONE
        || request.kind() == PlanRequest.Kind.RESYNC
        || (request.kind() == PlanRequest.Kind.RUN && rules.mode() == SyncMode.ALL);
  }
}
