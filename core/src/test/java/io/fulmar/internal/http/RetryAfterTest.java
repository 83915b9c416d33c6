package io.fulmar.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Retry-After in both of its forms, and in none. */
@DisplayName("J-05: what a server asks to wait is read as seconds and as a date")
class RetryAfterTest {
  private static final Instant NOW = Instant.parse("2026-11-28T10:00:00Z");

  private static @Nullable Duration read(String value, String... date) {
    Map<String, List<String>> headers =
        date.length == 0
            ? Map.of("retry-after", List.of(value))
            : Map.of("Retry-After", List.of(value), "Date", List.of(date));
    return RetryAfter.of(HttpHeaders.of(headers, (name, each) -> true), NOW);
  }

  @Test
  void secondsAreRead() {
    assertThat(read("0")).isZero();
    assertThat(read(" 120 ")).isEqualTo(Duration.ofMinutes(2));
    assertThat(read("999999999999999999")).isEqualTo(Duration.ofSeconds(999_999_999_999_999_999L));
  }

  @Test
  void dateIsRead() {
    assertThat(read("Sat, 28 Nov 2026 10:00:30 GMT")).isEqualTo(Duration.ofSeconds(30));
    assertThat(read("Sat, 28 Nov 2026 09:00:00 GMT")).isZero();
  }

  @Test
  void clockOfTheServerCounts() {
    assertThat(read("Sat, 28 Nov 2026 12:00:30 GMT", "Sat, 28 Nov 2026 12:00:00 GMT"))
        .isEqualTo(Duration.ofSeconds(30));
    assertThat(read("Sat, 28 Nov 2026 10:00:30 GMT", "no date")).isEqualTo(Duration.ofSeconds(30));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "soon", "-1", "1.5", "9999999999999999999", "Sat, 41 Feb 2026 10:00:30 GMT"})
  void whatIsNeitherAsksForNothing(String value) {
    assertThat(read(value)).isNull();
  }

  @Test
  void noHeaderAsksForNothing() {
    assertThat(RetryAfter.of(HttpHeaders.of(Map.of(), (name, each) -> true), NOW)).isNull();
  }
}
