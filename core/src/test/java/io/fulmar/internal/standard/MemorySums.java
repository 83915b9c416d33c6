package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.source.RowSink;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Adds up rows in memory. */
final class MemorySums {
  private MemorySums() {}

  /** Sends rows. */
  interface Rows {
    void to(RowSink sink) throws IOException;
  }

  static RowSum of(Rows rows, String seed) {
    Hasher64 hasher = Hashing.xxh3_64(Hashing.xxh3_64().hashCharsToLong(seed));
    long[] sum = new long[2];
    try {
      rows.to(
          (buffer, from, to, fields) -> {
            sum[0]++;
            sum[1] ^= hasher.hashBytesToLong(buffer, from, to - from);
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new RowSum(sum[0], sum[1]);
  }
}
