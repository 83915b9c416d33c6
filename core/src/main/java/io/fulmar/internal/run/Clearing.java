package io.fulmar.internal.run;

import dev.failsafe.Execution;
import io.fulmar.ConfigurationException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.store.Claim;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import java.time.Duration;

/**
 * Empties a destination: waits until no earlier call may act, notes that a clear has begun, clears,
 * and forgets everything together with the note. Where it ends early the note stays, and the next
 * run does all of it again.
 */
final class Clearing {
  private final RunScope scope;
  private final Claim claim;
  private final Sync sync;

  Clearing(RunScope scope, Claim claim) {
    this.scope = scope;
    this.claim = claim;
    this.sync = scope.sync();
  }

  /** Refuses what cannot be cleared and filled. */
  static void check(Sync sync) {
    String type = sync.destination().type();
    if (!sync.destination().capabilities().canClear()) {
      throw new ConfigurationException(
          "Cannot clear the destination of %s: %s does not say that it can be cleared (Capabilities.canClear). Empty it yourself, then forget the sync and run it. [sync=%s]"
              .formatted(sync.name(), type, sync.name()));
    }
    if (sync.mode() == SyncMode.UPDATE) {
      throw new ConfigurationException(
          "Cannot clear and fill the destination of %s: mode UPDATE has nothing to update in an empty destination. Use another mode, or resync. [sync=%s]"
              .formatted(sync.name(), sync.name()));
    }
  }

  /** Clears; false if the run has been stopped instead. */
  boolean clear() {
    scope.step("clear");
    Execution<Object> retries = Execution.of(BatchSender.retryPolicy());
    long giveUpAt = scope.now() + sync.retryFor().toMillis();
    while (waitForCalls()) {
      claim.beginClear(scope.now() + sync.callDeadline().toMillis());
      try {
        sync.destination().clear(new RunContext(sync.name(), scope.run(), 0));
        claim.endClear();
        return true;
      } catch (NotAppliedException e) {
        retries.recordException(e);
        Duration delay = BatchSender.delay(retries, e.retryAfter());
        if (scope.now() + delay.toMillis() > giveUpAt) {
          return failed("it was not cleared within " + sync.retryFor() + ": " + e.getMessage(), e);
        }
        pause(delay);
      } catch (BatchRejectedException e) {
        return failed("it refuses (" + e.code() + "): " + e.getMessage(), e);
      } catch (StopRunException e) {
        return failed("it stopped the run (" + e.code() + "): " + e.getMessage(), e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        scope.stop(new RunScope.Stop.Cancelled());
      } catch (Exception | LinkageError | StackOverflowError e) {
        return failed("clearing it threw " + e.getClass().getName(), e);
      }
    }
    return false;
  }

  /** Waits until no call may act; false if the run has been stopped instead. */
  private boolean waitForCalls() {
    long wait = claim.mayActUntil() - scope.now();
    while (wait >= 0 && !scope.isStopped()) {
      pause(Duration.ofMillis(wait + 1));
      wait = claim.mayActUntil() - scope.now();
    }
    return !scope.isStopped();
  }

  private void pause(Duration duration) {
    try {
      scope.await(duration);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      scope.stop(new RunScope.Stop.Cancelled());
    }
  }

  private boolean failed(String why, Throwable cause) {
    scope.stop(
        new RunScope.Stop.Failed(
            "the destination is to be cleared, and " + why + "; the next run clears it again",
            cause));
    return false;
  }
}
