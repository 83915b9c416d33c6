package io.fulmar.spi;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Nothing of the batch was applied, and sending it again as it is will not help: too large, or some
 * row makes the destination refuse the whole. The batch is halved until the rows that are to blame
 * are alone; those are rejected with this code.
 */
public final class BatchRejectedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * Makes the exception.
   *
   * @param code short and stable, for grouping
   * @param message for a human, without values of rows; null if there is nothing to say
   */
  public BatchRejectedException(String code, @Nullable String message) {
    super(Objects.requireNonNullElse(message, "it gave no reason"));
    this.code = Objects.requireNonNull(code, "code");
  }

  /** Short and stable, for grouping. */
  public String code() {
    return code;
  }
}
