package io.fulmar.internal.run;

import io.fulmar.Operation;
import io.fulmar.Sync;
import io.fulmar.internal.store.StoredPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What holds a run before anything is sent. */
final class Guards {
  private Guards() {}

  /** What speaks against delivering a plan without being asked, one sentence each. */
  static List<String> objections(Sync sync, StoredPlan plan) {
    List<String> objections = new ArrayList<>(plan.objections());
    long removals = plan.firstRemovals();
    long live = plan.liveKeys();
    boolean emptied = plan.changeSet().rows() == 0 && removals > 0;
    if (emptied && sync.emptyModel() == Sync.EmptyModel.HOLD) {
      objections.add(
          "the model is empty, and %d synced keys would be removed"
              .formatted(plan.changeSet().planned(Operation.REMOVED)));
    } else if (sync.guardedRemovalShare() < 1
        && removals > sync.guardedRemovals()
        && removals > live * sync.guardedRemovalShare()) {
      objections.add(
          String.format(
              Locale.ROOT,
              "%d of %d synced keys would be removed, more than %.0f %% and %d",
              removals,
              live,
              sync.guardedRemovalShare() * 100,
              sync.guardedRemovals()));
    }
    return objections;
  }
}
