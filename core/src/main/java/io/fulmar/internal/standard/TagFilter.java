package io.fulmar.internal.standard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Pairs rows with the accepted versions: of each version it has 31 bits and whether a row of it
 * came, outside the heap. A changed row that is paired by mistake (a few of a billion) is found out
 * when the partitions are joined: the exclusive or of the versions of rows is then another than
 * that of the versions that they were paired with. Not threadsafe.
 */
final class TagFilter {
  private static final double SLOTS_PER_VERSION = 1.4;
  private static final int LEAST_SLOTS = 4;
  private static final int PAIRED = Integer.MIN_VALUE;

  private final IntBuffer slots;
  private final int[] starts = new int[Partitions.COUNT + 1];

  /** Slots that two versions would have; no row is paired with either. */
  private final Set<Integer> shared = new HashSet<>();

  // Of each partition: how many pairs, and the exclusive or of all versions that are in none.
  private final long[] pairs = new long[Partitions.COUNT];
  private final long[] high = new long[Partitions.COUNT];
  private final long[] low = new long[Partitions.COUNT];

  private TagFilter(IntBuffer slots) {
    this.slots = slots;
  }

  /**
   * A filter of the versions in a state that nothing else is remembered about; null if that takes
   * more memory than is allowed or there is. Each partition has a stretch of its own, so that
   * filling it stays within the processor's cache.
   *
   * @param state the accepted versions
   * @param maxBytes most memory to use
   */
  static @Nullable TagFilter of(StateFile state, long maxBytes) throws IOException {
    long capacity = 0;
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      capacity += slots(state, partition);
    }
    if (capacity * Integer.BYTES > Math.min(maxBytes, Integer.MAX_VALUE - 64)) {
      return null;
    }
    TagFilter filter;
    try {
      ByteBuffer bytes = ByteBuffer.allocateDirect((int) capacity * Integer.BYTES);
      filter = new TagFilter(bytes.order(ByteOrder.nativeOrder()).asIntBuffer());
    } catch (OutOfMemoryError e) {
      return null; // of direct memory, of which the JVM has its own limit
    }
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      filter.starts[partition + 1] = filter.starts[partition] + (int) slots(state, partition);
      StateFile.Cursor cursor = state.read(partition);
      while (cursor.next()) {
        if (cursor.isPlain()) {
          filter.add(partition, cursor.high(), cursor.low());
        }
      }
    }
    return filter;
  }

  private static long slots(StateFile state, int partition) {
    return (long) (state.keys(partition) * SLOTS_PER_VERSION) + LEAST_SLOTS;
  }

  private void add(int partition, long versionHigh, long versionLow) {
    int tag = tag(versionLow);
    int slot = find(partition, versionHigh, tag);
    if (slots.get(slot) != 0) {
      shared.add(slot);
      tag |= PAIRED; // so that no row is
    }
    slots.put(slot, tag);
    exclude(partition, versionHigh, versionLow);
  }

  private void exclude(int partition, long versionHigh, long versionLow) {
    high[partition] ^= versionHigh;
    low[partition] ^= versionLow;
  }

  /**
   * Pairs a row with an accepted version if there is one, as far as 31 bits tell, that has no row
   * yet; whether there was.
   */
  boolean pair(int partition, long versionHigh, long versionLow) {
    int tag = tag(versionLow);
    int slot = find(partition, versionHigh, tag);
    if (slots.get(slot) != tag) {
      return false;
    }
    slots.put(slot, tag | PAIRED);
    pairs[partition]++;
    exclude(partition, versionHigh, versionLow);
    return true;
  }

  /** Whether each of so many accepted versions of a partition has its row. */
  boolean areAllPaired(int partition, long versions) {
    return pairs[partition] == versions && isRight(partition);
  }

  /**
   * Whether an accepted version has a row; asked once for each of them, when all rows have come.
   */
  boolean isPaired(int partition, long versionHigh, long versionLow) {
    int slot = find(partition, versionHigh, tag(versionLow));
    if (slots.get(slot) < 0 && (shared.isEmpty() || !shared.contains(slot))) {
      return true;
    }
    exclude(partition, versionHigh, versionLow);
    return false;
  }

  /** Whether all pairs of a partition were right; known when each version was asked for. */
  boolean isRight(int partition) {
    return high[partition] == 0 && low[partition] == 0;
  }

  /** The slot with this tag, or the free one where it belongs. */
  private int find(int partition, long versionHigh, int tag) {
    int start = starts[partition];
    int end = starts[partition + 1];
    int slot = start + (int) (((versionHigh >>> 32) * (end - start)) >>> 32);
    for (int found = slots.get(slot);
        found != 0 && (found & ~PAIRED) != tag;
        found = slots.get(slot)) {
      slot = slot + 1 == end ? start : slot + 1;
    }
    return slot;
  }

  private static int tag(long low) {
    int tag = (int) (low ^ (low >>> 32)) & ~PAIRED;
    return tag == 0 ? 1 : tag;
  }
}
