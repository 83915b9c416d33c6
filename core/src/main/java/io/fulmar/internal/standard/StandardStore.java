package io.fulmar.internal.standard;

import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.internal.plan.ModelLook;
import io.fulmar.internal.plan.PostgresSnapshots;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Explainer;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.StateStep;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.CheckSteps;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store of the standard engine: a directory with one subdirectory for each sync. This class is
 * threadsafe.
 */
public final class StandardStore implements SyncStore {

  /** What to do about a sync that has no state. */
  public enum MissingState {
    /** Begin with an empty one: nothing has been accepted. */
    BEGIN,
    /** Refuse the run: the state should be there. */
    REFUSE
  }

  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Snapshots snapshots;
  private final Path root;
  private final MissingState missingState;
  private final long diffBytes;
  private final Clock clock;
  private final CrashPoint.Watch watch;

  /**
   * A store.
   *
   * @param source what is read
   * @param root the directory of all syncs
   * @param missingState what to do about a sync that has no state
   * @param diffBytes most memory outside the heap that a diff uses
   * @param clock tells the time
   */
  public StandardStore(
      Source source, Path root, MissingState missingState, long diffBytes, Clock clock) {
    this(
        new PostgresSnapshots(source), root, missingState, diffBytes, clock, CrashPoint.Watch.NONE);
  }

  /**
   * As the other, and tells what has been done.
   *
   * @param steps hears of each {@link CrashPoint} by its name
   */
  public StandardStore(
      Source source,
      Path root,
      MissingState missingState,
      long diffBytes,
      Clock clock,
      Consumer<String> steps) {
    this(
        new PostgresSnapshots(source),
        root,
        missingState,
        diffBytes,
        clock,
        point -> steps.accept(point.name()));
  }

  /**
   * A store over models that are read from anywhere.
   *
   * @param snapshots what is read; closed with the store
   * @param root the directory of all syncs
   * @param missingState what to do about a sync that has no state
   * @param diffBytes most memory outside the heap that a diff uses
   * @param clock tells the time
   */
  public StandardStore(
      Snapshots snapshots, Path root, MissingState missingState, long diffBytes, Clock clock) {
    this(snapshots, root, missingState, diffBytes, clock, CrashPoint.Watch.NONE);
  }

  StandardStore(
      Snapshots snapshots,
      Path root,
      MissingState missingState,
      long diffBytes,
      Clock clock,
      CrashPoint.Watch watch) {
    this.snapshots = snapshots;
    this.root = root.toAbsolutePath().normalize();
    this.missingState = missingState;
    this.diffBytes = diffBytes;
    this.clock = clock;
    this.watch = watch;
  }

  long diffBytes() {
    return diffBytes;
  }

  StateDirectory directory(Sync sync) {
    return new StateDirectory(root, sync.name(), watch);
  }

  Clock clock() {
    return clock;
  }

  /** Begins a snapshot of a model. */
  Snapshot snapshot(Model model, String application, String about, Cancellation cancellation) {
    return snapshots.open(model, application, about, cancellation);
  }

  /** See {@link Snapshots#leastRowsToAddUp}. */
  long leastRowsToAddUp() {
    return snapshots.leastRowsToAddUp();
  }

  @Override
  public Claim claim(Sync sync, Purpose purpose) {
    StateDirectory directory = directory(sync);
    boolean required =
        purpose == Purpose.EXISTING
            || (purpose == Purpose.RUN && missingState == MissingState.REFUSE);
    if (required && !hasState(sync, directory)) {
      throw new StateException(
          "Cannot use the state of %s: there is none in %s, and it is required. Bring it back, or initialise the sync. [sync=%s]"
              .formatted(sync.name(), directory.path(), sync.name()));
    }
    return locked(sync, directory, lock -> StandardClaim.of(this, sync, directory, lock, purpose));
  }

  private static boolean hasState(Sync sync, StateDirectory directory) {
    try {
      return directory.hasState();
    } catch (IOException e) {
      throw unusable(sync.name(), directory, e);
    }
  }

  /** What is done to the state of a sync that is locked. */
  private interface Locked<T> {
    T with(Closeable lock) throws IOException;
  }

  private <T> T locked(Sync sync, StateDirectory directory, Locked<T> work) {
    Closeable lock = null;
    try {
      directory.make();
      lock = directory.lock(sync.name());
      directory.passed(CrashPoint.LOCKED);
      return work.with(lock);
    } catch (IOException e) {
      release(lock, e);
      throw unusable(sync.name(), directory, e);
    } catch (RuntimeException | Error e) {
      release(lock, e);
      throw e;
    }
  }

  @Override
  public void forget(Sync sync) {
    StateDirectory directory = directory(sync);
    locked(
        sync,
        directory,
        lock -> {
          try (lock) {
            if (!directory.hasState()) {
              return sync;
            }
            StandardClaim claim = readable(sync, directory, lock);
            if (claim == null) {
              StandardClaim.remove(directory);
            } else if (claim.mayActUntil() > clock.millis()) {
              throw new StateException(
                  "Cannot forget %s: a call that gave no answer may still act until %s, and a new first run would not wait for it. Forget it after that. [sync=%s]"
                      .formatted(
                          sync.name(), Instant.ofEpochMilli(claim.mayActUntil()), sync.name()));
            } else {
              claim.forget();
            }
            return sync;
          }
        });
  }

  /** The state of a sync, earlier runs settled; null if it cannot be read. */
  private @Nullable StandardClaim readable(Sync sync, StateDirectory directory, Closeable lock) {
    try {
      StandardClaim claim = StandardClaim.existing(this, sync, directory, lock);
      if (claim != null) {
        claim.recover();
      }
      return claim;
    } catch (IOException | StateException e) {
      LOG.warn("sync={} the state that is forgotten cannot be read: {}", sync.name(), e.toString());
      return null;
    }
  }

  @Override
  public void rebind(Sync sync, String identity) {
    StateDirectory directory = directory(sync);
    locked(
        sync,
        directory,
        lock -> {
          try (lock) {
            StandardClaim claim = StandardClaim.existing(this, sync, directory, lock);
            if (claim == null) {
              throw new StateException(
                  "Cannot rebind %s: it has no state in %s. Run it with its new destination. [sync=%s]"
                      .formatted(sync.name(), directory.path(), sync.name()));
            }
            claim.recover();
            claim.rebind(identity);
            return sync;
          }
        });
  }

  @Override
  public @Nullable ChangeSet storedPlan(Sync sync) {
    StateDirectory directory = directory(sync);
    try {
      SyncFile file = read(sync, directory);
      PlanHead head = file == null ? null : standing(sync, directory, file);
      return head == null ? null : head.plan().changeSet();
    } catch (IOException e) {
      throw unusable(sync.name(), directory, e);
    }
  }

  /** The plan that can be applied; null for none. */
  private @Nullable PlanHead standing(Sync sync, StateDirectory directory, SyncFile file)
      throws IOException {
    try {
      PlanHead head = file.keptPlan == 0 ? null : PlanHead.read(directory.plan(file.keptPlan));
      boolean stands =
          head != null && StandardClaim.stale(head, file, sync, clock.millis()) == null;
      return stands ? head : null;
    } catch (NoSuchFileException e) {
      return null; // a run has just dropped it
    }
  }

  /** Its id, also if it cannot be read: who applies it hears why. */
  private @Nullable String standingId(Sync sync, StateDirectory directory, SyncFile file) {
    try {
      PlanHead head = standing(sync, directory, file);
      return head == null ? null : head.id();
    } catch (IOException e) {
      return Long.toString(file.keptPlan);
    }
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    List<HeldChange> holds = new ArrayList<>();
    StateReading.of(this, sync)
        .entries(
            (key, memory) -> {
              Hold hold = memory.hold();
              if (hold != null) {
                holds.add(Explainer.held(key, hold));
              }
              return holds.size() < limit;
            });
    return holds;
  }

  @Override
  public Explanation explain(Sync sync, List<String> key) {
    return StateReading.of(this, sync).explain(key);
  }

  /** What is known of a sync besides its keys, if it is still here; null for nothing. */
  static @Nullable SyncFile read(Sync sync, StateDirectory directory) throws IOException {
    SyncFile file = SyncFile.read(directory.syncFile());
    if (file != null) {
      checkStays(sync, directory, file);
    }
    return file;
  }

  /** Refuses a state that another engine goes on with, or may go on with. */
  static void checkStays(Sync sync, StateDirectory directory, SyncFile file) {
    if (file.movedTo.isEmpty() || file.forgotten) {
      return;
    }
    throw new StateException(
        (file.moving
                ? "Cannot use the state of %s in %s: a move of it to %s was begun and is not known to have ended. Move it again, which settles that. [sync=%s]"
                : "Cannot use the state of %s in %s: it was moved to %s. Run the sync there; or forget it here, and it begins anew. [sync=%s]")
            .formatted(sync.name(), directory.path(), file.movedTo, sync.name()));
  }

  private static void release(@Nullable Closeable lock, Throwable cause) {
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        cause.addSuppressed(e);
      }
    }
  }

  static StateException unusable(String sync, StateDirectory directory, IOException e) {
    boolean lost =
        e instanceof DamagedException
            || e instanceof NoSuchFileException
            || e instanceof CharacterCodingException;
    return new StateException(
        "Cannot use the state of %s in %s: %s. %s. [sync=%s]"
            .formatted(
                sync,
                directory.path(),
                reason(e),
                lost
                    ? "Forget the sync, and its next run sends every row; or forget it and initialise it as BASELINE, if the destination holds the present rows"
                    : "Make room or mend the disk, then run again",
                sync),
        e);
  }

  /** What an exception of the file system says; some of them name the file alone. */
  static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "the file " + e.getMessage() + " is missing";
    }
    String message = e.getMessage();
    boolean bare =
        (e instanceof FileSystemException file && file.getReason() == null)
            || e instanceof CharacterCodingException;
    return message == null || bare ? e.getClass().getSimpleName() + " " + message : message;
  }

  @Override
  public SyncStatus status(Sync sync) {
    StateDirectory directory = directory(sync);
    SyncFile file;
    try {
      file = read(sync, directory);
    } catch (IOException e) {
      throw unusable(sync.name(), directory, e);
    }
    Map<HoldKind, Long> holds = new EnumMap<>(HoldKind.class);
    for (HoldKind kind : HoldKind.values()) {
      holds.put(kind, file == null ? 0L : file.holds.getOrDefault(kind, 0L));
    }
    if (file == null) {
      return new SyncStatus(sync.name(), null, null, 0, 0, holds, 0, null, null, false);
    }
    SyncStatus.LastRun lastRun =
        file.lastStatus == null || file.lastEndedAt == null
            ? null
            : new SyncStatus.LastRun(file.run, file.lastStatus, file.lastEndedAt);
    return new SyncStatus(
        sync.name(),
        lastRun,
        file.lastSuccessAt,
        file.failuresInARow,
        file.keys,
        holds,
        file.unsure,
        file.upToDateAsOf,
        standingId(sync, directory, file),
        file.clearing);
  }

  @Override
  public ModelPreview preview(Model model) {
    return new ModelLook(snapshots).preview(model);
  }

  @Override
  public ModelValidation validate(Model model) {
    return new ModelLook(snapshots).validate(model);
  }

  @Override
  public void check(CheckSteps steps, @Nullable Sync sync) {
    new StateDirectoryCheck(root, missingState).look(steps);
    if (sync != null) {
      StateStep.look(steps, StateDirectoryCheck.DIRECTORY, sync, this);
    }
  }

  @Override
  public void close() {
    snapshots.close();
  }
}
