package io.fulmar.internal.row;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What was kept is not as it was written, so that trying again does not help. */
public final class DamagedException extends IOException {
  private static final long serialVersionUID = 1L;

  public DamagedException(String message) {
    this(message, null);
  }

  public DamagedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
