package io.fulmar.internal.postgres;

import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A pool gave no connection in time. The message is a fact for a message of ours. */
public final class NoConnectionException extends SQLTransientConnectionException {
  private static final long serialVersionUID = 1;

  private final String whereReads;
  private final String whereWrites;

  private NoConnectionException(
      String fact, String whereReads, String whereWrites, Exception cause) {
    super(fact, cause);
    this.whereReads = whereReads;
    this.whereWrites = whereWrites;
  }

  /** The application's pool, which may have told its size. */
  static NoConnectionException ofApplication(
      Duration waited, @Nullable PoolSize size, Exception cause) {
    String fact =
        String.format(
            Locale.ROOT,
            "no connection was to be had within %.1f s%s",
            waited.toMillis() / 1000.0,
            size == null ? "" : " (" + size + ")");
    if (size != null && !size.isExhausted()) {
      String room = "The pool has room: look at its log for why it does not connect.";
      return new NoConnectionException(fact, room, room, cause);
    }
    return new NoConnectionException(
        fact,
        "Is the caller inside a transaction? A run needs 1 connection besides what its caller holds: make the pool"
            + " larger, or run outside of the transaction.",
        "Is the caller of the run inside a transaction? Each lane needs 1 connection: make the pool larger, or lower"
            + " lanes(...) of the sync.",
        cause);
  }

  /** The engine's own pool, of whose connections some are in use. */
  static NoConnectionException ofEngine(int inUse, int size, Duration waited, Exception cause) {
    if (inUse < size) {
      String remedy =
          "Nothing said why: look at the load of both machines and at the network between them.";
      return new NoConnectionException(
          String.format(
              Locale.ROOT,
              "no connection came about within %.1f s (%s of the engine's %s are in use)",
              waited.toMillis() / 1000.0,
              inUse,
              size),
          remedy,
          remedy,
          cause);
    }
    String remedy = "Each run that reads needs one: raise Source.Builder.poolSize.";
    return new NoConnectionException(
        "all %s connections of the engine are in use".formatted(size), remedy, remedy, cause);
  }

  /** What to do, where a run reads. */
  String whereReads() {
    return whereReads;
  }

  /** What to do, where the lanes of a run write. */
  public String whereWrites() {
    return whereWrites;
  }
}
