package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.Definitions;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Version;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The state of one sync in a directory, held so that another engine can take it over: no run can
 * begin, and an interrupted one has been taken in. Used by one thread.
 *
 * <p>A move is noted in three steps, each durable: {@link #begin} before the other engine commits
 * what it took over, then {@link #end}, or {@link #stay} if it is certain that it did not. Between
 * them neither engine runs the sync on this state.
 */
public final class Departure implements AutoCloseable {
  /** How far a state is on its way. */
  public enum Stage {
    /** It is used here. */
    HERE,
    /** A move was begun, and whether it came about is known to the other side alone. */
    UNDECIDED,
    /** It was moved. */
    GONE
  }

  /** Takes what is remembered of keys, one after the other. */
  @FunctionalInterface
  public interface Sink {
    /**
     * One key.
     *
     * @param key holds the image of the key at its beginning; valid during the call
     * @param length of the image
     * @param memory what is remembered
     * @param values of the accepted version, as fields of a row; null if there are none
     */
    void take(byte[] key, int length, Memory memory, byte @Nullable [] values) throws IOException;
  }

  private final Sync sync;
  private final StateDirectory directory;
  private final StandardClaim claim;
  private final SyncFile file;

  private Departure(Sync sync, StateDirectory directory, StandardClaim claim) {
    this.sync = sync;
    this.directory = directory;
    this.claim = claim;
    this.file = claim.file();
  }

  /**
   * Takes the state of a sync and settles an interrupted run.
   *
   * @param root the directory of all syncs
   * @param sync which one
   * @param clock tells the time
   * @throws io.fulmar.AlreadyRunningException if somebody has the sync
   * @throws StateException if there is no state, it cannot be read, or it is that of another
   *     destination
   */
  public static Departure of(Path root, Sync sync, Clock clock) {
    return of(root, sync, clock, CrashPoint.Watch.NONE);
  }

  static Departure of(Path root, Sync sync, Clock clock, CrashPoint.Watch watch) {
    StandardStore store =
        new StandardStore(
            NoSnapshots.NONE, root, StandardStore.MissingState.REFUSE, 0, clock, watch);
    StateDirectory directory = store.directory(sync);
    try {
      if (!Files.exists(directory.syncFile())) {
        throw none(sync, directory);
      }
      Closeable lock = directory.lock(sync.name());
      try {
        StandardClaim claim = StandardClaim.existing(store, sync, directory, lock);
        if (claim == null) {
          throw none(sync, directory);
        }
        claim.recover();
        Departure departure = new Departure(sync, directory, claim);
        departure.check();
        return departure;
      } catch (IOException | RuntimeException | Error e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private static StateException none(Sync sync, StateDirectory directory) {
    return new StateException(
        "Cannot move the state of %s: there is none in %s. Name the directory that the standard engine was given; or just run the sync, if it never ran. [sync=%s]"
            .formatted(sync.name(), directory.path(), sync.name()));
  }

  private void check() {
    if (!file.destination.equals(sync.destination().identity())) {
      throw Refusal.destination(sync, file.destination);
    }
    if (file.initialising) {
      throw Refusal.beginning(sync);
    }
    if (sync.revision() < file.revision) {
      throw Refusal.revision(sync, file.revision);
    }
  }

  /** How far it is on its way. */
  public Stage stage() {
    if (file.movedTo.isEmpty()) {
      return Stage.HERE;
    }
    return file.moving ? Stage.UNDECIDED : Stage.GONE;
  }

  /** Where it was moved to, or is being moved to; empty for nowhere. */
  public String place() {
    return file.movedTo;
  }

  /**
   * Notes that the other engine is about to commit what it took over.
   *
   * @param place where that is, for messages
   */
  public void begin(String place) {
    note(place, true, CrashPoint.MOVING_NOTED);
  }

  /** Notes that the other engine has committed what it took over. */
  public void end() {
    note(file.movedTo, false, CrashPoint.MOVED_NOTED);
  }

  /** Notes that the other engine has not committed, and never will. */
  public void stay() {
    note("", false, CrashPoint.STAYING_NOTED);
  }

  private void note(String place, boolean moving, CrashPoint point) {
    String before = file.movedTo;
    boolean movingBefore = file.moving;
    file.movedTo = place;
    file.moving = moving;
    try {
      file.write(directory);
      directory.passed(point);
    } catch (IOException e) {
      file.movedTo = before;
      file.moving = movingBefore;
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  /**
   * Goes over all keys.
   *
   * @param sink takes them
   * @throws IOException if the sink threw it, or the state cannot be read
   */
  public void entries(Sink sink) throws IOException {
    try (StateFile state = StandardClaim.openState(sync, directory, file)) {
      for (int partition = 0; state != null && partition < Partitions.COUNT; partition++) {
        StateFile.Cursor cursor = state.read(partition);
        while (cursor.next()) {
          sink.take(cursor.key(), cursor.keyLength(), cursor.memory(), cursor.values());
        }
      }
    }
  }

  /** The columns that values are remembered of, as they are kept; empty for none. */
  public Shape remembered() {
    try (StateFile state = StandardClaim.openState(sync, directory, file)) {
      return state == null ? Remembered.NOTHING.shape() : state.remembered();
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  /** Tells the versions of rows as this state knows them. */
  @FunctionalInterface
  public interface Versions {
    /**
     * The version of a row.
     *
     * @param row holds the fields of the row, as they are read
     * @param from where they begin
     * @param length how many bytes they take
     */
    Version of(byte[] row, int from, int length);
  }

  /**
   * Tells the versions of the rows of a model.
   *
   * @param shape of the model, with the columns that the sync uses
   */
  public Versions versions(ModelShape shape) {
    Hasher128 hasher = Planning.seeds(file, sync, shape).rowHasher();
    return (row, from, length) -> {
      HashValue128 hash = hasher.hashBytesTo128Bits(row, from, length);
      return new Version(hash.getMostSignificantBits(), hash.getLeastSignificantBits());
    };
  }

  /** What to throw if the state cannot be read. */
  public StateException unusable(IOException e) {
    return StandardStore.unusable(sync.name(), directory, e);
  }

  /** Random, and made with the state. */
  public String incarnation() {
    return file.incarnation;
  }

  /** The key by which things are remembered; empty before the first fold. */
  public String key() {
    return file.key;
  }

  /** How keys are decoded; null before the first fold. */
  public @Nullable Shape keyShape() {
    return file.keyShape;
  }

  /** What was read in the run that was folded last; empty before. */
  public String fingerprint() {
    return file.fingerprint;
  }

  /** That of the run that was folded last; null before. */
  public @Nullable SyncMode mode() {
    return file.mode;
  }

  /** That of the run that was folded last; null before. */
  public @Nullable Removal removal() {
    return file.removal;
  }

  /** The definitions that were folded. */
  public Definitions definitions() {
    return file.definitions;
  }

  /** How many keys a version is accepted of. */
  public long keys() {
    return file.keys;
  }

  /** How many of them have not left the model. */
  public long live() {
    return file.live;
  }

  /** Number of the newest run. */
  public long run() {
    return file.run;
  }

  /** Number of the run that was folded last. */
  public long foldedRun() {
    return file.foldedRun;
  }

  /** How often the state has changed. */
  public long version() {
    return file.version;
  }

  /** How often every row was made due again. */
  public long epoch() {
    return file.epoch;
  }

  /** The highest revision of the sync that has been seen. */
  public long revision() {
    return file.revision;
  }

  /** How the last run ended; null for none. */
  public @Nullable RunStatus lastStatus() {
    return file.lastStatus;
  }

  /** When the last run ended; null for none. */
  public @Nullable Instant lastEndedAt() {
    return file.lastEndedAt;
  }

  /** When the last good run ended; null for none. */
  public @Nullable Instant lastSuccessAt() {
    return file.lastSuccessAt;
  }

  /** How many runs have failed since. */
  public int failuresInARow() {
    return file.failuresInARow;
  }

  /** The moment whose rows the destination has; null for none. */
  public @Nullable Instant upToDateAsOf() {
    return file.upToDateAsOf;
  }

  /** The source that the state was folded from; null before. Its moment is not known. */
  public @Nullable ServerIdentity server() {
    return file.system == 0 ? null : file.server();
  }

  /** The last moment at which a call for some key may act, in milliseconds since 1970. */
  public long until() {
    return file.until;
  }

  /** Whether a clear of the destination was begun and is not known to have ended. */
  public boolean isClearing() {
    return file.clearing;
  }

  /** The moment until which that may act, in milliseconds since 1970. */
  public long clearUntil() {
    return file.clearUntil;
  }

  @Override
  public void close() {
    claim.close();
  }

  /** Who moves a state reads the model by other means. */
  private enum NoSnapshots implements Snapshots {
    NONE;

    @Override
    public Snapshot open(Model model, String application, String about, Cancellation cancellation) {
      throw new UnsupportedOperationException("a departure reads no model");
    }

    @Override
    public void close() {}
  }
}
