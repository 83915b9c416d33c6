package io.fulmar.lightning.internal.fold;

import io.fulmar.ChangeSet;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.database.TableLock;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.schema.Comments;
import io.fulmar.lightning.internal.schema.Readers;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.schema.SyncViews;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Moves state and holds forward by what became of a plan, as {@link Rules#settle}, {@link
 * Rules#affect}, {@link Rules#renew} and {@link Rules#expire} say, in few statements over the keys
 * of the plan and the holds. Everything is part of the caller's transaction, which is READ
 * COMMITTED, fenced, and under our search path. Immutable and threadsafe.
 */
public final class Fold {
  /** Where the columns of a plan's table have been looked at, statements are planned better. */
  private static final long MANY_CHANGES = 1_000;

  /** From this share of the keys on, a new state costs less than changing the old one. */
  private static final double REBUILD_SHARE = 0.15;

  /** Fewer keys than this cost nothing either way. */
  private static final long SMALLEST_REBUILD = 10_000;

  /** An index takes this many times what a sort of a plan takes; all its processes together. */
  private static final long INDEX_MEMORY = 2;

  /** PostgreSQL has no larger setting. */
  private static final long MOST_KILOBYTES = Integer.MAX_VALUE;

  private final SyncTables tables;
  private final String sync;
  private final long indexKilobytes;
  private final long smallestRebuild;
  private final double rebuildShare;

  /** What a plan asks of a fold. */
  private record Survey(
      long accepted,
      long added,
      long changed,
      long removed,
      long forgotten,
      int effects,
      boolean exceptions,
      boolean late) {
    /** All of a first plan was accepted, so there is nothing to be looked for. */
    static Survey ofAdditions(long total) {
      return new Survey(total, total, 0, 0, 0, 0, false, false);
    }

    /** The same, without what planning found besides. */
    Survey withoutEffects() {
      return new Survey(accepted, added, changed, removed, 0, 0, exceptions, late);
    }

    boolean has(int effect) {
      return (effects & effect) != 0;
    }
  }

  /**
   * Folds of a sync.
   *
   * @param schemas where its tables are
   * @param tables of the sync
   * @param sync which one
   * @param memoryBytes what a sort may take
   */
  public Fold(Schemas schemas, SyncTables tables, Sync sync, long memoryBytes) {
    this(tables, sync.name(), memoryBytes, SMALLEST_REBUILD, REBUILD_SHARE);
  }

  /** Folds that make a new state where more than so many keys move, and such a share of them. */
  Fold(
      SyncTables tables, String sync, long memoryBytes, long smallestRebuild, double rebuildShare) {
    this.tables = tables;
    this.sync = sync;
    this.indexKilobytes = Math.min(MOST_KILOBYTES, INDEX_MEMORY * memoryBytes / 1024);
    this.smallestRebuild = smallestRebuild;
    this.rebuildShare = rebuildShare;
  }

  /**
   * Moves what is remembered forward, empties the ledger, and brings counters, generation,
   * remembered columns and the latest call of the record up to date; the caller writes the record
   * and drops the plan.
   *
   * @param transaction fenced
   * @param record of the sync
   * @param head the plan, made under this record's state
   * @param rules say what is remembered
   * @param kind what is taken for the outcome
   * @param now milliseconds since 1970
   * @throws StateException if the state is not the one that the plan was made under
   */
  public FoldResult fold(
      Transaction transaction,
      SyncRecord record,
      PlanHead head,
      Rules rules,
      FoldKind kind,
      long now)
      throws SQLException {
    return fold(transaction, record, head, rules, kind, now, false);
  }

  /**
   * As {@link #fold(Transaction, SyncRecord, PlanHead, Rules, FoldKind, long)}.
   *
   * @param prepared whether {@link #prepare} was committed for this plan, and nobody has touched
   *     what it made
   */
  public FoldResult fold(
      Transaction transaction,
      SyncRecord record,
      PlanHead head,
      Rules rules,
      FoldKind kind,
      long now,
      boolean prepared)
      throws SQLException {
    HoldMoves holds = new HoldMoves(transaction, tables);
    OutcomeParts outcomes = OutcomeParts.of(transaction, kind, tables, head.counts().total(), now);
    FoldParts parts = new FoldParts(tables, head, outcomes, now);
    boolean renewed = !rules.holdsSkipped() && holds.renew();
    if (head.place() == PlanHead.NO_TABLE) {
      if (renewed) {
        forget(transaction, record, parts, rules, now);
        record.until = holds.expire(now);
      }
      return renewed ? new FoldResult(true, 0, 0, 0) : FoldResult.NOTHING;
    }
    if (record.generation != null
        && head.counts().total() + head.counts().effects() > MANY_CHANGES) {
      transaction.update(
          parts.of(head.columns().first() ? FoldSql.ANALYZE_FIRST_PLAN : FoldSql.ANALYZE_PLAN));
    }
    if (head.way().kind() == ChangeSet.Way.Kind.DELTA) {
      transaction.first(FoldSql.LOOK_UP.sql(), row -> row.getString(1));
    }
    Survey survey =
        head.columns().first() && outcomes.isWhole()
            ? Survey.ofAdditions(head.counts().total())
            : survey(transaction, parts);
    if (kind == FoldKind.INTERRUPTED) {
      survey = survey.withoutEffects();
    }
    HoldMoves.Settled settled =
        holds.settle(parts, rules, survey.exceptions, survey.late, survey.effects);
    moveState(transaction, record, head, parts, survey, prepared);
    forget(transaction, record, parts, rules, now);
    record.until = holds.expire(now);
    Ledger.empty(transaction, tables);
    return new FoldResult(true, settled.newlyQuarantined(), survey.accepted, settled.unanswered());
  }

  private Survey survey(Transaction transaction, FoldParts parts) throws SQLException {
    return transaction
        .first(
            parts.of(FoldSql.SURVEY),
            row ->
                new Survey(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getInt(6),
                    row.getBoolean(7),
                    row.getBoolean(8)))
        .orElseThrow();
  }

  /**
   * Makes the state that a first plan leads to if all of it is accepted, in a transaction of its
   * own. It is nothing until a fold takes it, and is {@link #unneeded} if none does.
   *
   * @param transaction fenced
   * @param head a first plan, of a sync that has no state
   */
  public void prepare(Transaction transaction, PlanHead head) throws SQLException {
    FoldParts parts = new FoldParts(tables, head, OutcomeParts.allAccepted(), 0);
    int generation = PreparedState.GENERATION;
    parts.state(generation);
    transaction.update(parts.of(FoldSql.DROP));
    long keys = transaction.update(parts.first(generation));
    if (keys != head.counts().total()) {
      throw new StateException(
          "Cannot make the state of %s beforehand: its plan has %s changes instead of %s. %s"
              .formatted(sync, keys, head.counts().total(), transaction.about()));
    }
    transaction.update(FoldSql.INDEX_ALONE.sql());
    finish(transaction, parts, generation, keys);
  }

  /**
   * The names of states that are nothing: no fold has taken them.
   *
   * @param generation of the state that there is; null for none
   */
  public List<String> unneeded(@Nullable Integer generation) {
    return IntStream.range(0, 2)
        .filter(other -> generation == null || generation != other)
        .mapToObj(tables::stateName)
        .toList();
  }

  /** Whether there is no such state, if need be after it was dropped. */
  private boolean isVacated(Transaction transaction, int generation) throws SQLException {
    boolean free = TableLock.isFree(transaction.connection(), tables.state(generation));
    if (free) {
      transaction.update(FoldSql.DROP.with("state", tables.state(generation)).sql());
    }
    return free;
  }

  // ----------------------------------------------------------------------------------------- state

  private void moveState(
      Transaction transaction,
      SyncRecord record,
      PlanHead head,
      FoldParts parts,
      Survey survey,
      boolean prepared)
      throws SQLException {
    Integer generation = record.generation;
    boolean remembers = !head.columns().remembered().isEmpty();
    boolean remembered = record.remembered != null && !record.remembered.isEmpty();
    boolean keepsValues = head.columns().previous() || (!remembers && !remembered);
    if (generation == null) {
      int first = first(transaction, record, head, parts, survey, prepared);
      long added = survey.added;
      show(transaction, head, first);
      record.generation = first;
      record.remembered = head.columns().rememberedText();
      record.keys = added;
      record.live = added;
    } else if (!keepsValues
        || (isLarge(record, survey)
            && TableLock.isFree(transaction.connection(), tables.state(generation))
            && isVacated(transaction, 1 - generation))) {
      rebuild(transaction, record, head, parts, survey, keepsValues, generation);
    } else {
      parts.state(generation);
      moveKeys(transaction, record, parts, survey);
    }
  }

  /** The first state: what was prepared, or made now. Gives its generation. */
  private int first(
      Transaction transaction,
      SyncRecord record,
      PlanHead head,
      FoldParts parts,
      Survey survey,
      boolean prepared)
      throws SQLException {
    require(transaction, record, survey.changed == 0);
    long missing = head.counts().total() - survey.added;
    if (prepared && missing <= head.counts().total() * rebuildShare) {
      parts.state(PreparedState.GENERATION);
      require(
          transaction,
          record,
          missing == 0 || transaction.update(parts.of(FoldSql.TAKE_BACK)) == missing);
      return PreparedState.GENERATION;
    }
    int generation = isVacated(transaction, 0) ? 0 : 1;
    require(transaction, record, transaction.update(parts.first(generation)) == survey.added);
    finish(transaction, parts, generation, survey.added);
    return generation;
  }

  /** Whether most pages of the state would be written anyway, so that a new one costs less. */
  private boolean isLarge(SyncRecord record, Survey survey) {
    long moved = survey.added + survey.changed + survey.removed + survey.forgotten;
    return moved > smallestRebuild && moved > record.keys * rebuildShare;
  }

  private void rebuild(
      Transaction transaction,
      SyncRecord record,
      PlanHead head,
      FoldParts parts,
      Survey survey,
      boolean keepsValues,
      int generation)
      throws SQLException {
    int next = 1 - generation;
    // What a dead run has left there, somebody may still read: then this waits.
    transaction.update(FoldSql.DROP.with("state", tables.state(next)).sql());
    parts.state(generation);
    long keys = transaction.update(parts.rebuild(next, keepsValues, survey.effects));
    require(
        transaction,
        record,
        keys == record.keys + survey.added - survey.removed - survey.forgotten);
    Connection connection = transaction.connection();
    SyncViews views = new SyncViews(tables, sync);
    Readers ofTable =
        Readers.of(connection, tables.state(generation))
            .where(column -> keepsValues || !StateColumns.isRemembered(column));
    Readers ofView = Readers.of(connection, views.state());
    views.dropState(connection);
    transaction.update(parts.of(FoldSql.DROP));
    finish(transaction, parts, next, keys);
    show(transaction, head, next);
    ofTable.mayRead(connection, tables.state(next));
    ofView.mayRead(connection, views.state());
    parts.state(next);
    boolean anyGone = record.keys > record.live || survey.has(Rules.SET_GONE);
    record.generation = next;
    record.remembered = head.columns().rememberedText();
    record.keys = keys;
    record.live = keys - (anyGone ? transaction.number(parts.of(FoldSql.GONE)) : 0);
  }

  /** Makes a table a state: its key, what is known of it. */
  private void finish(Transaction transaction, FoldParts parts, int generation, long keys)
      throws SQLException {
    if (keys > SMALLEST_REBUILD) {
      transaction.number(FoldSql.INDEX_MEMORY.sql(), indexKilobytes);
    }
    transaction.update(parts.finish(generation));
    transaction.update(Comments.onState(tables, generation, sync));
    transaction.update(parts.of(FoldSql.ANALYZE, "table", tables.state(generation)));
  }

  /** Makes the view of the state. */
  private void show(Transaction transaction, PlanHead head, int generation) throws SQLException {
    new SyncViews(tables, sync)
        .createState(transaction.connection(), generation, StateColumns.of(head.columns()));
  }

  private static void moveKeys(
      Transaction transaction, SyncRecord record, FoldParts parts, Survey survey)
      throws SQLException {
    if (record.keys > record.live) {
      record.live +=
          transaction.update(
              parts.of(FoldSql.RETURN, "effects", ColumnExpression.number(survey.effects)));
    }
    if (survey.removed > 0) {
      require(
          transaction,
          record,
          remove(transaction, record, parts.of(FoldSql.REMOVE)) == survey.removed);
    }
    if (survey.forgotten > 0) {
      require(
          transaction,
          record,
          remove(transaction, record, parts.of(FoldSql.FORGET)) == survey.forgotten);
    }
    if (survey.changed > 0) {
      require(transaction, record, transaction.update(parts.of(FoldSql.CHANGE)) == survey.changed);
    }
    if (survey.added > 0) {
      require(transaction, record, transaction.update(parts.of(FoldSql.ADD)) == survey.added);
      record.keys += survey.added;
      record.live += survey.added;
    }
    if (survey.has(Rules.SET_GONE)) {
      record.live -= transaction.update(parts.of(FoldSql.LEAVE));
    }
  }

  private static long remove(Transaction transaction, SyncRecord record, String sql)
      throws SQLException {
    return transaction
        .first(
            sql,
            row -> {
              record.keys -= row.getLong(1);
              record.live -= row.getLong(1) - row.getLong(2);
              return row.getLong(1);
            })
        .orElseThrow();
  }

  /** What was planned against one state and does not fit this one would lose or invent keys. */
  private static void require(Transaction transaction, SyncRecord record, boolean fits) {
    if (!fits) {
      throw new StateException(
          "Cannot move the state of %s forward: it is not the one that its plan was made under, so somebody else has written to it. Restore the planner schema, or forget the sync and initialise it. %s"
              .formatted(record.sync, transaction.about()));
    }
  }

  /** Keys that have been gone for long enough. */
  private static void forget(
      Transaction transaction, SyncRecord record, FoldParts parts, Rules rules, long now)
      throws SQLException {
    Integer generation = record.generation;
    Duration after = rules.forgetAfter();
    if (generation == null || after == null || record.keys == record.live) {
      return;
    }
    parts.state(generation);
    record.keys -=
        transaction.update(
            parts.of(
                FoldSql.FORGET_GONE, "before", ColumnExpression.number(now - after.toMillis())));
  }
}
