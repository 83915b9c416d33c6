package io.fulmar.internal.store;

import io.fulmar.Change;

/**
 * A planned change as it is delivered.
 *
 * @param position where it stands in the plan: 0 for the first
 * @param change what the destination gets
 * @param bytes how large its row is
 * @param oversize whether the row is too large to be handed out; its values are not there
 * @param until the moment until which an earlier call for this key may still act, in milliseconds
 *     since 1970; 0 for none
 */
public record PlannedChange(
    long position, Change change, int bytes, boolean oversize, long until) {}
