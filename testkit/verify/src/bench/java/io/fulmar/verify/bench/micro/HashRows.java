package io.fulmar.verify.bench.micro;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.Operation;
import io.fulmar.internal.standard.DiffLoop;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.Blackhole;

/** The hashes of a row: its version, that of its key, the id of its change. */
@OperationsPerInvocation(OfOrders.ROWS)
public class HashRows extends OfOrders {
  private static final long RUN = 1_763_800_000_123L;

  private final Hasher128 hasher = Hashing.xxh3_128(4_711);
  private final ChangeIds ids = new ChangeIds("815");
  private final ImageBuffer key = new ImageBuffer(256);
  private List<byte[]> images = List.of();
  private final List<byte[]> keys = new ArrayList<>();
  private final int[] keyStarts = new int[ROWS];

  /** Finds images and keys. */
  @Setup
  public void prepare() throws Exception {
    OrderRows rows = OrderRows.ofModel(ROWS);
    images = rows.images();
    int field = rows.model().keyFields()[0];
    rows.send(
        (buffer, from, to, fields) -> {
          keyStarts[keys.size()] = fields[2 * field] - from;
          key.clear();
          KeyImage.append(ColumnKind.INT8, buffer, fields[2 * field], 8, key);
          keys.add(key.toByteArray());
        });
  }

  /** A row to its version. */
  @Benchmark
  public void version(Blackhole into) {
    for (byte[] image : images) {
      HashValue128 version = hasher.hashBytesTo128Bits(image, 0, image.length);
      into.consume(version.getMostSignificantBits() ^ version.getLeastSignificantBits());
    }
  }

  /** A row to the normal form of its key, and that to the hash by which it is partitioned. */
  @Benchmark
  public void key(Blackhole into) {
    for (int i = 0; i < ROWS; i++) {
      key.clear();
      KeyImage.append(ColumnKind.INT8, images.get(i), keyStarts[i], 8, key);
      into.consume(DiffLoop.hash(key.array(), key.length()));
    }
  }

  /** A change to its id, as destinations see it. */
  @Benchmark
  public void changeId(Blackhole into) {
    for (byte[] each : keys) {
      Version id = ids.of(each, 0, each.length, Operation.ADDED, new Version(17, 4), RUN);
      into.consume(ChangeIds.text(id));
    }
  }
}
