package io.fulmar.internal.store;

import io.fulmar.RunStatus;
import java.time.Instant;

/**
 * How a run ended, for {@link SyncStore#status}.
 *
 * @param status how
 * @param endedAt when
 * @param nothingUnsent whether the destination now reflects the snapshot of the plan
 */
public record RunEnd(RunStatus status, Instant endedAt, boolean nothingUnsent) {}
