package io.fulmar.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * What became of a planned change in a run, all its calls joined.
 *
 * @param kind the last answer
 * @param unsure whether some call gave no answer and none after it accepted the change
 * @param until the moment until which such a call may still act, in milliseconds since 1970; 0 for
 *     none
 * @param reason what the destination said; null for nothing
 */
public record Outcome(Kind kind, boolean unsure, long until, Hold.@Nullable Reason reason) {
  /** Accepted at the first call. */
  public static final Outcome ACCEPTED = new Outcome(Kind.ACCEPTED, false, 0, null);

  /** Answered as nothing to do at the first call. */
  public static final Outcome SKIPPED = new Outcome(Kind.SKIPPED, false, 0, null);

  /** Never handed out, or given up as not applied. */
  public static final Outcome NOT_TRIED = new Outcome(Kind.NOT_TRIED, false, 0, null);

  /** The answers that a change can have. */
  public enum Kind {
    /** The destination holds the version. */
    ACCEPTED,
    /** The destination refuses it. */
    REJECTED,
    /**
     * Refused together with others, and calls ran out before the bad ones were found: no attempt.
     */
    REJECTED_TOGETHER,
    /** There is nothing to do for this version. */
    SKIPPED,
    /** No answer to a call that carried only this change: counts as an attempt. */
    UNKNOWN_ALONE,
    /** No answer to a call that carried others too. */
    UNKNOWN,
    /** Nothing was applied, or nothing was sent. */
    NOT_TRIED
  }
}
