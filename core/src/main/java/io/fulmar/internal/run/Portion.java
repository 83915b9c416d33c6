package io.fulmar.internal.run;

import io.fulmar.RunOptions;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import java.util.List;

/**
 * The part of a plan that a run delivers: so many changes, and none once its time is up. What is
 * left out is as if it had never been read.
 *
 * @param options what the run was asked for
 * @param began when it did, as {@link System#nanoTime} tells it
 */
record Portion(RunOptions options, long began) {
  /** How many changes of so many are delivered at most. */
  long of(long total) {
    return Math.min(total, options.limit());
  }

  /** Hands out what is to be delivered; closes the plan when it is closed. */
  PlanReader of(PlanReader plan) {
    return options.limit() == Long.MAX_VALUE && options.budget() == null ? plan : new Part(plan);
  }

  private boolean isTimeUp() {
    return options.budget() != null && System.nanoTime() - began >= options.budget().toNanos();
  }

  /** Threadsafe, as every reader of a plan. */
  private final class Part implements PlanReader {
    private final PlanReader plan;
    private long left = options.limit();

    Part(PlanReader plan) {
      this.plan = plan;
    }

    @Override
    public synchronized List<PlannedChange> next(int maxRows, long maxBytes) {
      if (left == 0 || isTimeUp()) {
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
}
