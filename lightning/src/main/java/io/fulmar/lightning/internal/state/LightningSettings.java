package io.fulmar.lightning.internal.state;

import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.plan.PlanSettings;
import io.fulmar.lightning.internal.schema.Schemas;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What an engine is told by its builder. Immutable.
 *
 * @param schemas where the tables are
 * @param lease how long a runner that is not heard of any more keeps its sync
 * @param missingState what to do about a sync that has no state
 * @param onTimelineChange what to do if the server was promoted, restored or replaced
 * @param fullDiffEvery how long a delta scan may stand in for a comparison of everything; zero for
 *     no delta scan
 * @param plan how much of the server a plan may take
 * @param logs which logs a sync writes for which nothing else is said
 * @param logsOf which logs some syncs write, by their names
 * @param smallestPreparation the state of a first run is made beside its delivery where the plan
 *     has so many changes or more
 */
public record LightningSettings(
    Schemas schemas,
    Duration lease,
    MissingState missingState,
    TimelineChange onTimelineChange,
    Duration fullDiffEvery,
    PlanSettings plan,
    SyncLogs logs,
    Map<String, SyncLogs> logsOf,
    long smallestPreparation) {
  /** Fewer keys than this cost nothing in a fold. */
  private static final long SMALLEST_PREPARATION = 10_000;

  /** What an engine does unless it is told otherwise. */
  public static final LightningSettings DEFAULT =
      new LightningSettings(
          Schemas.DEFAULT,
          Duration.ofSeconds(60),
          MissingState.BEGIN,
          TimelineChange.WARN,
          Duration.ofHours(24),
          PlanSettings.DEFAULT,
          SyncLogs.off(),
          Map.of());

  /** With the usual smallest preparation. */
  public LightningSettings(
      Schemas schemas,
      Duration lease,
      MissingState missingState,
      TimelineChange onTimelineChange,
      Duration fullDiffEvery,
      PlanSettings plan,
      SyncLogs logs,
      Map<String, SyncLogs> logsOf) {
    this(
        schemas,
        lease,
        missingState,
        onTimelineChange,
        fullDiffEvery,
        plan,
        logs,
        logsOf,
        SMALLEST_PREPARATION);
  }

  /** The same, with states that are made beside the delivery of so many changes or more. */
  public LightningSettings preparing(long changes) {
    return new LightningSettings(
        schemas, lease, missingState, onTimelineChange, fullDiffEvery, plan, logs, logsOf, changes);
  }

  /** Copies the map. */
  public LightningSettings {
    logsOf = Map.copyOf(logsOf);
  }

  /** What to do about a sync that has no state. */
  public enum MissingState {
    /** Begin with an empty one: nothing has been accepted. */
    BEGIN,
    /** Refuse the run: the state should be there. */
    REFUSE
  }

  /**
   * Which logs a sync writes.
   *
   * @param sync its name
   */
  public SyncLogs logs(String sync) {
    return logsOf.getOrDefault(sync, logs);
  }

  /** For how long some sync keeps its logs, and so those keep theirs that nobody knows any more. */
  public Duration longestRetention() {
    return Stream.concat(Stream.of(logs), logsOf.values().stream())
        .map(SyncLogs::retention)
        .max(Comparator.naturalOrder())
        .orElseThrow();
  }
}
