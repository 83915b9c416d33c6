package io.fulmar.internal.standard;

import java.util.Arrays;

/** Counts row versions, for rows that the filter takes for unchanged. Not threadsafe. */
final class VersionTable {
  private long[] high = new long[1 << 11];
  private long[] low = new long[1 << 11];
  private int[] counts = new int[1 << 11];
  private int used;
  private int left;

  void clear() {
    if (used > 0) {
      Arrays.fill(counts, 0);
    }
    used = 0;
    left = 0;
  }

  /** Adds one. */
  void add(long versionHigh, long versionLow) {
    if (used * 2 >= counts.length) {
      grow();
    }
    int slot = slot(versionHigh, versionLow);
    if (counts[slot] == 0) {
      high[slot] = versionHigh;
      low[slot] = versionLow;
      used++;
    }
    counts[slot]++;
    left++;
  }

  /** How many there were of this version; they no longer count as left. */
  int take(long versionHigh, long versionLow) {
    int count = counts[slot(versionHigh, versionLow)];
    left -= count;
    return count;
  }

  /** How many have not been taken. */
  int left() {
    return left;
  }

  private int slot(long versionHigh, long versionLow) {
    int mask = counts.length - 1;
    int slot = (int) versionLow & mask;
    while (counts[slot] != 0 && (high[slot] != versionHigh || low[slot] != versionLow)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldHigh = high;
    long[] oldLow = low;
    int[] oldCounts = counts;
    high = new long[oldHigh.length * 2];
    low = new long[oldLow.length * 2];
    counts = new int[oldCounts.length * 2];
    for (int i = 0; i < oldCounts.length; i++) {
      if (oldCounts[i] != 0) {
        int slot = slot(oldHigh[i], oldLow[i]);
        high[slot] = oldHigh[i];
        low[slot] = oldLow[i];
        counts[slot] = oldCounts[i];
      }
    }
  }
}
