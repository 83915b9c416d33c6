package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0, 0B",
    "17, 17, 17B",
    "1500B, 1500, 1500B",
    "1 KiB, 1024, 1KiB",
    "64MiB, 67108864, 64MiB",
    "64mib, 67108864, 64MiB",
    "2GiB, 2147483648, 2GiB",
    "3TiB, 3298534883328, 3TiB",
    "500 kB, 500000, 500000B",
    "1MB, 1000000, 1000000B",
    "1gb, 1000000000, 1000000000B",
    "1TB, 1000000000000, 976562500KiB",
    "2048TiB, 2251799813685248, 2048TiB",
    "9223372036854775807, 9223372036854775807, 9223372036854775807B"
  })
  void textIsASizeAndBack(String text, long bytes, String shown) {
    ByteSize size = ByteSize.of(text);
    assertThat(size.bytes()).isEqualTo(bytes);
    assertThat(size).hasToString(shown);
    assertThat(ByteSize.of(size.toString())).isEqualTo(size);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "MiB", "-1", "1.5GiB", "1e3", "1,000", "64 M iB", "٦٤MiB"})
  void whatIsNoSizeIsRefused(String text) {
    assertThatThrownBy(() -> ByteSize.of(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text must be a size such as 64MiB");
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775808", "9007199254740992KiB", "9999999TiB"})
  void whatDoesNotFitIsRefused(String text) {
    assertThatThrownBy(() -> ByteSize.of(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text must be a size of less than 2^63 bytes");
  }

  @Test
  void otherUnitsAndNegativeSizesAreRefused() {
    assertThatThrownBy(() -> ByteSize.of("5 parsecs"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text must have the unit B, KiB, MiB, GiB, TiB, kB, MB, GB or TB");
    assertThatThrownBy(() -> new ByteSize(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytes must be at least 0, is -1");
  }
}
