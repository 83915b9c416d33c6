package io.fulmar.internal.run;

import dev.failsafe.Execution;
import dev.failsafe.RetryPolicy;
import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.DeliveryException;
import io.fulmar.FulmarException;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes syncs through their steps: claim, recover, plan, guard, deliver, fold, report. The same for
 * every engine; this class is threadsafe. Each run has a thread of its own, so that nothing runs in
 * a transaction of the caller.
 */
public final class Runner implements AutoCloseable {
  private static final int READS = 3;
  private static final Duration FIRST_DELAY = Duration.ofMillis(500);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(10);

  private final SyncStore store;
  private final RunnerSettings settings;
  private final Map<String, RunScope> running = new ConcurrentHashMap<>();
  private final Map<Destination, Throttle> throttles = new WeakHashMap<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** A runner over a store; closing it leaves the store open. */
  public Runner(SyncStore store, RunnerSettings settings) {
    this.store = store;
    this.settings = settings;
  }

  /** See {@link io.fulmar.SyncEngine#run}. */
  public SyncReport run(Sync sync) {
    return onThread(sync, scope -> run(scope, null));
  }

  /** See {@link io.fulmar.SyncEngine#apply}. */
  public SyncReport apply(Sync sync, String planId) {
    return onThread(sync, scope -> run(scope, planId));
  }

  /** See {@link io.fulmar.SyncEngine#plan}. */
  public ChangeSet plan(Sync sync) {
    return onThread(sync, this::planOnly);
  }

  /** See {@link io.fulmar.SyncEngine#cancel}. */
  public void cancel(Sync sync) {
    RunScope scope = running.get(sync.name());
    if (scope != null) {
      scope.stop(new RunScope.Stop.Cancelled());
    }
  }

  /** Cancels what is running and waits for it. */
  @Override
  public void close() {
    closed.set(true);
    running.values().forEach(scope -> scope.stop(new RunScope.Stop.Cancelled()));
    boolean interrupted = false;
    synchronized (running) {
      long giveUp = System.nanoTime() + settings.grace().plusSeconds(5).toNanos();
      while (!running.isEmpty() && System.nanoTime() < giveUp) {
        try {
          running.wait(100);
        } catch (InterruptedException e) {
          interrupted = true;
          break;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private <T> T onThread(Sync sync, Function<RunScope, T> work) {
    RunScope scope = new RunScope(sync, settings);
    if (running.putIfAbsent(sync.name(), scope) != null) {
      throw new AlreadyRunningException(
          "Cannot run %s: it is running in this engine. Wait for that run, or cancel it. [sync=%s]"
              .formatted(sync.name(), sync.name()));
    }
    FutureTask<T> task = new FutureTask<>(() -> described(scope, work));
    try {
      if (closed.get()) {
        throw new IllegalStateException("the engine is closed");
      }
      Thread thread = settings.threads().newThread(task);
      thread.setName("fulmar-" + sync.name() + "-run");
      thread.start();
      return result(task, scope);
    } finally {
      synchronized (running) {
        running.remove(sync.name());
        running.notifyAll();
      }
    }
  }

  private static <T> T described(RunScope scope, Function<RunScope, T> work) {
    scope.describe();
    try {
      return work.apply(scope);
    } finally {
      RunScope.undescribe();
    }
  }

  /** Waits for the run; an interrupt cancels it and is kept for the caller. */
  private static <T> T result(FutureTask<T> task, RunScope scope) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
          scope.stop(new RunScope.Stop.Cancelled());
        } catch (ExecutionException e) {
          if (e.getCause() instanceof FulmarException known) {
            known.addSuppressed(new IllegalStateException("the call came from here"));
            throw known;
          }
          if (e.getCause() instanceof Error error) {
            throw error;
          }
          throw new IllegalStateException("a run broke", e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private ChangeSet planOnly(RunScope scope) {
    try (Claim claim = store.claim(scope.sync())) {
      scope.begin(claim.run());
      recover(scope, claim);
      StoredPlan plan = guarded(scope.sync(), read(scope, claim));
      claim.keep(plan);
      return plan.changeSet();
    }
  }

  private SyncReport run(RunScope scope, @Nullable String planId) {
    try (Claim claim = store.claim(scope.sync())) {
      return new Course(scope, claim).run(planId);
    }
  }

  private static void recover(RunScope scope, Claim claim) {
    scope.step("recover");
    Recovery recovery = claim.recover();
    if (recovery != null) {
      scope.emit(
          new RunEvent.Recovered(
              scope.sync().name(),
              scope.run(),
              recovery.run(),
              recovery.accepted(),
              recovery.unsure()));
    }
  }

  /** Reads the source; again from the start, if what went wrong may pass. */
  private StoredPlan read(RunScope scope, Claim claim) {
    scope.step("plan");
    RetryPolicy<Object> policy =
        RetryPolicy.builder()
            .withBackoff(FIRST_DELAY, LONGEST_DELAY)
            .withJitter(0.2)
            .withMaxAttempts(READS)
            .build();
    Execution<Object> reads = Execution.of(policy);
    while (true) {
      try {
        return claim.plan(rows -> reading(scope, rows));
      } catch (SourceException e) {
        reads.recordException(e);
        if (reads.isComplete() || scope.isStopped() || !SqlStates.mayPass(e.sqlState())) {
          throw e;
        }
        scope.emit(new RunEvent.ReadAgain(scope.sync().name(), scope.run(), e));
        try {
          scope.await(reads.getDelay());
        } catch (InterruptedException interrupt) {
          Thread.currentThread().interrupt();
          scope.stop(new RunScope.Stop.Cancelled());
        }
      }
    }
  }

  private static void reading(RunScope scope, long rows) {
    scope.connected();
    if (scope.isStopped()) {
      throw new CancellationException("the run was cancelled while it read");
    }
    scope.emit(new RunEvent.Reading(scope.sync().name(), scope.run(), rows));
  }

  private static StoredPlan guarded(Sync sync, StoredPlan plan) {
    ChangeSet set = plan.changeSet();
    ChangeSet guarded =
        new ChangeSet(
            set.id(),
            set.sync(),
            set.run(),
            set.snapshotAt(),
            set.rows(),
            set.planned(),
            set.held(),
            set.ignored(),
            set.invalid(),
            set.invalidRows(),
            Guards.objections(sync, plan));
    return new StoredPlan(
        guarded, plan.liveKeys(), plan.firstRemovals(), plan.objections(), plan.effects());
  }

  private Throttle throttle(Destination destination) {
    synchronized (throttles) {
      return throttles.computeIfAbsent(destination, d -> new Throttle(d.capabilities()));
    }
  }

  /** One run from its claim to its report. */
  private final class Course {
    private final RunScope scope;
    private final Sync sync;
    private final Claim claim;
    private final Tally tally = new Tally();
    private final Instant startedAt = settings.clock().instant();
    private Duration planTime = Duration.ZERO;
    private Duration deliverTime = Duration.ZERO;
    private Duration foldTime = Duration.ZERO;
    private @Nullable ChangeSet changeSet;
    private boolean planning;
    private long newlyQuarantined;

    Course(RunScope scope, Claim claim) {
      this.scope = scope;
      this.sync = scope.sync();
      this.claim = claim;
    }

    SyncReport run(@Nullable String planId) {
      scope.begin(claim.run());
      RunLog.started(sync, claim.run());
      scope.emit(new RunEvent.Started(sync.name(), claim.run()));
      SyncReport report;
      FulmarException refusal = null;
      try {
        report = steps(planId);
      } catch (CancellationException e) {
        report = end(RunStatus.CANCELLED, cancelled());
      } catch (FulmarException e) {
        report = end(RunStatus.FAILED, e);
        refusal = isRefusal(e) ? e : null;
      }
      RunLog.ended(report);
      scope.emit(new RunEvent.Ended(sync.name(), claim.run(), report));
      if (refusal != null) {
        throw refusal;
      }
      return report;
    }

    /** Whether no run came about; what goes wrong later is in the report alone. */
    private boolean isRefusal(FulmarException e) {
      boolean later =
          e instanceof SourceException
              ? scope.isConnected()
              : e instanceof StateException && planning;
      return !later;
    }

    private SyncReport steps(@Nullable String planId) {
      recover(scope, claim);
      planning = planId == null;
      long began = System.nanoTime();
      StoredPlan plan = planId == null ? guarded(sync, read(scope, claim)) : claim.stored(planId);
      planning = true;
      planTime = since(began);
      changeSet = plan.changeSet();
      scope.emit(new RunEvent.Planned(sync.name(), claim.run(), plan.changeSet()));
      if (planId == null && !plan.changeSet().guards().isEmpty()) {
        return hold(plan);
      }
      if (scope.isStopped()) {
        if (planId == null) {
          claim.drop(plan);
        }
        return end(RunStatus.CANCELLED, cancelled());
      }
      return deliver(plan);
    }

    /** Keeps the plan for approval; an older one that still stands keeps its id. */
    private SyncReport hold(StoredPlan plan) {
      StoredPlan kept = claim.kept();
      if (kept == null) {
        claim.keep(plan);
      } else {
        claim.drop(plan);
        changeSet = kept.changeSet();
      }
      return end(RunStatus.HELD, null);
    }

    private SyncReport deliver(StoredPlan plan) {
      scope.step("deliver");
      long began = System.nanoTime();
      if (plan.changeSet().total() > 0) {
        new Delivering(scope, settings, claim, plan, throttle(sync.destination()), tally).deliver();
      }
      deliverTime = since(began);
      scope.step("fold");
      began = System.nanoTime();
      RunScope.Stop stop = scope.stopReason();
      SyncReport.Counts total = report(RunStatus.SUCCEEDED, null).total();
      boolean clean = total.failed() == 0 && plan.changeSet().invalid() == 0;
      RunStatus status =
          stop instanceof RunScope.Stop.Failed
              ? RunStatus.FAILED
              : stop != null
                  ? RunStatus.CANCELLED
                  : clean ? RunStatus.SUCCEEDED : RunStatus.WARNING;
      boolean nothingUnsent = stop == null && clean && total.aborted() == 0;
      Folded folded;
      try {
        folded = claim.fold(plan, new RunEnd(status, settings.clock().instant(), nothingUnsent));
      } catch (StateException e) {
        foldTime = since(began);
        if (stop instanceof RunScope.Stop.Failed failed) {
          suppress(e, failure(failed));
        }
        throw e;
      }
      newlyQuarantined = folded.newlyQuarantined();
      foldTime = since(began);
      if (stop instanceof RunScope.Stop.Failed failed) {
        return report(status, failure(failed));
      }
      return report(status, stop == null ? null : cancelled());
    }

    private static void suppress(Throwable first, Throwable later) {
      if (first != later) {
        first.addSuppressed(later);
      }
    }

    private FulmarException failure(RunScope.Stop.Failed failed) {
      if (failed.cause() instanceof StateException state) {
        return state;
      }
      String message =
          "Cannot deliver all of %s: %s. What was accepted is remembered, the rest stays due. %s"
              .formatted(sync.name(), stripped(failed.why()), scope.identity());
      return failed.cause() == null
          ? new DeliveryException(message)
          : new DeliveryException(message, failed.cause());
    }

    private DeliveryException cancelled() {
      return new DeliveryException(
          "Cannot deliver all of %s: the run was cancelled. The rest stays due. %s"
              .formatted(sync.name(), scope.identity()));
    }

    private SyncReport end(RunStatus status, @Nullable FulmarException error) {
      try {
        claim.end(new RunEnd(status, settings.clock().instant(), false));
      } catch (StateException e) {
        if (error == null) {
          throw e;
        }
        suppress(error, e);
      }
      return report(status, error);
    }

    private SyncReport report(RunStatus status, @Nullable FulmarException error) {
      Map<Operation, Long> planned = changeSet == null ? Map.of() : changeSet.planned();
      return new SyncReport(
          sync.name(),
          claim.run(),
          status,
          changeSet,
          tally.counts(planned),
          newlyQuarantined,
          tally.failures(),
          tally.calls(),
          startedAt,
          new SyncReport.Times(planTime, deliverTime, foldTime),
          error);
    }

    private static Duration since(long nanoTime) {
      return Duration.ofNanos(System.nanoTime() - nanoTime);
    }

    private static String stripped(String sentence) {
      return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    }
  }
}
