package io.fulmar.internal.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Row;
import io.fulmar.internal.type.ColumnKind;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rows over bytes as PostgreSQL sends them: what a destination does to a value stays with it. */
class ImageRowTest {
  private static final Shape SHAPE =
      Shape.of(List.of("data"), List.of(ColumnKind.BYTEA), List.of(0));

  @Test
  @DisplayName("J-09: bytes that a destination overwrites are its own")
  void bytesOfAValueAreACopy() {
    assertCopied(ImageRow.of(SHAPE, new byte[] {0, 0, 0, 3, 1, 2, 3}));
    assertCopied(ImageRow.ofKey(SHAPE, new byte[] {3, 1, 2, 3}));
  }

  private static void assertCopied(Row row) {
    byte[] first = (byte[]) Objects.requireNonNull(row.value("data"));
    first[1] = 99;
    byte[] second = (byte[]) Objects.requireNonNull(row.asMap().get("data"));
    assertThat(second).containsExactly(1, 2, 3);
    second[0] = 99;
    assertThat(row.text("data")).isEqualTo("\\x010203");
    assertThatThrownBy(() -> row.asMap().clear()).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> row.columns().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  /** As they are asked for in order, out of order, twice, and all again by another thread. */
  @Test
  void columnsAreFoundInWhateverOrderTheyAreAskedFor() throws Exception {
    Shape shape =
        Shape.of(
            List.of("c", "a", "b"),
            List.of(ColumnKind.INT2, ColumnKind.TEXT, ColumnKind.INT4),
            List.of(2, 0, 1));
    // And fields that are no columns, as a model has one whose rows are measured.
    byte[] fields = {
      0, 0, 0, 1, 'x', 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 2, 0, 7, -1, -1, -1, -1, -1, -1, -1, -1
    };
    Row row = ImageRow.of(shape, fields);
    for (String column : List.of("c", "a", "b", "b", "a", "c", "c", "b", "a", "b")) {
      Object expected = Map.of("a", "x", "b", 256, "c", 7).get(column);
      assertThat(row.value(column)).as(column).isEqualTo(expected);
      assertThat(row.text(column)).as(column).isEqualTo(String.valueOf(expected));
      assertThat(CompletableFuture.supplyAsync(() -> row.value(column)).get()).isEqualTo(expected);
    }
    assertThatThrownBy(() -> row.value("d"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no column d; there are [c, a, b]");
  }

  @Test
  void rowWithoutAFieldOfAColumnGivesNoValue() {
    Shape two =
        Shape.of(List.of("a", "b"), List.of(ColumnKind.BYTEA, ColumnKind.BYTEA), List.of(0, 1));
    Row row = ImageRow.of(two, new byte[] {0, 0, 0, 0});
    assertThat(row.text("a")).isEqualTo("\\x");
    assertThatThrownBy(() -> row.value("b")).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
