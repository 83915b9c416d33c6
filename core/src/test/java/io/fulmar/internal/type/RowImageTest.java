package io.fulmar.internal.type;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** {@link RowImage} over images in hex: NaNs become one, and nothing else changes. */
class RowImageTest {
  private static String canonical(ColumnKind kind, String image) {
    byte[] row = HexFormat.of().parseHex("7777" + image + "77");
    RowImage.canonicalise(kind, row, 2, row.length - 3);
    return HexFormat.of().formatHex(row, 2, row.length - 1);
  }

  @Test
  @DisplayName("P9: all NaNs of a float are one value")
  void everyNanBecomesTheOneNan() {
    assertThat(canonical(ColumnKind.FLOAT4, "7fc00000")).isEqualTo("7fc00000");
    assertThat(canonical(ColumnKind.FLOAT4, "ffc00000")).isEqualTo("7fc00000");
    assertThat(canonical(ColumnKind.FLOAT4, "7f800001")).isEqualTo("7fc00000");
    assertThat(canonical(ColumnKind.FLOAT8, "fff8000000000000")).isEqualTo("7ff8000000000000");
    assertThat(canonical(ColumnKind.FLOAT8, "7ff0000000000001")).isEqualTo("7ff8000000000000");
  }

  @Test
  @DisplayName("P9: 0 and -0, 1.0 and 1.00 differ")
  void nothingElseChanges() {
    for (String image : new String[] {"00000000", "80000000", "7f800000", "ff800000"}) {
      assertThat(canonical(ColumnKind.FLOAT4, image)).isEqualTo(image);
    }
    for (String image : new String[] {"8000000000000000", "7ff0000000000000"}) {
      assertThat(canonical(ColumnKind.FLOAT8, image)).isEqualTo(image);
    }
    assertThat(canonical(ColumnKind.NUMERIC, "00010000000000020001"))
        .isEqualTo("00010000000000020001");
    assertThat(canonical(ColumnKind.INT4, "ffc00000")).isEqualTo("ffc00000");
  }

  @Test
  void onlyFloatsNeedIt() {
    assertThat(Arrays.stream(ColumnKind.values()).filter(RowImage::mayNeedCanonicalising))
        .containsExactly(ColumnKind.FLOAT4, ColumnKind.FLOAT8);
  }

  @Test
  void wrongLengthIsRefused() {
    assertThatThrownBy(() -> RowImage.canonicalise(ColumnKind.FLOAT8, new byte[8], 0, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode FLOAT8: 4 bytes are no image of it");
  }
}
