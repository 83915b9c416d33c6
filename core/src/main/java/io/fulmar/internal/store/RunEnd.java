package io.fulmar.internal.store;

import io.fulmar.RunStatus;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a run ended, for {@link SyncStore#status}.
 *
 * @param status how
 * @param endedAt when
 * @param nothingUnsent whether the destination now reflects the snapshot of the plan
 * @param extent how much of the model the run was about
 * @param problem why it ended early, in a sentence or two; null if it did not
 */
public record RunEnd(
    RunStatus status,
    Instant endedAt,
    boolean nothingUnsent,
    Extent extent,
    @Nullable String problem) {
  /** This end with another status. */
  public RunEnd as(RunStatus other) {
    return new RunEnd(other, endedAt, nothingUnsent, extent, problem);
  }
}
