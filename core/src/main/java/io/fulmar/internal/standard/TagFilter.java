package io.fulmar.internal.standard;

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

  private final IntBuffer slots;
  private final int capacity;

  private TagFilter(IntBuffer slots) {
    this.slots = slots;
    this.capacity = slots.capacity();
  }

  /**
   * A filter with room for so many versions; null if that takes more memory than is allowed or
   * there is.
   *
   * @param versions how many
   * @param maxBytes most memory to use
   */
  static @Nullable TagFilter of(long versions, long maxBytes) {
    long capacity = (long) (versions * SLOTS_PER_VERSION) + 16;
    if (capacity * Integer.BYTES > Math.min(maxBytes, Integer.MAX_VALUE - 64)) {
      return null;
    }
    try {
      ByteBuffer bytes = ByteBuffer.allocateDirect((int) capacity * Integer.BYTES);
      return new TagFilter(bytes.order(ByteOrder.nativeOrder()).asIntBuffer());
    } catch (OutOfMemoryError e) {
      return null; // of direct memory, of which the JVM has its own limit
    }
  }

  void add(long high, long low) {
    int tag = tag(low);
    int slot = slot(high);
    for (int found = slots.get(slot); found != 0; found = slots.get(slot)) {
      if (found == tag) {
        return;
      }
      slot = slot + 1 == capacity ? 0 : slot + 1;
    }
    slots.put(slot, tag);
  }

  boolean mayContain(long high, long low) {
    int tag = tag(low);
    int slot = slot(high);
    for (int found = slots.get(slot); found != 0; found = slots.get(slot)) {
      if (found == tag) {
        return true;
      }
      slot = slot + 1 == capacity ? 0 : slot + 1;
    }
    return false;
  }

  private int slot(long high) {
    return (int) (((high >>> 32) * capacity) >>> 32);
  }

  private static int tag(long low) {
    int tag = (int) (low ^ (low >>> 32));
    return tag == 0 ? 1 : tag;
  }
}
