package io.fulmar.internal.type;

import java.math.BigDecimal;

/**
 * The image of a numeric as {@code numeric_send} writes it: four int16 (count of groups, weight,
 * sign, display scale), then the groups of four decimal digits, each an int16. The first group
 * counts 10000^weight.
 */
final class NumericImage {
  static final int POSITIVE = 0x0000;
  static final int NEGATIVE = 0x4000;
  static final int NAN = 0xC000;
  static final int POSITIVE_INFINITY = 0xD000;
  static final int NEGATIVE_INFINITY = 0xF000;

  private static final int HEADER = 8;

  private static final long[] POWERS_OF_TEN = new long[19];

  static {
    POWERS_OF_TEN[0] = 1;
    for (int i = 1; i < POWERS_OF_TEN.length; i++) {
      POWERS_OF_TEN[i] = 10 * POWERS_OF_TEN[i - 1];
    }
  }

  private NumericImage() {}

  static void check(byte[] buf, int off, int len) {
    if (len < HEADER || len != HEADER + 2 * groups(buf, off)) {
      throw ColumnKind.malformed(ColumnKind.NUMERIC, len);
    }
  }

  static int groups(byte[] buf, int off) {
    return BigEndian.int16(buf, off) & 0xFFFF;
  }

  static int weight(byte[] buf, int off) {
    return BigEndian.int16(buf, off + 2);
  }

  static int sign(byte[] buf, int off) {
    return BigEndian.int16(buf, off + 4) & 0xFFFF;
  }

  private static int scale(byte[] buf, int off) {
    return BigEndian.int16(buf, off + 6) & 0x3FFF;
  }

  static int group(byte[] buf, int off, int index) {
    return BigEndian.int16(buf, off + HEADER + 2 * index);
  }

  static boolean finite(int sign) {
    return sign == POSITIVE || sign == NEGATIVE;
  }

  /** The value with its display scale; only for finite ones. */
  static BigDecimal value(byte[] buf, int off) {
    int groups = groups(buf, off);
    int weight = weight(buf, off);
    int scale = scale(buf, off);
    if (4 * (Math.max(weight, -1) + 1) + scale >= POWERS_OF_TEN.length) {
      return new BigDecimal(text(buf, off));
    }
    long unscaled = 0;
    for (int i = 0; i < groups; i++) {
      int power = 4 * (weight - i) + scale;
      if (power >= 0) {
        unscaled += group(buf, off, i) * POWERS_OF_TEN[power];
      } else if (power > -4) {
        unscaled += group(buf, off, i) / POWERS_OF_TEN[-power];
      }
    }
    return BigDecimal.valueOf(sign(buf, off) == NEGATIVE ? -unscaled : unscaled, scale);
  }

  /** As {@code numeric_out}: never an exponent, always the display scale. */
  static String text(byte[] buf, int off) {
    return switch (sign(buf, off)) {
      case NAN -> "NaN";
      case POSITIVE_INFINITY -> "Infinity";
      case NEGATIVE_INFINITY -> "-Infinity";
      default -> finiteText(buf, off);
    };
  }

  private static String finiteText(byte[] buf, int off) {
    int groups = groups(buf, off);
    int weight = weight(buf, off);
    int scale = scale(buf, off);
    StringBuilder out = new StringBuilder(4 * Math.max(weight, 0) + scale + 8);
    if (sign(buf, off) == NEGATIVE) {
      out.append('-');
    }
    if (weight < 0) {
      out.append('0');
    }
    for (int i = 0; i <= weight; i++) {
      int group = i < groups ? group(buf, off, i) : 0;
      if (i == 0) {
        out.append(group);
      } else {
        appendGroup(out, group);
      }
    }
    if (scale > 0) {
      out.append('.');
      int end = out.length() + scale;
      for (int i = weight + 1; out.length() < end; i++) {
        appendGroup(out, i >= 0 && i < groups ? group(buf, off, i) : 0);
      }
      out.setLength(end);
    }
    return out.toString();
  }

  private static void appendGroup(StringBuilder out, int group) {
    out.append((char) ('0' + group / 1000)).append((char) ('0' + group / 100 % 10));
    out.append((char) ('0' + group / 10 % 10)).append((char) ('0' + group % 10));
  }

  /** An image made from its parts, with the least display scale that shows every digit. */
  static byte[] of(int sign, int weight, byte[] digits, int off, int len) {
    byte[] image = new byte[HEADER + len];
    int groups = len / 2;
    int scale = 0;
    if (groups > 0) {
      scale = 4 * (groups - 1 - weight);
      for (int last = BigEndian.int16(digits, off + len - 2); last % 10 == 0; last /= 10) {
        scale--;
      }
    }
    BigEndian.putInt16(image, 0, groups);
    BigEndian.putInt16(image, 2, weight);
    BigEndian.putInt16(image, 4, sign);
    BigEndian.putInt16(image, 6, Math.max(scale, 0));
    System.arraycopy(digits, off, image, HEADER, len);
    return image;
  }
}
