package io.fulmar.lightning.internal.state;

import io.fulmar.ConfigurationException;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.standard.Departure;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.JavaValue;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.FoldResult;
import io.fulmar.lightning.internal.fold.Ledger;
import io.fulmar.lightning.internal.fold.PreparedState;
import io.fulmar.lightning.internal.fold.Release;
import io.fulmar.lightning.internal.joined.JoinedTransactions;
import io.fulmar.lightning.internal.log.LogRetention;
import io.fulmar.lightning.internal.log.LoggedRun;
import io.fulmar.lightning.internal.log.SyncLog;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.plan.PlanTableReader;
import io.fulmar.lightning.internal.plan.Planner;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to run one sync, held by a lease. Whatever moves the state is one transaction that
 * holds the lease, locks the row of the sync, and writes it last.
 */
final class LightningClaim implements Claim {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final LightningStore store;
  private final Sync sync;
  private final Lease lease;
  private final Heartbeat heartbeat;
  private final long run;
  private final SyncTables tables;
  private final PlanStore plans;
  private final Planner planner;
  private final SyncLog log;
  private final Folding folding;
  private final Writing writing;
  private final Instant startedAt;
  private final Approval approval;
  private final boolean runs;
  private boolean resynced;
  private @Nullable PlanHead planned;
  private volatile @Nullable Ledger ledger;
  private volatile @Nullable Preparation preparation;
  private @Nullable JoinedTransactions joined;
  private volatile boolean closed;

  LightningClaim(
      LightningStore store,
      Sync sync,
      Lease lease,
      Heartbeat heartbeat,
      SyncRecord record,
      long run,
      boolean runs) {
    this.store = store;
    this.runs = runs;
    this.sync = sync;
    this.lease = lease;
    this.heartbeat = heartbeat;
    this.writing = new Writing(store, lease, record);
    this.run = run;
    LightningSettings settings = store.settings();
    this.tables = settings.schemas().tables(record.slot);
    this.plans = new PlanStore(settings.schemas(), sync.name(), tables);
    this.planner = new Planner(store.database(), settings.schemas(), sync, settings, store.clock());
    this.log = new SyncLog(settings.schemas(), sync, settings.logs(sync.name()));
    this.approval = new Approval(store, sync, lease, plans, writing, run);
    this.folding = new Folding(store, sync, tables, plans, log);
    this.startedAt = store.clock().instant();
  }

  private String doing(String what) {
    return what + " of " + sync.name();
  }

  private long now() {
    return store.clock().millis();
  }

  /** What is known of the sync now. */
  SyncRecord record() {
    return writing.record();
  }

  @Override
  public long run() {
    return run;
  }

  // --------------------------------------------------------------------------------------- recover

  /** Removes what dead runs left behind and nothing needs. */
  void tidy() {
    lease.steadily(
        doing("tidy up after an earlier run"),
        transaction -> {
          log.prepare(transaction);
          Set<Long> needed = new HashSet<>();
          needed.add(record().keptPlan);
          needed.add(record().deliveringPlan);
          plans.tidy(transaction.connection(), needed, folding.unneeded(record()));
          if (record().deliveringPlan == 0 && lease.before() <= record().run) {
            begin(transaction);
          }
          return needed;
        });
    store.passed(CrashPoint.TIDIED);
  }

  private void begin(Transaction transaction) throws SQLException {
    lease.isFor(transaction, runs ? run : 0);
  }

  @Override
  public @Nullable Recovery recover() {
    long number = record().deliveringPlan;
    if (number == 0) {
      if (lease.before() > record().run) {
        noteDeath(lease.before());
      }
      return null;
    }
    FoldResult result =
        writing.writeAtLength(
            doing("take in the interrupted run"),
            CrashPoint.RECOVERED,
            (transaction, next) -> {
              PlanHead head = plans.read(transaction.connection(), number);
              if (head == null) {
                throw StateLost.of(
                    sync.name(), "the plan " + number + " that was being delivered is missing");
              }
              begin(transaction);
              return folding.interrupted(transaction, next, head, store.clock().instant());
            });
    return new Recovery(number, result.accepted(), result.unanswered());
  }

  /** Notes the end of a run that died before it sent anything, and so left nothing else. */
  private void noteDeath(long dead) {
    Instant now = store.clock().instant();
    writing.write(
        doing("note that a run died"),
        CrashPoint.RECOVERED,
        (transaction, next) -> {
          begin(transaction);
          Folding.ended(next, new RunEnd(RunStatus.INTERRUPTED, now, false, Extent.PART, null));
          next.run = dead;
          LoggedRun logged =
              new LoggedRun(dead, Instant.ofEpochMilli(dead), now, RunStatus.INTERRUPTED, null);
          // What cannot be logged now is kept, and written with this run.
          next.logGaps = log.ended(transaction, next.logGaps, null, logged).gaps();
          return next;
        });
  }

  // ------------------------------------------------------------------------------------------ plan

  @Override
  public StoredPlan plan(PlanRequest request, LongConsumer progress) {
    lease.check();
    boolean restored =
        store.settings().onTimelineChange() == TimelineChange.RESYNC
            && record().server != null
            && request.kind() == PlanRequest.Kind.RUN;
    if ((request.kind() == PlanRequest.Kind.RESYNC || restored) && !resynced) {
      writing.write(
          doing("make every row due again"),
          CrashPoint.EPOCH_GROWN,
          (transaction, next) -> {
            next.epoch++;
            next.stateVersion++;
            next.deltaBase = null;
            if (restored && next.server != null) {
              next.systemIdentifier = next.server.system();
              next.database = next.server.database();
              next.timeline = next.server.timeline();
              next.position = next.server.position();
              next.server = null;
            }
            return next.epoch;
          });
      resynced = true;
    }
    PlanHead head = planner.plan(record(), lease, run, request, progress);
    planned = head;
    log.check(head);
    approval.know(head);
    store.passed(CrashPoint.PLANNED);
    return head.plan();
  }

  @Override
  public void cancelPlan() {
    planner.cancel();
  }

  // -------------------------------------------------------------------------------------- approval

  @Override
  public StoredPlan stored(String planId) {
    PlanHead head = approval.stored(planId);
    planned = head;
    log.check(head);
    return head.plan();
  }

  @Override
  public @Nullable StoredPlan kept() {
    return approval.kept();
  }

  @Override
  public boolean discard() {
    return approval.discard();
  }

  @Override
  public void keep(StoredPlan plan) {
    approval.keep(plan);
  }

  @Override
  public void drop(StoredPlan plan) {
    approval.drop(plan);
  }

  // --------------------------------------------------------------------------------------- deliver

  @Override
  public PlanReader open(StoredPlan plan) {
    PlanHead head = approval.head(plan);
    writing.write(
        doing("begin to deliver the plan"),
        CrashPoint.DELIVERY_BEGUN,
        (transaction, next) -> {
          folding.tables(transaction, next, head);
          store.files().note(transaction, next);
          Ledger.begin(transaction, tables, run);
          next.deliveringPlan = head.run();
          return head;
        });
    ledger = new Ledger(lease, tables, run, store.watch());
    preparation = folding.preparation(lease, head, record());
    joined = null;
    return new PlanTableReader(
        task -> store.start("fulmar-" + sync.name() + "-reader", task),
        lease,
        tables,
        sync,
        record().incarnation,
        head,
        run);
  }

  @Override
  public JoinedWrites joined() {
    Ledger open = openLedger();
    JoinedTransactions begun = joined;
    if (begun == null) {
      begun = new JoinedTransactions(store.database(), lease, open, store.watch());
      joined = begun;
    }
    return begun;
  }

  /** Waits until nothing more can be written together with the state. */
  private void settleJoined() {
    JoinedTransactions begun = joined;
    if (begun != null) {
      begun.settle();
    }
  }

  @Override
  public void reserve(long from, long to, long until) {
    openLedger().reserve(from, to, until);
    Preparation begun = preparation;
    if (begun != null) {
      begun.reached(to);
    }
  }

  @Override
  public void acknowledge(long from, List<Outcome> outcomes) {
    openLedger().acknowledge(from, outcomes);
  }

  @Override
  public void flush() {
    openLedger().flush();
  }

  private Ledger openLedger() {
    Ledger open = ledger;
    if (open == null || closed) {
      throw new StateException(
          "Cannot note an outcome of %s: the run is over. %s"
              .formatted(sync.name(), lease.about()));
    }
    lease.check();
    return open;
  }

  // ------------------------------------------------------------------------------------------ fold

  @Override
  public Folded fold(StoredPlan plan, RunEnd end) {
    PlanHead head = approval.head(plan);
    Ledger noted = ledger;
    settleJoined();
    if (noted != null) {
      noted.end();
      noted.flush();
    }
    PreparedState prepared = prepared(end);
    long quarantined =
        writing.writeAtLength(
            "move the state of %s forward".formatted(sync.name()),
            CrashPoint.FOLDED,
            (transaction, next) -> {
              LoggedRun logged =
                  new LoggedRun(run, startedAt, end.endedAt(), end.status(), end.problem());
              long newly = folding.delivered(transaction, next, head, logged, end, prepared);
              next.run = run;
              store.passed(CrashPoint.FOLD_WRITTEN);
              return newly;
            });
    ledger = null;
    return new Folded(quarantined);
  }

  /** The state that was made meanwhile; where much was not sent, it is of no use. */
  private @Nullable PreparedState prepared(RunEnd end) {
    Preparation begun = preparation;
    if (begun == null) {
      return null;
    }
    boolean whole = end.status() == RunStatus.SUCCEEDED || end.status() == RunStatus.WARNING;
    return whole ? begun.await() : begun.stop();
  }

  @Override
  public void takeAsDelivered(StoredPlan plan) {
    PlanHead head = approval.head(plan);
    writing.writeAtLength(
        doing("take the present result as accepted for the state"),
        CrashPoint.RESET_TAKEN,
        (transaction, next) -> {
          folding.taken(transaction, next, head);
          next.run = run;
          return head;
        });
  }

  // ----------------------------------------------------------------------------- clear and release

  @Override
  public long mayActUntil() {
    return Math.max(record().until, record().clearUntil);
  }

  @Override
  public boolean isClearing() {
    return record().clearing;
  }

  @Override
  public void beginClear(long until) {
    writing.write(
        doing("note the beginning of a clear"),
        CrashPoint.CLEAR_BEGUN,
        (transaction, next) -> {
          next.clearing = true;
          next.clearUntil = Math.max(next.clearUntil, until);
          return until;
        });
  }

  @Override
  public void endClear() {
    store.passed(CrashPoint.CLEARED);
    writing.write(
        doing("note the end of a clear"),
        CrashPoint.CLEAR_ENDED,
        (transaction, next) -> {
          folding.forgetKeys(transaction, next);
          next.clearing = false;
          next.clearUntil = 0;
          next.keptPlan = 0;
          next.upToDateAsOf = null;
          next.stateVersion++;
          return next;
        });
  }

  @Override
  public long release(@Nullable List<String> key) {
    if (record().stateColumns == null) {
      return 0;
    }
    List<ColumnKind> kinds = key == null ? List.of() : keyKinds(key);
    return writing.write(
        doing("release held changes"),
        CrashPoint.RELEASED,
        (transaction, next) -> {
          long found =
              key == null ? Release.all(transaction, tables) : released(transaction, kinds, key);
          next.stateVersion += found > 0 ? 1 : 0;
          return found;
        });
  }

  private long released(Transaction transaction, List<ColumnKind> kinds, List<String> key)
      throws SQLException {
    // The server takes no character 0, and the driver makes a ? of half a surrogate pair.
    if (key.stream().anyMatch(text -> JavaValue.objection(text) != null)) {
      throw noValue();
    }
    try {
      return Release.key(transaction, tables, kinds, key);
    } catch (SQLException e) {
      if (SqlStates.isOfValue(SqlStates.codeOrNull(e))) {
        throw noValue();
      }
      throw e;
    }
  }

  private ConfigurationException noValue() {
    return Refusal.value(sync.model().name(), String.valueOf(record().keySignature), lease.about());
  }

  /** How the columns of the key are read out of the model. */
  private List<ColumnKind> keyKinds(List<String> key) {
    Shape shape = KeyShapeText.parse(record().keyShape);
    if (shape == null) {
      return List.of();
    }
    if (shape.kinds().size() != key.size()) {
      throw Refusal.columns(sync.model().name(), key.size(), shape.kinds().size(), lease.about());
    }
    return shape.kinds();
  }

  // ------------------------------------------------------------------------------------------- end

  @Override
  public void end(RunEnd end) {
    PlanHead head = planned;
    SyncLog.Ended logged =
        writing.write(
            doing("note the end"),
            CrashPoint.END_NOTED,
            (transaction, next) -> {
              Folding.ended(next, end);
              next.run = run;
              next.unfolded = ledger == null ? next.unfolded : next.deliveringPlan;
              SyncLog.Ended done =
                  log.ended(
                      transaction,
                      next.logGaps,
                      head,
                      new LoggedRun(run, startedAt, end.endedAt(), end.status(), end.problem()));
              next.logGaps = done.gaps();
              return done;
            });
    StateException failure = logged.failure();
    if (failure != null) {
      throw failure;
    }
  }

  /** Takes over what another engine remembers. */
  void moveIn(Writing.Change<SyncRecord> change) {
    writing.write(doing("take over the state"), CrashPoint.MOVED_IN, change);
  }

  /** Whether what departs elsewhere has come to be here, also if the answer to that was lost. */
  boolean isMovedIn(Departure departure) {
    return lease.alone(
        doing("find out what became of the move"),
        transaction ->
            RecordSql.read(transaction, store.schemas(), sync.name())
                .filter(there -> Moving.isFrom(there, departure))
                .isPresent());
  }

  /** What is remembered is that of another destination from now on. */
  void rebind(String identity) {
    writing.write(
        doing("note the other destination"),
        CrashPoint.REBOUND,
        (transaction, next) -> {
          next.destination = identity;
          next.stateVersion++;
          next.deltaBase = null;
          return next;
        });
  }

  @Override
  public void close() {
    closed = true;
    Preparation begun = preparation;
    if (begun != null) {
      begun.close();
    }
    try {
      LightningSettings settings = store.settings();
      new LogRetention(
              store.database(),
              store.schemas(),
              sync.name(),
              settings.logs(sync.name()),
              settings.longestRetention())
          .expire(lease.application(), lease.about(), now(), lease::isHeld);
    } finally {
      heartbeat.close();
    }
    if (!lease.isHeld()) {
      return; // it has ended, or the server is away
    }
    try {
      lease.release();
    } catch (SQLException | RuntimeException e) {
      // It ends by itself.
      LOG.debug(
          "sync={} run={} a lease could not be given back: {}", sync.name(), run, e.toString());
    }
  }
}
