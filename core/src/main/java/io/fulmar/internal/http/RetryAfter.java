package io.fulmar.internal.http;

import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How long a server asks to wait: seconds, or a date (RFC 9110, section 10.2.3). */
final class RetryAfter {
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,18}");
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.RFC_1123_DATE_TIME.withLocale(Locale.ROOT);

  private RetryAfter() {}

  /**
   * The time to wait; null if it asks for none, or in a form that is none.
   *
   * @param now the time here; the server's own, by its {@code Date}, is taken if it says it
   */
  static @Nullable Duration of(HttpHeaders headers, Instant now) {
    String value = headers.firstValue("Retry-After").orElse("").strip();
    if (SECONDS.matcher(value).matches()) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    Instant until = date(value);
    if (until == null) {
      return null;
    }
    Instant there = headers.firstValue("Date").map(RetryAfter::date).orElse(null);
    Duration wait = Duration.between(there == null ? now : there, until);
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  private static @Nullable Instant date(String value) {
    try {
      return ZonedDateTime.parse(value.strip(), DATE).toInstant();
    } catch (DateTimeParseException e) {
      return null;
    }
  }
}
