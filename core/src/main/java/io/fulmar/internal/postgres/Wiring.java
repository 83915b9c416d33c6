package io.fulmar.internal.postgres;

import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Connector} hands to pgjdbc, which takes classes by name and one string for each:
 * the string finds the connector's own objects, and the attempt that they are asked for. Holds the
 * one static map of Fulmar; entries go when their connector is closed. Threadsafe.
 */
final class Wiring implements AutoCloseable {
  private static final Map<String, Wiring> ALL = new ConcurrentHashMap<>();

  private final String token = UUID.randomUUID().toString();
  private final Map<String, ConnectAttempt> attempts = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final @Nullable SocketFactory sockets;

  /**
   * Kept until it is closed.
   *
   * @param sockets the application's own; null for plain ones
   */
  Wiring(@Nullable SocketFactory sockets) {
    this.sockets = sockets;
    ALL.put(token, this);
  }

  /** What belongs to a string that {@link #begin} gave; connections outlive their attempts. */
  static Wiring of(String arg) {
    Wiring found = ALL.get(arg.substring(0, Math.max(0, arg.indexOf('/'))));
    if (found == null) {
      throw new IllegalStateException("the engine that this connection belongs to is closed");
    }
    return found;
  }

  /** The string for an attempt. */
  String begin(ConnectAttempt attempt) {
    String arg = token + "/" + numbers.incrementAndGet();
    attempts.put(arg, attempt);
    return arg;
  }

  void end(String arg) {
    ConnectAttempt attempt = attempts.remove(arg);
    if (attempt != null) {
      attempt.end();
    }
  }

  /** Null once the connection is there, for cancel requests. */
  @Nullable ConnectAttempt attempt(String arg) {
    return attempts.get(arg);
  }

  @Nullable SocketFactory sockets() {
    return sockets;
  }

  @Override
  public void close() {
    ALL.remove(token);
  }
}
