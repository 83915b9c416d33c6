package io.fulmar;

import java.util.Optional;

/**
 * Looks at what a run is about to deliver and may hold it: nothing is sent then, the plan is
 * stored, and {@link SyncEngine#apply} approves it. Called by the thread of the run, once for each
 * plan, after Fulmar's own guards. One that throws holds the run too.
 *
 * <pre>{@code
 * Sync.builder("crm")
 *     .guard(plan -> plan.planned(Operation.CHANGED) > 50_000
 *         ? Optional.of("more than 50,000 changes") : Optional.empty())
 * }</pre>
 */
@FunctionalInterface
public interface Guard {
  /**
   * What speaks against delivering a plan without being asked.
   *
   * @param plan what would be delivered
   * @return one sentence, without values of rows; empty if nothing does
   */
  Optional<String> objection(ChangeSet plan);
}
