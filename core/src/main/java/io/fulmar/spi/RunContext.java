package io.fulmar.spi;

import java.util.Objects;

/**
 * The run that a writer is opened for.
 *
 * @param sync name of the sync
 * @param run number of the run; grows over all runs of the sync
 * @param lane 1 for the first lane of the run, 2 for the next, ...; 0 for none of them
 */
public record RunContext(String sync, long run, int lane) {
  /** Checks that all parts are there. */
  public RunContext {
    Objects.requireNonNull(sync, "sync");
  }
}
