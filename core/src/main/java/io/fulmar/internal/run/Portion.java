package io.fulmar.internal.run;

import io.fulmar.RunOptions;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of a plan that a run delivers: so many changes, and none once its time is up. What is
 * left out is as if it had never been read. Threadsafe.
 */
final class Portion implements PlanReader {
  private final PlanReader plan;
  private final @Nullable Duration budget;
  private final long began;
  private long left;

  private Portion(PlanReader plan, RunOptions options, long began) {
    this.plan = plan;
    this.left = options.limit();
    this.budget = options.budget();
    this.began = began;
  }

  /**
   * What the options leave of a plan.
   *
   * @param began when the run did, as {@link System#nanoTime} tells it
   */
  static PlanReader of(PlanReader plan, RunOptions options, long began) {
    return options.limit() == Long.MAX_VALUE && options.budget() == null
        ? plan
        : new Portion(plan, options, began);
  }

  @Override
  public synchronized List<PlannedChange> next(int maxRows, long maxBytes) {
    if (left == 0 || (budget != null && System.nanoTime() - began >= budget.toNanos())) {
      return List.of();
    }
    List<PlannedChange> changes = plan.next((int) Math.min(maxRows, left), maxBytes);
    left -= changes.size();
    return changes;
  }

  @Override
  public void close() {
    plan.close();
  }
}
