package io.fulmar.internal.store;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import org.jspecify.annotations.Nullable;

/**
 * A planned change, without its values.
 *
 * @param operation what happened
 * @param version what it brings; null for a removal
 * @param changeId its id
 * @param attempts how many earlier runs have tried it
 * @param firstAt when the first run tried it, in milliseconds since 1970; this run if there was
 *     none
 */
public record Planned(
    Operation operation, @Nullable Version version, Version changeId, int attempts, long firstAt) {

  Hold hold(HoldKind kind, int newAttempts, boolean unsure, Hold.@Nullable Reason reason) {
    return new Hold(version, kind, newAttempts, firstAt, changeId, unsure, reason);
  }
}
