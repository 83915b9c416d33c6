package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lets a benchmark of another package drive {@link Diff} and what it works on. */
public final class DiffLoop implements Closeable {
  private static final long RUN = 1_763_800_000_123L;
  private static final Diff.Seeds SEEDS = new Diff.Seeds(4_711, "815");
  private static final Rules RULES =
      new Rules(SyncMode.UPSERT, Removal.DELETE, true, 10, Duration.ofHours(24), null);

  private final StateDirectory directory;
  private final ModelShape shape;
  private final PlanHead head = new PlanHead();
  private final @Nullable StateFile state;
  private final Diff diff;

  private DiffLoop(Path root, ModelShape shape, @Nullable StateFile state) throws IOException {
    this.directory = directory(root);
    this.shape = shape;
    this.state = state;
    head.run = RUN;
    head.rowShape = shape.rowShape();
    head.keyShape = shape.keyShape();
    TagFilter filter = state == null ? null : TagFilter.of(state, 64L << 20);
    this.diff = new Diff(directory, head, state, shape, RULES, filter, SEEDS, RUN);
  }

  private static StateDirectory directory(Path root) throws IOException {
    StateDirectory directory = new StateDirectory(root, "orders");
    directory.make();
    return directory;
  }

  /** A run that has no state to compare with. */
  public static DiffLoop first(Path root, ModelShape shape) throws IOException {
    return new DiffLoop(root, shape, null);
  }

  /** A run over the state that {@link Accepted} wrote, with a filter of it. */
  public static DiffLoop later(Path root, ModelShape shape) throws IOException {
    return new DiffLoop(root, shape, StateFile.open(directory(root).state(1)));
  }

  /** The hash by which the image of a key is partitioned. */
  public static long hash(byte[] key, int length) {
    return Partitions.hash(key, 0, length);
  }

  /** Where the rows go. */
  public RowSink rows() {
    return diff;
  }

  /** Joins the rows with the state; how many changes there are. */
  public long join() throws IOException {
    try {
      diff.join();
    } catch (Diff.FilterMissed e) {
      throw new IllegalStateException("a row is no change of these", e);
    }
    return head.total();
  }

  /** Reads the changes back, after {@link #join}. */
  public PlanReader reader(Sync sync) {
    return new PlanFileReader(sync, directory, RUN, head);
  }

  @Override
  public void close() throws IOException {
    diff.close();
    if (state != null) {
      state.close();
    }
  }

  /** Removes the plan and what was on the way to it. */
  public void delete() throws IOException {
    PlanFiles.delete(directory.plan(RUN));
    Files.deleteIfExists(directory.scratch(RUN));
  }

  /** Rows of which a destination has accepted each: what is written down of them. */
  public static final class Accepted implements RowSink {
    private final ColumnKind[] kinds;
    private final int[] keyFields;
    private final Hasher128 hasher = SEEDS.rowHasher();
    private final ImageBuffer key = new ImageBuffer(256);
    private final List<List<Entry>> partitions = new ArrayList<>();

    private record Entry(byte[] key, HashValue128 version) {}

    /** Rows of a model. */
    public Accepted(ModelShape shape) {
      this.kinds = shape.fieldKinds().toArray(ColumnKind[]::new);
      this.keyFields = shape.keyFields();
      for (int i = 0; i < Partitions.COUNT; i++) {
        partitions.add(new ArrayList<>());
      }
    }

    @Override
    public void row(byte[] buffer, int from, int to, int[] fields) {
      key.clear();
      for (int field : keyFields) {
        KeyImage.append(kinds[field], buffer, fields[2 * field], fields[2 * field + 1], key);
      }
      partitions
          .get(Partitions.of(Partitions.hash(key.array(), 0, key.length())))
          .add(new Entry(key.toByteArray(), hasher.hashBytesTo128Bits(buffer, from, to - from)));
    }

    /** Writes the state. */
    public void write(Path root) throws IOException {
      StateDirectory directory = directory(root);
      try (StateFile.Writer writer = new StateFile.Writer(directory.create(directory.state(1)))) {
        for (List<Entry> partition : partitions) {
          for (Entry each : partition) {
            HashValue128 version = each.version;
            writer.plain(
                each.key,
                0,
                each.key.length,
                version.getMostSignificantBits(),
                version.getLeastSignificantBits());
          }
          writer.endPartition();
        }
        writer.finish();
      }
    }
  }
}
