package io.fulmar.lightning.internal.delta;

import io.fulmar.Sync;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * All that a delta scan is about and depends on. Immutable.
 *
 * @param sync what is planned
 * @param request what the plan is for
 * @param shape its model, with the columns that the sync uses
 * @param server which database it is in
 * @param content everything that the hashes of rows depend on besides the rows: another text, other
 *     hashes
 * @param state what is remembered
 * @param base what was kept as {@code delta_base}; null for nothing
 * @param lastFullDiff when the last full diff was made that was folded whole; null for never
 * @param now the present moment
 * @param fullDiffEvery a full diff is made at least this often; zero for always
 * @param lock what became of the lock on the table
 */
public record DeltaTerms(
    Sync sync,
    PlanRequest request,
    ModelShape shape,
    ServerIdentity server,
    String content,
    @Nullable State state,
    @Nullable String base,
    @Nullable Instant lastFullDiff,
    Instant now,
    Duration fullDiffEvery,
    Lock lock) {
  /**
   * What is remembered of the sync's keys.
   *
   * @param tables where
   * @param generation which of the state tables it is
   * @param live how many keys in it are not gone, as the last fold left it
   * @param filenode the file in which the last fold left it
   */
  public record State(SyncTables tables, int generation, long live, long filenode) {}

  /** Whether the table has been locked since before the snapshot, in ACCESS SHARE mode. */
  public enum Lock {
    /** What the snapshot shows of it is what was in it. */
    TAKEN,
    /** It may have been emptied or replaced since. */
    NOT_TAKEN
  }

  /** Names the sync and shows no values. */
  @Override
  public String toString() {
    return "DeltaTerms[" + sync.name() + "]";
  }
}
