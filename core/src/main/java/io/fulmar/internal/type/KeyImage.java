package io.fulmar.internal.type;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The normal form of keys: bytes that are equal exactly when PostgreSQL's {@code =} says that the
 * values are.
 *
 * <p>A key is, for each of its columns in order, the length of the column's image as a varint (see
 * {@link ImageBuffer#appendVarint}) and the image:
 *
 * <ul>
 *   <li>int2, int4, int8: int64, so that a key survives a change among them;
 *   <li>numeric: sign (int16: 0, 0x4000 negative, 0xC000 NaN, 0xD000 and 0xF000 the infinities),
 *       weight (int16), groups of four digits (int16 each) without zero groups at either end; no
 *       display scale; zero has no groups, and zero and the special values have weight 0;
 *   <li>char(n): without trailing blanks, as {@code bpchareq} compares;
 *   <li>everything else: the binary image, which for text is right under deterministic collations
 *       (the caller refuses others).
 * </ul>
 *
 * <p>This class has no state and is threadsafe.
 */
public final class KeyImage {
  private KeyImage() {}

  /** Whether columns of this kind can be part of a key. */
  public static boolean allowed(ColumnKind kind) {
    return switch (kind) {
      case BOOL, INT2, INT4, INT8, NUMERIC, TEXT, BPCHAR, BYTEA, UUID, ENUM -> true;
      case DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INET, CIDR, MACADDR, MACADDR8 -> true;
      case FLOAT4, FLOAT8, JSON, TIMETZ, OTHER -> false;
    };
  }

  /**
   * The expression that makes a usable key of a column {@code x} that was refused. For text kinds,
   * refused only under a nondeterministic collation, it sets the collation. The numeric of a float
   * keeps 15 significant digits.
   *
   * @param typeName the type as {@code format_type} gives it
   * @throws IllegalArgumentException if such a column is never refused
   */
  public static String castToWrite(ColumnKind kind, String typeName) {
    return switch (kind) {
      case FLOAT4 -> "x::float8::numeric";
      case FLOAT8 -> "x::numeric";
      case JSON, TIMETZ -> "x::text";
      case TEXT, BPCHAR -> "x collate \"C\"";
      case OTHER ->
          switch (typeName.substring(typeName.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT)) {
            case "citext" -> "lower(x::text)";
            case "money" -> "x::numeric";
            case "oid" -> "x::int8";
            default -> "x::text";
          };
      default -> throw new IllegalArgumentException("Cannot name a cast: " + kind + " is a key");
    };
  }

  /**
   * Appends one column of a key, its length first. Does not allocate unless the buffer grows.
   *
   * @return how many bytes were appended
   * @throws IllegalArgumentException if the kind is not allowed or the bytes are no image of it
   */
  public static int append(ColumnKind kind, byte[] buf, int off, int len, ImageBuffer target) {
    if (len < 0) {
      throw new IllegalArgumentException("Cannot append a key column: NULL is no key");
    }
    kind.check(buf, off, len);
    int before = target.length();
    switch (kind) {
      case INT2 -> appendInteger(BigEndian.int16(buf, off), target);
      case INT4 -> appendInteger(BigEndian.int32(buf, off), target);
      case INT8 -> appendInteger(BigEndian.int64(buf, off), target);
      case NUMERIC -> appendNumeric(buf, off, target);
      case BPCHAR -> appendBytes(buf, off, withoutBlanks(buf, off, len), target);
      case FLOAT4, FLOAT8, JSON, TIMETZ, OTHER ->
          throw new IllegalArgumentException("Cannot append a key column: " + kind + " is no key");
      default -> appendBytes(buf, off, len, target);
    }
    return target.length() - before;
  }

  private static void appendInteger(long value, ImageBuffer target) {
    target.appendVarint(8);
    target.appendInt64(value);
  }

  private static void appendBytes(byte[] buf, int off, int len, ImageBuffer target) {
    target.appendVarint(len);
    target.append(buf, off, len);
  }

  /**
   * The server strips zero groups before it stores a value; a value that skipped that does here.
   */
  private static void appendNumeric(byte[] buf, int off, ImageBuffer target) {
    int sign = NumericImage.sign(buf, off);
    int weight = NumericImage.weight(buf, off);
    int first = 0;
    int end = NumericImage.finite(sign) ? NumericImage.groups(buf, off) : 0;
    while (first < end && NumericImage.group(buf, off, first) == 0) {
      first++;
      weight--;
    }
    while (first < end && NumericImage.group(buf, off, end - 1) == 0) {
      end--;
    }
    if (first == end) {
      weight = 0;
      sign = sign == NumericImage.NEGATIVE ? NumericImage.POSITIVE : sign;
    }
    target.appendVarint(4 + 2 * (end - first));
    target.appendInt16(sign);
    target.appendInt16(weight);
    for (int i = first; i < end; i++) {
      target.appendInt16(NumericImage.group(buf, off, i));
    }
  }

  private static int withoutBlanks(byte[] buf, int off, int len) {
    int end = len;
    while (end > 0 && buf[off + end - 1] == ' ') {
      end--;
    }
    return end;
  }

  /**
   * The Java value of one column's image, without its length: as {@link ColumnKind#value}, with two
   * differences. What the normal form leaves out is gone (numeric has the least scale, char(n) no
   * trailing blanks). And a key written as int8 that no longer fits the int2 or int4 which the
   * column has become is given as {@link Long}.
   *
   * @throws IllegalArgumentException if the bytes are no key image of this kind
   */
  public static Object value(ColumnKind kind, byte[] key, int off, int len) {
    return switch (kind) {
      case INT2, INT4 -> {
        long value = integer(kind, key, off, len);
        yield value == (int) value ? (Object) (int) value : (Object) value;
      }
      case NUMERIC -> {
        byte[] image = numeric(key, off, len);
        yield kind.value(image, 0, image.length);
      }
      default -> kind.value(key, off, len);
    };
  }

  /**
   * PostgreSQL's text of one column's image, without its length: as {@link ColumnKind#text} for
   * what {@link #value} gives.
   *
   * @throws IllegalArgumentException if the bytes are no key image of this kind
   */
  public static String text(ColumnKind kind, byte[] key, int off, int len) {
    return switch (kind) {
      case INT2, INT4 -> Long.toString(integer(kind, key, off, len));
      case NUMERIC -> {
        byte[] image = numeric(key, off, len);
        yield kind.text(image, 0, image.length);
      }
      default -> kind.text(key, off, len);
    };
  }

  /**
   * The values of a whole key, see {@link #value}.
   *
   * @param kinds of the key's columns, in the order in which they were appended
   * @throws IllegalArgumentException if the bytes are no key of these columns
   */
  public static List<Object> values(List<ColumnKind> kinds, byte[] key, int off, int len) {
    return decode(kinds, key, off, len, KeyImage::value);
  }

  /**
   * The texts of a whole key, see {@link #text}.
   *
   * @param kinds of the key's columns, in the order in which they were appended
   * @throws IllegalArgumentException if the bytes are no key of these columns
   */
  public static List<String> texts(List<ColumnKind> kinds, byte[] key, int off, int len) {
    return decode(kinds, key, off, len, KeyImage::text);
  }

  /**
   * The values of a whole key as PostgreSQL takes them in a binary {@code COPY} into columns of
   * these kinds; integers as int8.
   *
   * @param kinds of the key's columns, in the order in which they were appended
   * @throws IllegalArgumentException if the bytes are no key of these columns
   */
  public static List<byte[]> images(List<ColumnKind> kinds, byte[] key, int off, int len) {
    return decode(
        kinds,
        key,
        off,
        len,
        (kind, buffer, from, length) ->
            kind == ColumnKind.NUMERIC
                ? numeric(buffer, from, length)
                : Arrays.copyOfRange(buffer, from, from + length));
  }

  private interface Decoder<T> {
    T decode(ColumnKind kind, byte[] key, int off, int len);
  }

  private static <T> List<T> decode(
      List<ColumnKind> kinds, byte[] key, int off, int len, Decoder<T> decoder) {
    List<T> columns = new ArrayList<>(kinds.size());
    int at = off;
    int end = off + len;
    for (ColumnKind kind : kinds) {
      int length = 0;
      boolean more = true;
      for (int shift = 0; more && at < end && shift < 35; shift += 7) {
        length |= (key[at] & 0x7F) << shift;
        more = key[at++] < 0;
      }
      if (more || length < 0 || length > end - at) {
        throw notTheseColumns();
      }
      columns.add(decoder.decode(kind, key, at, length));
      at += length;
    }
    if (at != end) {
      throw notTheseColumns();
    }
    return columns;
  }

  private static IllegalArgumentException notTheseColumns() {
    return new IllegalArgumentException("Cannot decode a key: it is not of these columns");
  }

  private static byte[] numeric(byte[] key, int off, int len) {
    if (len < 4 || len % 2 != 0) {
      throw ColumnKind.malformed(ColumnKind.NUMERIC, len);
    }
    int sign = BigEndian.int16(key, off);
    int weight = BigEndian.int16(key, off + 2);
    return NumericImage.of(sign, weight, key, off + 4, len - 4);
  }

  private static long integer(ColumnKind kind, byte[] key, int off, int len) {
    if (len != 8) {
      throw ColumnKind.malformed(kind, len);
    }
    return BigEndian.int64(key, off);
  }
}
