package io.fulmar.internal.plan;

import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.ModelShape;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The columns that are kept of each accepted version: their fields, as they were read, one after
 * the other. Immutable.
 *
 * @param shape how kept values are decoded, in the order in which the columns were named
 * @param fields where they stand in a row, in the order of the kept fields
 */
public record Remembered(Shape shape, List<Integer> fields) {
  /** Nothing is kept. */
  public static final Remembered NOTHING =
      new Remembered(Shape.of(List.of(), List.of(), List.of()), List.of());

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  /** Copies the list. */
  public Remembered {
    fields = List.copyOf(fields);
  }

  /**
   * Columns of a model.
   *
   * @param model which has them
   * @param names of the columns
   */
  public static Remembered of(ModelShape model, List<String> names) {
    Shape row = model.rowShape();
    List<Integer> places = names.stream().map(row::position).map(row.fields()::get).toList();
    List<Integer> sorted = places.stream().sorted().toList();
    return new Remembered(
        Shape.of(
            names,
            names.stream().map(row::position).map(row.kinds()::get).toList(),
            names.stream().map(row::position).map(row.types()::get).toList(),
            places.stream().map(sorted::indexOf).toList()),
        sorted);
  }

  public boolean isEmpty() {
    return fields.isEmpty();
  }

  /** Whether these are the same columns, whatever the order in which they were named. */
  public boolean isKeptLike(Shape other) {
    return columns(shape).equals(columns(other));
  }

  private static List<String> columns(Shape shape) {
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < shape.names().size(); i++) {
      columns.add(shape.fields().get(i) + " " + shape.kinds().get(i) + " " + shape.names().get(i));
    }
    columns.sort(null);
    return columns;
  }

  /** How many bytes are kept of a row, of which start and length of each field are given. */
  public int bytes(int[] startsAndLengths) {
    int bytes = 0;
    for (int field : fields) {
      bytes += 4 + Math.max(0, startsAndLengths[2 * field + 1]);
    }
    return bytes;
  }

  /** What is kept of a row. */
  public byte[] of(byte[] row) throws IOException {
    byte[] kept = new byte[row.length];
    int length = 0;
    int at = 0;
    int next = 0;
    for (int field = 0; next < fields.size(); field++) {
      int end = end(row, at);
      if (fields.get(next) == field) {
        System.arraycopy(row, at, kept, length, end - at);
        length += end - at;
        next++;
      }
      at = end;
    }
    return Arrays.copyOf(kept, length);
  }

  /** Counts in which columns two kept values differ. */
  public void count(byte[] before, byte[] after, long[] differences) throws IOException {
    int a = 0;
    int b = 0;
    for (int i = 0; i < fields.size(); i++) {
      int endOfA = end(before, a);
      int endOfB = end(after, b);
      differences[i] += Arrays.equals(before, a, endOfA, after, b, endOfB) ? 0 : 1;
      a = endOfA;
      b = endOfB;
    }
  }

  /** Counts of {@link #count} by the names of the columns. */
  public Map<String, Long> named(long[] differences) {
    Map<String, Long> named = new LinkedHashMap<>();
    for (int i = 0; i < shape.names().size(); i++) {
      named.put(shape.names().get(i), differences[shape.fields().get(i)]);
    }
    return named;
  }

  /** Where the field ends that begins here. */
  private static int end(byte[] image, int at) throws IOException {
    if (image.length - at < 4) {
      throw new DamagedException("a row is cut off");
    }
    int length = Math.max(0, (int) INT.get(image, at));
    if (image.length - at - 4 < length) {
      throw new DamagedException("a row is cut off");
    }
    return at + 4 + length;
  }
}
