package io.fulmar.lightning.internal.fold;

/**
 * What a fold did.
 *
 * @param moved whether anything that is remembered has changed
 * @param newlyQuarantined changes that are quarantined now and were not before
 * @param accepted changes that were accepted
 * @param unanswered changes of which no answer came
 */
public record FoldResult(boolean moved, long newlyQuarantined, long accepted, long unanswered) {
  /** Nothing was to be done. */
  static final FoldResult NOTHING = new FoldResult(false, 0, 0, 0);
}
