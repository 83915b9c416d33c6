package io.fulmar.internal.standard;

import java.util.Arrays;

/**
 * Numbers keys: the first new key is 0, the next 1, and so on. A hash table over one array of
 * bytes, so that a partition of some ten thousand keys costs no objects. Not threadsafe.
 */
final class KeyTable {
  private byte[] arena = new byte[1 << 14];
  private int[] starts = new int[1 << 10];
  private int[] tags = new int[1 << 10];
  private int[] slots = new int[1 << 11];
  private int size;
  private int used;

  void clear() {
    if (size > 0) {
      Arrays.fill(slots, 0);
    }
    size = 0;
    used = 0;
  }

  int size() {
    return size;
  }

  byte[] arena() {
    return arena;
  }

  int start(int entry) {
    return starts[entry];
  }

  int length(int entry) {
    return (entry + 1 < size ? starts[entry + 1] : used) - starts[entry];
  }

  /** The number of a key, or -1. */
  int find(long hash, byte[] key, int from, int length) {
    int tag = (int) hash;
    int mask = slots.length - 1;
    for (int slot = tag & mask; ; slot = (slot + 1) & mask) {
      int entry = slots[slot] - 1;
      if (entry < 0) {
        return -1;
      }
      if (tags[entry] == tag && equal(entry, key, from, length)) {
        return entry;
      }
    }
  }

  /** The number of a key, which is {@link #size} before the call if the key is new. */
  int add(long hash, byte[] key, int from, int length) {
    int found = find(hash, key, from, length);
    if (found >= 0) {
      return found;
    }
    if (size == starts.length) {
      starts = Arrays.copyOf(starts, size * 2);
      tags = Arrays.copyOf(tags, size * 2);
    }
    if (used + length > arena.length) {
      arena = Arrays.copyOf(arena, Math.max(arena.length * 2, used + length));
    }
    int entry = size++;
    System.arraycopy(key, from, arena, used, length);
    starts[entry] = used;
    used += length;
    tags[entry] = (int) hash;
    if (size * 2 > slots.length) {
      slots = new int[slots.length * 2];
      for (int i = 0; i < size; i++) {
        place(i);
      }
    } else {
      place(entry);
    }
    return entry;
  }

  private void place(int entry) {
    int mask = slots.length - 1;
    int slot = tags[entry] & mask;
    while (slots[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = entry + 1;
  }

  private boolean equal(int entry, byte[] key, int from, int length) {
    int start = starts[entry];
    int end = entry + 1 < size ? starts[entry + 1] : used;
    return Arrays.equals(arena, start, end, key, from, from + length);
  }
}
