package io.fulmar.internal.run;

import dev.failsafe.Execution;
import dev.failsafe.RetryPolicy;
import io.fulmar.Action;
import io.fulmar.FailureCodes;
import io.fulmar.RunEvent;
import io.fulmar.StateException;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.JoinedWriter;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Sends one batch until each of its changes has an outcome: again after "not applied", halved after
 * "rejected" and after an unknown outcome. Used by one lane, one batch at a time. What is known of
 * a batch outlives the thread that sends it: if that is left behind, another goes on.
 */
final class BatchSender {
  private static final Duration FIRST_DELAY = Duration.ofMillis(200);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(30);
  private static final Duration LONGEST_WAIT = Duration.ofDays(365);
  private static final double JITTER = 0.2;
  private static final int RETRIES_OF_A_ROW = 4;
  private static final String NOT_IN_TIME = "the call did not end in time";

  private final RunScope scope;
  private final Throttle throttle;
  private final Tally tally;
  private final Reservation reservation;
  private final @Nullable JoinedWrites joined;

  /** Makes sure, before each call, that what it may do is on record. */
  interface Reservation {
    /** The moment until which a call that begins now may act, in milliseconds since 1970. */
    long beforeCall();
  }

  /**
   * A sender.
   *
   * @param scope of the run
   * @param throttle makes calls wait
   * @param tally counts them
   * @param reservation puts on record what a call may do
   * @param joined transactions for writers that write together with the state; null for none
   */
  BatchSender(
      RunScope scope,
      Throttle throttle,
      Tally tally,
      Reservation reservation,
      @Nullable JoinedWrites joined) {
    this.scope = scope;
    this.throttle = throttle;
    this.tally = tally;
    this.reservation = reservation;
    this.joined = joined;
  }

  /** A change on its way to an outcome. */
  private static final class Pending {
    final PlannedChange planned;
    boolean unsure;
    long until;
    int rejections;
    Hold.@Nullable Reason rejection;
    @Nullable Outcome outcome;
    boolean noted;

    Pending(PlannedChange planned) {
      this.planned = planned;
    }

    void unsure(long callMayActUntil) {
      unsure = true;
      until = Math.max(until, callMayActUntil);
    }

    void end(Outcome.Kind kind, Hold.@Nullable Reason reason) {
      boolean nothingNew =
          kind == Outcome.Kind.UNKNOWN
              || kind == Outcome.Kind.UNKNOWN_ALONE
              || kind == Outcome.Kind.REJECTED_TOGETHER;
      if (nothingNew && rejection != null) {
        // It was rejected by name in this run, which counts; a later call can add doubt.
        outcome = new Outcome(Outcome.Kind.REJECTED, unsure, until, rejection);
        return;
      }
      if (kind == Outcome.Kind.ACCEPTED && until == 0) {
        outcome = Outcome.ACCEPTED;
        return;
      }
      outcome = new Outcome(kind, unsure && kind != Outcome.Kind.ACCEPTED, until, reason);
    }

    /** Calls have run out; what they found stays. */
    void giveUp() {
      if (outcome == null) {
        end(Outcome.Kind.UNKNOWN, null);
      }
    }

    Outcome outcomeOrNotTried() {
      if (outcome == null) {
        end(Outcome.Kind.NOT_TRIED, null);
      }
      return outcome == null ? Outcome.NOT_TRIED : outcome;
    }
  }

  /** Changes that go out in one call. */
  private record Part(List<Pending> changes, Why why) {
    /** Why these changes go out together. */
    enum Why {
      /** For the first time. */
      FIRST,
      /** Again, after an unknown outcome. */
      UNKNOWN_AGAIN,
      /** As the first half of a batch whose outcome was unknown; the other one comes next. */
      UNKNOWN_HALF,
      /** As the other half. */
      UNKNOWN_OTHER_HALF,
      /** As half of a batch that was rejected. */
      REJECTED_HALF,
      /** Rejected one by one, and the destination says that trying again may help. */
      REJECTED_AGAIN
    }

    /** The first half (0) or the other one (1). */
    Part half(int which, Why whyHalf) {
      int middle = changes.size() / 2;
      return new Part(
          which == 0 ? changes.subList(0, middle) : changes.subList(middle, changes.size()),
          whyHalf);
    }

    /** Whether these changes went out before with an unknown outcome. */
    boolean isUnknownAgain() {
      return switch (why) {
        case UNKNOWN_AGAIN, UNKNOWN_HALF, UNKNOWN_OTHER_HALF -> true;
        case FIRST, REJECTED_HALF, REJECTED_AGAIN -> false;
      };
    }
  }

  /** What came out of a call, retries after "not applied" included. */
  private sealed interface Answer {
    record Given(Delivery delivery) implements Answer {}

    record Rejected(Hold.Reason reason) implements Answer {}

    record Unknown(Hold.Reason reason) implements Answer {}

    /** The run stops; nothing of this call was applied. */
    record Stopped() implements Answer {}
  }

  /**
   * Begins to send changes.
   *
   * @param action what they ask for, all the same
   * @param changes at least one
   */
  Sending begin(Action action, List<PlannedChange> changes) {
    return new Sending(action, changes);
  }

  /** A batch on its way. */
  final class Sending {
    private final Action action;
    private final List<Pending> all;
    private final Deque<Part> parts = new ArrayDeque<>();
    private final Execution<Object> rejections = Execution.of(retryPolicy());
    private final int callsForEachFound;
    private int callsLeft;
    private long lastUntil;
    private @Nullable Part inFlight;
    private boolean joins;

    private Sending(Action action, List<PlannedChange> changes) {
      this.action = action;
      this.all = new ArrayList<>(changes.size());
      changes.forEach(change -> all.add(new Pending(change)));
      this.callsForEachFound = 2 * (32 - Integer.numberOfLeadingZeros(changes.size() - 1)) + 16;
      this.callsLeft = callsForEachFound;
      parts.push(new Part(all, Part.Why.FIRST));
    }

    /**
     * Sends until every change has an outcome, or the run stops; gives one outcome for each, in
     * order.
     *
     * @param writer where to; null if none could be opened, and the run has stopped
     * @param caller makes the calls
     * @throws DeadlineCalls.LeftBehindException if this thread was left behind in a call
     */
    List<Outcome> finish(@Nullable Writer writer, DeadlineCalls.Caller caller) {
      while (!parts.isEmpty()) {
        Part part = parts.pop();
        if (scope.isStopped() || writer == null) {
          continue; // with the outcome of earlier calls, or none
        }
        if (part.why() != Part.Why.FIRST && callsLeft-- <= 0) {
          part.changes().forEach(Pending::giveUp);
          continue;
        }
        if (part.why() == Part.Why.REJECTED_AGAIN) {
          rejections.recordException(new NotAppliedException("rejected for now", (Throwable) null));
          if (!pause(rejections.getDelay())) {
            continue;
          }
        }
        take(call(part, writer, caller), part);
      }
      List<Outcome> outcomes = new ArrayList<>(all.size());
      for (Pending pending : all) {
        outcomes.add(pending.outcomeOrNotTried());
      }
      return outcomes;
    }

    /**
     * Takes in that the call under way, if there is one, was left behind: its outcome is unknown.
     */
    void leaveBehind() {
      Part part = inFlight;
      if (part != null) {
        inFlight = null;
        throttle.release();
        take(unanswered(NOT_IN_TIME), part);
      }
    }

    /**
     * Whether the outcome of a change is the store's to note: what was written together with the
     * state is on record, and of what such a call left open the database knows alone.
     *
     * @param i which change, in the order of the batch
     */
    boolean isToBeNoted(int i) {
      Pending pending = all.get(i);
      return !pending.noted && !(joins && pending.outcomeOrNotTried().unsure());
    }

    /**
     * An outcome that is unknown; under joined writes the run ends: sending again would be one time
     * too many.
     */
    private Answer unanswered(String message) {
      if (joins) {
        String why = "a call that writes together with the state gave no answer: " + message;
        scope.stop(new RunScope.Stop.Failed(why, null));
      }
      return unknown(message);
    }

    private void take(Answer answer, Part part) {
      if (answer instanceof Answer.Given given) {
        take(given.delivery(), part);
      } else if (answer instanceof Answer.Rejected rejected) {
        callsLeft += takeRejected(part, rejected.reason()) ? callsForEachFound : 0;
      } else if (answer instanceof Answer.Unknown unknown) {
        part.changes().forEach(pending -> pending.unsure(lastUntil));
        boolean found = takeUnknown(part, part.changes().size(), unknown.reason());
        callsLeft += found ? callsForEachFound : 0;
      }
    }

    /** Takes in a batch that was rejected whole; true if it is now known whose fault it was. */
    private boolean takeRejected(Part part, Hold.Reason reason) {
      if (part.changes().size() == 1) {
        part.changes().get(0).end(Outcome.Kind.REJECTED, reason);
        return true;
      }
      end(part, Outcome.Kind.REJECTED_TOGETHER, reason);
      parts.push(part.half(1, Part.Why.REJECTED_HALF));
      parts.push(part.half(0, Part.Why.REJECTED_HALF));
      return false;
    }

    /**
     * Takes in an unknown outcome of a call that carried so many changes; true if it is now known
     * whose fault it was.
     */
    private boolean takeUnknown(Part part, int carried, Hold.Reason reason) {
      Outcome.Kind kind = carried == 1 ? Outcome.Kind.UNKNOWN_ALONE : Outcome.Kind.UNKNOWN;
      if (!part.isUnknownAgain()) {
        end(part, kind, reason);
        parts.push(new Part(part.changes(), Part.Why.UNKNOWN_AGAIN));
        return false;
      }
      if (part.changes().size() == 1) {
        part.changes().get(0).end(kind, reason);
        return true;
      }
      end(part, kind, reason);
      // First its other half: one change whose calls hang then never looks like a destination that
      // hangs on all of them.
      Part other = part.why() == Part.Why.UNKNOWN_HALF ? parts.poll() : null;
      parts.push(part.half(1, Part.Why.UNKNOWN_OTHER_HALF));
      parts.push(part.half(0, Part.Why.UNKNOWN_HALF));
      if (other != null) {
        parts.push(other);
      }
      return false;
    }

    /** The changes of a part keep this outcome if calls run out or the run stops. */
    private void end(Part part, Outcome.Kind kind, Hold.Reason reason) {
      part.changes().forEach(pending -> pending.end(kind, reason));
    }

    private void take(Delivery delivery, Part part) {
      if (delivery.answers().isEmpty() && delivery.unnamed() == Delivery.Unnamed.ACCEPTED) {
        part.changes().forEach(pending -> pending.end(Outcome.Kind.ACCEPTED, null));
        return;
      }
      Map<String, Verdict> verdicts = new HashMap<>();
      delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
      Verdict unnamed =
          delivery.unnamed() == Delivery.Unnamed.ACCEPTED ? new Verdict.Accepted() : null;
      List<Pending> unknown = new ArrayList<>();
      List<Pending> again = new ArrayList<>();
      for (Pending pending : part.changes()) {
        Verdict verdict = verdicts.getOrDefault(pending.planned.change().changeId(), unnamed);
        if (verdict == null) {
          pending.unsure(lastUntil);
          unknown.add(pending);
        } else if (verdict instanceof Verdict.Accepted) {
          pending.end(Outcome.Kind.ACCEPTED, null);
        } else if (verdict instanceof Verdict.Skipped) {
          pending.end(Outcome.Kind.SKIPPED, null);
        } else if (verdict instanceof Verdict.Rejected rejected) {
          pending.rejection = new Hold.Reason(rejected.code(), rejected.message());
          pending.end(Outcome.Kind.REJECTED, pending.rejection);
          if (rejected.retry() == Verdict.Retry.THIS_RUN
              && ++pending.rejections <= RETRIES_OF_A_ROW) {
            again.add(pending);
          }
        }
      }
      if (!again.isEmpty()) {
        parts.addLast(new Part(again, Part.Why.REJECTED_AGAIN));
      }
      if (!unknown.isEmpty()) {
        Hold.Reason reason =
            new Hold.Reason(FailureCodes.UNKNOWN_OUTCOME, "the answer did not name the change");
        takeUnknown(new Part(unknown, part.why()), part.changes().size(), reason);
      }
    }

    /** Calls the writer; again as long as nothing is applied and time is left. */
    private Answer call(Part part, Writer writer, DeadlineCalls.Caller caller) {
      Batch batch =
          new Batch(
              action, part.changes().stream().map(pending -> pending.planned.change()).toList());
      JoinedWrites writes = joined;
      Callable<Delivery> work = () -> writer.write(batch);
      if (writes != null && writer instanceof JoinedWriter joining && joining.joins()) {
        joins = true;
        List<PlannedChange> planned = part.changes().stream().map(p -> p.planned).toList();
        work = new JoinedCall(writes, joining, batch, planned)::write;
      }
      long giveUpAt = scope.now() + scope.sync().retryFor().toMillis();
      Execution<Object> retries = Execution.of(retryPolicy());
      while (true) {
        if (!acquire()) {
          return new Answer.Stopped();
        }
        if (!joins && !reserve()) {
          throttle.release();
          return new Answer.Stopped();
        }
        tally.called();
        inFlight = part;
        Duration delay;
        try {
          Delivery delivery =
              caller.call(DeadlineCalls.Kind.WRITE, work, new LateAnswer(scope, batch)::ended);
          over();
          part.changes().forEach(pending -> pending.noted |= joins);
          return checked(delivery, batch);
        } catch (DeadlineCalls.LeftBehindException e) {
          throw e;
        } catch (NotAppliedException e) {
          over();
          retries.recordException(e);
          delay = delay(retries, e.retryAfter());
          if (scope.now() + delay.toMillis() > giveUpAt) {
            String why = "nothing was applied within %s, at last: %s";
            scope.stop(
                new RunScope.Stop.Failed(
                    why.formatted(scope.sync().retryFor(), e.getMessage()), e));
            return new Answer.Stopped();
          }
        } catch (BatchRejectedException e) {
          over();
          return new Answer.Rejected(new Hold.Reason(e.code(), String.valueOf(e.getMessage())));
        } catch (StopRunException e) {
          over();
          String why = "the destination stopped the run (" + e.code() + "): " + e.getMessage();
          scope.stop(new RunScope.Stop.Failed(why, e));
          return new Answer.Stopped();
        } catch (DeadlineCalls.PassedDeadlineException e) {
          over();
          return unanswered(NOT_IN_TIME);
        } catch (InterruptedException e) {
          over();
          Thread.currentThread().interrupt();
          scope.stop(new RunScope.Stop.Cancelled());
          return unknown("the call threw " + e.getClass().getName());
        } catch (Exception e) {
          over();
          if (joins && e instanceof StateException) {
            scope.stop(new RunScope.Stop.Failed("the state cannot be written", e));
          }
          return unanswered("the call threw " + e.getClass().getName());
        } catch (Error e) {
          over();
          scope.stop(
              new RunScope.Stop.Failed(
                  "the destination threw " + e.getClass().getName(), withoutMessage(e)));
          return unknown("the call threw " + e.getClass().getName());
        }
        if (!pause(delay)) {
          return new Answer.Stopped();
        }
      }
    }

    /** The call is over, and this thread was not left behind. */
    private void over() {
      inFlight = null;
      throttle.release();
    }

    /** Puts on record what the call may do; false, and the run stops, if that is not possible. */
    private boolean reserve() {
      try {
        lastUntil = reservation.beforeCall();
        return true;
      } catch (RuntimeException e) {
        scope.stop(new RunScope.Stop.Failed("what is to be sent cannot be put on record", e));
        return false;
      }
    }
  }

  /** The backoff, or what the destination asks for if that is longer. */
  static Duration delay(Execution<Object> retries, @Nullable Duration retryAfter) {
    Duration backoff = retries.getDelay();
    if (retryAfter == null || retryAfter.compareTo(backoff) < 0) {
      return backoff;
    }
    // Beyond any patience is enough; what a header says may be more than a long can count.
    return retryAfter.compareTo(LONGEST_WAIT) < 0 ? retryAfter : LONGEST_WAIT;
  }

  private boolean acquire() {
    try {
      return throttle.acquire(scope);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      scope.stop(new RunScope.Stop.Cancelled());
      return false;
    }
  }

  /** Where something was thrown, without its message, which may quote a row. */
  static Throwable withoutMessage(Throwable e) {
    Throwable result = new IllegalStateException(e.getClass().getName());
    result.setStackTrace(e.getStackTrace());
    return result;
  }

  private static Answer unknown(String message) {
    return new Answer.Unknown(new Hold.Reason(FailureCodes.UNKNOWN_OUTCOME, message));
  }

  /** Holds an answer against its contract. */
  private Answer checked(@Nullable Delivery delivery, Batch batch) {
    String violation = violation(delivery, batch);
    if (delivery != null && violation == null) {
      return new Answer.Given(delivery);
    }
    scope.emit(
        new RunEvent.ContractViolated(scope.sync().name(), scope.run(), String.valueOf(violation)));
    return new Answer.Unknown(
        new Hold.Reason(FailureCodes.CONTRACT_VIOLATION, String.valueOf(violation)));
  }

  /** What is wrong with an answer; null for nothing. */
  static @Nullable String violation(@Nullable Delivery delivery, Batch batch) {
    if (delivery == null) {
      return "the answer is null";
    }
    if (delivery.answers().isEmpty()) {
      return null;
    }
    Set<String> left = new HashSet<>();
    batch.changes().forEach(change -> left.add(change.changeId()));
    Set<String> named = new HashSet<>();
    for (Delivery.Answer answer : delivery.answers()) {
      if (!named.add(answer.changeId())) {
        return "the answer names a change twice";
      }
      if (!left.contains(answer.changeId())) {
        return "the answer names a change that was not in the batch";
      }
    }
    return null;
  }

  /** Waits; false if the run should stop instead. */
  private boolean pause(Duration delay) {
    try {
      scope.await(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      scope.stop(new RunScope.Stop.Cancelled());
    }
    return !scope.isStopped();
  }

  static RetryPolicy<Object> retryPolicy() {
    return RetryPolicy.builder()
        .handle(NotAppliedException.class)
        .withBackoff(FIRST_DELAY, LONGEST_DELAY)
        .withJitter(JITTER)
        .withMaxAttempts(-1)
        .build();
  }
}
