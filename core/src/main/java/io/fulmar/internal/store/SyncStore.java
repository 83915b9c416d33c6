package io.fulmar.internal.store;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.spi.CheckSteps;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the memory of syncs lives, and how change sets are computed against it. Threadsafe. */
public interface SyncStore extends AutoCloseable {
  /** What a sync is claimed for. */
  enum Purpose {
    /** To run it; where there is no state, one is made unless that is forbidden. */
    RUN,
    /** To look after a state that is there. */
    EXISTING,
    /** To give it a state; refused if it has one. */
    INITIALISE_EMPTY,
    /**
     * To give it a state that takes the present result as accepted; refused if it has one. Until
     * {@link Claim#takeAsDelivered} the sync cannot be run.
     */
    INITIALISE_AS_DELIVERED
  }

  /**
   * Takes the right to run a sync.
   *
   * @param sync which one
   * @param purpose what for
   * @throws io.fulmar.AlreadyRunningException if another runner has it
   * @throws io.fulmar.StateException if the state cannot be used for this sync
   */
  Claim claim(Sync sync, Purpose purpose);

  /** Takes the right to run a sync. */
  default Claim claim(Sync sync) {
    return claim(sync, Purpose.RUN);
  }

  /**
   * Somebody waits for a sync to end: the application asked it to stop, and its grace is over. What
   * is done for it waits for no lock of others any more, and fails instead. Called again and again
   * until it has ended, by another thread than those that work on it.
   *
   * @param sync which one
   */
  default void hurry(Sync sync) {}

  /**
   * Drops everything that is remembered of a sync, also what cannot be read any more.
   *
   * @throws io.fulmar.AlreadyRunningException if somebody has the sync
   * @throws io.fulmar.StateException if a call may still act
   */
  void forget(Sync sync);

  /**
   * Makes what is remembered of a sync that of another destination.
   *
   * @param identity of the other destination
   * @throws io.fulmar.AlreadyRunningException if somebody has the sync
   * @throws io.fulmar.StateException if there is no state, or it cannot be used
   */
  void rebind(Sync sync, String identity);

  /** The plan that waits for approval and is not stale; null for none. */
  @Nullable ChangeSet storedPlan(Sync sync);

  /** See {@link io.fulmar.SyncEngine#holds}. */
  List<HeldChange> holds(Sync sync, int limit);

  /**
   * See {@link io.fulmar.SyncEngine#explain}.
   *
   * @param key the texts of the key's columns
   */
  Explanation explain(Sync sync, List<String> key);

  /** See {@link io.fulmar.SyncEngine#status}. */
  SyncStatus status(Sync sync);

  /** See {@link io.fulmar.SyncEngine#preview}. */
  ModelPreview preview(Model model);

  /**
   * The steps that {@link #check} takes in the source, so after those of the source itself; none if
   * the store lives elsewhere.
   */
  default List<String> stepsInSource() {
    return List.of();
  }

  /**
   * Looks at what this store itself needs, for {@link io.fulmar.SyncEngine#check()}; changes
   * nothing.
   *
   * @param steps takes each step with what it found; the steps of the source have been taken if it
   *     has {@link #stepsInSource}
   * @param sync whose state is looked at, too; null for none
   */
  void check(CheckSteps steps, @Nullable Sync sync);

  /** See {@link io.fulmar.SyncEngine#validate}. */
  ModelValidation validate(Model model);

  @Override
  void close();
}
