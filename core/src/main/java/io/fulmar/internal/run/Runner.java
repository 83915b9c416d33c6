package io.fulmar.internal.run;

import dev.failsafe.Execution;
import dev.failsafe.RetryPolicy;
import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.DeliveryException;
import io.fulmar.FulmarException;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes syncs through their steps: claim, recover, plan, guard, deliver, fold, report. The same for
 * every engine; this class is threadsafe. Each run has a thread of its own, so that nothing runs in
 * a transaction of the caller.
 */
public final class Runner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int READS = 3;
  private static final Duration FIRST_DELAY = Duration.ofMillis(500);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(10);
  private static final Duration HURRIES_APART = Duration.ofMillis(500);

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
  public SyncReport run(Sync sync, RunOptions options) {
    PlanRequest request =
        options.keys().isEmpty()
            ? PlanRequest.RUN
            : new PlanRequest(PlanRequest.Kind.RUN, options.keys());
    return onThread(sync, scope -> run(scope, Order.of(request, options)));
  }

  /** See {@link io.fulmar.SyncEngine#run}. */
  public SyncReport run(Sync sync) {
    return run(sync, RunOptions.defaults());
  }

  /** See {@link io.fulmar.SyncEngine#resync}. */
  public SyncReport resync(Sync sync) {
    return onThread(sync, scope -> run(scope, Order.of(PlanRequest.Kind.RESYNC)));
  }

  /** See {@link io.fulmar.SyncEngine#clearAndFill}. */
  public SyncReport clearAndFill(Sync sync) {
    Clearing.check(sync);
    return onThread(sync, scope -> run(scope, Order.of(PlanRequest.Kind.FILL)));
  }

  /** See {@link io.fulmar.SyncEngine#apply}. */
  public SyncReport apply(Sync sync, String planId) {
    return onThread(sync, scope -> run(scope, Order.ofStored(planId)));
  }

  /** See {@link io.fulmar.SyncEngine#reset}. */
  public ChangeSet reset(Sync sync) {
    return onThread(sync, scope -> takeAsDelivered(scope, SyncStore.Purpose.EXISTING));
  }

  /** See {@link io.fulmar.SyncEngine#initialise}. */
  public void initialise(Sync sync, Start start) {
    switch (start) {
      case BASELINE ->
          onThread(
              sync, scope -> takeAsDelivered(scope, SyncStore.Purpose.INITIALISE_AS_DELIVERED));
      case SEND -> claimed(sync, SyncStore.Purpose.INITIALISE_EMPTY, claim -> claim.run());
    }
  }

  /** See {@link io.fulmar.SyncEngine#discard}. */
  public boolean discard(Sync sync) {
    return claimed(sync, SyncStore.Purpose.EXISTING, Claim::discard);
  }

  /**
   * See {@link io.fulmar.SyncEngine#release}.
   *
   * @param key the texts of the key's columns; null for all keys
   */
  public long release(Sync sync, @Nullable List<String> key) {
    return claimed(sync, SyncStore.Purpose.EXISTING, claim -> claim.release(key));
  }

  /** See {@link io.fulmar.SyncEngine#forget}. */
  public void forget(Sync sync) {
    alone(
        sync,
        () -> {
          store.forget(sync);
          return sync;
        });
  }

  /**
   * Does something to the state of a sync that is not running, on a thread of the engine.
   *
   * @param sync which one
   * @param work what to do
   */
  public <T> T alone(Sync sync, Supplier<T> work) {
    return onThread(sync, scope -> work.get());
  }

  /** See {@link io.fulmar.SyncEngine#rebind}. */
  public void rebind(Sync sync, Destination destination) {
    alone(
        sync,
        () -> {
          store.rebind(sync, destination.identity());
          return sync;
        });
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

  /**
   * Does nothing while the runner is open.
   *
   * @throws IllegalStateException if it is closed
   */
  public void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  private <T> T onThread(Sync sync, Function<RunScope, T> work) {
    CountDownLatch over = new CountDownLatch(1);
    RunScope scope = new RunScope(sync, settings, () -> hurry(sync, over));
    if (running.putIfAbsent(sync.name(), scope) != null) {
      throw new AlreadyRunningException(
          "Cannot run %s: it is running in this engine. Wait for that run, or cancel it. [sync=%s]"
              .formatted(sync.name(), sync.name()));
    }
    try {
      checkOpen();
      CompletableFuture<T> result = new CompletableFuture<>();
      settings.start(
          "fulmar-" + sync.name() + "-run",
          () -> result.complete(described(scope, work)),
          escaped ->
              result.completeExceptionally(
                  escaped != null
                      ? escaped
                      : new IllegalStateException("the context did not run its task")));
      return result(result, () -> scope.stop(new RunScope.Stop.Cancelled()));
    } finally {
      over.countDown();
      synchronized (running) {
        running.remove(sync.name());
        running.notifyAll();
      }
    }
  }

  /** A run that was cancelled has its grace; from then on it waits for nobody in the store. */
  private void hurry(Sync sync, CountDownLatch over) {
    try {
      settings.start(
          "fulmar-" + sync.name() + "-hurry", () -> hurryUntil(over, sync), escaped -> {});
    } catch (RuntimeException | Error e) {
      LOG.debug(
          "sync={} there is no thread that hurries the run: {}",
          sync.name(),
          e.getClass().getName());
    }
  }

  private void hurryUntil(CountDownLatch over, Sync sync) {
    Duration wait = settings.grace().plus(Delivering.LAST_STEPS);
    try {
      while (!over.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
        store.hurry(sync);
        wait = HURRIES_APART;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Does something that only reads, on a thread of the engine, so that it joins no transaction of
   * the caller. An interrupt is passed on to that thread and kept for the caller.
   *
   * @param what part of the name of the thread
   * @param work what to do
   */
  public <T> T aside(String what, Supplier<T> work) {
    checkOpen();
    CompletableFuture<T> result = new CompletableFuture<>();
    AtomicReference<Thread> worker = new AtomicReference<>();
    settings.start(
        "fulmar-" + what,
        () -> {
          worker.set(Thread.currentThread());
          result.complete(work.get());
        },
        escaped ->
            result.completeExceptionally(
                escaped != null
                    ? escaped
                    : new IllegalStateException("the context did not run its task")));
    return result(
        result,
        () -> {
          Thread reading = worker.get();
          if (reading != null) {
            reading.interrupt();
          }
        });
  }

  private <T> T described(RunScope scope, Function<RunScope, T> work) {
    scope.describe();
    try {
      return work.apply(scope);
    } catch (CancellationException e) {
      throw new DeliveryException(
          "Cannot finish what was asked of %s: it was cancelled. Nothing was sent. %s"
              .formatted(scope.sync().name(), scope.identity()),
          e);
    } catch (IllegalStateException e) {
      if (!closed.get()) {
        throw e;
      }
      throw new DeliveryException(
          "Cannot finish what was asked of %s: the engine was closed, and the grace is over. What was accepted and noted is remembered, the next run goes on. %s"
              .formatted(scope.sync().name(), scope.identity()),
          e);
    } finally {
      RunScope.undescribe();
    }
  }

  /** Waits for a task; an interrupt is passed on and kept for the caller. */
  private static <T> T result(CompletableFuture<T> task, Runnable onInterrupt) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
          onInterrupt.run();
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
      if (claim.isClearing()) {
        throw new StateException(
            "Cannot plan %s: a clear of the destination is not known to have ended, and the next run repeats it. Run it first. %s"
                .formatted(scope.sync().name(), scope.identity()));
      }
      StoredPlan plan = guarded(scope.sync(), read(scope, claim, PlanRequest.RUN));
      claim.keep(plan);
      return plan.changeSet();
    }
  }

  /** Takes what the source holds now as accepted. */
  private ChangeSet takeAsDelivered(RunScope scope, SyncStore.Purpose purpose) {
    Sync sync = scope.sync();
    try (Claim claim = store.claim(sync, purpose)) {
      scope.begin(claim.run());
      recover(scope, claim);
      if (claim.isClearing() && claim.mayActUntil() > scope.now()) {
        throw new StateException(
            "Cannot reset %s: a clear of the destination may still act until %s. Reset it after that. %s"
                .formatted(
                    sync.name(), Instant.ofEpochMilli(claim.mayActUntil()), scope.identity()));
      }
      StoredPlan plan = read(scope, claim, PlanRequest.of(PlanRequest.Kind.RESET));
      if (scope.isStopped()) {
        throw new DeliveryException(
            "Cannot reset %s: it was cancelled. Nothing has changed. %s"
                .formatted(sync.name(), scope.identity()));
      }
      claim.takeAsDelivered(plan);
      return plan.changeSet();
    }
  }

  /** Does something to the state of a sync that is not running, earlier runs settled. */
  private <T> T claimed(Sync sync, SyncStore.Purpose purpose, Function<Claim, T> work) {
    return onThread(
        sync,
        scope -> {
          try (Claim claim = store.claim(sync, purpose)) {
            scope.begin(claim.run());
            recover(scope, claim);
            return work.apply(claim);
          }
        });
  }

  private SyncReport run(RunScope scope, Order order) {
    try (Claim claim = store.claim(scope.sync())) {
      return new Course(scope, claim, order).run();
    }
  }

  /**
   * What a run is asked to do.
   *
   * @param request what is planned
   * @param planId the stored plan that is delivered instead; null for none
   * @param options how much of it
   */
  private record Order(PlanRequest request, @Nullable String planId, RunOptions options) {
    static Order of(PlanRequest request, RunOptions options) {
      return new Order(request, null, options);
    }

    static Order of(PlanRequest.Kind kind) {
      return of(PlanRequest.of(kind), RunOptions.defaults());
    }

    static Order ofStored(String planId) {
      return new Order(PlanRequest.RUN, planId, RunOptions.defaults());
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
  private StoredPlan read(RunScope scope, Claim claim, PlanRequest request) {
    scope.step("plan");
    RetryPolicy<Object> policy =
        RetryPolicy.builder()
            .withBackoff(FIRST_DELAY, LONGEST_DELAY)
            .withJitter(0.2)
            .withMaxAttempts(READS)
            .build();
    Execution<Object> reads = Execution.of(policy);
    String name = "fulmar-" + scope.sync().name() + "-cancel";
    scope.onStop(() -> settings.start(name, claim::cancelPlan, escaped -> {}));
    try (PlanDeadline deadline = PlanDeadline.begin(scope, settings, claim::cancelPlan)) {
      return read(scope, claim, request, reads, deadline);
    } finally {
      scope.onStop(null);
    }
  }

  private StoredPlan read(
      RunScope scope,
      Claim claim,
      PlanRequest request,
      Execution<Object> reads,
      PlanDeadline deadline) {
    while (true) {
      try {
        return claim.plan(request, rows -> reading(scope, rows));
      } catch (SourceException e) {
        reads.recordException(e);
        if (scope.isStopped()) {
          CancellationException cancelled =
              new CancellationException("the run was cancelled while it read");
          cancelled.addSuppressed(e);
          throw cancelled;
        }
        if (deadline.isPassed()) {
          throw deadline.exception(e);
        }
        if (reads.isComplete() || !SqlStates.mayPass(e.sqlState())) {
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

  private StoredPlan guarded(Sync sync, StoredPlan plan) {
    return plan.withGuards(Guards.objections(sync, plan, settings.clock().instant()));
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
    private final Order order;
    private final long began = System.nanoTime();
    private final Tally tally = new Tally();
    private final Instant startedAt = settings.clock().instant();
    private Duration planTime = Duration.ZERO;
    private Duration deliverTime = Duration.ZERO;
    private Duration foldTime = Duration.ZERO;
    private @Nullable ChangeSet changeSet;
    private boolean planning;
    private long newlyQuarantined;

    Course(RunScope scope, Claim claim, Order order) {
      this.scope = scope;
      this.sync = scope.sync();
      this.claim = claim;
      this.order = order;
    }

    SyncReport run() {
      scope.begin(claim.run());
      RunLog.started(sync, claim.run());
      scope.emit(new RunEvent.Started(sync.name(), claim.run()));
      SyncReport report;
      FulmarException refusal = null;
      try {
        report = steps();
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

    private SyncReport steps() {
      String planId = order.planId();
      recover(scope, claim);
      if (planId == null && order.request().kind() != PlanRequest.Kind.FILL && claim.isClearing()) {
        if (!clear()) {
          return end(stopped(), stopError());
        }
      }
      planning = planId == null;
      long began = System.nanoTime();
      StoredPlan plan =
          planId == null
              ? guarded(sync, read(scope, claim, order.request()))
              : claim.stored(planId);
      planning = true;
      planTime = since(began);
      changeSet = plan.changeSet();
      scope.emit(new RunEvent.Planned(sync.name(), claim.run(), plan.changeSet()));
      if (planId == null && !plan.changeSet().guards().isEmpty()) {
        return hold(plan);
      }
      boolean fills = plan.request() == PlanRequest.Kind.FILL;
      if (scope.isStopped() || (fills && !clear())) {
        if (planId == null) {
          claim.drop(plan);
        }
        return end(stopped(), stopError());
      }
      return deliver(plan);
    }

    /** Empties the destination; false if the run has been stopped instead. */
    private boolean clear() {
      return new Clearing(scope, claim, new DeadlineCalls(scope, settings, tally)).clear();
    }

    /** How a run ends that was stopped. */
    private RunStatus stopped() {
      return scope.stopReason() instanceof RunScope.Stop.Failed
          ? RunStatus.FAILED
          : RunStatus.CANCELLED;
    }

    private FulmarException stopError() {
      return scope.stopReason() instanceof RunScope.Stop.Failed failed
          ? failure(failed)
          : cancelled();
    }

    /** Keeps the plan for approval; an older one that was held for the same keeps its id. */
    private SyncReport hold(StoredPlan plan) {
      StoredPlan kept = claim.kept();
      if (kept == null || !isHeldAsWell(kept, plan)) {
        claim.keep(plan);
      } else {
        claim.drop(plan);
        changeSet = kept.changeSet();
      }
      return end(RunStatus.HELD, null);
    }

    /** Whether who approves the one plan means the other: both do the same to the whole model. */
    private static boolean isHeldAsWell(StoredPlan older, StoredPlan newer) {
      return !older.changeSet().guards().isEmpty()
          && older.request() == newer.request()
          && older.extent() == Extent.WHOLE
          && newer.extent() == Extent.WHOLE;
    }

    private SyncReport deliver(StoredPlan plan) {
      scope.step("deliver");
      long began = System.nanoTime();
      if (plan.changeSet().total() > 0) {
        Portion portion = new Portion(order.options(), Course.this.began);
        new Delivering(scope, settings, claim, plan, portion, throttle(sync.destination()), tally)
            .deliver();
      }
      deliverTime = since(began);
      scope.step("fold");
      began = System.nanoTime();
      RunScope.Stop stop = scope.stopReason();
      SyncReport.Counts total = report(RunStatus.SUCCEEDED, null).total();
      boolean clean = total.failed() == 0 && plan.changeSet().invalid() == 0;
      RunStatus status = stop != null ? stopped() : clean ? RunStatus.SUCCEEDED : RunStatus.WARNING;
      boolean limited = order.options().limit() < Long.MAX_VALUE;
      Extent extent = limited ? Extent.PART : plan.extent();
      boolean all = plan.extent() == Extent.WHOLE && plan.request() != PlanRequest.Kind.RESYNC;
      boolean nothingUnsent = stop == null && clean && total.aborted() == 0 && all;
      Folded folded;
      FulmarException error =
          stop instanceof RunScope.Stop.Failed failed
              ? failure(failed)
              : stop == null ? null : cancelled();
      try {
        Instant now = settings.clock().instant();
        String problem = report(status, error).problem().orElse(null);
        folded = claim.fold(plan, new RunEnd(status, now, nothingUnsent, extent, problem));
      } catch (StateException e) {
        foldTime = since(began);
        if (stop instanceof RunScope.Stop.Failed && error != null) {
          suppress(e, error);
        }
        throw e;
      }
      newlyQuarantined = folded.newlyQuarantined();
      foldTime = since(began);
      return report(status, error);
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
        String problem = report(status, error).problem().orElse(null);
        claim.end(new RunEnd(status, settings.clock().instant(), false, Extent.PART, problem));
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
          tally.abandoned(),
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
