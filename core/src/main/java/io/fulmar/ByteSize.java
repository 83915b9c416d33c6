package io.fulmar;

import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes, for the configuration of an application: Spring Boot and SmallRye Config bind
 * it out of a text by {@link #of}.
 *
 * <pre>{@code
 * record Settings(ByteSize largestRow) {}   // crm.largest-row=64MiB
 * builder.maxRowBytes(settings.largestRow().bytes());
 * }</pre>
 *
 * @param bytes 0 or more
 */
public record ByteSize(long bytes) {
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,19}) ?([A-Za-z]*)");

  /** Checks that it is not negative. */
  public ByteSize {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must be at least 0, is " + bytes);
    }
  }

  /**
   * A size out of a text: a whole number and a unit, {@code "64MiB"} or {@code "500 kB"}. Units of
   * 1024 are KiB, MiB, GiB and TiB, units of 1000 are kB, MB, GB and TB, in upper or lower case;
   * without a unit, or with B, it is bytes.
   *
   * @param text the text
   * @throws IllegalArgumentException if it is no size, or 2^63 bytes or more
   */
  public static ByteSize of(String text) {
    Matcher parts = TEXT.matcher(Objects.requireNonNull(text, "text").strip());
    if (!parts.matches()) {
      throw new IllegalArgumentException("text must be a size such as 64MiB");
    }
    try {
      return new ByteSize(Math.multiplyExact(Long.parseLong(parts.group(1)), unit(parts.group(2))));
    } catch (ArithmeticException | NumberFormatException e) {
      throw new IllegalArgumentException("text must be a size of less than 2^63 bytes");
    }
  }

  private static long unit(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "", "b" -> 1;
      case "kib" -> 1L << 10;
      case "mib" -> 1L << 20;
      case "gib" -> 1L << 30;
      case "tib" -> 1L << 40;
      case "kb" -> 1_000;
      case "mb" -> 1_000_000;
      case "gb" -> 1_000_000_000;
      case "tb" -> 1_000_000_000_000L;
      default ->
          throw new IllegalArgumentException(
              "text must have the unit B, KiB, MiB, GiB, TiB, kB, MB, GB or TB");
    };
  }

  /** A text that {@link #of} takes: the largest unit of 1024 that divides it, {@code "64MiB"}. */
  @Override
  public String toString() {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    long rest = bytes;
    int unit = 0;
    while (rest != 0 && rest % 1024 == 0 && unit < units.length - 1) {
      rest /= 1024;
      unit++;
    }
    return rest + units[unit];
  }
}
