package io.fulmar.internal.source;

import org.jspecify.annotations.Nullable;

/**
 * Lets another thread end what a session is doing. One for a session at a time; once cancelled it
 * stays so, and a session that begins then is cancelled at once. This class is threadsafe.
 */
public final class Cancellation {
  private @Nullable SourceSession session;
  private boolean cancelled;

  /** A session has begun; its thread calls this. */
  void begin(SourceSession begun) {
    boolean now;
    synchronized (this) {
      session = begun;
      now = cancelled;
    }
    if (now) {
      begun.cancel();
    }
  }

  /** The session is over. */
  synchronized void end() {
    session = null;
  }

  /**
   * Cancels the statement that is running, if there is one; where the server cannot be told, or
   * does not heed it, the connection is cut. Takes some seconds then.
   */
  public void cancel() {
    SourceSession running;
    synchronized (this) {
      cancelled = true;
      running = session;
    }
    if (running != null) {
      running.cancel();
    }
  }
}
