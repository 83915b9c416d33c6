package io.fulmar.spi;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Nothing of the batch was applied, and the run should go no further: credentials refused, quota
 * used up. The run ends as FAILED; everything that was not accepted stays due.
 */
public final class StopRunException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * Makes the exception.
   *
   * @param code short and stable, for grouping
   * @param message for a human, without values of rows; null if there is nothing to say
   */
  public StopRunException(String code, @Nullable String message) {
    super(Objects.requireNonNullElse(message, "it gave no reason"));
    this.code = Objects.requireNonNull(code, "code");
  }

  /** Short and stable, for grouping. */
  public String code() {
    return code;
  }
}
