package io.fulmar.lightning.internal.state;

import io.fulmar.StateException;
import io.fulmar.internal.row.DamagedException;

/** What is remembered of a sync cannot be what it was: it never passes for a first run. */
final class StateLost {
  private static final String REMEDY =
      "Restore it, or forget the sync, and its next run sends every row; or forget it and initialise it as BASELINE, if the destination holds the present rows";

  private StateLost() {}

  /**
   * The exception.
   *
   * @param sync its name
   * @param fact what was found, without a full stop
   */
  static StateException of(String sync, String fact) {
    return new StateException(
        "Cannot use the state of %s: %s. %s. [sync=%s]".formatted(sync, fact, REMEDY, sync));
  }

  /** As {@link #of(String, String)}, of something that cannot be read. */
  static StateException of(String sync, DamagedException e) {
    return new StateException(
        "Cannot use the state of %s: %s. %s. [sync=%s]"
            .formatted(sync, e.getMessage(), REMEDY, sync),
        e);
  }
}
