package io.fulmar.internal.run;

import io.fulmar.Action;
import io.fulmar.FailureCodes;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.Sync;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Hold;
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
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Delivers a plan in parallel lanes. A lane takes a range of the plan, reserves it durably, sends
 * it in batches and acknowledges what became of each change. A key occurs at most once in a plan,
 * so lanes need no order between them.
 */
final class Delivering {
  private static final long FLUSH_MILLIS = 100;
  private static final int MAX_ROWS_RESERVED = 8_192;
  private static final long MAX_BYTES_RESERVED = 4L << 20;
  private static final long LONG_RANGE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final RunScope scope;
  private final RunnerSettings settings;
  private final Claim claim;
  private final StoredPlan plan;
  private final UnaryOperator<PlanReader> portion;
  private final Throttle throttle;
  private final Tally tally;
  private final int batchRows;
  private final long batchBytes;
  private final Map<Operation, Action> actions = new EnumMap<>(Operation.class);

  Delivering(
      RunScope scope,
      RunnerSettings settings,
      Claim claim,
      StoredPlan plan,
      UnaryOperator<PlanReader> portion,
      Throttle throttle,
      Tally tally) {
    this.scope = scope;
    this.settings = settings;
    this.claim = claim;
    this.plan = plan;
    this.portion = portion;
    this.throttle = throttle;
    this.tally = tally;
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
    int lanes = (int) Math.min(wanted, (total + batchRows - 1) / batchRows);
    CountDownLatch running = new CountDownLatch(lanes);
    List<Thread> threads = new ArrayList<>();
    PlanReader reader = portion.apply(claim.open(plan));
    try {
      start(lanes, reader, running, threads);
      waitFor(running, threads, total);
    } finally {
      if (running.getCount() == 0) {
        reader.close();
      }
    }
    scope.emit(new RunEvent.Delivering(sync.name(), scope.run(), tally.done(), total));
  }

  /** Starts the lanes; if one cannot begin, the others are told to stop. */
  private void start(int lanes, PlanReader reader, CountDownLatch running, List<Thread> threads) {
    int begun = 0;
    try {
      while (begun < lanes) {
        Thread thread = settings.threads().newThread(lane(begun + 1, reader, running));
        thread.setName("fulmar-" + scope.sync().name() + "-lane-" + (begun + 1));
        thread.start();
        threads.add(thread);
        begun++;
      }
    } catch (RuntimeException | Error e) {
      scope.stop(new RunScope.Stop.Failed("a lane could not begin: " + e.getClass().getName(), e));
      for (int lane = begun; lane < lanes; lane++) {
        running.countDown();
      }
    }
  }

  private void waitFor(CountDownLatch running, List<Thread> threads, long total) {
    long stoppedAt = 0;
    long shown = 0;
    boolean interrupted = false;
    while (true) {
      try {
        if (running.await(FLUSH_MILLIS, TimeUnit.MILLISECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
        scope.stop(new RunScope.Stop.Cancelled());
      }
      flush();
      if (++shown % 2 == 0) {
        scope.emit(new RunEvent.Delivering(scope.sync().name(), scope.run(), tally.done(), total));
      }
      if (scope.isStopped()) {
        stoppedAt = stoppedAt == 0 ? System.nanoTime() : stoppedAt;
        Duration waited = Duration.ofNanos(System.nanoTime() - stoppedAt);
        if (waited.compareTo(settings.grace().plusSeconds(1)) > 0) {
          break;
        } else if (waited.compareTo(settings.grace()) > 0) {
          threads.forEach(Thread::interrupt);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A claim that cannot note outcomes is of no use: the lanes stop, and are waited for. */
  private void flush() {
    try {
      claim.flush();
    } catch (RuntimeException e) {
      scope.stop(new RunScope.Stop.Failed("outcomes cannot be put on record", e));
    }
  }

  private Runnable lane(int lane, PlanReader reader, CountDownLatch running) {
    return () -> {
      scope.describe();
      try {
        new Lane(lane, reader).run();
      } catch (RuntimeException | Error e) {
        scope.stop(new RunScope.Stop.Failed("a lane broke: " + e.getClass().getName(), e));
      } finally {
        RunScope.undescribe();
        running.countDown();
        if (running.getCount() == 0) {
          reader.close(); // the run may have left this lane behind
        }
      }
    };
  }

  /** One thread with one writer. */
  private final class Lane implements BatchSender.Reservation {
    private final int number;
    private final PlanReader reader;
    private int batchesAtOnce = 1;
    private long from;
    private long to;
    private long reservedUntil;

    Lane(int number, PlanReader reader) {
      this.number = number;
      this.reader = reader;
    }

    void run() {
      Writer writer = open();
      if (writer == null) {
        return;
      }
      try {
        BatchSender sender = new BatchSender(scope, writer, throttle, tally, this);
        while (!scope.isStopped()) {
          List<PlannedChange> range = reader.next(batchRows * batchesAtOnce, rangeBytes());
          if (range.isEmpty()) {
            break;
          }
          long began = System.nanoTime();
          deliver(range, sender);
          adapt(System.nanoTime() - began);
        }
      } finally {
        close(writer);
      }
    }

    /**
     * Reserves more at once while calls are fast, so that durability costs little, and less when
     * they are slow.
     */
    private void adapt(long nanos) {
      if (nanos < LONG_RANGE_NANOS / 2) {
        batchesAtOnce = Math.max(1, Math.min(MAX_ROWS_RESERVED / batchRows, batchesAtOnce * 2));
      } else if (nanos > LONG_RANGE_NANOS) {
        batchesAtOnce = Math.max(1, batchesAtOnce / 2);
      }
    }

    private long rangeBytes() {
      return Math.max(batchBytes, Math.min(batchBytes * batchesAtOnce, MAX_BYTES_RESERVED));
    }

    private void deliver(List<PlannedChange> range, BatchSender sender) {
      from = range.get(0).position();
      to = from + range.size();
      reservedUntil = 0;
      int done = 0;
      while (done < range.size()) {
        int size = batchSize(range, done);
        List<PlannedChange> batch = range.subList(done, done + size);
        List<Outcome> outcomes = outcomes(batch, sender);
        tally.add(batch, outcomes);
        claim.acknowledge(from + done, outcomes);
        done += size;
      }
    }

    @Override
    public long beforeCall() {
      long deadline = scope.sync().callDeadline().toMillis();
      long until = scope.now() + deadline;
      if (until > reservedUntil) {
        claim.reserve(from, to, until + deadline);
        reservedUntil = until + deadline;
      }
      return until;
    }

    private List<Outcome> outcomes(List<PlannedChange> batch, BatchSender sender) {
      PlannedChange first = batch.get(0);
      if (first.oversize()) {
        String message =
            "the row has more than " + scope.sync().maxRowBytes() + " bytes (maxRowBytes)";
        Hold.Reason reason = new Hold.Reason(FailureCodes.ROW_TOO_LARGE, message);
        return Collections.nCopies(
            batch.size(), new Outcome(Outcome.Kind.REJECTED, false, 0, reason));
      }
      if (scope.isStopped() || !waitForEarlierCalls(batch)) {
        return Collections.nCopies(batch.size(), Outcome.NOT_TRIED);
      }
      return sender.send(action(first), batch);
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
     * How many changes from here on fit into one batch: same action, within the limits, none
     * oversize.
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
                && next.oversize() == first.oversize()
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

    private @Nullable Writer open() {
      RunContext context = new RunContext(scope.sync().name(), scope.run(), number);
      try {
        return scope.sync().destination().open(context);
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
                "the destination cannot be opened: " + e.getClass().getName(), e));
      }
      return null;
    }

    private void close(Writer writer) {
      try {
        writer.close();
      } catch (Exception e) {
        scope.stop(
            new RunScope.Stop.Failed(
                "the destination could not be closed: " + e.getClass().getName(), e));
      }
    }
  }
}
