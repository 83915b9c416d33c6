package io.fulmar;

/** How a run ended. */
public enum RunStatus {
  /** Everything that was planned has been accepted or skipped. */
  SUCCEEDED,
  /**
   * The run went through; some changes failed, were newly quarantined, or some rows are invalid.
   */
  WARNING,
  /**
   * A guard stopped the run before anything was sent; the plan waits for {@link SyncEngine#apply}.
   */
  HELD,
  /** The run ended early; what the destination had accepted is remembered, the rest stays due. */
  FAILED,
  /** The application stopped the run; what the destination had accepted is remembered. */
  CANCELLED,
  /** The process died in mid-run; found and settled by the next run. */
  INTERRUPTED
}
