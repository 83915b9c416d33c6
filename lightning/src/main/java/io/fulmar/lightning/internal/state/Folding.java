package io.fulmar.lightning.internal.state;

import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.fold.Fold;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.fold.FoldResult;
import io.fulmar.lightning.internal.fold.Ledger;
import io.fulmar.lightning.internal.fold.OutcomeParts;
import io.fulmar.lightning.internal.fold.PreparedState;
import io.fulmar.lightning.internal.fold.StateColumns;
import io.fulmar.lightning.internal.log.LoggedRun;
import io.fulmar.lightning.internal.log.SyncLog;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Moves the state of a sync forward by a plan, with everything that goes with it: its logs, its
 * row, the tables that come and go. Each method is part of one transaction of the caller, who
 * writes the row. Stateless.
 */
final class Folding {
  private final LightningStore store;
  private final Sync sync;
  private final SyncTables tables;
  private final PlanStore plans;
  private final SyncLog log;
  private final Fold fold;

  /**
   * For one sync.
   *
   * @param tables its tables
   * @param plans its plans
   * @param log its logs
   */
  Folding(LightningStore store, Sync sync, SyncTables tables, PlanStore plans, SyncLog log) {
    this.store = store;
    this.sync = sync;
    this.tables = tables;
    this.plans = plans;
    this.log = log;
    this.fold = new Fold(store.schemas(), tables, sync, store.settings().plan().memoryBytes());
  }

  /**
   * Takes a plan in that was delivered to the end of its run.
   *
   * @param run which delivered it
   * @param prepared the state that was made beside the delivery; null for none
   * @return how many changes are quarantined now and were not before
   */
  long delivered(
      Transaction transaction,
      SyncRecord next,
      PlanHead head,
      LoggedRun run,
      RunEnd end,
      @Nullable PreparedState prepared)
      throws SQLException {
    boolean moves = moves(transaction, next, head);
    if (moves) {
      tables(transaction, next, head);
    }
    log(transaction, next, head, FoldKind.DELIVERED, run);
    long quarantined = 0;
    boolean whole = head.counts().total() == 0;
    if (moves) {
      whole = answered(transaction) == head.counts().total();
      quarantined = fold(transaction, next, head, FoldKind.DELIVERED, prepared).newlyQuarantined();
    }
    folded(next, head, end.extent());
    compared(next, head, whole ? end.extent() : Extent.PART);
    if (end.nothingUnsent()) {
      next.upToDateAsOf = head.server().at();
    }
    boolean warn = end.status() == RunStatus.SUCCEEDED && quarantined > 0;
    ended(next, warn ? end.as(RunStatus.WARNING) : end);
    settled(transaction, next, head.run());
    return quarantined;
  }

  /**
   * Takes a plan in whose run died.
   *
   * @param now when that was found
   */
  FoldResult interrupted(Transaction transaction, SyncRecord next, PlanHead head, Instant now)
      throws SQLException {
    long deliveredBy = Ledger.deliveredBy(transaction, tables);
    long dead = deliveredBy == 0 ? head.run() : deliveredBy;
    LoggedRun run =
        new LoggedRun(dead, Instant.ofEpochMilli(dead), now, RunStatus.INTERRUPTED, null);
    log(transaction, next, head, FoldKind.INTERRUPTED, run);
    FoldResult result = fold(transaction, next, head, FoldKind.INTERRUPTED, null);
    next.mode = head.terms().mode();
    next.removal = head.terms().removal();
    next.foldedRun = head.run();
    next.run = Math.max(next.run, dead);
    keyed(next, head);
    compared(next, head, Extent.PART);
    if (next.unfolded != head.run()) {
      ended(next, new RunEnd(RunStatus.INTERRUPTED, now, false, Extent.PART, null));
    }
    next.unfolded = 0;
    settled(transaction, next, head.run());
    return result;
  }

  /** Takes a plan as accepted of which nothing was sent. */
  void taken(Transaction transaction, SyncRecord next, PlanHead head) throws SQLException {
    tables(transaction, next, head);
    if (moves(transaction, next, head)) {
      fold(transaction, next, head, FoldKind.TAKEN, null);
    }
    folded(next, head, Extent.WHOLE);
    compared(next, head, Extent.WHOLE);
    next.stateVersion++;
    next.initialising = false;
    next.clearing = false;
    next.clearUntil = 0;
    if (head.counts().invalid() == 0) {
      next.upToDateAsOf = head.server().at();
    }
    settled(transaction, next, head.run());
  }

  private FoldResult fold(
      Transaction transaction,
      SyncRecord next,
      PlanHead head,
      FoldKind kind,
      @Nullable PreparedState prepared)
      throws SQLException {
    boolean untouched =
        prepared != null
            && store
                .files()
                .prepared(transaction, tables.stateName(PreparedState.GENERATION))
                .filter(prepared::equals)
                .isPresent();
    FoldResult result =
        fold.fold(
            transaction, next, head, rules(next, head), kind, store.clock().millis(), untouched);
    next.stateVersion++;
    return result;
  }

  /**
   * Makes the tables that a plan is folded into, unless they are there; anew, if the sync has got
   * another key, which only a reset or a filling gives it.
   */
  void tables(Transaction transaction, SyncRecord next, PlanHead head) throws SQLException {
    String columns = head.columns().stored().text();
    boolean same =
        columns.equals(next.stateColumns)
            && (next.keySignature == null || next.keySignature.equals(head.columns().key()));
    if (same) {
      return;
    }
    if (next.stateColumns != null) {
      forgetKeys(transaction, next);
    }
    store
        .provision()
        .createSync(transaction.connection(), tables, sync.name(), StateColumns.of(head.columns()));
    next.stateColumns = columns;
  }

  /** What makes the state of a sync that has none while its plan is delivered; null for nothing. */
  @Nullable Preparation preparation(Lease lease, PlanHead head, SyncRecord record) {
    return Preparation.of(store, lease, tables, fold, head, record);
  }

  /** Tables that only a dead run has needed. */
  List<String> unneeded(SyncRecord record) {
    return fold.unneeded(record.generation);
  }

  /** Drops state, holds and ledger; the plans stay. */
  void forgetKeys(Transaction transaction, SyncRecord next) throws SQLException {
    store
        .provision()
        .dropMemory(transaction.connection(), tables, sync.name(), transaction.about());
    next.generation = null;
    next.stateColumns = null;
    next.keySignature = null;
    next.keyShape = null;
    next.remembered = null;
    next.keys = 0;
    next.live = 0;
    next.until = 0;
    next.deltaBase = null;
    store.files().note(transaction, next);
  }

  /** Writes what became of a plan into the logs, before the state moves. */
  private void log(
      Transaction transaction, SyncRecord next, PlanHead head, FoldKind kind, LoggedRun ended)
      throws SQLException {
    next.logGaps =
        log.folded(
            transaction,
            next.slot,
            next.logGaps,
            head,
            OutcomeParts.of(
                transaction, kind, tables, head.counts().total(), store.clock().millis()),
            kind,
            ended);
  }

  /** Nothing is delivered any more, and no plan waits. */
  private void settled(Transaction transaction, SyncRecord next, long plan) throws SQLException {
    if (next.stateColumns != null) {
      Ledger.empty(transaction, tables);
    }
    store.files().note(transaction, next);
    plans.delete(transaction.connection(), plan);
    if (next.keptPlan != 0 && next.keptPlan != plan) {
      plans.delete(transaction.connection(), next.keptPlan);
    }
    next.keptPlan = 0;
    next.deliveringPlan = 0;
  }

  private Rules rules(SyncRecord next, PlanHead head) {
    return PlanTerms.rules(
        sync, head.terms().mode(), head.terms().removal(), next.mode, next.removal);
  }

  /** How many changes of the plan have an outcome that the state takes in. */
  private long answered(Transaction transaction) throws SQLException {
    return transaction.number(StateSql.ANSWERED.with("ledger", tables.ledger()).sql());
  }

  /** Notes what a later scan may go by. */
  private static void compared(SyncRecord next, PlanHead head, Extent delivered) {
    boolean whole =
        delivered == Extent.WHOLE && head.extent() == Extent.WHOLE && head.counts().invalid() == 0;
    next.deltaBase =
        DeltaScan.after(
            next.deltaBase,
            head.base(),
            head.terms().request(),
            whole ? Extent.WHOLE : Extent.PART);
    next.sourceWrites = whole ? head.writes() : "";
    boolean all =
        head.way().kind() == ChangeSet.Way.Kind.FULL || head.way().kind() == ChangeSet.Way.Kind.SUM;
    if (whole && all) {
      next.lastFullDiffAt = Instant.ofEpochMilli(head.terms().madeAt());
    }
  }

  /** Whether a fold of the plan changes what is remembered of some key. */
  private boolean moves(Transaction transaction, SyncRecord next, PlanHead head)
      throws SQLException {
    if (head.place() != PlanHead.NO_TABLE) {
      return true;
    }
    return next.stateColumns != null
        && !rules(next, head).holdsSkipped()
        && HoldCounts.read(transaction, store.schemas(), next).of(HoldKind.SKIPPED) > 0;
  }

  /** Notes what the state was folded from. */
  private void folded(SyncRecord next, PlanHead head, Extent extent) {
    next.foldedRun = head.run();
    next.keySignature = head.columns().key();
    next.keyShape = KeyShapeText.of(head.columns().keyRow());
    next.fingerprint = head.terms().fingerprint().replace('\0', ' ');
    next.mode = sync.mode();
    next.removal = sync.removal();
    next.systemIdentifier = head.server().system();
    next.database = head.server().database();
    next.timeline = head.server().timeline();
    next.position = head.server().position();
    next.objections = List.of();
    next.server = null;
    if (extent == Extent.WHOLE) {
      next.definitions = next.definitions.used(head.terms().definition(), store.clock().instant());
    }
  }

  /** Notes by which key the state is, if that is not known. */
  private static void keyed(SyncRecord next, PlanHead head) {
    if (next.keySignature == null) {
      next.keySignature = head.columns().key();
    }
    if (next.keyShape == null) {
      next.keyShape = KeyShapeText.of(head.columns().keyRow());
    }
  }

  static void ended(SyncRecord next, RunEnd end) {
    next.lastStatus = end.status();
    next.lastEndedAt = end.endedAt();
    boolean good = end.status() == RunStatus.SUCCEEDED || end.status() == RunStatus.WARNING;
    next.failuresInARow = good ? 0 : next.failuresInARow + 1;
    if (good) {
      next.lastSuccessAt = end.endedAt();
    }
  }
}
