package io.fulmar.internal.standard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Says of a row version that it is certainly not among the accepted ones, or that it probably is:
 * 32 bits of each accepted version, outside the heap. A version that is taken for an accepted one
 * by mistake (one in a billion changed rows) is found out when the partitions are joined.
 */
final class TagFilter {
  private static final double SLOTS_PER_VERSION = 1.4;
  private static final int LEAST_SLOTS = 4;

  private final IntBuffer slots;
  private final int[] starts = new int[Partitions.COUNT + 1];

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

  private void add(int partition, long high, long low) {
    int slot = find(partition, high, tag(low));
    slots.put(slot, tag(low));
  }

  boolean mayContain(int partition, long high, long low) {
    return slots.get(find(partition, high, tag(low))) != 0;
  }

  /** The slot with this tag, or the free one where it belongs. */
  private int find(int partition, long high, int tag) {
    int start = starts[partition];
    int end = starts[partition + 1];
    int slot = start + (int) (((high >>> 32) * (end - start)) >>> 32);
    for (int found = slots.get(slot); found != 0 && found != tag; found = slots.get(slot)) {
      slot = slot + 1 == end ? start : slot + 1;
    }
    return slot;
  }

  private static int tag(long low) {
    int tag = (int) (low ^ (low >>> 32));
    return tag == 0 ? 1 : tag;
  }
}
