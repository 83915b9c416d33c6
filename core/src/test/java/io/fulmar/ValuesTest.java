package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Range.Bounds;
import java.time.Duration;
import java.time.Period;
import org.junit.jupiter.api.Test;

/** The values that Java has no type for: intervals and ranges. */
class ValuesTest {
  @Test
  void intervalsComeFromAndBecomeThoseOfJava() {
    assertThat(Interval.of(Period.of(1, 2, -3))).isEqualTo(new Interval(14, -3, 0));
    assertThat(Interval.of(Duration.ofNanos(1_999))).isEqualTo(new Interval(0, 0, 1));
    assertThat(Interval.of(Duration.ofDays(-2))).isEqualTo(new Interval(0, 0, -172_800_000_000L));
    assertThat(new Interval(-14, 3, 5).period()).isEqualTo(Period.of(-1, -2, 3));
    assertThat(new Interval(1, 1, -1_500_000).duration()).isEqualTo(Duration.ofMillis(-1_500));
    assertThat(new Interval(0, 0, Long.MIN_VALUE).duration())
        .isEqualTo(Duration.ofSeconds(-9_223_372_036_855L, 224_192_000));
    assertThat(new Interval(1, 0, 0)).isNotEqualTo(new Interval(0, 30, 0));
  }

  @Test
  void intervalsBeyondThoseOfPostgresAreRefused() {
    assertThatThrownBy(() -> Interval.of(Period.ofYears(Integer.MAX_VALUE)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("period in months must be -2147483648 to 2147483647, is 25769803764");
    assertThatThrownBy(() -> Interval.of(Duration.ofHours(2_562_047_789L)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("duration must be PT-2562047788H to PT2562047788H, is PT2562047789H");
  }

  @Test
  void rangesKnowTheirBounds() {
    Range<Integer> range = new Range<>(1, 5, Bounds.CLOSED_OPEN);
    assertThat(range).hasToString("[1,5)");
    assertThat(range.isEmpty()).isFalse();
    assertThat(range.bounds().includesLower()).isTrue();
    assertThat(range.bounds().includesUpper()).isFalse();
    assertThat(new Range<>(null, 5, Bounds.OPEN_CLOSED)).hasToString("(,5]");
    assertThat(new Range<>(1, 5, Bounds.CLOSED)).hasToString("[1,5]");
    assertThat(new Range<>(null, null, Bounds.OPEN)).hasToString("(,)");
    assertThat(Range.empty()).hasToString("empty").isEqualTo(Range.empty());
    assertThat(Range.empty().isEmpty()).isTrue();
  }

  @Test
  void rangesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new Range<>(null, 5, Bounds.CLOSED))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("a bound that is missing cannot belong to a range");
    assertThatThrownBy(() -> new Range<>(1, null, Bounds.OPEN_CLOSED))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("a bound that is missing cannot belong to a range");
    assertThatThrownBy(() -> new Range<>(1, null, Bounds.EMPTY))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("an empty range has no bounds");
  }
}
