package io.fulmar.internal.run;

import io.fulmar.Guard;
import io.fulmar.Operation;
import io.fulmar.Sync;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.StoredPlan;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What holds a run before anything is sent. */
final class Guards {
  private final Sync sync;
  private final StoredPlan plan;
  private final List<String> objections;

  private Guards(Sync sync, StoredPlan plan) {
    this.sync = sync;
    this.plan = plan;
    this.objections = new ArrayList<>(plan.objections());
  }

  /** What speaks against delivering a plan without being asked, one sentence each. */
  static List<String> objections(Sync sync, StoredPlan plan, Instant now) {
    Guards guards = new Guards(sync, plan);
    guards.removals();
    guards.changes();
    guards.comesBack(now);
    guards.own();
    return guards.objections;
  }

  private void removals() {
    long removals = plan.firstRemovals();
    long live = plan.changeSet().syncedKeys();
    boolean emptied =
        plan.changeSet().rows() == 0
            && plan.extent() == Extent.WHOLE
            && (plan.request() == PlanRequest.Kind.FILL
                || (removals > 0 && sync.emptyModel() == Sync.EmptyModel.HOLD));
    if (emptied) {
      objections.add(
          "the model is empty, and %s synced keys would be removed".formatted(removed()));
    } else if (sync.guardedRemovalShare() < 1
        && removals > sync.guardedRemovals()
        && Share.isExceeded(sync.guardedRemovalShare(), removals, live)) {
      objections.add(
          "%s of %s synced keys would be removed, more than %s and %s"
              .formatted(
                  removals,
                  live,
                  Share.percent(sync.guardedRemovalShare()),
                  sync.guardedRemovals()));
    }
  }

  private long removed() {
    return plan.request() == PlanRequest.Kind.FILL
        ? plan.firstRemovals()
        : plan.changeSet().planned(Operation.REMOVED);
  }

  private void changes() {
    DefinitionChange definition = plan.definition();
    long changed = plan.changeSet().planned(Operation.CHANGED);
    long live = plan.changeSet().syncedKeys();
    if (definition.isChanged()
        && sync.guardedChangeShare() < 1
        && changed > sync.guardedChanges()
        && Share.isExceeded(sync.guardedChangeShare(), changed, live)) {
      objections.add(
          "other %s than in the last run would change %s of %s synced keys, more than %s and %s"
              .formatted(
                  String.join(" and ", definition.parts()),
                  changed,
                  live,
                  Share.percent(sync.guardedChangeShare()),
                  sync.guardedChanges()));
    }
  }

  private void comesBack(Instant now) {
    Instant before = plan.definition().usedBefore();
    long changed = plan.changeSet().planned(Operation.CHANGED);
    Duration within = sync.guardedReturn();
    if (before != null && changed > 0 && before.plus(within).isAfter(now)) {
      objections.add(
          ("%s went back to what was used at %s, before the last run; two versions of the"
                  + " application may be at work")
              .formatted(String.join(" and ", plan.definition().parts()), before));
    }
  }

  private void own() {
    for (Guard guard : sync.guards()) {
      try {
        Optional<String> objection = guard.objection(plan.changeSet());
        objection.ifPresent(objections::add);
      } catch (RuntimeException e) {
        objections.add("the guard " + name(guard) + " threw " + e.getClass().getName());
      }
    }
  }

  private static String name(Guard guard) {
    return guard.getClass().getName();
  }
}
