package io.fulmar.lightning.internal.state;

/**
 * The moments at which the death of a process leaves different things behind, in the database or in
 * the destination, in the order of a run and then of the requests. A step that writes something new
 * has its point here, so that no test of crashes forgets it.
 */
public enum CrashPoint {
  /** The tables that all syncs share are there. */
  TABLES_MADE,
  /** A runner has the sync, and its state is begun or found. */
  CLAIMED,
  /** What dead runs left behind is gone. */
  TIDIED,
  /** An interrupted run is taken in. */
  RECOVERED,
  /** Every row is due again, and nothing is planned. */
  EPOCH_GROWN,
  /** A plan is durable. */
  PLANNED,
  /** A plan waits for approval. */
  PLAN_KEPT,
  /** A plan that will not be delivered is gone. */
  PLAN_DROPPED,
  /** No plan waits for approval any more. */
  PLAN_DISCARDED,
  /** It is on record that the destination is about to be cleared. */
  CLEAR_BEGUN,
  /** The destination is clear, and this is not on record. */
  CLEARED,
  /** Everything is forgotten but the clear destination. */
  CLEAR_ENDED,
  /** It is on record that a plan is being delivered, and nothing is sent. */
  DELIVERY_BEGUN,
  /** Changes are reserved, and not sent. */
  RESERVED,
  /** The destination has answered, and no answer is on record. */
  ANSWERED,
  /** Answers are on record. */
  FLUSHED,
  /** The state of a first run is made beside its delivery, and no fold has taken it. */
  STATE_PREPARED,
  /** Rows are written in a transaction with their outcomes, and not committed. */
  JOINED_WRITTEN,
  /** Rows and their outcomes are committed. */
  JOINED,
  /** Everything that a fold moves is written, and not committed. */
  FOLD_WRITTEN,
  /** The state has moved forward. */
  FOLDED,
  /** The end of a run that folded nothing is on record. */
  END_NOTED,
  /** The present result counts as accepted. */
  RESET_TAKEN,
  /** Held changes come back. */
  RELEASED,
  /** What is remembered is that of another destination. */
  REBOUND,
  /** What is remembered is that of a sync with another name. */
  RENAMED,
  /** What another engine remembers is written, and not committed. */
  MOVE_WRITTEN,
  /** The other engine does not run the sync any more; nothing is committed. */
  MOVE_ANNOUNCED,
  /** What the other engine remembers is committed, which it has not been told. */
  MOVED_IN,
  /** The other engine knows that the sync is gone. */
  MOVE_ENDED,
  /** Nothing is left of a sync. */
  FORGOTTEN;

  /** Hears of each point that is passed. */
  @FunctionalInterface
  public interface Watch {
    /** Nobody listens. */
    Watch NONE = point -> {};

    /** A point is passed, on any thread. */
    void passed(CrashPoint point);
  }
}
