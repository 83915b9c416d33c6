package io.fulmar.verify.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Medians, spreads and exponents. */
class StatisticsTest {
  private static final double EXACTLY = 1e-12;

  @Test
  void medianIsTheMiddleOneOrTheMeanOfTwo() {
    assertThat(Statistics.median(List.of(3.0, 1.0, 2.0))).isEqualTo(2);
    assertThat(Statistics.median(List.of(4.0, 1.0, 2.0, 3.0))).isEqualTo(2.5);
    assertThat(Statistics.median(List.of(7.0))).isEqualTo(7);
  }

  @Test
  void whatWasNotMeasuredIsLeftOut() {
    assertThat(Statistics.median(List.of(Double.NaN, 1.0, 2.0, 3.0))).isEqualTo(2);
    assertThat(Statistics.median(List.of(Double.NaN))).isNaN();
    assertThat(Statistics.median(List.of())).isNaN();
    assertThat(Statistics.least(List.of())).isNaN();
    assertThat(Statistics.most(List.of())).isNaN();
  }

  @Test
  void spreadIsHalfTheRangeAsAShareOfTheMedian() {
    assertThat(Statistics.least(List.of(2.0, 1.8, 2.4))).isEqualTo(1.8);
    assertThat(Statistics.most(List.of(2.0, 1.8, 2.4))).isEqualTo(2.4);
    assertThat(Statistics.spread(List.of(2.0, 1.8, 2.4))).isCloseTo(0.15, within(EXACTLY));
  }

  @Test
  void exponentIsThePowerWithWhichTimeGrows() {
    double[] rows = {1e4, 1e5, 1e6};
    assertThat(Statistics.exponent(rows, new double[] {0.02, 0.2, 2}))
        .isCloseTo(1, within(EXACTLY));
    assertThat(Statistics.exponent(rows, new double[] {3, 3, 3})).isCloseTo(0, within(EXACTLY));
    assertThat(Statistics.exponent(rows, new double[] {1e-3, 1e-1, 10}))
        .isCloseTo(2, within(EXACTLY));
    assertThat(Statistics.exponent(new double[] {1e4}, new double[] {1})).isNaN();
  }
}
