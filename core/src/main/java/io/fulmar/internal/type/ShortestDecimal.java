package io.fulmar.internal.type;

import java.math.BigInteger;

/**
 * The text of float4 and float8: the shortest decimal that reads back as the same number, as {@code
 * float4out} and {@code float8out} print it at extra_float_digits 1 (PostgreSQL manual, 8.1.3).
 *
 * <p>{@code Double.toString} does not serve: before JDK 19 it is not always the shortest, and
 * PostgreSQL takes no decimal that lies exactly half way between two numbers (it prints {@code
 * 9.999999999999999e+22} where Java prints {@code 1.0E23}). The algorithm is Raffaele Giulietti's
 * Schubfach ("The Schubfach way to render doubles", 2020) with an open rounding interval; names
 * follow that paper.
 */
final class ShortestDecimal {
  private static final double LOG10_2 = Math.log10(2);
  private static final double LOG10_3_4 = Math.log10(0.75);
  private static final double LOG2_10 = Math.log(10) / Math.log(2);

  /** The least and greatest k that the exponents of a float8 give. */
  private static final int K_MIN = -324;

  private static final int K_MAX = 292;

  private static final long LOW_63_BITS = Long.MAX_VALUE;

  /** For each k the 126 bits of 10^-k, rounded up, in two halves of 63 bits. */
  private static final long[] POWERS = powers();

  private ShortestDecimal() {}

  static String text(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.toString(value); // NaN, Infinity, -Infinity: as PostgreSQL has them
    }
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & 0x7FF;
    return text(bits < 0, bits & ((1L << 52) - 1), exponent, 1L << 52, -1074, 15);
  }

  static String text(float value) {
    if (Float.isNaN(value) || Float.isInfinite(value)) {
      return Float.toString(value);
    }
    int bits = Float.floatToRawIntBits(value);
    return text(bits < 0, bits & ((1 << 23) - 1), (bits >>> 23) & 0xFF, 1L << 23, -149, 6);
  }

  private static String text(
      boolean negative, long fraction, int exponent, long hidden, int qMin, int plainBelow) {
    StringBuilder out = new StringBuilder(24);
    if (negative) {
      out.append('-');
    }
    if (exponent == 0 && fraction == 0) {
      return out.append('0').toString();
    }
    long c = exponent == 0 ? fraction : fraction | hidden;
    int q = exponent == 0 ? qMin : qMin + exponent - 1;
    boolean nearerBelow = fraction == 0 && exponent > 1; // at a power of two
    int k = (int) Math.floor(q * LOG10_2 + (nearerBelow ? LOG10_3_4 : 0));
    long digits = digits(c, q, k, nearerBelow);
    while (digits % 10 == 0) {
      digits /= 10;
      k++;
    }
    print(out, Long.toString(digits), k, plainBelow);
    return out.toString();
  }

  /** The d for which d x 10^k is the shortest decimal for c x 2^q, and of those the nearest. */
  private static long digits(long c, int q, int k, boolean nearerBelow) {
    int h = q + (int) Math.floor(-k * LOG2_10) + 2;
    long g1 = POWERS[2 * (k - K_MIN)];
    long g0 = POWERS[2 * (k - K_MIN) + 1];
    long vb = roundToOdd(g1, g0, (4 * c) << h);
    long vbl = roundToOdd(g1, g0, (4 * c - (nearerBelow ? 1 : 2)) << h);
    long vbr = roundToOdd(g1, g0, (4 * c + 2) << h);
    long s = vb >> 2;
    long below10 = s / 10 * 10;
    long above10 = below10 + 10;
    if (vbl < below10 << 2) {
      return below10;
    }
    if (above10 << 2 < vbr) {
      return above10;
    }
    boolean belowFits = vbl < s << 2;
    boolean aboveFits = (s + 1) << 2 < vbr;
    if (belowFits != aboveFits) {
      return belowFits ? s : s + 1;
    }
    long toMiddle = vb - 2 * (2 * s + 1);
    return toMiddle < 0 || (toMiddle == 0 && (s & 1) == 0) ? s : s + 1;
  }

  /** g x cp x 2^-127, the lowest bit set if anything was cut off. */
  private static long roundToOdd(long g1, long g0, long cp) {
    long z = ((g1 * cp) >>> 1) + Math.multiplyHigh(g0, cp);
    long w = Math.multiplyHigh(g1, cp) + (z >>> 63);
    return w | ((z & LOW_63_BITS) != 0 ? 1 : 0);
  }

  /** Plain from 1e-04 to below 1e+15 (float8) or 1e+06 (float4), else with an exponent. */
  private static void print(StringBuilder out, String digits, int k, int plainBelow) {
    int exponent = k + digits.length() - 1;
    if (exponent < -4 || exponent >= plainBelow) {
      out.append(digits.charAt(0));
      if (digits.length() > 1) {
        out.append('.').append(digits, 1, digits.length());
      }
      int absolute = Math.abs(exponent);
      out.append('e').append(exponent < 0 ? '-' : '+').append(absolute < 10 ? "0" : "");
      out.append(absolute);
    } else if (exponent < 0) {
      out.append("0.").append("0".repeat(-exponent - 1)).append(digits);
    } else if (k >= 0) {
      out.append(digits).append("0".repeat(k));
    } else {
      out.append(digits, 0, exponent + 1).append('.');
      out.append(digits, exponent + 1, digits.length());
    }
  }

  private static long[] powers() {
    long[] powers = new long[2 * (K_MAX - K_MIN + 1)];
    for (int k = K_MIN; k <= K_MAX; k++) {
      BigInteger ten = BigInteger.TEN.pow(Math.abs(k));
      BigInteger g =
          k <= 0
              ? ten.shiftLeft(126).shiftRight(ten.bitLength())
              : BigInteger.ONE.shiftLeft(ten.bitLength() + 125).divide(ten);
      g = g.add(BigInteger.ONE);
      powers[2 * (k - K_MIN)] = g.shiftRight(63).longValueExact();
      powers[2 * (k - K_MIN) + 1] = g.longValue() & LOW_63_BITS;
    }
    return powers;
  }
}
