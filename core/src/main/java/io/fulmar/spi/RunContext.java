package io.fulmar.spi;

import java.time.Duration;
import java.util.Objects;

/**
 * The run that a writer is opened for.
 *
 * @param sync name of the sync
 * @param run number of the run; grows over all runs of the sync
 * @param lane 1 for the first lane of the run, 2 for the next, ...; 0 for none of them
 * @param callDeadline how long one call may take: a second before that, or a tenth of it if that is
 *     less, its thread is interrupted, and at the deadline left behind. A writer that bounds its
 *     own steps below it never leaves an outcome unknown for being slow
 */
public record RunContext(String sync, long run, int lane, Duration callDeadline) {
  /** Checks that all parts are there. */
  public RunContext {
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(callDeadline, "callDeadline");
  }
}
