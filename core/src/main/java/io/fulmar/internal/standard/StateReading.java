package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import io.fulmar.Explanation;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.store.Explainer;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Version;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the state of a sync without taking it, also while it runs: a state file is never changed
 * once it is written, so it is only its name that can pass.
 */
final class StateReading {
  private static final int TRIES = 10;

  private final StandardStore store;
  private final Sync sync;
  private final StateDirectory directory;

  private StateReading(StandardStore store, Sync sync) {
    this.store = store;
    this.sync = sync;
    this.directory = store.directory(sync);
  }

  static StateReading of(StandardStore store, Sync sync) {
    return new StateReading(store, sync);
  }

  /** Takes what is remembered of keys, one after the other. */
  interface Sink {
    /** One key; false for no more. */
    boolean take(Row key, Memory memory);
  }

  /** Goes over the keys of which more is remembered than an accepted version. */
  void entries(Sink sink) {
    reading(
        file -> {
          Shape keyShape = file.keyShape;
          if (file.generation == 0 || keyShape == null) {
            return sync;
          }
          try (StateFile state = StateFile.open(directory.state(file.generation))) {
            for (int partition = 0; partition < Partitions.COUNT; partition++) {
              StateFile.Cursor cursor = state.read(partition);
              while (cursor.next()) {
                boolean more =
                    cursor.isPlain() || sink.take(key(keyShape, cursor), cursor.memory());
                if (!more) {
                  return sync;
                }
              }
            }
          }
          return sync;
        });
  }

  private static Row key(Shape shape, StateFile.Cursor cursor) {
    return ImageRow.ofKey(shape, Arrays.copyOf(cursor.key(), cursor.keyLength()));
  }

  /** Why a key is sent or not. */
  Explanation explain(List<String> key) {
    return reading(file -> explain(file, key));
  }

  private Explanation explain(SyncFile file, List<String> key) throws IOException {
    String about = "[sync=" + sync.name() + "]";
    try (Snapshot snapshot =
        store.snapshot(sync.model(), "fulmar " + sync.name(), about, new Cancellation())) {
      ModelShape shape = UsedColumns.of(snapshot.shape(), sync, about);
      byte[] image = snapshot.only(List.of(key)).get(0);
      Found found =
          new Found(
              Planning.seeds(file, sync, shape).rowHasher(),
              shape.isMeasured() ? shape.fieldCount() : -1);
      snapshot.rows(shape, sync.maxRowBytes(), found);
      boolean same = file.key.isEmpty() || file.key.equals(shape.keySignature());
      Memory memory = same ? memory(file, image) : Memory.NONE;
      byte[] row = found.row;
      return Explainer.explain(
          sync,
          StandardClaim.rules(sync, file),
          ImageRow.ofKey(shape.keyShape(), image),
          found.rows,
          found.version,
          row == null ? null : ImageRow.of(shape.rowShape(), row),
          memory,
          store.clock().millis());
    }
  }

  private Memory memory(SyncFile file, byte[] image) throws IOException {
    if (file.generation == 0) {
      return Memory.NONE;
    }
    try (StateFile state = StateFile.open(directory.state(file.generation))) {
      StateFile.Cursor cursor = state.read(Partitions.of(Partitions.hash(image, 0, image.length)));
      while (cursor.next()) {
        if (Arrays.equals(image, 0, image.length, cursor.key(), 0, cursor.keyLength())) {
          return cursor.memory();
        }
      }
      return Memory.NONE;
    }
  }

  /** Reads something of the state. */
  private interface Reading<T> {
    T of(SyncFile file) throws IOException;
  }

  /** Reads; again, if a run put another state in place meanwhile. */
  private <T> T reading(Reading<T> reading) {
    for (int left = TRIES; ; left--) {
      try {
        SyncFile file = StandardStore.read(sync, directory);
        return reading.of(file == null ? new SyncFile() : file);
      } catch (NoSuchFileException e) {
        if (left == 0) {
          throw StandardStore.unusable(sync.name(), directory, e);
        }
      } catch (IOException e) {
        throw StandardStore.unusable(sync.name(), directory, e);
      }
    }
  }

  /** What the source has for one key. */
  private static final class Found implements RowSink {
    private final Hasher128 hasher;
    private final int marker;
    private int rows;
    private @Nullable Version version;
    private byte @Nullable [] row;

    Found(Hasher128 hasher, int marker) {
      this.hasher = hasher;
      this.marker = marker;
    }

    @Override
    public void row(byte[] buffer, int from, int to, int[] fields) {
      rows++;
      HashValue128 hash = hasher.hashBytesTo128Bits(buffer, from, to - from);
      version = new Version(hash.getMostSignificantBits(), hash.getLeastSignificantBits());
      boolean oversize = marker >= 0 && fields[2 * marker + 1] >= 0;
      row = oversize ? null : Arrays.copyOfRange(buffer, from, to);
    }
  }
}
