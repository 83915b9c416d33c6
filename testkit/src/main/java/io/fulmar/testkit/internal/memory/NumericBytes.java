package io.fulmar.testkit.internal.memory;

import java.math.BigDecimal;
import java.nio.ByteBuffer;

/**
 * A numeric as {@code numeric_send} writes it: four int16 (count of groups, weight of the first,
 * sign, digits after the point), then groups of four digits.
 */
final class NumericBytes {
  private static final int NEGATIVE = 0x4000;
  private static final int NAN = 0xC000;
  private static final int POSITIVE_INFINITY = 0xD000;
  private static final int NEGATIVE_INFINITY = 0xF000;

  /** What the server sends as the digits after the point of an infinity: bits of its header. */
  private static final int SCALE_OF_INFINITY = 0x20;

  private static final int GROUP = 4;

  private NumericBytes() {}

  static byte[] of(BigDecimal number) {
    String text = number.abs().toPlainString();
    int point = text.indexOf('.');
    String whole = point < 0 ? text : text.substring(0, point);
    String fraction = point < 0 ? "" : text.substring(point + 1);
    String digits =
        "0".repeat(Math.floorMod(-whole.length(), GROUP))
            + whole
            + fraction
            + "0".repeat(Math.floorMod(-fraction.length(), GROUP));
    int groups = digits.length() / GROUP;
    int first = 0;
    while (first < groups && group(digits, first) == 0) {
      first++;
    }
    int end = groups;
    while (end > first && group(digits, end - 1) == 0) {
      end--;
    }
    boolean zero = first == groups;
    int weight = zero ? 0 : (whole.length() + GROUP - 1) / GROUP - 1 - first;
    int sign = number.signum() < 0 ? NEGATIVE : 0;
    ByteBuffer image = header(end - first, weight, sign, fraction.length());
    for (int i = first; i < end; i++) {
      image.putShort(group(digits, i));
    }
    return image.array();
  }

  static byte[] special(String text) {
    int sign =
        switch (text) {
          case "NaN" -> NAN;
          case "Infinity" -> POSITIVE_INFINITY;
          default -> NEGATIVE_INFINITY;
        };
    return header(0, 0, sign, sign == NAN ? 0 : SCALE_OF_INFINITY).array();
  }

  private static short group(String digits, int index) {
    return (short) Integer.parseInt(digits, index * GROUP, (index + 1) * GROUP, 10);
  }

  private static ByteBuffer header(int groups, int weight, int sign, int scale) {
    return ByteBuffer.allocate(8 + 2 * groups)
        .putShort((short) groups)
        .putShort((short) weight)
        .putShort((short) sign)
        .putShort((short) scale);
  }
}
