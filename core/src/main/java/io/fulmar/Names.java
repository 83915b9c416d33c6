package io.fulmar;

import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What a name of a sync or model may look like: it ends up in logs, file names and SQL comments.
 */
final class Names {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

  private Names() {}

  static void check(String what, String name) {
    Objects.requireNonNull(name, "name");
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "the name of a "
              + what
              + " must be 1 to 100 of A-Z a-z 0-9 . _ - and start with a letter or digit");
    }
  }
}
