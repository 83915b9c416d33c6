package io.fulmar.tunnel;

import io.fulmar.tunnel.internal.forward.LocalListener;

/**
 * A port of 127.0.0.1 that leads through a tunnel. <b>Every user of this machine can connect to
 * it</b>, and {@code sslmode=verify-full} needs the name of the database beside it ({@code host=}
 * the name and {@code hostaddr=127.0.0.1} in libpq). This class is threadsafe; whoever opened it
 * closes it, and the end of its {@link OpenTunnel} does too.
 */
public final class LocalPort implements AutoCloseable {
  private final LocalListener listener;

  LocalPort(LocalListener listener) {
    this.listener = listener;
  }

  /** The port, 1 to 65535. */
  public int port() {
    return listener.port();
  }

  /** Gives the port free and cuts its connections. */
  @Override
  public void close() {
    listener.close();
  }

  /** Where it is. */
  @Override
  public String toString() {
    return "LocalPort[127.0.0.1:" + port() + "]";
  }
}
