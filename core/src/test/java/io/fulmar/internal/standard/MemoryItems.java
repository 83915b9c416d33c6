package io.fulmar.internal.standard;

import io.fulmar.Model;
import io.fulmar.harness.SourceRow;
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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A source in memory with the rows of random histories: {@code k varchar(80)}, the key, and {@code
 * v text}, which may be too large; under another mapping also {@code one int}. Threadsafe.
 */
final class MemoryItems implements Snapshots {
  private static final String ITEMS = "select k, v from item";
  private static final String ITEMS_AND_ONE = "select k, v, 1 as one from item";

  private List<SourceRow> rows = List.of();
  private long position = 1_000;
  private long writes;

  static Model model(int mapping) {
    return Model.query("items", mapping == 0 ? ITEMS : ITEMS_AND_ONE).key("k");
  }

  synchronized void rows(List<SourceRow> lines) {
    writes += rows.equals(lines) ? 0 : 1;
    rows = List.copyOf(lines);
  }

  @Override
  public long leastRowsToAddUp() {
    return 1;
  }

  private static ModelShape shape(Model model) {
    List<ModelShape.Column> columns = new ArrayList<>();
    columns.add(new ModelShape.Column("k", "character varying(80)", ColumnKind.TEXT, true, ""));
    columns.add(new ModelShape.Column("v", "text", ColumnKind.TEXT, false, ""));
    if (model.sql().equals(ITEMS_AND_ONE)) {
      columns.add(new ModelShape.Column("one", "integer", ColumnKind.INT4, true, ""));
    }
    List<String> names = columns.stream().map(ModelShape.Column::name).toList();
    List<Integer> key = model.key().stream().map(names::indexOf).toList();
    return new ModelShape(QueryText.proven(model.sql()), columns, key);
  }

  @Override
  public synchronized Snapshot open(
      Model model, String application, String about, Cancellation cancellation) {
    List<SourceRow> lines = rows;
    ModelShape shape = shape(model);
    String counted = "writes " + writes;
    ServerIdentity server =
        new ServerIdentity(Instant.parse("2026-01-15T09:59:59Z"), "shop", 77, 1, position++);
    return new Snapshot() {
      private @Nullable Set<String> asked;

      @Override
      public ServerIdentity server() {
        return server;
      }

      @Override
      public ModelShape shape() {
        return shape;
      }

      @Override
      public void rows(ModelShape read, long maxRowBytes, RowSink sink) throws IOException {
        if (read.fieldCount() != shape.fieldCount()) {
          throw new AssertionError("all columns are read, or none");
        }
        for (SourceRow line : lines) {
          if (asked == null || asked.contains(line.key())) {
            send(line, shape.columns().size() == 3, maxRowBytes, sink);
          }
        }
      }

      @Override
      public RowSum sum(ModelShape of, String seed) {
        return MemorySums.of(sink -> rows(of, Long.MAX_VALUE, sink), seed);
      }

      @Override
      public String writes() {
        return counted;
      }

      @Override
      public List<byte[]> only(List<List<String>> keys) throws IOException {
        Set<String> texts = new HashSet<>();
        List<byte[]> images = new ArrayList<>();
        for (List<String> key : keys) {
          texts.add(key.get(0));
          byte[] text = key.get(0).getBytes(StandardCharsets.UTF_8);
          ImageBuffer image = new ImageBuffer(16);
          KeyImage.append(ColumnKind.TEXT, text, 0, text.length, image);
          images.add(Arrays.copyOf(image.array(), image.length()));
        }
        asked = texts;
        return images;
      }

      @Override
      public void firstRows(RowSink sink) throws IOException {
        rows(shape, Long.MAX_VALUE, sink);
      }

      @Override
      public void close() {}
    };
  }

  /** Gives a row to a sink as PostgreSQL sends it: k, one, v, and what marks a row too large. */
  private static void send(SourceRow line, boolean withOne, long maxRowBytes, RowSink sink)
      throws IOException {
    byte[] content = line.content().getBytes(StandardCharsets.UTF_8);
    boolean oversize = content.length > maxRowBytes;
    List<byte @Nullable []> values = new ArrayList<>();
    values.add(line.key() == null ? null : line.key().getBytes(StandardCharsets.UTF_8));
    if (withOne) {
      values.add(new byte[] {0, 0, 0, 1});
    }
    values.add(oversize ? null : content);
    values.add(oversize ? ("r" + Arrays.hashCode(content)).getBytes(StandardCharsets.UTF_8) : null);
    ByteBuffer buffer = ByteBuffer.allocate(64 + values.size() * 4 + content.length * 2);
    int[] fields = new int[2 * values.size()];
    for (int i = 0; i < values.size(); i++) {
      byte[] value = values.get(i);
      buffer.putInt(value == null ? -1 : value.length);
      fields[2 * i] = buffer.position();
      fields[2 * i + 1] = value == null ? -1 : value.length;
      if (value != null) {
        buffer.put(value);
      }
    }
    sink.row(buffer.array(), 0, buffer.position(), fields);
  }

  @Override
  public void close() {}
}
