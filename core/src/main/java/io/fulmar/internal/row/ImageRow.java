package io.fulmar.internal.row;

import io.fulmar.Row;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.KeyImage;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row whose values are decoded when they are asked for, out of bytes as PostgreSQL sent them
 * (fields of a binary {@code COPY}: a length of four bytes, -1 for NULL, and the value) or out of
 * the image of a key.
 */
public final class ImageRow implements Row {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle STARTS;

  static {
    try {
      STARTS = MethodHandles.lookup().findVarHandle(ImageRow.class, "starts", int[].class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Shape shape;
  private final byte[] image;
  private final boolean key;
  private int @Nullable [] starts;
  private int next;

  private ImageRow(Shape shape, byte[] image, boolean key) {
    this.shape = shape;
    this.image = image;
    this.key = key;
  }

  /** A row of the model; the bytes are not copied and must not change. */
  public static Row of(Shape shape, byte[] fields) {
    return new ImageRow(shape, fields, false);
  }

  /** The key columns out of the image of a key; the bytes are not copied and must not change. */
  public static Row ofKey(Shape shape, byte[] key) {
    return new ImageRow(shape, key, true);
  }

  @Override
  public List<String> columns() {
    return shape.names();
  }

  @Override
  public @Nullable Object value(String column) {
    int position = position(column);
    ColumnKind kind = shape.kinds().get(position);
    int field = shape.fields().get(position);
    int[] known = starts();
    int start = start(known, field);
    int length = length(known, field);
    if (length < 0) {
      return null;
    }
    if (key) {
      return KeyImage.value(kind, image, start, length);
    }
    return kind.readAsText()
        ? shape.types().get(position).value(kind.text(image, start, length))
        : kind.value(image, start, length);
  }

  @Override
  public @Nullable String text(String column) {
    int position = position(column);
    ColumnKind kind = shape.kinds().get(position);
    int field = shape.fields().get(position);
    int[] known = starts();
    int start = start(known, field);
    int length = length(known, field);
    if (length < 0) {
      return null;
    }
    return key ? KeyImage.text(kind, image, start, length) : kind.text(image, start, length);
  }

  /** Columns are asked for in their order as a rule: then this spares a look into the index. */
  private int position(String column) {
    List<String> names = shape.names();
    int expected = next; // threads may overwrite it, and whatever is there is only tried
    int position =
        expected < names.size() && names.get(expected).equals(column)
            ? expected
            : shape.position(column);
    next = position + 1;
    return position;
  }

  private int start(int[] known, int field) {
    return key ? known[2 * field] : known[field];
  }

  private int length(int[] known, int field) {
    return key ? known[2 * field + 1] : (int) INT.get(image, known[field] - 4);
  }

  /**
   * Where each field of a row starts, or start and length of each of a key. Threads share a row, so
   * who sees the array must see what is in it.
   */
  private int[] starts() {
    int[] known = (int[]) STARTS.getAcquire(this);
    if (known == null) {
      known = key ? keyFields() : rowFields();
      STARTS.setRelease(this, known);
    }
    return known;
  }

  private int[] rowFields() {
    int[] found = new int[shape.names().size() + 1]; // one more says that a row is too large
    int count = 0;
    for (int at = 0; at < image.length; count++) {
      if (count == found.length) {
        found = Arrays.copyOf(found, 2 * count);
      }
      found[count] = at + 4;
      at += 4 + Math.max(0, (int) INT.get(image, at));
    }
    return found;
  }

  private int[] keyFields() {
    int[] found = new int[2 * shape.names().size()];
    int at = 0;
    for (int i = 0; i < shape.names().size(); i++) {
      int length = 0;
      int shift = 0;
      byte next;
      do {
        next = image[at++];
        length |= (next & 0x7f) << shift;
        shift += 7;
      } while (next < 0);
      found[2 * i] = at;
      found[2 * i + 1] = length;
      at += length;
    }
    return found;
  }

  /** Names the columns and shows no values. */
  @Override
  public String toString() {
    return "Row" + shape.names();
  }
}
