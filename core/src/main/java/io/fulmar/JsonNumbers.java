package io.fulmar;

/**
 * How destinations that write JSON write numbers. NaN and infinities, which JSON lacks, are strings
 * with either.
 */
public enum JsonNumbers {
  /**
   * As JSON numbers with every digit that PostgreSQL has: {@code 9007199254740993}, {@code 1.00}.
   * For readers that keep them; many read numbers as doubles, as JSON lets them (RFC 8259, section
   * 6).
   */
  EXACT,

  /**
   * As JSON numbers if a double holds the value, which is so for integers up to 2<sup>53</sup> - 1,
   * else as strings: {@code "9007199254740993"}.
   */
  SAFE
}
