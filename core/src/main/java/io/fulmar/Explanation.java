package io.fulmar;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why a key is sent in the next run, or is not: what the source has now, what the destination has
 * accepted, what is held, and the rule that follows from these. Immutable; {@code toString()} shows
 * no values, {@link #row} gives them to whoever asks.
 *
 * @param sync name of the sync
 * @param source what the source has for the key now
 * @param accepted what the destination has accepted
 * @param gone whether the key has left the model under {@link Removal#IGNORE}, and is remembered
 * @param held the change that is remembered as not accepted; null for none
 * @param mayActUntil until when a call that gave no answer may still act, so that the key is not
 *     sent before; null for none
 * @param next what the next run plans; null for nothing
 * @param rule the rule that applies, as the README lists them
 * @param text all of this in a sentence or two, without values
 * @param row the row in the source; null if it is absent or ambiguous
 */
public record Explanation(
    String sync,
    InSource source,
    Accepted accepted,
    boolean gone,
    @Nullable HeldChange held,
    @Nullable Instant mayActUntil,
    @Nullable Operation next,
    String rule,
    String text,
    @Nullable Row row) {
  /** Checks that all parts are there. */
  public Explanation {
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(accepted, "accepted");
    Objects.requireNonNull(rule, "rule");
    Objects.requireNonNull(text, "text");
  }

  /** What the source has for a key. */
  public enum InSource {
    /** No row. */
    ABSENT,
    /** One row. */
    PRESENT,
    /** More than one row, so that none is delivered. */
    AMBIGUOUS
  }

  /** What the destination has accepted of a key. */
  public enum Accepted {
    /** Nothing, or its removal. */
    NOTHING,
    /** The version that the source has now. */
    THIS_VERSION,
    /** Another version than the source has now. */
    OTHER_VERSION
  }
}
