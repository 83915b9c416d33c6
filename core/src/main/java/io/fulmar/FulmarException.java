package io.fulmar;

import org.jspecify.annotations.Nullable;

/**
 * Root of everything that Fulmar throws on its own account. Messages read {@code Cannot <verb>
 * <thing>: <fact>. <Remedy>. [sync=... run=... sqlstate=...]} and hold neither secrets nor row
 * values. They are one line, in which control characters of names and of others' words are escaped.
 */
public abstract sealed class FulmarException extends RuntimeException
    permits AlreadyRunningException,
        CheckFailedException,
        ConfigurationException,
        DeliveryException,
        RunFailedException,
        SourceException,
        StateException,
        TunnelException {
  private static final long serialVersionUID = 1L;

  FulmarException(String message) {
    super(OneLine.of(message));
  }

  FulmarException(String message, @Nullable Throwable cause) {
    super(OneLine.of(message), cause);
  }
}
