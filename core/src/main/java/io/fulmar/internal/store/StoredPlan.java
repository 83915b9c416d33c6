package io.fulmar.internal.store;

import io.fulmar.ChangeSet;
import java.util.List;

/**
 * A plan that is durable: the changes of one run, each at its position.
 *
 * @param changeSet what the application sees; the store leaves its guards empty
 * @param liveKeys keys of which a version is accepted and that are not gone
 * @param firstRemovals planned removals without a hold for a removal and without an unsure mark
 * @param objections what the store objects to, one sentence each: the source is another, or went
 *     back in time
 * @param effects keys that the fold changes besides
 */
public record StoredPlan(
    ChangeSet changeSet, long liveKeys, long firstRemovals, List<String> objections, long effects) {
  /** Copies the list. */
  public StoredPlan {
    objections = List.copyOf(objections);
  }
}
