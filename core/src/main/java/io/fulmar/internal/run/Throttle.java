package io.fulmar.internal.run;

import dev.failsafe.RateLimiter;
import io.fulmar.spi.Capabilities;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How much of a destination may be used at once, shared by all syncs to it. This class is
 * threadsafe.
 */
final class Throttle {
  private static final long LOOK_MILLIS = 50;

  private final Semaphore calls;
  private final @Nullable RateLimiter<Object> rate;

  Throttle(Capabilities capabilities) {
    this.calls = new Semaphore(capabilities.concurrency(), true);
    Capabilities.Rate limit = capabilities.rate();
    this.rate =
        limit == null ? null : RateLimiter.smoothBuilder(limit.calls(), limit.per()).build();
  }

  /** Waits for a turn; false if the run should stop instead. {@link #release} gives it back. */
  boolean acquire(RunScope scope) throws InterruptedException {
    if (rate != null) {
      Duration wait = rate.reservePermit();
      scope.await(wait);
    }
    while (!scope.isStopped()) {
      if (calls.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        return true;
      }
    }
    return false;
  }

  void release() {
    calls.release();
  }
}
