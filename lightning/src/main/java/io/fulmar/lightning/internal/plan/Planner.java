package io.fulmar.lightning.internal.plan;

import io.fulmar.Sync;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.Lease;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.time.Clock;
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
   * @param progress hears how many rows have been read
   * @throws io.fulmar.SourceException if the source cannot be read; trying again may help
   * @throws io.fulmar.StateException if what is remembered is not what was left, or the lease is
   *     lost
   */
  public PlanHead plan(
      SyncRecord record, Lease lease, long run, PlanRequest request, LongConsumer progress) {
    throw new UnsupportedOperationException(
        "%s %s %s %s %s %s".formatted(database, schemas, sync, settings, clock, record));
  }
}
