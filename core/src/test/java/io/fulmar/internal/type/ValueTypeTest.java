package io.fulmar.internal.type;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Interval;
import io.fulmar.Range;
import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Texts as PostgreSQL 17 printed them, and what they mean. That they are what other versions print
 * too is held by the type matrix, against real servers.
 */
class ValueTypeTest {
  private static final ValueType INTS = new ArrayType(ScalarType.INTEGER, ',');
  private static final ValueType TEXTS = new ArrayType(ScalarType.TEXT, ',');
  private static final RangeType DATES = new RangeType(ScalarType.DATE);
  private static final ValueType PAIR =
      new CompositeType(List.of("a", "b"), List.of(ScalarType.TEXT, INTS));

  static Arguments[] values() {
    return new Arguments[] {
      Arguments.of(ScalarType.BOOLEAN, "t", true),
      Arguments.of(ScalarType.LONG, "4294967295", 4_294_967_295L),
      Arguments.of(ScalarType.FLOAT, "1e+06", 1e6f),
      Arguments.of(ScalarType.DOUBLE, "-Infinity", Double.NEGATIVE_INFINITY),
      Arguments.of(ScalarType.DECIMAL, "1.00", new BigDecimal("1.00")),
      Arguments.of(ScalarType.DECIMAL, "NaN", new SpecialValue("NaN")),
      Arguments.of(
          ScalarType.MONEY, "-$92,233,720,368,547,758.08", new BigDecimal("-92233720368547758.08")),
      Arguments.of(ScalarType.BYTES, "\\x00ff", new byte[] {0, -1}),
      Arguments.of(ScalarType.DATE, "0044-03-15 BC", LocalDate.of(-43, 3, 15)),
      Arguments.of(ScalarType.DATE, "5874897-12-31", LocalDate.of(5_874_897, 12, 31)),
      Arguments.of(ScalarType.DATE, "-infinity", new SpecialValue("-infinity")),
      Arguments.of(ScalarType.TIME, "23:59:59.000001", LocalTime.of(23, 59, 59, 1_000)),
      Arguments.of(ScalarType.TIME, "24:00:00", new SpecialValue("24:00:00")),
      Arguments.of(
          ScalarType.TIMETZ,
          "12:00:00.5-05:30",
          OffsetTime.of(12, 0, 0, 500_000_000, ZoneOffset.ofHoursMinutes(-5, -30))),
      Arguments.of(
          ScalarType.TIMETZ,
          "12:00:00+15:59:59",
          OffsetTime.of(12, 0, 0, 0, ZoneOffset.ofTotalSeconds(57_599))),
      Arguments.of(ScalarType.TIMETZ, "12:00:00+00", OffsetTime.of(12, 0, 0, 0, ZoneOffset.UTC)),
      Arguments.of(ScalarType.TIMETZ, "24:00:00+02", new SpecialValue("24:00:00+02")),
      Arguments.of(
          ScalarType.TIMESTAMP, "4713-01-01 00:00:01 BC", LocalDateTime.of(-4712, 1, 1, 0, 0, 1)),
      Arguments.of(
          ScalarType.TIMESTAMPTZ,
          "294276-12-31 23:59:59.999999+00",
          LocalDateTime.of(294_276, 12, 31, 23, 59, 59, 999_999_000).atOffset(ZoneOffset.UTC)),
      Arguments.of(
          ScalarType.TIMESTAMPTZ,
          "0044-03-15 00:00:00+00 BC",
          LocalDateTime.of(-43, 3, 15, 0, 0).atOffset(ZoneOffset.UTC)),
      Arguments.of(
          ScalarType.TIMESTAMPTZ,
          "2026-01-01 00:00:00+05:45",
          new SpecialValue("2026-01-01 00:00:00+05:45")),
      Arguments.of(ScalarType.HSTORE, "", Map.of()),
      Arguments.of(ScalarType.HSTORE, "\"a\\\"=>\"=>\"\", \"\"=>NULL", map("a\"=>", "", "", null)),
      Arguments.of(INTS, "{}", List.of()),
      Arguments.of(INTS, "{1,NULL,-3}", Arrays.asList(1, null, -3)),
      Arguments.of(INTS, "{{1,2},{3,4}}", List.of(List.of(1, 2), List.of(3, 4))),
      Arguments.of(INTS, "{{{1}}}", List.of(List.of(List.of(1)))),
      Arguments.of(INTS, "[0:1]={1,2}", new SpecialValue("[0:1]={1,2}")),
      Arguments.of(
          TEXTS,
          "{\"\",\"NULL\",null_,\"a,b\",\"{}\",\"q\\\"\\\\\",NULL,\" x\",ü}",
          Arrays.asList("", "NULL", "null_", "a,b", "{}", "q\"\\", null, " x", "ü")),
      Arguments.of(
          new ArrayType(ScalarType.DATE, ','),
          "{infinity,2026-01-01}",
          List.of(new SpecialValue("infinity"), LocalDate.of(2026, 1, 1))),
      Arguments.of(
          new ArrayType(ScalarType.TEXT, ';'),
          "{(1,1),(0,0);(2,2),(1,1)}",
          List.of("(1,1),(0,0)", "(2,2),(1,1)")),
      Arguments.of(DATES, "empty", Range.empty()),
      Arguments.of(DATES, "(,)", new Range<>(null, null, Range.Bounds.OPEN)),
      Arguments.of(
          DATES,
          "[2026-01-01,infinity)",
          new Range<>(
              LocalDate.of(2026, 1, 1), new SpecialValue("infinity"), Range.Bounds.CLOSED_OPEN)),
      Arguments.of(
          new RangeType(ScalarType.TEXT),
          "(\"\",\"a,\"\"b\\\\]\"]",
          new Range<>("", "a,\"b\\]", Range.Bounds.OPEN_CLOSED)),
      Arguments.of(
          new MultirangeType(new RangeType(ScalarType.INTEGER)),
          "{(,1),[3,5)}",
          List.of(
              new Range<>(null, 1, Range.Bounds.OPEN),
              new Range<>(3, 5, Range.Bounds.CLOSED_OPEN))),
      Arguments.of(new MultirangeType(DATES), "{}", List.of()),
      Arguments.of(PAIR, "(,)", map("a", null, "b", null)),
      Arguments.of(
          PAIR,
          "(\"x \"\"y\"\" (z), \\\\\",\"{1,2}\")",
          map("a", "x \"y\" (z), \\", "b", List.of(1, 2))),
      Arguments.of(PAIR, "(\"\",{})", map("a", "", "b", List.of())),
      Arguments.of(new CompositeType(List.of(), List.of()), "()", Map.of()),
    };
  }

  private static Map<String, Object> map(String a, Object one, String b, Object other) {
    Map<String, Object> map = new HashMap<>();
    map.put(a, one);
    map.put(b, other);
    return map;
  }

  @ParameterizedTest
  @MethodSource("values")
  void textGivesTheValueItMeans(ValueType type, String text, Object value) {
    assertThat(type.value(text)).isEqualTo(value);
  }

  @ParameterizedTest
  @MethodSource("values")
  void valueKeepsItsText(ValueType type, String text, Object value) {
    Object decoded = type.value(text);
    assertThat(JavaValue.objection(decoded)).isNull();
    String expected =
        type == ScalarType.BOOLEAN ? "true" : type == ScalarType.MONEY ? value.toString() : text;
    assertThat(JavaValue.text(JavaValue.normal(JavaValue.copy(decoded)))).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("values")
  void typeIsFoundAgainInAFile(ValueType type, String text, Object value) {
    assertThat(TypeCode.parse(TypeCode.of(type))).isEqualTo(type);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "NOPE;",
        "INTEGER",
        "INTEGER;x",
        "[",
        "[,",
        "{INTEGER;",
        "<1:",
        "<1:5:aINTEGER;"
      })
  void whatIsNoTypeIsRefused(String code) {
    assertThatThrownBy(() -> TypeCode.parse(code)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "{", "{1", "{1,", "{1}}", "{1}x", "{x}y", "{{1},", "(1,2)", "{\"1}", "{1 2", "NULL"
      })
  void textThatIsNotOfItsTypeIsSpecial(String text) {
    assertThat(INTS.value(text)).isEqualTo(new SpecialValue(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "(1)", "(a,{1},c)", "a,b", "(\"a,{1})", "(a,{1}) "})
  void compositeOfAnotherFormIsSpecial(String text) {
    assertThat(PAIR.value(text)).isEqualTo(new SpecialValue(text));
  }

  @Test
  void whatComesOutOfATextCannotBeChanged() {
    List<?> list = (List<?>) INTS.value("{{1},{2}}");
    Map<?, ?> map = (Map<?, ?>) PAIR.value("(x,{1})");
    assertThatThrownBy(() -> list.remove(0)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> ((List<?>) list.get(0)).remove(0))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> map.remove("a")).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(map::clear).isInstanceOf(UnsupportedOperationException.class);
  }

  static Arguments[] intervals() {
    return new Arguments[] {
      Arguments.of(new Interval(0, 0, 0), "00:00:00"),
      Arguments.of(new Interval(14, 3, 14_706_700_000L), "1 year 2 mons 3 days 04:05:06.7"),
      Arguments.of(new Interval(-14, 3, -1), "-1 years -2 mons +3 days -00:00:00.000001"),
      Arguments.of(new Interval(1, -1, 1_000_000), "1 mon -1 days +00:00:01"),
      Arguments.of(new Interval(12, 0, 0), "1 year"),
      Arguments.of(new Interval(0, 1, 0), "1 day"),
      Arguments.of(new Interval(0, 0, 360_000_000_000L), "100:00:00"),
      Arguments.of(
          new Interval(Integer.MIN_VALUE, Integer.MIN_VALUE, Long.MIN_VALUE),
          "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808"),
      Arguments.of(
          new Interval(Integer.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE),
          "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807"),
    };
  }

  @ParameterizedTest
  @MethodSource("intervals")
  void intervalAndItsTextAreTheSame(Interval interval, String text) {
    assertThat(ScalarType.INTERVAL.value(text)).isEqualTo(interval);
    assertThat(JavaValue.text(interval)).isEqualTo(text);
    assertThat(interval).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"infinity", "-infinity", "", "1 week", "1", "4294967296 mons", "x:00:00"})
  void intervalThatJavaLacksIsSpecial(String text) {
    assertThat(ScalarType.INTERVAL.value(text)).isEqualTo(new SpecialValue(text));
  }
}
