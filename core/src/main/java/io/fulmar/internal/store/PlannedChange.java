package io.fulmar.internal.store;

import io.fulmar.Change;
import org.jspecify.annotations.Nullable;

/**
 * A planned change as it is delivered.
 *
 * @param position where it stands in the plan: 0 for the first
 * @param change what the destination gets
 * @param bytes how large its row is
 * @param undeliverable why it is rejected without being handed out; null if it can be. The values
 *     of its row may not be there
 * @param until the moment until which an earlier call for this key may still act, in milliseconds
 *     since 1970; 0 for none
 */
public record PlannedChange(
    long position, Change change, int bytes, Hold.@Nullable Reason undeliverable, long until) {}
