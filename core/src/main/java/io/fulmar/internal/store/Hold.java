package io.fulmar.internal.store;

import io.fulmar.FailureCodes;
import io.fulmar.HoldKind;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered about a change that was not accepted.
 *
 * @param version what the change would have brought; null for a removal
 * @param kind whether and when it comes back
 * @param attempts how many runs have tried it
 * @param firstAt when the first of them did, in milliseconds since 1970
 * @param changeId its id, kept by later attempts; null if the next attempt gets a new one
 * @param unsure whether some call may have applied something that was never confirmed
 * @param reason why it was not accepted; null if no destination said so
 */
public record Hold(
    @Nullable Version version,
    HoldKind kind,
    int attempts,
    long firstAt,
    @Nullable Version changeId,
    boolean unsure,
    @Nullable Reason reason) {

  /**
   * What a destination said, or Fulmar in its place.
   *
   * @param code short and stable
   * @param message for a human
   */
  public record Reason(String code, String message) {
    /** A row with more bytes than it may have. */
    public static Reason rowTooLarge(long maxRowBytes) {
      return new Reason(
          FailureCodes.ROW_TOO_LARGE,
          "the row has more than " + maxRowBytes + " bytes (maxRowBytes)");
    }
  }
}
