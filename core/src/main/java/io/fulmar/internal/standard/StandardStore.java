package io.fulmar.internal.standard;

import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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

  private final Snapshots snapshots;
  private final Path root;
  private final MissingState missingState;
  private final long diffBytes;
  private final Clock clock;

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
    this(new PostgresSnapshots(source), root, missingState, diffBytes, clock);
  }

  StandardStore(
      Snapshots snapshots, Path root, MissingState missingState, long diffBytes, Clock clock) {
    this.snapshots = snapshots;
    this.root = root.toAbsolutePath().normalize();
    this.missingState = missingState;
    this.diffBytes = diffBytes;
    this.clock = clock;
  }

  long diffBytes() {
    return diffBytes;
  }

  Clock clock() {
    return clock;
  }

  /** Begins a snapshot of a model. */
  Snapshot snapshot(Model model, String application, String about) {
    return snapshots.open(model, application, about);
  }

  @Override
  public Claim claim(Sync sync) {
    StateDirectory directory = new StateDirectory(root, sync.name());
    Closeable lock = null;
    try {
      if (!directory.exists() && missingState == MissingState.REFUSE) {
        throw new StateException(
            "Cannot run %s: there is no state in %s, and it is required. Bring it back, or let the engine begin anew. [sync=%s]"
                .formatted(sync.name(), directory.path(), sync.name()));
      }
      directory.make();
      lock = directory.lock(sync.name());
      return StandardClaim.of(this, sync, directory, lock);
    } catch (IOException e) {
      release(lock, e);
      throw unusable(sync.name(), directory, e);
    } catch (RuntimeException e) {
      release(lock, e);
      throw e;
    }
  }

  private static void release(@Nullable Closeable lock, Exception cause) {
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
                    ? "Bring it back from a backup, or begin anew under another name"
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
    StateDirectory directory = new StateDirectory(root, sync.name());
    SyncFile file;
    try {
      file = SyncFile.read(directory.syncFile());
    } catch (IOException e) {
      throw unusable(sync.name(), directory, e);
    }
    Map<HoldKind, Long> holds = new EnumMap<>(HoldKind.class);
    for (HoldKind kind : HoldKind.values()) {
      holds.put(kind, file == null ? 0L : file.holds.getOrDefault(kind, 0L));
    }
    if (file == null) {
      return new SyncStatus(sync.name(), null, null, 0, 0, holds, 0, null, null);
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
        file.keptPlan == 0 ? null : Long.toString(file.keptPlan));
  }

  @Override
  public ModelPreview preview(Model model) {
    ModelPreview first = firstRows(model);
    ModelPreview second = firstRows(model);
    return new ModelPreview(
        first.columns(), first.rows(), UnstableColumns.between(model.key(), first, second));
  }

  private ModelPreview firstRows(Model model) {
    String about = "[model=" + model.name() + "]";
    List<Row> rows = new ArrayList<>();
    try (Snapshot snapshot = snapshots.open(model, "fulmar preview", about)) {
      Shape rowShape = snapshot.shape().rowShape();
      snapshot.firstRows(
          (buffer, from, to, fields) ->
              rows.add(ImageRow.of(rowShape, Arrays.copyOfRange(buffer, from, to))));
      return new ModelPreview(snapshot.shape().preview(), rows, List.of());
    } catch (IOException e) {
      throw new IllegalStateException("a list does not throw this", e);
    }
  }

  @Override
  public void close() {
    snapshots.close();
  }
}
