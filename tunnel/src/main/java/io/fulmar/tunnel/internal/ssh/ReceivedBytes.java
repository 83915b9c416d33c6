package io.fulmar.tunnel.internal.ssh;

/**
 * What came through a channel and was not read yet: a ring that grows to the window and no further.
 * Used under the lock of its channel.
 */
final class ReceivedBytes {
  private static final int FIRST = 64 << 10;

  private final int most;
  private byte[] ring = new byte[0];
  private int from;
  private int count;

  /**
   * An empty one.
   *
   * @param most how many bytes there can be at once
   */
  ReceivedBytes(int most) {
    this.most = most;
  }

  int count() {
    return count;
  }

  boolean fits(int length) {
    return length <= most - count;
  }

  void add(byte[] bytes, int offset, int length) {
    if (count + length > ring.length) {
      grow(count + length);
    }
    int at = (from + count) % ring.length;
    int first = Math.min(length, ring.length - at);
    System.arraycopy(bytes, offset, ring, at, first);
    System.arraycopy(bytes, offset + first, ring, 0, length - first);
    count += length;
  }

  private void grow(int needed) {
    long twice = Math.max(FIRST, 2L * ring.length);
    byte[] larger = new byte[(int) Math.min(most, Math.max(twice, needed))];
    int kept = count;
    take(larger, 0, kept);
    ring = larger;
    from = 0;
    count = kept;
  }

  /** Moves at most so many bytes out; says how many. */
  int take(byte[] bytes, int offset, int length) {
    int taken = Math.min(length, count);
    int first = Math.min(taken, ring.length - from);
    System.arraycopy(ring, from, bytes, offset, first);
    System.arraycopy(ring, 0, bytes, offset + first, taken - first);
    count -= taken;
    from = count == 0 ? 0 : (from + taken) % ring.length;
    return taken;
  }

  /** Drops what there is; says how many bytes that were. */
  int clear() {
    int dropped = count;
    ring = new byte[0];
    from = 0;
    count = 0;
    return dropped;
  }
}
