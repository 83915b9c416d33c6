package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Death.Point;
import io.fulmar.harness.Death.Side;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.store.SyncStore;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A store as a process sees it that dies at some step: any store, with a {@link Death} in front.
 * What a dead process has left open is closed by nobody. This class is threadsafe.
 */
public final class MortalStore implements SyncStore {
  private final SyncStore store;
  private final Death death;
  private volatile boolean folded;
  private volatile @Nullable Claim left;

  /** A store behind a death. */
  public MortalStore(SyncStore store, Death death) {
    this.store = store;
    this.death = death;
  }

  /** Whether a fold has taken effect. */
  public boolean folded() {
    return folded;
  }

  /** The claim that the dead process left open; null if there is none. */
  public @Nullable Claim left() {
    return left;
  }

  @Override
  public Claim claim(Sync sync, Purpose purpose) {
    return at(
        Point.CLAIM,
        () -> {
          Claim claim = store.claim(sync, purpose);
          left = claim;
          return new MortalClaim(claim);
        });
  }

  @Override
  public SyncStatus status(Sync sync) {
    return store.status(sync);
  }

  @Override
  public void forget(Sync sync) {
    at(Point.FORGET, () -> store.forget(sync));
  }

  @Override
  public void rebind(Sync sync, String identity) {
    at(Point.REBIND, () -> store.rebind(sync, identity));
  }

  @Override
  public @Nullable ChangeSet storedPlan(Sync sync) {
    return store.storedPlan(sync);
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    return store.holds(sync, limit);
  }

  @Override
  public Explanation explain(Sync sync, List<String> key) {
    return store.explain(sync, key);
  }

  @Override
  public ModelPreview preview(Model model) {
    return store.preview(model);
  }

  @Override
  public void close() {
    store.close();
  }

  private <T> T at(Point point, Supplier<T> step) {
    death.pass(point, Side.BEFORE);
    T result = step.get();
    death.pass(point, Side.AFTER);
    return result;
  }

  private void at(Point point, Runnable step) {
    death.pass(point, Side.BEFORE);
    step.run();
    death.pass(point, Side.AFTER);
  }

  private final class MortalClaim implements Claim {
    private final Claim claim;

    MortalClaim(Claim claim) {
      this.claim = claim;
    }

    @Override
    public long run() {
      return claim.run();
    }

    @Override
    public @Nullable Recovery recover() {
      death.pass(Point.RECOVER, Side.BEFORE);
      Recovery recovery = claim.recover();
      death.pass(Point.RECOVER, Side.AFTER);
      return recovery;
    }

    @Override
    public StoredPlan plan(PlanRequest request, LongConsumer progress) {
      return at(Point.PLAN, () -> claim.plan(request, progress));
    }

    @Override
    public void cancelPlan() {
      claim.cancelPlan();
    }

    @Override
    public StoredPlan stored(String planId) {
      return at(Point.STORED, () -> claim.stored(planId));
    }

    @Override
    public void keep(StoredPlan plan) {
      at(Point.KEEP, () -> claim.keep(plan));
    }

    @Override
    public @Nullable StoredPlan kept() {
      return claim.kept();
    }

    @Override
    public void drop(StoredPlan plan) {
      at(Point.DROP, () -> claim.drop(plan));
    }

    @Override
    public boolean discard() {
      return at(Point.DISCARD, claim::discard);
    }

    @Override
    public void takeAsDelivered(StoredPlan plan) {
      at(
          Point.TAKE_AS_DELIVERED,
          () -> {
            claim.takeAsDelivered(plan);
            folded = true;
          });
    }

    @Override
    public long release(@Nullable List<String> key) {
      return at(Point.RELEASE, () -> claim.release(key));
    }

    @Override
    public long mayActUntil() {
      return claim.mayActUntil();
    }

    @Override
    public boolean isClearing() {
      return claim.isClearing();
    }

    @Override
    public void beginClear(long until) {
      at(Point.BEGIN_CLEAR, () -> claim.beginClear(until));
    }

    @Override
    public void endClear() {
      at(Point.END_CLEAR, claim::endClear);
    }

    @Override
    public PlanReader open(StoredPlan plan) {
      PlanReader reader = at(Point.OPEN, () -> claim.open(plan));
      return new PlanReader() {
        @Override
        public List<PlannedChange> next(int maxRows, long maxBytes) {
          return at(Point.READ, () -> reader.next(maxRows, maxBytes));
        }

        @Override
        public void close() {
          reader.close();
        }
      };
    }

    @Override
    public void reserve(long from, long to, long until) {
      at(Point.RESERVE, () -> claim.reserve(from, to, until));
    }

    @Override
    public void acknowledge(long from, List<Outcome> outcomes) {
      at(Point.ACKNOWLEDGE, () -> claim.acknowledge(from, outcomes));
    }

    @Override
    public void flush() {
      at(Point.FLUSH, claim::flush);
    }

    @Override
    public Folded fold(StoredPlan plan, RunEnd end) {
      return at(
          Point.FOLD,
          () -> {
            Folded result = claim.fold(plan, end);
            folded = true;
            return result;
          });
    }

    @Override
    public void end(RunEnd end) {
      at(Point.END, () -> claim.end(end));
    }

    @Override
    public void close() {
      at(
          Point.CLOSE,
          () -> {
            claim.close();
            left = null;
          });
    }
  }
}
