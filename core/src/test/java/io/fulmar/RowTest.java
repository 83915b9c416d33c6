package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.TypeCode;
import io.fulmar.internal.type.ValueType;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the accessors of a row give and refuse. The row has a column for each accessor, and others
 * with values that no accessor takes.
 */
class RowTest {
  private static final String SECRET = "canary-7531";

  private final List<String> names = new ArrayList<>();
  private final List<ValueType> types = new ArrayList<>();
  private final ByteArrayOutputStream image = new ByteArrayOutputStream();

  /** A column that is read as text. */
  private RowTest with(String name, String type, @Nullable String text) {
    names.add(name);
    types.add(TypeCode.parse(type));
    byte[] bytes = text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    image.writeBytes(ByteBuffer.allocate(4).putInt(text == null ? -1 : bytes.length).array());
    image.writeBytes(bytes);
    return this;
  }

  private Row row() {
    List<Integer> fields = new ArrayList<>();
    names.forEach(name -> fields.add(fields.size()));
    List<ColumnKind> kinds = names.stream().map(name -> ColumnKind.OTHER).toList();
    return ImageRow.of(Shape.of(names, kinds, types, fields), image.toByteArray());
  }

  private static Row rowOfAll() {
    return new RowTest()
        .with("text", "TEXT;", SECRET)
        .with("flag", "BOOLEAN;", "t")
        .with("small", "INTEGER;", "7")
        .with("big", "LONG;", "9007199254740993")
        .with("amount", "DECIMAL;", "1.50")
        .with("born", "DATE;", "2026-01-05")
        .with("seen", "TIMESTAMPTZ;", "2026-01-05 10:00:00+00")
        .with("tags", "[,TEXT;", "{a,NULL}")
        .with("counts", "[,INTEGER;", "{1,2}")
        .with("never", "DATE;", "infinity")
        .with("no_number", "DECIMAL;", "NaN")
        .with("nevers", "[,DATE;", "{infinity}")
        .with("during", "(INTEGER;", "[1,5)")
        .with("home", "<2:6:streetTEXT;6:numberINTEGER;", "(Main,5)")
        .with("nothing", "TEXT;", null)
        .row();
  }

  @Test
  void eachAccessorGivesItsType() {
    Row row = rowOfAll();
    assertThat(row.string("text")).isEqualTo(SECRET);
    assertThat(row.bool("flag")).isTrue();
    assertThat(row.intValue("small")).isEqualTo(7);
    assertThat(row.longValue("small")).isEqualTo(7L);
    assertThat(row.longValue("big")).isEqualTo(9_007_199_254_740_993L);
    assertThat(row.decimal("amount")).isEqualTo(new BigDecimal("1.50"));
    assertThat(row.decimal("small")).isEqualTo(new BigDecimal("7"));
    assertThat(row.localDate("born")).isEqualTo(LocalDate.of(2026, 1, 5));
    assertThat(row.instant("seen")).isEqualTo(Instant.parse("2026-01-05T10:00:00Z"));
    assertThat(row.list("tags", String.class)).containsExactly("a", null);
    assertThat(row.list("counts", Long.class)).containsExactly(1L, 2L);
    assertThat(row.value("seen", OffsetDateTime.class))
        .isEqualTo(OffsetDateTime.parse("2026-01-05T10:00:00Z"));
    assertThat(row.value("during", Range.class))
        .isEqualTo(new Range<>(1, 5, Range.Bounds.CLOSED_OPEN));
    assertThat(row.value("small", int.class)).isEqualTo(7);
    assertThat(row.value("home", Address.class)).isEqualTo(new Address("Main", 5));
  }

  record Address(String street, long number) {}

  static List<Function<Row, @Nullable Object>> accessorsOfNothing() {
    return List.of(
        row -> row.string("nothing"),
        row -> row.bool("nothing"),
        row -> row.intValue("nothing"),
        row -> row.longValue("nothing"),
        row -> row.decimal("nothing"),
        row -> row.localDate("nothing"),
        row -> row.instant("nothing"),
        row -> row.list("nothing", String.class),
        row -> row.value("nothing", int.class),
        row -> row.value("nothing"),
        row -> row.text("nothing"));
  }

  @ParameterizedTest
  @MethodSource("accessorsOfNothing")
  void nullIsNullForEveryAccessor(Function<Row, @Nullable Object> accessor) {
    assertThat(accessor.apply(rowOfAll())).isNull();
  }

  private static Arguments refused(String column, String as, String found, Function<Row, ?> call) {
    return Arguments.of(column, as, found, call);
  }

  static Arguments[] refusals() {
    String special = "it is a SpecialValue, which Java has no other type for";
    return new Arguments[] {
      refused("small", "String", fits("Integer"), row -> row.string("small")),
      refused("text", "Boolean", fits("String"), row -> row.bool("text")),
      refused("big", "Integer", fits("Long"), row -> row.intValue("big")),
      refused("amount", "Long", fits("BigDecimal"), row -> row.longValue("amount")),
      refused("text", "BigDecimal", fits("String"), row -> row.decimal("text")),
      refused("no_number", "BigDecimal", special, row -> row.decimal("no_number")),
      refused("no_number", "Double", special, row -> row.value("no_number", Double.class)),
      refused("never", "LocalDate", special, row -> row.localDate("never")),
      refused("seen", "LocalDate", fits("OffsetDateTime"), row -> row.localDate("seen")),
      refused("born", "Instant", fits("LocalDate"), row -> row.instant("born")),
      refused("big", "Double", fits("Long"), row -> row.value("big", Double.class)),
      refused(
          "tags",
          "a List of Integer",
          "an element of it is String, which does not fit",
          row -> row.list("tags", Integer.class)),
      refused(
          "nevers",
          "a List of LocalDate",
          "an element of it is a SpecialValue, which Java has no other type for",
          row -> row.list("nevers", LocalDate.class)),
      refused("home", "a List of String", fits("Map"), row -> row.list("home", String.class)),
      refused("text", "UUID", fits("String"), row -> row.value("text", UUID.class)),
    };
  }

  private static String fits(String type) {
    return "it is %s, which does not fit".formatted(type);
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whatDoesNotFitIsRefusedWithoutItsValue(
      String column, String as, String fact, Function<Row, ?> call) {
    assertThatThrownBy(() -> call.apply(rowOfAll()))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot take the column %s as %s: %s. Use value(column), or text(column) for PostgreSQL's text.",
            column, as, fact);
  }

  @Test
  void missingColumnIsRefusedByEveryAccessor() {
    Row row = new RowTest().with("a", "TEXT;", "x").row();
    assertThatThrownBy(() -> row.string("b"))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no column b; there are [a]");
  }

  @Test
  void textIsThereWhateverTheValueIs() {
    Row row = rowOfAll();
    assertThat(row.text("never")).isEqualTo("infinity");
    assertThat(row.text("tags")).isEqualTo("{a,NULL}");
    assertThat(row.text("home")).isEqualTo("(Main,5)");
    assertThat(row.value("never")).isEqualTo(new SpecialValue("infinity"));
    assertThat(row.toString()).doesNotContain(SECRET, "Main").startsWith("Row[text, flag");
  }

  record Person(
      String text,
      boolean flag,
      long big,
      Instant seen,
      List<String> tags,
      List<Long> counts,
      Range<Long> during,
      Address home,
      @Nullable String nothing) {}

  @Test
  void recordTakesListsRangesAndRecords() {
    assertThat(rowOfAll().as(Person.class))
        .isEqualTo(
            new Person(
                SECRET,
                true,
                9_007_199_254_740_993L,
                Instant.parse("2026-01-05T10:00:00Z"),
                Arrays.asList("a", null),
                List.of(1L, 2L),
                new Range<>(1L, 5L, Range.Bounds.CLOSED_OPEN),
                new Address("Main", 5),
                null));
  }

  record Matrix(List<List<Short>> m, List<Address> homes, Map<String, Object> home) {}

  @Test
  void recordTakesListsOfListsAndOfRecords() {
    Row row =
        new RowTest()
            .with("m", "[,INTEGER;", "{{1,2},{3,4}}")
            .with("homes", "[,<2:6:streetTEXT;6:numberINTEGER;", "{\"(a,1)\",\"(b,2)\"}")
            .with("home", "<1:6:streetTEXT;", "(c)")
            .row();
    assertThat(row.as(Matrix.class))
        .isEqualTo(
            new Matrix(
                List.of(List.of((short) 1, (short) 2), List.of((short) 3, (short) 4)),
                List.of(new Address("a", 1), new Address("b", 2)),
                Map.of("street", "c")));
  }

  record Ranges(Range<LocalDate> during) {}

  @Test
  void recordRefusesWhatIsInsideAndDoesNotFit() {
    Row row = new RowTest().with("during", "(DATE;", "[2026-01-01,infinity)").row();
    assertThatThrownBy(() -> row.as(Ranges.class))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("component during of ")
        .hasMessageEndingWith("is Range, and the column gives Range that does not fit");
  }
}
