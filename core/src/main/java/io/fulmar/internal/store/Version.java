package io.fulmar.internal.store;

/**
 * The content of a row, as 128 bits: a seeded hash of its comparison image. Two rows are the same
 * if their versions are. The seed changes with whatever must make every row due again, so a version
 * stored under another seed equals nothing.
 *
 * @param high the upper half
 * @param low the lower half
 */
public record Version(long high, long low) {}
