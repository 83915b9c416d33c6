package io.fulmar;

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

  static String text(String what, String value) {
    Objects.requireNonNull(value, what);
    if (value.isBlank()) {
      throw new IllegalArgumentException(what + " must not be blank");
    }
    return value;
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
