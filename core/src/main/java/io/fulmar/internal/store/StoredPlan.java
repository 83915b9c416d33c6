package io.fulmar.internal.store;

import io.fulmar.ChangeSet;
import java.util.List;

/**
 * A plan that is durable: the changes of one run, each at its position.
 *
 * @param changeSet what the application sees; the store leaves its guards empty
 * @param firstRemovals planned removals without a hold for a removal and without an unsure mark
 * @param objections what the store objects to, one sentence each: the source is another, or went
 *     back in time
 * @param effects keys that the fold changes besides
 * @param request what it was made for
 * @param extent how much of the model it is about
 * @param definition how the definition differs from the one that was folded last
 */
public record StoredPlan(
    ChangeSet changeSet,
    long firstRemovals,
    List<String> objections,
    long effects,
    PlanRequest.Kind request,
    Extent extent,
    DefinitionChange definition) {
  /** Copies the list. */
  public StoredPlan {
    objections = List.copyOf(objections);
  }

  /** This plan with the objections of guards. */
  public StoredPlan withGuards(List<String> guards) {
    ChangeSet set = changeSet;
    ChangeSet guarded =
        new ChangeSet(
            set.id(),
            set.sync(),
            set.run(),
            set.snapshotAt(),
            set.rows(),
            set.syncedKeys(),
            set.planned(),
            set.held(),
            set.ignored(),
            set.invalid(),
            set.invalidRows(),
            set.samples(),
            guards,
            set.columnChanges(),
            set.way());
    return new StoredPlan(guarded, firstRemovals, objections, effects, request, extent, definition);
  }
}
