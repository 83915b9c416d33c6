package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.AlreadyRunningException;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.JoinedWrite;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.spi.Batch;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A store whose plan the test writes, and which notes what a runner does with it, in order. Strict:
 * what breaks the protocol of a claim is on record in {@link #breaches}. Threadsafe.
 */
final class PlanStore extends StoreOfClaims {
  private final Clock clock;
  private final List<String> log = new ArrayList<>();
  private final List<String> breaches = new ArrayList<>();
  private final Map<String, RuntimeException> failures = new HashMap<>();
  private final Map<String, Runnable> hanging = new HashMap<>();
  private final Set<String> claimed = new HashSet<>();
  private List<PlannedChange> changes = List.of();
  private List<String> objections = List.of();
  private long invalid;
  private long live;
  private long firstRemovals;
  private DefinitionChange definition = DefinitionChange.NONE;
  private boolean clearing;
  private long mayActUntil;
  private @Nullable Recovery recovery;
  private @Nullable StoredPlan kept;
  private long runs = Changes.RUN;
  private long[] reservedUntil = new long[0];
  private @Nullable Outcome[] outcomes = new @Nullable Outcome[0];
  private @Nullable RunEnd end;
  private boolean folded;
  private @Nullable ListReader reader;
  private boolean joins;

  PlanStore(Clock clock) {
    this.clock = clock;
  }

  /** What the next claims plan. */
  synchronized PlanStore plan(List<PlannedChange> planned) {
    changes = List.copyOf(planned);
    return this;
  }

  synchronized PlanStore invalid(long rows) {
    invalid = rows;
    return this;
  }

  synchronized PlanStore live(long keys, long removedForTheFirstTime) {
    live = keys;
    firstRemovals = removedForTheFirstTime;
    return this;
  }

  synchronized PlanStore definition(DefinitionChange change) {
    definition = change;
    return this;
  }

  /** A clear of an earlier run is not known to have ended. */
  synchronized PlanStore clearing(long until) {
    clearing = true;
    mayActUntil = until;
    return this;
  }

  /** Until when a call may act, by what is on record. */
  synchronized long noted() {
    return mayActUntil;
  }

  synchronized boolean isClearing() {
    return clearing;
  }

  synchronized PlanStore mayActUntil(long until) {
    mayActUntil = until;
    return this;
  }

  synchronized PlanStore objections(String... sentences) {
    objections = List.of(sentences);
    return this;
  }

  synchronized PlanStore recovers(Recovery found) {
    recovery = found;
    return this;
  }

  /** Destinations may write together with this state. */
  synchronized PlanStore joins() {
    joins = true;
    return this;
  }

  /** From now on a step throws: plan, open, reserve, commit, flush, fold ...; null = not. */
  synchronized PlanStore fails(String step, @Nullable RuntimeException failure) {
    if (failure == null) {
      failures.remove(step);
    } else {
      failures.put(step, failure);
    }
    return this;
  }

  /** From now on a step hangs, before it does anything, until it is let go. */
  synchronized PlanStore hangs(String step, CountDownLatch reached, CountDownLatch letGo) {
    hanging.put(
        step,
        () -> {
          reached.countDown();
          try {
            assertThat(letGo.await(20, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError("a write to the disk is not interrupted", e);
          }
        });
    return this;
  }

  /** From now on a step takes as long as this. */
  synchronized PlanStore takes(String step, Runnable timePasses) {
    hanging.put(step, timePasses);
    return this;
  }

  private void hang(String step) {
    Runnable wait;
    synchronized (this) {
      wait = hanging.getOrDefault(step, () -> {});
    }
    wait.run();
  }

  synchronized List<String> log() {
    return List.copyOf(log);
  }

  /** The log without the flushes, of which there are as many as time allows. */
  synchronized List<String> steps() {
    return log.stream().filter(line -> !line.equals("flush")).toList();
  }

  synchronized List<String> breaches() {
    return List.copyOf(breaches);
  }

  /** What was acknowledged, by position; null where nothing was. */
  synchronized List<@Nullable Outcome> outcomes() {
    return new ArrayList<>(Arrays.asList(outcomes));
  }

  /** Positions that were reserved. */
  synchronized long reserved() {
    return Arrays.stream(reservedUntil).filter(until -> until != 0).count();
  }

  /** Whether the plan has been opened, and its reader not closed. */
  synchronized boolean isBeingRead() {
    return reader != null && !reader.isClosed();
  }

  private synchronized long flushes() {
    return log.stream().filter("flush"::equals).count();
  }

  /** Waits until whoever waits for the lanes has looked after them so many times more. */
  void awaitFlushes(int more) {
    long until = flushes() + more;
    while (flushes() < until) {
      Thread.onSpinWait();
    }
  }

  synchronized @Nullable RunEnd end() {
    return end;
  }

  synchronized boolean folded() {
    return folded;
  }

  /** To be called by the destination with each batch. */
  synchronized void sent(Batch batch) {
    log.add("send " + batch.action() + " " + batch.size());
    for (Change change : batch.changes()) {
      int position = position(change);
      if (reservedUntil[position] <= clock.millis()) {
        breaches.add("position " + position + " is sent without a reservation that holds");
      }
      if (outcomes[position] != null) {
        breaches.add("position " + position + " is sent after its acknowledgement");
      }
    }
  }

  private int position(Change change) {
    for (PlannedChange planned : changes) {
      if (planned.change().changeId().equals(change.changeId())) {
        return (int) planned.position();
      }
    }
    throw new AssertionError("a change that was not planned is sent: " + change.changeId());
  }

  private synchronized void breach(String what) {
    breaches.add(what);
  }

  private void step(String name, String what) {
    log.add(what);
    RuntimeException failure = failures.get(name);
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public synchronized Claim claim(Sync sync, Purpose purpose) {
    if (!claimed.add(sync.name())) {
      throw new AlreadyRunningException("Cannot run " + sync.name() + ": it is running.");
    }
    log.add(purpose == Purpose.RUN ? "claim" : "claim " + purpose);
    end = null;
    folded = false;
    return new PlanClaim(sync, ++runs);
  }

  @Override
  public synchronized void forget(Sync sync) {
    step("forget", "forget");
  }

  @Override
  public synchronized void rebind(Sync sync, String identity) {
    step("rebind", "rebind " + identity);
  }

  @Override
  public synchronized @Nullable ChangeSet storedPlan(Sync sync) {
    return kept == null ? null : kept.changeSet();
  }

  private final class PlanClaim implements Claim {
    private final Sync sync;
    private final long run;
    private boolean open;
    private boolean closed;
    private boolean clearsAgain;

    PlanClaim(Sync sync, long run) {
      this.sync = sync;
      this.run = run;
    }

    private void live() {
      if (closed) {
        throw new StateException("Cannot note an outcome: the run is over.");
      }
    }

    @Override
    public long run() {
      return run;
    }

    @Override
    public @Nullable Recovery recover() {
      synchronized (PlanStore.this) {
        step("recover", "recover");
        Recovery found = recovery;
        recovery = null;
        return found;
      }
    }

    @Override
    public StoredPlan plan(PlanRequest request, LongConsumer progress) {
      synchronized (PlanStore.this) {
        RuntimeException unreachable = failures.get("connect");
        if (unreachable != null) {
          throw unreachable;
        }
        progress.accept(0);
        boolean plain = request.equals(PlanRequest.RUN);
        step("plan", plain ? "plan" : "plan " + request.kind());
        progress.accept(changes.size());
        reservedUntil = new long[changes.size()];
        outcomes = new @Nullable Outcome[changes.size()];
        Map<Operation, Long> counts = new EnumMap<>(Operation.class);
        for (PlannedChange change : changes) {
          counts.merge(change.change().operation(), 1L, Long::sum);
        }
        ChangeSet set =
            new ChangeSet(
                Long.toString(run),
                sync.name(),
                run,
                Instant.EPOCH,
                changes.size(),
                live,
                counts,
                0,
                0,
                invalid,
                List.of(),
                List.of(),
                List.of(),
                Map.of(),
                new ChangeSet.Way(ChangeSet.Way.Kind.FULL, "this store has all changes at once"));
        Extent extent = request.keys() == null ? Extent.WHOLE : Extent.PART;
        return new StoredPlan(
            set, firstRemovals, objections, 0, request.kind(), extent, definition);
      }
    }

    @Override
    public void cancelPlan() {} // it takes no time

    @Override
    public StoredPlan stored(String planId) {
      synchronized (PlanStore.this) {
        log.add("stored");
        if (kept == null || !kept.changeSet().id().equals(planId)) {
          throw new StateException("Cannot apply plan " + planId + ": there is no such plan.");
        }
        return kept;
      }
    }

    @Override
    public void keep(StoredPlan plan) {
      synchronized (PlanStore.this) {
        log.add("keep");
        kept = plan;
      }
    }

    @Override
    public @Nullable StoredPlan kept() {
      synchronized (PlanStore.this) {
        return kept;
      }
    }

    @Override
    public void drop(StoredPlan plan) {
      synchronized (PlanStore.this) {
        log.add("drop");
        if (plan == kept) {
          breaches.add("the plan that waits for approval is dropped");
        }
      }
    }

    @Override
    public boolean discard() {
      synchronized (PlanStore.this) {
        log.add("discard");
        boolean was = kept != null;
        kept = null;
        return was;
      }
    }

    @Override
    public void takeAsDelivered(StoredPlan plan) {
      synchronized (PlanStore.this) {
        step("take", "take as delivered");
      }
    }

    @Override
    public long release(@Nullable List<String> key) {
      synchronized (PlanStore.this) {
        step("release", key == null ? "release" : "release " + key);
        return key == null ? 2 : 1;
      }
    }

    @Override
    public long mayActUntil() {
      synchronized (PlanStore.this) {
        return mayActUntil;
      }
    }

    @Override
    public boolean isClearing() {
      synchronized (PlanStore.this) {
        return clearing;
      }
    }

    @Override
    public void beginClear(long until) {
      hang("begin clear");
      synchronized (PlanStore.this) {
        step("begin clear", "begin clear");
        if (until <= clock.millis()) {
          breaches.add("a clear that may not act");
        }
        if (mayActUntil >= clock.millis() && !clearsAgain) {
          breaches.add("a clear begins while a call may act");
        }
        clearsAgain = true; // in one run only if the one before was not applied
        clearing = true;
        mayActUntil = until;
      }
    }

    @Override
    public void endClear() {
      synchronized (PlanStore.this) {
        step("end clear", "end clear");
        if (!clearing) {
          breaches.add("a clear ends that has not begun");
        }
        clearing = false;
        mayActUntil = 0;
      }
    }

    @Override
    public PlanReader open(StoredPlan plan) {
      synchronized (PlanStore.this) {
        step("open", "open");
        open = true;
        reader = new ListReader(changes);
        return reader;
      }
    }

    @Override
    public void reserve(long from, long to, long until) {
      hang("reserve");
      synchronized (PlanStore.this) {
        live();
        step("reserve", "reserve " + from + " to " + to);
        if (!open || from < 0 || to > changes.size() || from >= to || until <= clock.millis()) {
          breaches.add("reserved " + from + " to " + to + " until " + until);
        }
        for (int i = (int) from; i < to; i++) {
          reservedUntil[i] = until;
        }
      }
    }

    @Override
    public void acknowledge(long from, List<Outcome> noted) {
      hang("acknowledge");
      synchronized (PlanStore.this) {
        live();
        step("acknowledge", "acknowledge " + from + " " + noted.size());
        for (int i = 0; i < noted.size(); i++) {
          int position = (int) from + i;
          if (folded || outcomes[position] != null) {
            breaches.add("position " + position + " is acknowledged again or too late");
          }
          outcomes[position] = noted.get(i);
        }
      }
    }

    @Override
    public void flush() {
      synchronized (PlanStore.this) {
        live();
        step("flush", "flush");
      }
    }

    @Override
    public @Nullable JoinedWrites joined() {
      return joins ? Transaction::new : null;
    }

    /** Notes when it is committed. */
    private final class Transaction implements JoinedWrite {
      private final Map<Integer, Outcome> noted = new TreeMap<>();

      @Override
      public Connection connection() {
        return (Connection)
            Proxy.newProxyInstance(
                PlanStore.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                  throw new UnsupportedOperationException(method.getName());
                });
      }

      @Override
      public void acknowledge(long from, List<Outcome> toNote) {
        for (int i = 0; i < toNote.size(); i++) {
          noted.put((int) from + i, toNote.get(i));
        }
      }

      @Override
      public void commit() {
        synchronized (PlanStore.this) {
          live();
          step("commit", "commit " + noted.keySet());
          noted.forEach(
              (position, outcome) -> {
                if (folded || outcomes[position] != null) {
                  breaches.add("position " + position + " is committed again or too late");
                }
                outcomes[position] = outcome;
              });
        }
      }

      @Override
      public void close() {}
    }

    @Override
    public Folded fold(StoredPlan plan, RunEnd runEnd) {
      synchronized (PlanStore.this) {
        live();
        step("fold", "fold " + runEnd.status());
        if (folded) {
          breaches.add("folded twice");
        }
        folded = true;
        end = runEnd;
        return new Folded(0);
      }
    }

    @Override
    public void end(RunEnd runEnd) {
      synchronized (PlanStore.this) {
        live();
        step("end", "end " + runEnd.status());
        end = runEnd;
      }
    }

    @Override
    public void close() {
      synchronized (PlanStore.this) {
        log.add("close");
        closed = true;
        claimed.remove(sync.name());
      }
    }
  }

  /** Hands out a list. */
  private final class ListReader implements PlanReader {
    private final List<PlannedChange> changes;
    private int next;
    private volatile boolean closed;

    ListReader(List<PlannedChange> changes) {
      this.changes = changes;
    }

    @Override
    public synchronized List<PlannedChange> next(int maxRows, long maxBytes) {
      if (closed) {
        breach("a plan is read that was closed");
      }
      List<PlannedChange> result = new ArrayList<>();
      long bytes = 0;
      while (next < changes.size() && result.size() < maxRows) {
        bytes += changes.get(next).bytes();
        if (bytes > maxBytes && !result.isEmpty()) {
          break;
        }
        result.add(changes.get(next++));
      }
      return result;
    }

    @Override
    public void close() {
      closed = true;
    }

    boolean isClosed() {
      return closed;
    }
  }
}
