package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

/** Which of 256 partitions a key belongs to. */
final class Partitions {
  static final int COUNT = 256;

  // The seed is part of the format of the state: another one would look for keys in other
  // partitions.
  private static final Hasher64 HASHER = Hashing.xxh3_64(0x66756c6d6172L);

  private Partitions() {}

  static long hash(byte[] key, int from, int length) {
    return HASHER.hashBytesToLong(key, from, length);
  }

  static int of(long hash) {
    return (int) (hash >>> 56);
  }

  /** The bits of a hash that choose a slice. */
  static int sliceBits(long hash) {
    return (int) (hash >>> 24);
  }

  /**
   * Which slice of its partition a key is worked on in, if the partition is too large to be worked
   * on whole.
   */
  static int slice(int sliceBits, int slices) {
    return (int) (((sliceBits & 0xffffffffL) * slices) >>> 32);
  }
}
