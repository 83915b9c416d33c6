package io.fulmar.internal.row;

import io.fulmar.Row;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.KeyImage;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
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

  private final Shape shape;
  private final byte[] image;
  private final boolean key;
  private int @Nullable [] starts;

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
    int position = shape.position(column);
    ColumnKind kind = shape.kinds().get(position);
    int start = start(position);
    int length = length(position);
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
    int position = shape.position(column);
    ColumnKind kind = shape.kinds().get(position);
    int start = start(position);
    int length = length(position);
    if (length < 0) {
      return null;
    }
    return key ? KeyImage.text(kind, image, start, length) : kind.text(image, start, length);
  }

  private int start(int position) {
    return starts()[2 * shape.fields().get(position)];
  }

  private int length(int position) {
    return starts()[2 * shape.fields().get(position) + 1];
  }

  /** Start and length of each field. */
  private int[] starts() {
    int[] known = starts;
    if (known == null) {
      known = key ? keyFields() : rowFields();
      starts = known;
    }
    return known;
  }

  private int[] rowFields() {
    int count = 0;
    for (int at = 0; at < image.length; count++) {
      at += 4 + Math.max(0, (int) INT.get(image, at));
    }
    int[] found = new int[2 * count];
    int at = 0;
    for (int i = 0; i < count; i++) {
      int length = (int) INT.get(image, at);
      found[2 * i] = at + 4;
      found[2 * i + 1] = length;
      at += 4 + Math.max(0, length);
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
