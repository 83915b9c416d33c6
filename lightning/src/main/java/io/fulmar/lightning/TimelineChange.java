package io.fulmar.lightning;

/**
 * What a sync does once the server is another than at its last run, or has another timeline: after
 * a promotion, a restore to an earlier moment, or a move by dump and restore. What is remembered
 * lives in that server and went back with it, so what the destination accepted after that moment is
 * not known any more.
 */
public enum TimelineChange {
  /** Says so in the log, and goes on. */
  WARN,
  /** Holds the next plan for approval: {@link io.fulmar.SyncEngine#apply} goes on. */
  HOLD,
  /** Sends every row again, so that the destination holds what the source holds. */
  RESYNC
}
