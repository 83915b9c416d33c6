package io.fulmar.internal.run;

import io.fulmar.Action;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.RowMapper;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers a plan in parallel lanes. A lane takes a range of the plan, reserves it durably, sends
 * it in batches and acknowledges what became of each change. A key occurs at most once in a plan,
 * so lanes need no order between them.
 */
final class Delivering {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** So long after the grace of a run that was stopped its lanes are waited for. */
  static final Duration LAST_STEPS = Duration.ofSeconds(3);

  private final RunScope scope;
  private final RunnerSettings settings;
  private final Claim claim;
  private final StoredPlan plan;
  private final Portion portion;
  private final Throttle throttle;
  private final Tally tally;
  private final DeadlineCalls calls;
  private final RowMapper mapper;
  private final int batchRows;
  private final long batchBytes;
  private final Map<Operation, Action> actions = new EnumMap<>(Operation.class);

  Delivering(
      RunScope scope,
      RunnerSettings settings,
      Claim claim,
      StoredPlan plan,
      Portion portion,
      Throttle throttle,
      Tally tally) {
    this.scope = scope;
    this.settings = settings;
    this.claim = claim;
    this.plan = plan;
    this.portion = portion;
    this.throttle = throttle;
    this.tally = tally;
    this.calls = new DeadlineCalls(scope, settings, tally);
    this.mapper = new RowMapper(scope.sync(), scope.run(), settings.clock().instant());
    Capabilities capabilities = scope.sync().destination().capabilities();
    this.batchRows = Math.min(scope.sync().batchRows(), capabilities.maxRows());
    this.batchBytes = capabilities.maxBytes();
    for (Operation operation : Operation.values()) {
      Action action = scope.sync().action(operation);
      if (action != null) {
        actions.put(operation, action);
      }
    }
  }

  /** Delivers; returns when every lane has ended, or has been left behind after the grace. */
  void deliver() {
    Sync sync = scope.sync();
    long total = plan.changeSet().total();
    int wanted = Math.min(sync.lanes(), sync.destination().capabilities().concurrency());
    int count = (int) Math.min(wanted, (total + batchRows - 1) / batchRows);
    CountDownLatch running = new CountDownLatch(count);
    PlanReader reader = portion.of(claim.open(plan));
    Reservations reservations = new Reservations(claim, portion.of(total), settings.nanoTime());
    List<Lane> lanes = new ArrayList<>();
    for (int lane = 1; lane <= count; lane++) {
      lanes.add(new Lane(lane, reader, reservations.part(), running));
    }
    try {
      lanes.forEach(Lane::begin);
      waitFor(running, lanes, total);
      noted(reservations::release);
    } finally {
      if (running.getCount() == 0) {
        reader.close();
      }
    }
    scope.emit(new RunEvent.Delivering(sync.name(), scope.run(), tally.done(), total));
  }

  private void waitFor(CountDownLatch running, List<Lane> lanes, long total) {
    long shown = 0;
    long lastSteps = settings.nanoTime().getAsLong();
    boolean interrupted = false;
    while (true) {
      try {
        if (running.await(DeadlineCalls.LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
        scope.stop(new RunScope.Stop.Cancelled());
      }
      noted(claim::flush);
      boolean calling = calls.look();
      if (++shown % 2 == 0) {
        scope.emit(new RunEvent.Delivering(scope.sync().name(), scope.run(), tally.done(), total));
      }
      long now = settings.nanoTime().getAsLong();
      if (calling || scope.nanosSinceStop() <= settings.grace().toNanos()) {
        lastSteps = now;
      } else if (now - lastSteps > LAST_STEPS.toNanos()) {
        lanes.forEach(Lane::leave); // not in a call, but in a listener or on a disk that hangs
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A claim that cannot note outcomes is of no use: the lanes stop, and are waited for. */
  private void noted(Runnable note) {
    try {
      note.run();
    } catch (RuntimeException e) {
      scope.stop(new RunScope.Stop.Failed("outcomes cannot be put on record", e));
    }
  }

  /**
   * Takes ranges of the plan, one after the other, and settles each change of them. One thread at a
   * time works on it, with one writer; when that thread is left behind in a call, another goes on
   * where it was.
   */
  private final class Lane implements BatchSender.Reservation {
    private final int number;
    private final PlanReader reader;
    private final Reservations.Part reservation;
    private final CountDownLatch running;
    private final BatchSender sender;
    private final AtomicReference<Step> step = new AtomicReference<>(Step.SENDING);
    private volatile List<PlannedChange> range = List.of();
    private volatile int done;
    private BatchSender.@Nullable Sending sending;
    private boolean closing;

    /** What a lane does just now. */
    private enum Step {
      /** It reads, waits or sends. */
      SENDING,
      /** It notes what became of a batch. */
      NOTING,
      /** The run has ended without it; it may note nothing more. */
      LEFT
    }

    Lane(int number, PlanReader reader, Reservations.Part reservation, CountDownLatch running) {
      this.number = number;
      this.reader = reader;
      this.reservation = reservation;
      this.running = running;
      this.sender = new BatchSender(scope, throttle, tally, this, claim.joined());
    }

    /** Puts a thread to work; if there is none to be had, the run stops. */
    void begin() {
      DeadlineCalls.Caller caller = calls.caller(this::leaveThreadBehind);
      try {
        settings.start(
            "fulmar-" + scope.sync().name() + "-lane-" + number,
            () -> work(caller),
            escaped -> {
              if (!caller.isLeftBehind()) {
                end(escaped);
              }
            });
      } catch (RuntimeException | Error e) {
        String why = "a lane could not begin: " + e.getClass().getName();
        scope.stop(new RunScope.Stop.Failed(why, e));
        end(null);
      }
    }

    /** Nobody works on the lane any more. */
    private void end(@Nullable Throwable escaped) {
      if (escaped != null) {
        broke(escaped);
      }
      leave();
      running.countDown();
      if (running.getCount() == 0) {
        reader.close(); // the run may have left this lane behind
      }
    }

    private void broke(Throwable e) {
      scope.stop(new RunScope.Stop.Failed("a lane broke: " + e.getClass().getName(), e));
    }

    /** Counts what is reserved and was not noted: by the state, too, its outcome is unknown. */
    void leave() {
      if (step.getAndSet(Step.LEFT) != Step.LEFT && reservation.isBegun()) {
        List<PlannedChange> rest = range.subList(done, range.size());
        Outcome unknown = new Outcome(Outcome.Kind.UNKNOWN, true, reservation.mayActUntil(), null);
        tally.add(rest, Collections.nCopies(rest.size(), unknown));
      }
    }

    /** The thread at work hangs in a call and is ours no more. Called by who looks. */
    private void leaveThreadBehind() {
      if (closing) {
        notClosedInTime();
        end(null);
        return;
      }
      if (sending != null) {
        sending.leaveBehind();
      }
      begin();
    }

    private void notClosedInTime() {
      String why = "the destination could not be closed within " + scope.sync().callDeadline();
      scope.stop(new RunScope.Stop.Failed(why, null));
    }

    private void work(DeadlineCalls.Caller caller) {
      scope.describe();
      Writer writer = null;
      try {
        writer = open(caller);
        deliver(writer, caller);
      } catch (DeadlineCalls.LeftBehindException e) {
        throw e;
      } catch (RuntimeException | Error e) {
        broke(e);
        throw e;
      } finally {
        try {
          if (writer != null) {
            close(writer, caller);
          }
        } finally {
          RunScope.undescribe();
        }
      }
    }

    private void deliver(@Nullable Writer writer, DeadlineCalls.Caller caller) {
      while (true) {
        if (done == range.size()) {
          if (scope.isStopped() || writer == null || !nextRange()) {
            return;
          }
        }
        List<PlannedChange> batch = range.subList(done, done + batchSize(range, done));
        note(batch, outcomes(batch, writer, caller));
      }
    }

    /** False at the end of the plan. */
    private boolean nextRange() {
      List<PlannedChange> next = mapper.map(reader.next(batchRows, batchBytes));
      if (next.isEmpty()) {
        return false;
      }
      reservation.take(next);
      done = 0;
      range = next;
      return true;
    }

    private void note(List<PlannedChange> batch, List<Outcome> outcomes) {
      if (!step.compareAndSet(Step.SENDING, Step.NOTING)) {
        throw new IllegalStateException("the run has ended without this lane");
      }
      acknowledge(batch, outcomes);
      if (!step.compareAndSet(Step.NOTING, Step.SENDING)) {
        throw new IllegalStateException("the run has ended without this lane");
      }
      tally.add(batch, outcomes);
      sending = null;
      done += batch.size();
      Sync sync = scope.sync();
      String tooMany = tally.tooManyFailed(sync.failFastShare(), sync.failFastAfterRows());
      if (tooMany != null) {
        scope.stop(new RunScope.Stop.Failed(tooMany, null));
      }
    }

    /** Notes what is not on record; of a batch that was not sent, that is all. */
    private void acknowledge(List<PlannedChange> batch, List<Outcome> outcomes) {
      BatchSender.Sending sent = sending;
      int from = 0;
      for (int i = 0; sent != null && i < batch.size(); i++) {
        if (!sent.isToBeNoted(i)) {
          acknowledge(batch, outcomes, from, i);
          from = i + 1;
        }
      }
      acknowledge(batch, outcomes, from, batch.size());
    }

    private void acknowledge(List<PlannedChange> batch, List<Outcome> outcomes, int from, int to) {
      if (from < to) {
        claim.acknowledge(batch.get(from).position(), outcomes.subList(from, to));
      }
    }

    @Override
    public long beforeCall() {
      long deadline = scope.sync().callDeadline().toMillis();
      long until = scope.now() + deadline;
      while (until > reservation.mayActUntil()) {
        reservation.reserve(until, until + deadline);
        until = scope.now() + deadline; // the disk took its time, and the call begins now
      }
      return until;
    }

    private List<Outcome> outcomes(
        List<PlannedChange> batch, @Nullable Writer writer, DeadlineCalls.Caller caller) {
      if (sending != null) {
        return sending.finish(writer, caller); // of a thread that was left behind
      }
      PlannedChange first = batch.get(0);
      if (first.undeliverable() != null) {
        return batch.stream()
            .map(each -> new Outcome(Outcome.Kind.REJECTED, false, 0, each.undeliverable()))
            .toList();
      }
      if (scope.isStopped() || !waitForEarlierCalls(batch)) {
        return Collections.nCopies(batch.size(), Outcome.NOT_TRIED);
      }
      BatchSender.Sending begun = sender.begin(action(first), batch);
      sending = begun;
      return begun.finish(writer, caller);
    }

    /**
     * Waits until no earlier call for one of these keys can act; false if that takes too long or
     * the run stops.
     */
    private boolean waitForEarlierCalls(List<PlannedChange> batch) {
      long until = 0;
      for (PlannedChange planned : batch) {
        until = Math.max(until, planned.until());
      }
      Duration wait = Duration.ofMillis(until - scope.now() + 1);
      if (until == 0 || wait.isNegative()) {
        return true;
      }
      if (wait.minusMillis(1).compareTo(scope.sync().callDeadline().multipliedBy(2)) > 0) {
        return false;
      }
      try {
        scope.await(wait);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        scope.stop(new RunScope.Stop.Cancelled());
      }
      return !scope.isStopped();
    }

    /**
     * How many changes from here on fit into one batch: same action, within the limits, all
     * deliverable or none.
     */
    private int batchSize(List<PlannedChange> range, int start) {
      PlannedChange first = range.get(start);
      long bytes = first.bytes();
      int end = start + 1;
      while (end < range.size() && end - start < batchRows) {
        PlannedChange next = range.get(end);
        bytes += next.bytes();
        boolean fits =
            bytes <= batchBytes
                && (next.undeliverable() == null) == (first.undeliverable() == null)
                && (next.until() == 0) == (first.until() == 0)
                && action(next) == action(first);
        if (!fits) {
          break;
        }
        end++;
      }
      return end - start;
    }

    private Action action(PlannedChange planned) {
      Action action = actions.get(planned.change().operation());
      if (action == null) {
        throw new IllegalStateException("a removal is planned although removals are ignored");
      }
      return action;
    }

    /** Opens a writer, again if a call passes its deadline; null if the run stops. */
    private @Nullable Writer open(DeadlineCalls.Caller caller) {
      Sync sync = scope.sync();
      RunContext context = new RunContext(sync.name(), scope.run(), number, sync.callDeadline());
      Writer writer = null;
      while (writer == null && !scope.isStopped()) {
        writer = open(caller, context);
      }
      return writer;
    }

    /** Null if the run stops, or the call heeded the interrupt that came with its deadline. */
    private @Nullable Writer open(DeadlineCalls.Caller caller, RunContext context) {
      try {
        Writer writer =
            caller.call(
                DeadlineCalls.Kind.OTHER,
                () -> scope.sync().destination().open(context),
                this::openedLate);
        if (writer == null) {
          String why = "the destination cannot be opened: it gave null instead of a writer";
          scope.stop(new RunScope.Stop.Failed(why, null));
        }
        return writer;
      } catch (DeadlineCalls.LeftBehindException e) {
        throw e;
      } catch (DeadlineCalls.PassedDeadlineException e) {
        return null; // as of a thread that is left behind; four in a row stop the run
      } catch (StopRunException e) {
        scope.stop(
            new RunScope.Stop.Failed(
                "the destination stopped the run (" + e.code() + "): " + e.getMessage(), e));
      } catch (NotAppliedException e) {
        scope.stop(
            new RunScope.Stop.Failed("the destination cannot be opened: " + e.getMessage(), e));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        scope.stop(new RunScope.Stop.Cancelled());
      } catch (Exception | Error e) {
        scope.stop(
            new RunScope.Stop.Failed(
                "the destination cannot be opened: " + e.getClass().getName(),
                BatchSender.withoutMessage(e)));
      }
      return null;
    }

    private void openedLate(@Nullable Writer writer, @Nullable Throwable thrown) {
      LateAnswer.ofOther(scope, "open", thrown);
      if (writer != null) {
        closeLate(writer);
      }
    }

    /** A thread that was left behind closes its writer itself, whenever it comes to that. */
    private void close(Writer writer, DeadlineCalls.Caller caller) {
      if (caller.isLeftBehind()) {
        closeLate(writer);
        return;
      }
      closing = true;
      try {
        caller.call(
            DeadlineCalls.Kind.OTHER,
            () -> {
              writer.close();
              return writer;
            },
            (closed, thrown) -> LateAnswer.ofOther(scope, "close", thrown));
      } catch (DeadlineCalls.LeftBehindException e) {
        throw e;
      } catch (DeadlineCalls.PassedDeadlineException e) {
        notClosedInTime();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        scope.stop(new RunScope.Stop.Cancelled());
      } catch (Exception | Error e) {
        scope.stop(
            new RunScope.Stop.Failed(
                "the destination could not be closed: " + e.getClass().getName(),
                BatchSender.withoutMessage(e)));
      }
    }

    private void closeLate(Writer writer) {
      try {
        writer.close();
      } catch (Exception | Error e) {
        LOG.debug("a writer of an abandoned call cannot be closed: {}", e.getClass().getName());
      }
    }
  }
}
