package io.fulmar.lightning.internal.plan;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads pieces one after the other, the next one on another thread while one is handed out. This
 * class is threadsafe.
 *
 * @param <T> a piece
 */
final class ReadAhead<T> implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Executor threads;
  private final Supplier<T> read;
  private @Nullable FutureTask<T> ahead;
  private volatile boolean closed;

  /**
   * A reader.
   *
   * @param threads each task on one of its own; the calling one, if it likes
   * @param read the next piece; sees what its caller did before {@link #begin}
   */
  ReadAhead(Executor threads, Supplier<T> read) {
    this.threads = threads;
    this.read = read;
  }

  /** Whether what is being read is not needed any more. */
  boolean isClosed() {
    return closed;
  }

  /** The piece that was begun, or else the next one, read here. */
  synchronized T next() {
    FutureTask<T> reading = ahead;
    if (reading == null) {
      return read.get();
    }
    ahead = null;
    try {
      return result(reading);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("the next piece cannot be read", e.getCause());
    }
  }

  /** Begins to read the next piece, if there is a thread for it. */
  synchronized void begin() {
    if (closed) {
      return;
    }
    FutureTask<T> reading = new FutureTask<>(read::get);
    try {
      threads.execute(reading);
      ahead = reading;
    } catch (RuntimeException e) {
      LOG.debug("no thread reads ahead: {}", e.getClass().getName());
    }
  }

  /** An interrupt is for the caller's caller: what is read takes no longer than it takes. */
  private static <T> T result(FutureTask<T> reading) throws ExecutionException {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return reading.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Waits for whoever reads, and lets nobody begin; that ends soon if it heeds isClosed(). */
  @Override
  public void close() {
    closed = true;
    synchronized (this) {
      FutureTask<T> reading = ahead;
      ahead = null;
      if (reading != null) {
        try {
          result(reading);
        } catch (ExecutionException e) {
          Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
          LOG.debug("what was read ahead is not needed: {}", cause.getClass().getName());
        }
      }
    }
  }
}
