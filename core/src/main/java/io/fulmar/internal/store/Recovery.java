package io.fulmar.internal.store;

/**
 * What was found of a run that had died.
 *
 * @param run its number
 * @param accepted changes that it had acknowledged as accepted
 * @param unsure changes that it had reserved without an answer
 */
public record Recovery(long run, long accepted, long unsure) {}
