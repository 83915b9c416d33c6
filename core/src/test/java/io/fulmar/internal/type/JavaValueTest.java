package io.fulmar.internal.type;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Interval;
import io.fulmar.Range;
import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Values of Java and the text that PostgreSQL has for them. */
class JavaValueTest {
  static Arguments[] texts() {
    return new Arguments[] {
      Arguments.of(true, "true"),
      Arguments.of(-7, "-7"),
      Arguments.of(Long.MIN_VALUE, "-9223372036854775808"),
      Arguments.of(0.1f, "0.1"),
      Arguments.of(1e21, "1e+21"),
      Arguments.of(Double.NaN, "NaN"),
      Arguments.of(Double.NEGATIVE_INFINITY, "-Infinity"),
      Arguments.of(new BigDecimal("1.00"), "1.00"),
      Arguments.of(new BigDecimal("1E+3"), "1000"),
      Arguments.of("tab\t\ud83d\ude00", "tab\t\ud83d\ude00"),
      Arguments.of(new byte[] {0, -1}, "\\x00ff"),
      Arguments.of(LocalDate.of(2026, 1, 5), "2026-01-05"),
      Arguments.of(LocalDate.of(0, 12, 31), "0001-12-31 BC"),
      Arguments.of(LocalDate.of(-4713, 11, 24), "4714-11-24 BC"),
      Arguments.of(LocalDate.of(5_874_897, 12, 31), "5874897-12-31"),
      Arguments.of(LocalTime.of(9, 5), "09:05:00"),
      Arguments.of(LocalTime.of(9, 5, 0, 120_000_999), "09:05:00.12"),
      Arguments.of(OffsetTime.of(9, 5, 1, 0, ZoneOffset.ofHoursMinutes(-5, -30)), "09:05:01-05:30"),
      Arguments.of(LocalDateTime.of(12026, 1, 5, 9, 5, 1), "12026-01-05 09:05:01"),
      Arguments.of(LocalDateTime.of(-1, 1, 5, 9, 5, 1, 1_000), "0002-01-05 09:05:01.000001 BC"),
      Arguments.of(
          OffsetDateTime.of(2026, 1, 5, 23, 5, 1, 1_999, ZoneOffset.ofHours(-2)),
          "2026-01-06 01:05:01.000001+00"),
      Arguments.of(
          UUID.fromString("123e4567-e89b-12d3-a456-426614174000"),
          "123e4567-e89b-12d3-a456-426614174000"),
      Arguments.of(new SpecialValue("infinity"), "infinity"),
      Arguments.of(new Interval(14, -3, 1), "1 year 2 mons -3 days +00:00:00.000001"),
      Arguments.of(List.of(), "{}"),
      Arguments.of(Arrays.asList(1, null, 3), "{1,NULL,3}"),
      Arguments.of(List.of(true, false), "{t,f}"),
      Arguments.of(
          List.of(List.of("a", "NULL"), List.of("", "null")), "{{a,\"NULL\"},{\"\",\"null\"}}"),
      Arguments.of(
          List.of("a b", "a\tb", "q\"", "b\\", "{", "}", ",", ";", "ü\u00a0"),
          "{\"a b\",\"a\tb\",\"q\\\"\",\"b\\\\\",\"{\",\"}\",\",\",;,ü\u00a0}"),
      Arguments.of(List.of(new byte[] {1}), "{\"\\\\x01\"}"),
      Arguments.of(
          List.of(new Range<>(1, 2, Range.Bounds.CLOSED_OPEN), Range.empty()), "{\"[1,2)\",empty}"),
      Arguments.of(new Range<>(null, "a,b\"\\", Range.Bounds.OPEN_CLOSED), "(,\"a,b\"\"\\\\\"]"),
      Arguments.of(
          new Range<>(
              LocalDateTime.of(2026, 1, 1, 0, 0),
              new SpecialValue("infinity"),
              Range.Bounds.CLOSED_OPEN),
          "[\"2026-01-01 00:00:00\",infinity)"),
      Arguments.of(Map.of("k\"", "v\\"), "\"k\\\"\"=>\"v\\\\\""),
      Arguments.of(Collections.singletonMap("k", null), "\"k\"=>NULL"),
    };
  }

  @ParameterizedTest
  @MethodSource("texts")
  void textIsThatOfPostgres(Object value, String text) {
    assertThat(JavaValue.objection(value)).isNull();
    assertThat(JavaValue.text(JavaValue.normal(value))).isEqualTo(text);
  }

  static Arguments[] objections() {
    return new Arguments[] {
      Arguments.of((short) 1, "is a java.lang.Short"),
      Arguments.of(Instant.EPOCH, "is a java.time.Instant"),
      Arguments.of(BigInteger.ONE, "is a java.math.BigInteger"),
      Arguments.of("a\0b", "holds the character 0"),
      Arguments.of(Set.of(1), "is a " + Set.of(1).getClass().getName()),
      Arguments.of(List.of(Instant.EPOCH), "has a part that is a java.time.Instant"),
      Arguments.of(List.of("a\0"), "has a part that holds the character 0"),
      Arguments.of(
          List.of(List.of(1), List.of(1, 2)),
          "has lists of different lengths, or empty ones, in a list"),
      Arguments.of(
          List.of(List.of(1), 2), "has lists of different lengths, or empty ones, in a list"),
      Arguments.of(List.of(List.of()), "has lists of different lengths, or empty ones, in a list"),
      Arguments.of(
          List.of(List.of(List.of(1)), List.of(List.of(1, 2))),
          "has lists of different lengths, or empty ones, in a list"),
      Arguments.of(
          List.of(List.of(List.of(List.of(List.of(List.of(List.of(1))))))),
          "has more dimensions than an array"),
      Arguments.of(Map.of(1, "a"), "is a map of something else than texts"),
      Arguments.of(Map.of("a", 1), "is a map of something else than texts"),
      Arguments.of(Map.of("a", "\0"), "has a part that holds the character 0"),
      Arguments.of(
          new Range<>(LocalDate.MIN, null, Range.Bounds.OPEN),
          "has a part that is beyond the dates that PostgreSQL has"),
      Arguments.of("a\ud83d", "holds half a surrogate pair"),
      Arguments.of("\ude00\ud83d", "holds half a surrogate pair"),
      Arguments.of(new SpecialValue("\0"), "holds the character 0"),
      Arguments.of(new BigDecimal("1E+1000000000"), "has more digits than a numeric"),
      Arguments.of(new BigDecimal("1E-16384"), "has more digits than a numeric"),
      Arguments.of(LocalDate.MAX, "is beyond the dates that PostgreSQL has"),
      Arguments.of(LocalDate.of(-4713, 11, 23), "is beyond the dates that PostgreSQL has"),
      Arguments.of(
          LocalDateTime.of(294_277, 1, 1, 0, 0), "is beyond the dates that PostgreSQL has"),
      Arguments.of(OffsetDateTime.MIN, "is beyond the dates that PostgreSQL has"),
      Arguments.of(OffsetDateTime.MAX, "is beyond the dates that PostgreSQL has"),
      Arguments.of(
          OffsetDateTime.of(294_276, 12, 31, 23, 0, 0, 0, ZoneOffset.ofHours(-2)),
          "is beyond the dates that PostgreSQL has"),
      Arguments.of(
          OffsetTime.of(LocalTime.NOON, ZoneOffset.ofHours(16)),
          "has a larger offset than a time with time zone"),
    };
  }

  @ParameterizedTest
  @MethodSource("objections")
  void whatPostgresCannotHoldIsRefusedWithoutTheValue(Object value, @Nullable String objection) {
    assertThat(JavaValue.objection(value)).isEqualTo(objection);
  }

  @Test
  void arraysAreCopied() {
    byte[] bytes = {1};
    assertThat(JavaValue.normal(bytes)).isNotSameAs(bytes).isEqualTo(bytes);
  }

  @Test
  void nothingCanBeChangedThroughAValueThatWasHandedOut() {
    byte[] bytes = {1};
    List<Object> list = new ArrayList<>(List.of(bytes));
    Object normal = JavaValue.normal(list);
    bytes[0] = 9;
    list.add(bytes);
    Object copy = JavaValue.copy(normal);
    assertThat((List<?>) normal).singleElement().isEqualTo(new byte[] {1});
    ((byte[]) ((List<?>) copy).get(0))[0] = 7;
    assertThat((List<?>) normal).singleElement().isEqualTo(new byte[] {1});
  }
}
