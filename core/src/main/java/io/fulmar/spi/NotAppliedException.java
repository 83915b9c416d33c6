package io.fulmar.spi;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Nothing of the batch was applied, and trying again later may help: the destination is
 * unreachable, overloaded or asks to slow down. The same batch is sent again with backoff, or after
 * the time that the destination names.
 */
public final class NotAppliedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final @Nullable Duration retryAfter;

  /**
   * Tries again with backoff.
   *
   * @param message what happened, without values of rows; null if there is nothing to say
   * @param cause what led to it; part of the run's error with its message, so the same goes for it
   */
  public NotAppliedException(@Nullable String message, @Nullable Throwable cause) {
    super(Objects.requireNonNullElse(message, "it gave no reason"), cause);
    this.retryAfter = null;
  }

  /**
   * Tries again after a given time, as in the HTTP header {@code Retry-After} (RFC 9110, section
   * 10.2.3).
   *
   * @param message what happened, without values of rows; null if there is nothing to say
   * @param retryAfter not before this time has passed, 0 or more; if that is later than {@link
   *     io.fulmar.Sync.Builder#retryFor} allows, the run is FAILED at once
   */
  public NotAppliedException(@Nullable String message, Duration retryAfter) {
    super(Objects.requireNonNullElse(message, "it gave no reason"));
    Objects.requireNonNull(retryAfter, "retryAfter");
    if (retryAfter.isNegative()) {
      throw new IllegalArgumentException("retryAfter must be at least PT0S, is " + retryAfter);
    }
    this.retryAfter = retryAfter;
  }

  /** The time that the destination asks to wait; null for none. */
  public @Nullable Duration retryAfter() {
    return retryAfter;
  }
}
