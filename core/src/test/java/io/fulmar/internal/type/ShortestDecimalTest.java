package io.fulmar.internal.type;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * {@link ShortestDecimal} against exact arithmetic: for each number the least count of digits at
 * which a decimal lies strictly between the middles to its two neighbours, and of those decimals
 * the nearest. Powers of two and ten with their neighbours, and random numbers.
 */
class ShortestDecimalTest {
  private static final BigDecimal TWO = BigDecimal.valueOf(2);

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  @Test
  void exactArithmeticItselfKnowsTheHardCases() {
    assertThat(exact(1e23)).isEqualByComparingTo("9.999999999999999e+22");
    assertThat(exact(Math.scalb(1.0, -44))).isEqualByComparingTo("5.684341886080802e-14");
    assertThat(exact(Double.MIN_VALUE)).isEqualByComparingTo("5e-324");
  }

  @Test
  void doublesAtPowersAreShortest() {
    for (int q = -1074; q < 1024; q++) {
      checkAround(Math.scalb(1.0, q));
    }
    for (int e = -323; e <= 308; e++) {
      checkAround(Double.parseDouble("1e" + e));
    }
  }

  private void checkAround(double value) {
    check(value);
    check(Math.nextUp(value));
    if (value > Double.MIN_VALUE) {
      check(Math.nextDown(value));
    }
  }

  @Test
  void randomDoublesAreShortest() {
    for (int i = 0; i < 3_000; i++) {
      double value = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(value) && value != 0) {
        check(value);
      }
      check((1 + random.nextInt(1_000_000_000)) / Math.pow(10, random.nextInt(12)));
      check((double) (random.nextLong() | 1));
    }
  }

  @Test
  void randomFloatsAreShortest() {
    for (int i = 0; i < 20_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isFinite(value) && value != 0) {
        check(value);
      }
    }
    for (int q = -149; q < 128; q++) {
      check(Math.scalb(1f, q));
    }
  }

  @Test
  void exponentStartsWhereTheServerLetsIt() {
    assertThat(ShortestDecimal.text(1e14)).isEqualTo("100000000000000");
    assertThat(ShortestDecimal.text(1e15)).isEqualTo("1e+15");
    assertThat(ShortestDecimal.text(1234567890123456.0)).isEqualTo("1.234567890123456e+15");
    assertThat(ShortestDecimal.text(0.00012)).isEqualTo("0.00012");
    assertThat(ShortestDecimal.text(0.000012)).isEqualTo("1.2e-05");
    assertThat(ShortestDecimal.text(-12.5)).isEqualTo("-12.5");
    assertThat(ShortestDecimal.text(123456.7f)).isEqualTo("123456.7");
    assertThat(ShortestDecimal.text(1234567f)).isEqualTo("1.234567e+06");
    assertThat(ShortestDecimal.text(-0.0)).isEqualTo("-0");
    assertThat(ShortestDecimal.text(0f)).isEqualTo("0");
    assertThat(ShortestDecimal.text(Double.NaN)).isEqualTo("NaN");
    assertThat(ShortestDecimal.text(Float.NEGATIVE_INFINITY)).isEqualTo("-Infinity");
  }

  private void check(double value) {
    String text = ShortestDecimal.text(value);
    assertThat(new BigDecimal(text)).as("seed %s", seed).isEqualByComparingTo(exact(value));
    assertThat(Double.parseDouble(text)).isEqualTo(value);
  }

  private void check(float value) {
    String text = ShortestDecimal.text(value);
    float magnitude = Math.abs(value);
    double above = magnitude == Float.MAX_VALUE ? 0x1.0p128 : Math.nextUp(magnitude);
    BigDecimal exact =
        exact(
            new BigDecimal(magnitude),
            new BigDecimal(Math.nextDown(magnitude)),
            new BigDecimal(above));
    assertThat(new BigDecimal(text).abs()).as("seed %s", seed).isEqualByComparingTo(exact);
    assertThat(Float.parseFloat(text)).isEqualTo(value);
  }

  private static BigDecimal exact(double value) {
    double magnitude = Math.abs(value);
    BigDecimal middle = new BigDecimal(magnitude);
    BigDecimal below = new BigDecimal(Math.nextDown(magnitude));
    BigDecimal above =
        magnitude == Double.MAX_VALUE
            ? middle.add(middle.subtract(below))
            : new BigDecimal(Math.nextUp(magnitude));
    BigDecimal exact = exact(middle, below, above);
    return value < 0 ? exact.negate() : exact;
  }

  private static BigDecimal exact(BigDecimal value, BigDecimal below, BigDecimal above) {
    BigDecimal low = value.add(below).divide(TWO);
    BigDecimal high = value.add(above).divide(TWO);
    for (int precision = 1; ; precision++) {
      BigDecimal floor = value.round(new MathContext(precision, RoundingMode.FLOOR));
      BigDecimal ceiling = value.round(new MathContext(precision, RoundingMode.CEILING));
      boolean floorFits = floor.compareTo(low) > 0;
      boolean ceilingFits = ceiling.compareTo(high) < 0;
      if (floorFits && ceilingFits) {
        return value.round(new MathContext(precision, RoundingMode.HALF_EVEN));
      } else if (floorFits || ceilingFits) {
        return floorFits ? floor : ceiling;
      }
    }
  }
}
