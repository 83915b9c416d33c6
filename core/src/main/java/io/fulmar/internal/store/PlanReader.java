package io.fulmar.internal.store;

import java.io.Closeable;
import java.util.List;

/** Reads a plan from its first position to its last. Threadsafe: lanes share one reader. */
public interface PlanReader extends Closeable {
  /**
   * The next changes; empty at the end.
   *
   * @param maxRows at most so many, at least 1
   * @param maxBytes no more than so many bytes of rows together, unless the first row alone is
   *     larger
   * @throws io.fulmar.StateException if the plan is damaged or shorter than it was
   */
  List<PlannedChange> next(int maxRows, long maxBytes);

  @Override
  void close();
}
