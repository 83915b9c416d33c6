package io.fulmar.internal.store;

import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.spi.CheckSteps;

/** The step of a check that tells what is remembered of a sync. */
public final class StateStep {
  private StateStep() {}

  /**
   * Takes the step.
   *
   * @param needed the step that must have passed
   */
  public static void look(CheckSteps steps, String needed, Sync sync, SyncStore store) {
    steps.stepAfter(
        needed,
        "state of " + sync.name(),
        findings -> {
          SyncStatus status = store.status(sync);
          SyncStatus.LastRun last = status.lastRun();
          findings.found(
              last == null
                  ? "nothing yet: the first run sends every row"
                  : "%s keys; the last run ended as %s at %s"
                      .formatted(status.syncedKeys(), last.status(), last.endedAt()));
        });
  }
}
