package io.fulmar.tunnel.internal.link;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** How long to wait between attempts: twice as long each time, with jitter. Not threadsafe. */
final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(500);

  private final Duration most;
  private final RandomGenerator random;
  private int failures;

  /**
   * Begins with half a second.
   *
   * @param most the longest wait
   */
  Backoff(Duration most, RandomGenerator random) {
    this.most = most;
    this.random = random;
  }

  void succeeded() {
    failures = 0;
  }

  /** After a failure: between half of and the whole wait. */
  Duration next() {
    long millis = FIRST.toMillis() << Math.min(failures, 20);
    failures++;
    long whole = Math.min(millis, most.toMillis());
    return Duration.ofMillis(whole / 2 + random.nextLong(whole / 2 + 1));
  }
}
