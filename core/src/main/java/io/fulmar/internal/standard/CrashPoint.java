package io.fulmar.internal.standard;

/**
 * The moments at which the death of a process leaves different things behind, on disk or in the
 * destination, in the order of a run and then of the requests. A step that writes something new has
 * its point here, so that no test of crashes forgets it.
 */
enum CrashPoint {
  /** The sync is locked, and nothing of it has been looked at. */
  LOCKED,
  /** A new sync file stands beside the one that counts. */
  SYNC_FILE_WRITTEN,
  /** A sync has its first sync file, and no state yet. */
  STATE_BEGUN,
  /** What was to begin with the present result is to begin with nothing. */
  BEGINNING_CHANGED,
  /** A higher revision of the sync is on record. */
  REVISION_NOTED,
  /** One file is gone that nothing needs any more; others may be left. */
  LEFTOVER_REMOVED,
  /** The state that takes an interrupted run in stands beside the one that counts. */
  RECOVERY_WRITTEN,
  /** An interrupted run is taken in; its plan and its ledger are left. */
  RECOVERED,
  /** Every row is due again, and nothing is planned. */
  EPOCH_GROWN,
  /** All of a plan is written but its head. */
  PLAN_SECTIONS_WRITTEN,
  /** The head of a plan stands beside its place. */
  PLAN_HEAD_WRITTEN,
  /** A plan is complete. */
  PLAN_PLACED,
  /** A plan waits for approval; the one before it is left. */
  PLAN_KEPT,
  /** A plan that will not be delivered is gone. */
  PLAN_DROPPED,
  /** No plan waits for approval any more; its files are left. */
  PLAN_DISCARDED,
  /** It is on record that the destination is about to be cleared. */
  CLEAR_BEGUN,
  /** The destination is clear, and this is not on record. */
  CLEARED,
  /** Everything is forgotten but the clear destination; the state file is left. */
  CLEAR_ENDED,
  /** The files of a ledger are there, and empty. */
  LEDGER_MADE,
  /** A ledger has room for every position. */
  LEDGER_READY,
  /** It is on record until when calls may act, and not which changes they carry. */
  CALLS_DATED,
  /** Changes are reserved, and not sent. */
  RESERVED,
  /** The destination has answered, and no answer is on record. */
  ANSWERED,
  /** Reasons and moments of answers are on record, and not the answers. */
  DETAILS_NOTED,
  /** Answers are written. */
  ACKNOWLEDGED,
  /** Answers are durable. */
  FLUSHED,
  /** The next state stands beside the one that counts. */
  FOLD_WRITTEN,
  /** The state has moved forward; the old one, the plan and the ledger are left. */
  FOLDED,
  /** The end of a run that folded nothing is on record. */
  END_NOTED,
  /** The state that takes the present result as accepted stands beside the one that counts. */
  RESET_WRITTEN,
  /** The present result counts as accepted; the old state and the plan are left. */
  RESET_TAKEN,
  /** The state in which held changes come back stands beside the one that counts. */
  RELEASE_WRITTEN,
  /** Held changes come back; the old state is left. */
  RELEASED,
  /** What is remembered is that of another destination. */
  REBOUND,
  /** It is on record that what is remembered is being moved away. */
  MOVING_NOTED,
  /** A move has not come about, and the state is used again. */
  STAYING_NOTED,
  /** What is remembered was moved away. */
  MOVED_NOTED,
  /** It is on record that everything is to be removed. */
  FORGETTING,
  /** Everything is removed but the file that says so. */
  FORGOTTEN_BUT_NAMED,
  /** Nothing is left but the locks. */
  FORGOTTEN;

  /** Hears of each point that is passed. */
  @FunctionalInterface
  interface Watch {
    /** Nobody listens. */
    Watch NONE = point -> {};

    /** A point is passed, on any thread. */
    void passed(CrashPoint point);
  }
}
