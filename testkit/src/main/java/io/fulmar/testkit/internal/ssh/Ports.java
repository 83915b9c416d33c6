package io.fulmar.testkit.internal.ssh;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntFunction;

/**
 * Ports below those that systems give to connections and to servers that ask for any port, so that
 * a server that stopped finds its own free when it starts again.
 */
public final class Ports {
  private static final int LEAST = 10_000;
  private static final int MOST = 32_000;
  private static final int TRIES = 100;

  private Ports() {}

  /** A port at random. */
  static int any() {
    return ThreadLocalRandom.current().nextInt(LEAST, MOST);
  }

  /**
   * Listens on a port that is free.
   *
   * @param listen throws {@link UncheckedIOException} if the port is taken
   */
  public static <T> T onFreeOne(IntFunction<T> listen) {
    UncheckedIOException taken = new UncheckedIOException(new IOException("no port is free"));
    for (int i = 0; i < TRIES; i++) {
      try {
        return listen.apply(any());
      } catch (UncheckedIOException e) {
        taken = e;
      }
    }
    throw taken;
  }
}
