package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
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
import io.fulmar.spi.CheckSteps;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
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
  private final Set<Effect> effects = Collections.synchronizedSet(EnumSet.noneOf(Effect.class));
  private volatile @Nullable Claim left;
  private volatile @Nullable String kept;

  /** A store behind a death; who made it closes it. */
  public MortalStore(SyncStore store, Death death) {
    this.store = store;
    this.death = death;
  }

  /** What has taken effect. */
  public Set<Effect> effects() {
    return Set.copyOf(effects);
  }

  /** The id of the plan that was kept; null if none was. */
  public @Nullable String kept() {
    return kept;
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
          effects.add(Effect.CLAIMED);
          return new MortalClaim(claim);
        });
  }

  @Override
  public SyncStatus status(Sync sync) {
    return store.status(sync);
  }

  @Override
  public void forget(Sync sync) {
    at(
        Point.FORGET,
        () -> {
          store.forget(sync);
          effects.add(Effect.FORGOTTEN);
        });
  }

  @Override
  public void rebind(Sync sync, String identity) {
    at(
        Point.REBIND,
        () -> {
          store.rebind(sync, identity);
          effects.add(Effect.REBOUND);
        });
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
  public ModelValidation validate(Model model) {
    return store.validate(model);
  }

  @Override
  public ModelPreview preview(Model model) {
    return store.preview(model);
  }

  @Override
  public void check(CheckSteps steps, @Nullable Sync sync) {
    store.check(steps, sync);
  }

  @Override
  public void close() {}

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
      if (recovery != null) {
        effects.add(Effect.RECOVERED);
      }
      death.pass(Point.RECOVER, Side.AFTER);
      return recovery;
    }

    @Override
    public StoredPlan plan(PlanRequest request, LongConsumer progress) {
      return at(
          Point.PLAN,
          () -> {
            if (request.kind() == PlanRequest.Kind.RESYNC) {
              effects.add(Effect.RESYNCED); // which comes before anything is read
            }
            return claim.plan(request, progress);
          });
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
      at(
          Point.KEEP,
          () -> {
            claim.keep(plan);
            kept = plan.changeSet().id();
            effects.add(Effect.KEPT);
          });
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
      return at(
          Point.DISCARD,
          () -> {
            boolean was = claim.discard();
            effects.add(Effect.DISCARDED);
            return was;
          });
    }

    @Override
    public void takeAsDelivered(StoredPlan plan) {
      at(
          Point.TAKE_AS_DELIVERED,
          () -> {
            claim.takeAsDelivered(plan);
            effects.add(Effect.TAKEN);
          });
    }

    @Override
    public long release(@Nullable List<String> key) {
      return at(
          Point.RELEASE,
          () -> {
            long released = claim.release(key);
            if (released > 0) {
              effects.add(Effect.RELEASED);
            }
            return released;
          });
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
      at(
          Point.BEGIN_CLEAR,
          () -> {
            claim.beginClear(until);
            effects.add(Effect.CLEAR_BEGUN);
          });
    }

    @Override
    public void endClear() {
      at(
          Point.END_CLEAR,
          () -> {
            claim.endClear();
            effects.add(Effect.CLEARED);
          });
    }

    @Override
    public PlanReader open(StoredPlan plan) {
      PlanReader reader =
          at(
              Point.OPEN,
              () -> {
                PlanReader opened = claim.open(plan);
                effects.add(Effect.OPENED);
                return opened;
              });
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
            effects.add(Effect.FOLDED);
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
