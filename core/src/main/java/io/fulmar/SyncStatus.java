package io.fulmar;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where a sync stands, read from its state without touching source or destination.
 *
 * @param sync name of the sync
 * @param lastRun the newest run that ended; null before the first
 * @param lastSuccessAt when a run last ended as SUCCEEDED or WARNING; null if never
 * @param failuresInARow runs since then that ended otherwise
 * @param syncedKeys keys of which the destination has accepted a version
 * @param holds remembered changes by kind; every kind is present
 * @param unsure keys whose last call ended without an answer; they are sent again until accepted
 * @param upToDateAsOf the moment in the source (its clock) that the destination reflects: the
 *     snapshot of the last run that left nothing unsent; null if there was none
 * @param heldPlan id of the plan that waits for approval, see {@link SyncEngine#storedPlan}; null
 *     if there is none
 * @param clearing whether a clear of the destination was begun and is not known to have ended; the
 *     next run repeats it
 */
public record SyncStatus(
    String sync,
    @Nullable LastRun lastRun,
    @Nullable Instant lastSuccessAt,
    int failuresInARow,
    long syncedKeys,
    Map<HoldKind, Long> holds,
    long unsure,
    @Nullable Instant upToDateAsOf,
    @Nullable String heldPlan,
    boolean clearing) {

  /** Copies the map. */
  public SyncStatus {
    Objects.requireNonNull(sync, "sync");
    holds = Map.copyOf(holds);
  }

  /**
   * The newest run.
   *
   * @param run its number
   * @param status how it ended
   * @param endedAt when it ended, by the clock of the JVM
   */
  public record LastRun(long run, RunStatus status, Instant endedAt) {}

  /** How many changes of this kind are remembered. */
  public long holds(HoldKind kind) {
    return holds.getOrDefault(Objects.requireNonNull(kind, "kind"), 0L);
  }
}
