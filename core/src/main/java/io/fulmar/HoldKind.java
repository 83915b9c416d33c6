package io.fulmar;

/** Why a change that was not accepted is remembered. */
public enum HoldKind {
  /** The destination rejected it; it comes back in every run. */
  REJECTED,
  /** Rejected too often; held until the row changes or the application releases it. */
  QUARANTINED,
  /** The destination's final answer was that there is nothing to do for this version. */
  SKIPPED,
  /** There was no verdict; it comes back in every run. */
  OPEN
}
