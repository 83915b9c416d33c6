package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Texts of others, and the line that becomes of them. */
class OneLineTest {
  @Test
  @DisplayName("S-05: a text of others is one line, and nothing in it acts on a terminal")
  void becomesOneLine() {
    assertThat(OneLine.of("plain \u00fc\u00a0\ud83d\ude00"))
        .isEqualTo("plain \u00fc\u00a0\ud83d\ude00");
    assertThat(OneLine.of("a\r\nb\nc\rd")).isEqualTo("a b c d");
    assertThat(OneLine.of("a\u001b[31mb\u0007\b\t"))
        .isEqualTo("a\\u001b[31mb\\u0007\\u0008\\u0009");
    assertThat(OneLine.of("a\u202eb\u200bc\u2028d\u0085e"))
        .isEqualTo("a\\u202eb\\u200bc\\u2028d\\u0085e");
    assertThat(OneLine.of("\n")).isEmpty();
    assertThat(OneLine.of(null)).isEqualTo("null");
  }
}
