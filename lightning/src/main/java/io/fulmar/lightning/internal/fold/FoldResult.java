package io.fulmar.lightning.internal.fold;

/**
 * What a fold did.
 *
 * @param newlyQuarantined changes that are quarantined now and were not before
 * @param accepted changes that were accepted
 * @param unanswered changes of which no answer came
 */
public record FoldResult(long newlyQuarantined, long accepted, long unanswered) {}
