package io.fulmar.internal.run;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Shares of a whole, 0 to 1, as the decimals that the application wrote: 29 of 100 is not more than
 * 0.29, although it is more than the double of that name.
 */
final class Share {
  private static final MathContext DIGITS = new MathContext(5);

  private Share() {}

  /** Whether a part of a whole is more than a share of it. */
  static boolean isExceeded(double share, long part, long whole) {
    BigDecimal limit = BigDecimal.valueOf(share).multiply(BigDecimal.valueOf(whole));
    return BigDecimal.valueOf(part).compareTo(limit) > 0;
  }

  /** A share in words, to five digits: {@code "0.1 %"}. */
  static String percent(double share) {
    BigDecimal hundredths = BigDecimal.valueOf(share).movePointRight(2).round(DIGITS);
    return hundredths.stripTrailingZeros().toPlainString() + " %";
  }
}
