package io.fulmar;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.Objects;
import java.util.regex.Pattern;

/** What builders refuse, in one form of words. */
final class Checks {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

  private Checks() {}

  /** Names of syncs and models end up in logs, file names and SQL comments. */
  static void name(String what, String name) {
    Objects.requireNonNull(name, "name");
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "the name of a "
              + what
              + " must be 1 to 100 of A-Z a-z 0-9 . _ - and start with a letter or digit");
    }
  }

  /** A name that a server is told; it would cut off what is too long. */
  static String text(String what, String value, int maxBytes) {
    Objects.requireNonNull(value, what);
    int bytes = value.getBytes(UTF_8).length;
    if (value.isBlank() || bytes > maxBytes || value.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          what
              + " must be 1 to "
              + maxBytes
              + " bytes, not blank and without the character 0, is "
              + bytes
              + " bytes");
    }
    return value;
  }

  /** The name of a column; that it exists is seen when the model is read. */
  static String column(String what, String name) {
    Objects.requireNonNull(name, what);
    if (name.isEmpty() || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(what + " must not be empty and not hold the character 0");
    }
    return name;
  }

  static int inRange(String what, int value, int min, int max) {
    return (int) inRange(what, (long) value, min, max);
  }

  static long inRange(String what, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(what + " must be " + min + " to " + max + ", is " + value);
    }
    return value;
  }

  static double share(double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("share must be 0 to 1, is " + share);
    }
    return share;
  }

  static Duration inRange(String what, Duration value, Duration min, Duration max) {
    Objects.requireNonNull(value, what);
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      throw new IllegalArgumentException(what + " must be " + min + " to " + max + ", is " + value);
    }
    return value;
  }
}
