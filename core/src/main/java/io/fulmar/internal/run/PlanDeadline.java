package io.fulmar.internal.run;

import io.fulmar.SourceException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends the reading of a model that takes too long as a whole: the server's own timeouts bound
 * single statements. Closing it ends its thread.
 */
final class PlanDeadline implements AutoCloseable {
  private final RunScope scope;
  private final Duration bound;
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile boolean passed;

  private PlanDeadline(RunScope scope, Duration bound) {
    this.scope = scope;
    this.bound = bound;
  }

  /**
   * Begins now.
   *
   * @param cancel ends the reading
   */
  static PlanDeadline begin(RunScope scope, RunnerSettings settings, Runnable cancel) {
    PlanDeadline deadline = new PlanDeadline(scope, settings.planDeadline());
    // Nothing of the application runs on it, so no context goes with it.
    Thread thread = settings.threads().newThread(() -> deadline.watch(cancel));
    Objects.requireNonNull(thread, "what the thread factory gave")
        .setName("fulmar-" + scope.sync().name() + "-deadline");
    thread.start();
    return deadline;
  }

  private void watch(Runnable cancel) {
    try {
      if (!over.await(bound.toNanos(), TimeUnit.NANOSECONDS)) {
        passed = true;
        cancel.run();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean isPassed() {
    return passed;
  }

  /** What the run ends with when it has passed. */
  SourceException exception(SourceException cause) {
    String state = cause.sqlState() == null ? "" : " sqlstate=" + cause.sqlState();
    return new SourceException(
        "Cannot read the model %s: it was not read within %s. Make the model faster, or raise Source.Builder.planDeadline. %s"
            .formatted(
                scope.sync().model().name(), shown(), scope.identity().replace("]", state + "]")),
        cause.sqlState(),
        cause);
  }

  private String shown() {
    long millis = bound.toMillis();
    if (millis % 1_000 != 0) {
      return millis + " ms";
    }
    long seconds = bound.toSeconds();
    return seconds % 3600 == 0
        ? seconds / 3600 + " h"
        : seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
  }

  @Override
  public void close() {
    over.countDown();
  }
}
