package io.fulmar.internal.standard;

import io.fulmar.Model;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A source in memory: a model of two columns, {@code id int8} (the key) and {@code v varchar(20)}.
 * Threadsafe.
 */
final class MemoryModel implements Snapshots {
  /** A row; null for NULL. */
  record Line(@Nullable Long id, @Nullable String v) {}

  private List<Line> rows = List.of();
  private long position = 1_000;
  private int snapshots;
  private int read;
  private boolean slow;
  private String writes = "";

  static Model model() {
    return Model.query("customers", "select id, v from customer").key("id");
  }

  static ModelShape shape() {
    Model model = model();
    return new ModelShape(
        QueryText.proven(model.sql()),
        List.of(
            new ModelShape.Column("id", "bigint", ColumnKind.INT8, true, ""),
            new ModelShape.Column("v", "character varying(20)", ColumnKind.TEXT, true, "")),
        List.of(0));
  }

  synchronized void rows(List<Line> lines) {
    rows = List.copyOf(lines);
  }

  synchronized void rows(Map<Long, String> lines) {
    List<Line> all = new ArrayList<>();
    lines.forEach((id, v) -> all.add(new Line(id, v)));
    rows = List.copyOf(all);
  }

  /** What the server has counted of writes; nothing unless this is called. */
  synchronized void writes(String value) {
    writes = value;
  }

  /** Whether adding up takes too long from now on. */
  synchronized void slow(boolean value) {
    slow = value;
  }

  /** How often rows were read. */
  synchronized int read() {
    return read;
  }

  @Override
  public long leastRowsToAddUp() {
    return 1;
  }

  /** Where the log of the server stands. */
  synchronized void position(long value) {
    position = value;
  }

  /** How often the model was read. */
  synchronized int snapshots() {
    return snapshots;
  }

  @Override
  public synchronized Snapshot open(
      Model model, String application, String about, Cancellation cancellation) {
    snapshots++;
    List<Line> lines = rows;
    String counted = writes;
    boolean isSlow = slow;
    ServerIdentity server =
        new ServerIdentity(Instant.parse("2026-01-15T09:59:59Z"), "shop", 77, 1, position++);
    return new Snapshot() {
      private @Nullable Set<Long> asked;

      @Override
      public ServerIdentity server() {
        return server;
      }

      @Override
      public ModelShape shape() {
        return MemoryModel.shape();
      }

      @Override
      public void rows(ModelShape shape, long maxRowBytes, RowSink sink) throws IOException {
        if (shape.fieldCount() != 2) {
          throw new AssertionError("both columns are read, or none");
        }
        synchronized (MemoryModel.this) {
          read++;
        }
        all(sink);
      }

      private void all(RowSink sink) throws IOException {
        for (Line line : lines) {
          if (asked == null || asked.contains(line.id())) {
            send(line, sink);
          }
        }
      }

      @Override
      public @Nullable RowSum sum(ModelShape shape, String seed) {
        return isSlow ? null : MemorySums.of(this::all, seed);
      }

      @Override
      public String writes() {
        return counted;
      }

      @Override
      public List<byte[]> only(List<List<String>> keys) throws IOException {
        Set<Long> ids = new TreeSet<>();
        List<byte[]> images = new ArrayList<>();
        for (List<String> key : keys) {
          long id = Long.parseLong(key.get(0));
          ids.add(id);
          ImageBuffer image = new ImageBuffer(16);
          byte[] value = ByteBuffer.allocate(8).putLong(id).array();
          KeyImage.append(ColumnKind.INT8, value, 0, value.length, image);
          images.add(Arrays.copyOf(image.array(), image.length()));
        }
        asked = ids;
        return images;
      }

      @Override
      public void firstRows(RowSink sink) throws IOException {
        rows(shape(), Long.MAX_VALUE, sink);
      }

      @Override
      public void close() {}
    };
  }

  /** Gives a row to a sink as PostgreSQL sends it. */
  static void send(Line line, RowSink sink) throws IOException {
    byte[] v = line.v() == null ? null : line.v().getBytes(StandardCharsets.UTF_8);
    int idLength = line.id() == null ? 0 : 8;
    int vLength = v == null ? 0 : v.length;
    ByteBuffer buffer = ByteBuffer.allocate(3 + 8 + idLength + vLength).position(3);
    buffer.putInt(line.id() == null ? -1 : 8);
    if (line.id() != null) {
      buffer.putLong(line.id());
    }
    buffer.putInt(v == null ? -1 : v.length);
    if (v != null) {
      buffer.put(v);
    }
    int[] fields = {
      7, line.id() == null ? -1 : 8, 11 + idLength, v == null ? -1 : v.length,
    };
    sink.row(buffer.array(), 3, buffer.position(), fields);
  }

  @Override
  public void close() {}
}
