package io.fulmar.internal.run;

import dev.failsafe.Execution;
import io.fulmar.ConfigurationException;
import io.fulmar.RunEvent;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.store.Claim;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Empties a destination: waits until no earlier call may act, notes that a clear has begun, clears,
 * and forgets everything together with the note. Where it ends early the note stays, and the next
 * run does all of it again.
 */
final class Clearing {
  private final RunScope scope;
  private final Claim claim;
  private final DeadlineCalls calls;
  private final Sync sync;

  Clearing(RunScope scope, Claim claim, DeadlineCalls calls) {
    this.scope = scope;
    this.claim = claim;
    this.calls = calls;
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
    if (!waitForCalls()) {
      return false;
    }
    long giveUpAt = scope.now() + sync.retryFor().toMillis();
    RunContext context = new RunContext(sync.name(), scope.run(), 0, sync.callDeadline());
    while (!scope.isStopped()) {
      note();
      Throwable thrown = call(context);
      if (thrown == null) {
        claim.endClear();
        return true;
      }
      Duration delay = taken(thrown, retries, giveUpAt);
      if (delay == null) {
        return false;
      }
      pause(delay);
    }
    return false;
  }

  /** Puts on record until when the call that begins now may act, however slow the disk is. */
  private void note() {
    long deadline = sync.callDeadline().toMillis();
    long until;
    do {
      until = scope.now() + 2 * deadline;
      claim.beginClear(until);
    } while (scope.now() + deadline > until);
  }

  /** Calls the destination; gives what was thrown, or null if it is clear. */
  private @Nullable Throwable call(RunContext context) {
    scope.emit(new RunEvent.Clearing(sync.name(), scope.run()));
    DeadlineCalls.Called<RunContext> called =
        calls.onThread(
            "fulmar-" + sync.name() + "-clear",
            () -> {
              sync.destination().clear(context);
              return context;
            },
            (answer, thrown) -> LateAnswer.ofOther(scope, "clear", thrown));
    if (called instanceof DeadlineCalls.Called.Answered) {
      return null;
    }
    return called instanceof DeadlineCalls.Called.Threw<RunContext> threw
        ? threw.thrown()
        : new TimeoutException("no answer within " + sync.callDeadline());
  }

  /** Takes in a clear that did not work: how long to wait for the next; null for none. */
  private @Nullable Duration taken(Throwable thrown, Execution<Object> retries, long giveUpAt) {
    String why;
    Throwable cause = thrown;
    if (thrown instanceof NotAppliedException e) {
      retries.recordException(e);
      Duration delay = BatchSender.delay(retries, e.retryAfter());
      if (scope.now() + delay.toMillis() <= giveUpAt) {
        return delay;
      }
      why = "it was not cleared within " + sync.retryFor() + ": " + e.getMessage();
    } else if (thrown instanceof BatchRejectedException e) {
      why = "it refuses (" + e.code() + "): " + e.getMessage();
    } else if (thrown instanceof StopRunException e) {
      why = "it stopped the run (" + e.code() + "): " + e.getMessage();
    } else if (thrown instanceof TimeoutException) {
      why = "clearing it took longer than its deadline of " + sync.callDeadline();
    } else {
      why = "clearing it threw " + thrown.getClass().getName();
      cause = BatchSender.withoutMessage(thrown);
    }
    scope.stop(
        new RunScope.Stop.Failed(
            "the destination is to be cleared, and " + why + "; the next run clears it again",
            cause));
    return null;
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
}
