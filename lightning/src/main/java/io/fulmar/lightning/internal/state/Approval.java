package io.fulmar.lightning.internal.state;

import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The plans that a claim knows: those that it made, and the one that waits for approval. Used by
 * one thread.
 */
final class Approval {
  private final LightningStore store;
  private final Sync sync;
  private final Lease lease;
  private final PlanStore plans;
  private final Writing writing;
  private final long run;
  private final Map<Long, PlanHead> heads = new HashMap<>();

  /**
   * For a claim.
   *
   * @param run number of the run
   */
  Approval(
      LightningStore store, Sync sync, Lease lease, PlanStore plans, Writing writing, long run) {
    this.store = store;
    this.sync = sync;
    this.lease = lease;
    this.plans = plans;
    this.writing = writing;
    this.run = run;
  }

  /** A plan was made or read. */
  void know(PlanHead head) {
    heads.put(head.run(), head);
  }

  /** See {@link io.fulmar.internal.store.Claim#stored}. */
  PlanHead stored(String planId) {
    PlanHead head = keptHead();
    if (head == null || !head.id().equals(planId)) {
      throw new StateException(
          "Cannot apply plan %s of %s: there is no such plan. %s %s"
              .formatted(
                  planId,
                  sync.name(),
                  head == null ? "None is stored." : "The stored one is " + head.id() + ".",
                  lease.about()));
    }
    String stale = stale(head);
    if (stale != null) {
      throw new StateException(
          "Cannot apply plan %s of %s: %s. Run or plan anew. %s"
              .formatted(planId, sync.name(), stale, lease.about()));
    }
    return head;
  }

  /** See {@link io.fulmar.internal.store.Claim#kept}. */
  @Nullable StoredPlan kept() {
    PlanHead head = keptHead();
    return head == null || stale(head) != null ? null : head.plan();
  }

  private @Nullable PlanHead keptHead() {
    if (writing.record().keptPlan == 0) {
      return null;
    }
    PlanHead head =
        lease
            .steadily(
                doing("read the stored plan"),
                transaction -> {
                  try {
                    return Optional.ofNullable(
                        plans.read(transaction.connection(), writing.record().keptPlan));
                  } catch (DamagedException e) {
                    throw StateLost.of(sync.name(), e);
                  }
                })
            .orElse(null);
    if (head != null) {
      know(head);
    }
    return head;
  }

  private @Nullable String stale(PlanHead head) {
    return head.terms()
        .stale(
            sync, writing.record().stateVersion, writing.record().clearing, store.clock().millis());
  }

  /** See {@link io.fulmar.internal.store.Claim#discard}. */
  boolean discard() {
    if (writing.record().keptPlan == 0) {
      return false;
    }
    return writing.write(
        doing("drop the stored plan"),
        CrashPoint.PLAN_DISCARDED,
        (transaction, next) -> {
          plans.delete(transaction.connection(), next.keptPlan);
          next.keptPlan = 0;
          return true;
        });
  }

  /** See {@link io.fulmar.internal.store.Claim#keep}. */
  void keep(StoredPlan plan) {
    PlanHead head = head(plan).withGuards(plan.changeSet().guards());
    know(head);
    writing.write(
        doing("keep the plan"),
        CrashPoint.PLAN_KEPT,
        (transaction, next) -> {
          if (next.keptPlan != 0 && next.keptPlan != head.run()) {
            plans.delete(transaction.connection(), next.keptPlan);
          }
          plans.write(transaction.connection(), head);
          next.keptPlan = head.run();
          next.run = run;
          return head;
        });
  }

  /** See {@link io.fulmar.internal.store.Claim#drop}. */
  void drop(StoredPlan plan) {
    long number = head(plan).run();
    lease.steadily(
        doing("drop the plan"), transaction -> plans.delete(transaction.connection(), number));
    store.passed(CrashPoint.PLAN_DROPPED);
  }

  private String doing(String what) {
    return what + " of " + sync.name();
  }

  /** The plan that the runner means. */
  PlanHead head(StoredPlan plan) {
    PlanHead head = heads.get(Long.parseLong(plan.changeSet().id()));
    if (head == null) {
      throw new IllegalArgumentException("this plan is not of this claim");
    }
    return head;
  }
}
