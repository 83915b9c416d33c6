package io.fulmar.lightning.internal.state;

import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.schema.Schemas;
import java.time.Duration;

/**
 * What an engine is told by its builder. Immutable.
 *
 * @param schemas where the tables are
 * @param lease how long a runner that is not heard of any more keeps its sync
 * @param missingState what to do about a sync that has no state
 * @param onTimelineChange what to do if the server was promoted, restored or replaced
 * @param fullDiffEvery how long a delta scan may stand in for a comparison of everything
 */
public record LightningSettings(
    Schemas schemas,
    Duration lease,
    MissingState missingState,
    TimelineChange onTimelineChange,
    Duration fullDiffEvery) {

  /** What to do about a sync that has no state. */
  public enum MissingState {
    /** Begin with an empty one: nothing has been accepted. */
    BEGIN,
    /** Refuse the run: the state should be there. */
    REFUSE
  }
}
