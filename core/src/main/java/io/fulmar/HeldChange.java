package io.fulmar;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A change that was not accepted, as it is remembered. Immutable; {@code toString()} shows no
 * values, except in what a destination wrote into its message.
 *
 * @param key the key columns with their values
 * @param kind whether and when it comes back
 * @param subject what was to be delivered: a version of the row, or its removal
 * @param attempts how many runs have tried it, so far as that is counted
 * @param firstAt when the first of them did, by the clock of the JVM; null if none is counted
 * @param changeId its id, which the next attempt repeats; null if the next one gets a new id
 * @param unsure whether some call may have applied something that was never confirmed
 * @param code why it was not accepted, of the destination or of {@link FailureCodes}; null if
 *     nobody said
 * @param message what the destination said; null if it said nothing
 */
public record HeldChange(
    Row key,
    HoldKind kind,
    Subject subject,
    int attempts,
    @Nullable Instant firstAt,
    @Nullable String changeId,
    boolean unsure,
    @Nullable String code,
    @Nullable String message) {
  /** Checks that all parts are there. */
  public HeldChange {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(subject, "subject");
  }

  /** What a held change was to deliver. */
  public enum Subject {
    /** A version of the row. */
    ROW,
    /** Its removal. */
    REMOVAL
  }

  /** Why it was not accepted, in one line; empty if nobody said. */
  public Optional<String> reason() {
    return code == null
        ? Optional.empty()
        : Optional.of(message == null || message.isEmpty() ? code : code + ": " + message);
  }
}
