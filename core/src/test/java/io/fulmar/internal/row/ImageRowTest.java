package io.fulmar.internal.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Row;
import io.fulmar.internal.type.ColumnKind;
import java.util.List;
import java.util.Objects;
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
}
