package io.fulmar.testkit.internal.memory;

import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.type.ColumnKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives rows to a sink as the statement of {@link ModelShape#readSql} does: fields in the order of
 * the columns' names, and one more that stands for what is too large. Not threadsafe.
 */
final class RowBytes {
  private static final int NULL = -1;

  private final ModelShape shape;
  private final List<Integer> order;
  private final int[] positions;
  private final long maxRowBytes;
  private final boolean measured;

  /**
   * For rows of a table.
   *
   * @param shape the columns that are read
   * @param positions where the columns of the shape stand in a row of the table
   * @param maxRowBytes rows with more bytes come without their values
   * @param measured whether there is one more field
   */
  RowBytes(ModelShape shape, int[] positions, long maxRowBytes, boolean measured) {
    this.shape = shape;
    this.order =
        shape.used().stream()
            .sorted(Comparator.comparing(i -> shape.columns().get(i).name()))
            .toList();
    this.positions = positions;
    this.maxRowBytes = maxRowBytes;
    this.measured = measured;
  }

  void send(List<byte @Nullable []> row, RowSink sink) throws IOException {
    List<byte @Nullable []> values = new ArrayList<>();
    for (int i : order) {
      values.add(row.get(positions[i]));
    }
    if (measured) {
      values.add(bound(values));
    }
    int bytes = 0;
    for (byte[] value : values) {
      bytes += 4 + (value == null ? 0 : value.length);
    }
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    int[] fields = new int[2 * values.size()];
    for (int i = 0; i < values.size(); i++) {
      byte[] value = values.get(i);
      buffer.putInt(value == null ? NULL : value.length);
      fields[2 * i] = buffer.position();
      fields[2 * i + 1] = value == null ? NULL : value.length;
      if (value != null) {
        buffer.put(value);
      }
    }
    sink.row(buffer.array(), 0, buffer.position(), fields);
  }

  /** Takes away what is too large; gives what stands for it, null for nothing. */
  private byte @Nullable [] bound(List<byte @Nullable []> values) {
    List<Integer> unbounded = new ArrayList<>();
    for (int field = 0; field < order.size(); field++) {
      if (!shape.columns().get(order.get(field)).bounded()) {
        unbounded.add(field);
      }
    }
    long bytes = 0;
    boolean keyTooLong = false;
    for (int field : unbounded) {
      byte[] value = values.get(field);
      int length = value == null ? 0 : value.length;
      bytes += length;
      keyTooLong |= isKey(field) && length > ModelShape.MAX_KEY_BYTES;
    }
    // A key alone among what is measured has its own limit only.
    boolean keyAlone = unbounded.size() == 1 && isKey(unbounded.get(0));
    boolean tooLarge = keyTooLong || (bytes > maxRowBytes && !keyAlone);
    StringBuilder digest = new StringBuilder(keyTooLong ? "k" : "r");
    for (int field : inOrderOfDigest(unbounded)) {
      digest.append(digest(field, values.get(field)));
    }
    for (int field : unbounded) {
      byte[] value = values.get(field);
      boolean goes =
          isKey(field) ? value != null && value.length > ModelShape.MAX_KEY_BYTES : tooLarge;
      if (goes) {
        values.set(field, null);
      }
    }
    return tooLarge ? digest.toString().getBytes(StandardCharsets.UTF_8) : null;
  }

  private boolean isKey(int field) {
    return shape.keyPositions().contains(order.get(field));
  }

  /** What is read as it is comes before what is read as text. */
  private List<Integer> inOrderOfDigest(List<Integer> fields) {
    return fields.stream().sorted(Comparator.comparing(field -> isText(kind(field)))).toList();
  }

  private static boolean isText(ColumnKind kind) {
    return kind.readAsText() || kind == ColumnKind.JSON;
  }

  private ColumnKind kind(int field) {
    return shape.columns().get(order.get(field)).kind();
  }

  private String digest(int field, byte @Nullable [] value) {
    if (value == null) {
      return "-";
    }
    int end = value.length;
    while (kind(field) == ColumnKind.BPCHAR && end > 0 && value[end - 1] == ' ') {
      end--;
    }
    try {
      MessageDigest md5 = MessageDigest.getInstance("MD5");
      return HexFormat.of().formatHex(md5.digest(Arrays.copyOf(value, end)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has MD5", e);
    }
  }
}
