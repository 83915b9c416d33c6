package io.fulmar.internal.store;

/**
 * What a fold did.
 *
 * @param newlyQuarantined changes that are quarantined now and were not before
 */
public record Folded(long newlyQuarantined) {}
