package io.fulmar.internal.standard;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A file of the state is not as it was written, so that trying again does not help. */
final class DamagedException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedException(String message) {
    this(message, null);
  }

  DamagedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
