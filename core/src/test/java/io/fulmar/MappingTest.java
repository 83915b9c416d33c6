package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What can be said of a mapping and of remembered columns, and what is refused at once. */
class MappingTest {
  private static Mapping.Builder id() {
    return Mapping.builder().column("id");
  }

  private static Sync.Builder sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1").key("id", "region"))
        .to(Destination.of("crm", batch -> Delivery.allAccepted()));
  }

  @Test
  void columnsKeepTheirOrderAndNameWhatTheyTake() {
    Mapping mapping =
        Mapping.builder()
            .columns("b", "a")
            .column("a", "c")
            .constant("d", 1)
            .compute("e", 2, List.of("x", "y"), row -> null)
            .runNumber("f")
            .syncedAt("g")
            .build();

    assertThat(mapping).hasToString("Mapping[b, a, c, d, e, f, g]");
    assertThat(mapping.columns())
        .extracting(Mapping.Column::inputs)
        .containsExactly(
            List.of("b"),
            List.of("a"),
            List.of("a"),
            List.of(),
            List.of("x", "y"),
            List.of(),
            List.of());
    assertThatThrownBy(() -> mapping.columns().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void mappingDoesNotChangeWithWhatItWasMadeOf() {
    byte[] bytes = {1, 2};
    List<String> inputs = new ArrayList<>(List.of("x"));
    Mapping.Builder builder =
        id().constant("b", bytes).compute("c", 1, inputs, row -> row.value("x"));
    Mapping mapping = builder.build();
    bytes[0] = 9;
    inputs.add("y");
    builder.column("later");

    assertThat(mapping.columns()).hasSize(3);
    Mapping.Constant constant = (Mapping.Constant) mapping.columns().get(1);
    assertThat((byte[]) constant.value()).containsExactly(1, 2);
    ((byte[]) constant.value())[0] = 7;
    assertThat((byte[]) constant.value()).containsExactly(1, 2);
    assertThat(mapping.columns().get(2).inputs()).containsExactly("x");
  }

  @Test
  @DisplayName("P11: a constant may be a secret and is not shown")
  void constantIsNotShown() {
    assertThat(id().constant("token", "s3cret").build().columns().get(1))
        .hasToString("Constant[token]");
    assertThatThrownBy(() -> Mapping.builder().constant("token", "s3cret\0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the value of token holds the character 0; Row says which types there are");
  }

  @Test
  void constantIsOneOfTheTypesOfRow() {
    assertThatThrownBy(() -> Mapping.builder().constant("d", new Date()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the value of d is a java.util.Date; Row says which types there are");
    Mapping.Constant constant =
        (Mapping.Constant)
            Mapping.builder()
                .constant("d", OffsetDateTime.parse("2026-01-15T12:00:00.123456789+02:00"))
                .build()
                .columns()
                .get(0);
    assertThat(constant.value()).isEqualTo(OffsetDateTime.parse("2026-01-15T10:00:00.123456Z"));
  }

  @Test
  @DisplayName("S-07: names that are there already, empty ones and nulls are refused")
  void badNamesAreRefused() {
    assertThatThrownBy(() -> id().constant("id", 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is a column id already");
    assertThatThrownBy(() -> id().column("a", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name must not be empty and not hold the character 0");
    assertThatThrownBy(() -> id().column("a\0b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("column must not be empty and not hold the character 0");
    assertThatThrownBy(() -> id().compute("a", 1, List.of(""), row -> 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("inputs must not be empty and not hold the character 0");
    assertThatThrownBy(() -> id().compute("a", 1, List.of("x", "x"), row -> 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the inputs of a name a column twice: x, x");
    assertThatThrownBy(() -> id().compute("a", 0, List.of("x"), row -> 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("version must be 1 to 1000000000, is 0");
    assertThatThrownBy(() -> Mapping.builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a mapping needs at least one column");
    assertNull("column", () -> id().column(missing()));
    assertNull("column", () -> id().column(missing(), "a"));
    assertNull("first", () -> id().columns(missing()));
    assertNull("more", () -> id().columns("a", (String) missing()));
    assertNull("name", () -> id().column("a", missing()));
    assertNull("name", () -> id().constant(missing(), 1));
    assertNull("name", () -> id().runNumber(missing()));
    assertNull("name", () -> id().syncedAt(missing()));
    assertNull("name", () -> id().compute(missing(), 1, List.of(), row -> 1));
    assertNull("inputs", () -> id().compute("a", 1, missing(), row -> 1));
    assertNull("function", () -> id().compute("a", 1, List.of(), missing()));
    assertNull("mapping", () -> sync().mapping(missing()));
    assertNull("first", () -> sync().remember(missing()));
    assertNull("more", () -> sync().remember("a", (String) missing()));
  }

  private static <T> T missing() {
    @Nullable T none = null;
    @SuppressWarnings("NullAway") // what is tested is that it is refused
    T result = none;
    return result;
  }

  private static void assertNull(
      String what, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(NullPointerException.class).hasMessage(what);
  }

  @Test
  void rememberedColumnsAreNamedOnceAndAreNotOfTheKey() {
    assertThat(sync().remember("email").remember("phone", "plan").build().remembered())
        .containsExactly("email", "phone", "plan");
    assertThatThrownBy(() -> sync().remember("email", "email"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the column email is remembered twice");
    assertThatThrownBy(() -> sync().remember("region").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "the column region is part of the key, which every change has; do not name it in remember(...)");
  }

  @Test
  void nameOfKeyOrRememberedColumnIsNotGivenToSomethingElse() {
    Mapping taken = Mapping.builder().column("other", "region").build();
    assertThatThrownBy(() -> sync().mapping(taken).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "the mapping gives the name region to something else than the key column region, which keeps its name unless it is chosen; choose it, or take another name");
    Mapping constant = id().constant("email", "x").build();
    assertThatThrownBy(() -> sync().mapping(constant).remember("email").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(
            "the mapping gives the name email to something else than the remembered column email,");
    Mapping swapped = Mapping.builder().column("id", "region").column("region", "id").build();
    assertThat(sync().mapping(swapped).build().mapping()).isSameAs(swapped);
  }
}
