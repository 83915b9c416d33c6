package io.fulmar.lightning.internal.plan;

import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.database.Awaited;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.Lease;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Makes the plans of one run: compares the model with what was accepted, in one snapshot and in the
 * database. Not threadsafe, but for {@link #cancel}.
 */
public final class Planner {
  private final Database database;
  private final Schemas schemas;
  private final Sync sync;
  private final LightningSettings settings;
  private final Clock clock;
  private final Cancellation cancellation = new Cancellation();

  /**
   * A maker of plans.
   *
   * @param database where model and state are
   * @param schemas where the state is
   * @param sync what is planned
   * @param settings how much of the server a plan may take
   * @param clock the store's
   */
  public Planner(
      Database database, Schemas schemas, Sync sync, LightningSettings settings, Clock clock) {
    this.database = database;
    this.schemas = schemas;
    this.sync = sync;
    this.settings = settings;
    this.clock = clock;
  }

  /** Ends a plan that is being made, or is made later. May be called by any thread. */
  public void cancel() {
    cancellation.cancel();
  }

  /**
   * Computes the change set in one snapshot and makes it durable, in one transaction that holds the
   * lease. A plan of the same run is replaced.
   *
   * @param record what is known of the sync
   * @param lease the right to run it
   * @param run number of the run
   * @param request what the plan is for
   * @param progress hears how many rows have been read: 0 at the beginning, all at the end
   * @throws io.fulmar.SourceException if the source cannot be read; trying again may help
   * @throws io.fulmar.StateException if what is remembered is not what was left, or the lease is
   *     lost
   */
  public PlanHead plan(
      SyncRecord record, Lease lease, long run, PlanRequest request, LongConsumer progress) {
    List<Identifier> locks = DeltaScan.locks(record.deltaBase, sync);
    try {
      return plan(record, lease, run, request, progress, locks);
    } catch (LockRefused e) {
      return plan(record, lease, run, request, progress, List.of());
    }
  }

  /** What the delta scan wants to lock cannot be locked. */
  private static final class LockRefused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LockRefused() {
      super(null, null, false, false);
    }
  }

  private PlanHead plan(
      SyncRecord record,
      Lease lease,
      long run,
      PlanRequest request,
      LongConsumer progress,
      List<Identifier> locks) {
    DeltaTerms.Lock lock = locks.isEmpty() ? DeltaTerms.Lock.NOT_TAKEN : DeltaTerms.Lock.TAKEN;
    try (SourceSession session = open(lease, run, locks)) {
      SessionStatements statements = new SessionStatements(session, sync.model().name());
      Planning planning =
          new Planning(
              statements,
              schemas,
              sync,
              settings.plan(),
              settings.fullDiffEvery(),
              record,
              run,
              request,
              lock);
      return session.ask(
          statements.doing(),
          () -> {
            Awaited.Wait wait =
                lease.awaited().begin(session.backend(), database.silence(), session::cut);
            try {
              session.waitFor(database.longestAnswer());
              fence(session, lease);
              PlanHead head = planning.plan(clock.millis(), progress);
              session.refuseOvertaken(statements.doing());
              session.commit();
              progress.accept(head.counts().rows());
              return head;
            } catch (SQLException e) {
              throw session.failed(statements.doing(), e);
            } finally {
              wait.end();
              session.waitAsBefore();
            }
          });
    }
  }

  /** Nobody takes the sync over until this transaction ends. */
  private void fence(SourceSession session, Lease lease) throws SQLException {
    try (PreparedStatement fence = session.prepare(lease.fenceSql())) {
      fence.setString(1, sync.name());
      fence.setLong(2, lease.token());
      try (ResultSet held = fence.executeQuery()) {
        if (!held.next()) {
          throw lease.lost();
        }
      }
    }
  }

  private SourceSession open(Lease lease, long run, List<Identifier> locks) {
    Access access = Access.write(database.idle()).locking(locks);
    try {
      return SourceSession.open(
          database.connections(),
          database.source(),
          PlanTerms.application(sync, run),
          lease.about(),
          cancellation,
          access);
    } catch (SourceException e) {
      if (!locks.isEmpty() && SqlStates.isOfStatement(e.sqlState())) {
        throw new LockRefused();
      }
      throw e;
    }
  }
}
