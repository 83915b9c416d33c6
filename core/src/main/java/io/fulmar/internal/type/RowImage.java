package io.fulmar.internal.type;

/**
 * The canonical form of rows, {@linkplain #VERSION version 1}: two versions of a row are the same
 * exactly when their canonical forms are the same bytes.
 *
 * <p>It is the row as it travels in binary COPY: for each column the length (int32, -1 for NULL)
 * and the image, so 1.0 and 1.00, 0 and -0 differ. One thing is normalised: every NaN of a float4
 * or float8 becomes the one NaN of {@link Float#NaN} or {@link Double#NaN}. PostgreSQL treats all
 * NaNs as equal and prints them alike, and their bits depend on the processor and on how they came
 * about ({@code 'inf'::float8 - 'inf'} gives another one than {@code 'NaN'}).
 *
 * <p>This class has no state and is threadsafe.
 */
public final class RowImage {
  /** The version of the canonical form that this class writes: 1. */
  public static final int VERSION = 1;

  private static final int NAN4 = Float.floatToIntBits(Float.NaN);
  private static final long NAN8 = Double.doubleToLongBits(Double.NaN);

  private RowImage() {}

  /** Whether {@link #canonicalise} can change an image of this kind: float4 and float8. */
  public static boolean mayNeedCanonicalising(ColumnKind kind) {
    return kind == ColumnKind.FLOAT4 || kind == ColumnKind.FLOAT8;
  }

  /**
   * Brings the image of one column, not NULL, into canonical form, in place.
   *
   * @throws IllegalArgumentException if the bytes are no image of this kind
   */
  public static void canonicalise(ColumnKind kind, byte[] buf, int off, int len) {
    switch (kind) {
      case FLOAT4 -> {
        kind.check(buf, off, len);
        if (Float.isNaN(Float.intBitsToFloat(BigEndian.int32(buf, off)))) {
          BigEndian.putInt32(buf, off, NAN4);
        }
      }
      case FLOAT8 -> {
        kind.check(buf, off, len);
        if (Double.isNaN(Double.longBitsToDouble(BigEndian.int64(buf, off)))) {
          BigEndian.putInt64(buf, off, NAN8);
        }
      }
      default -> {}
    }
  }
}
