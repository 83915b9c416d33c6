package io.fulmar;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A text that may hold names and words of others, as one line in which nothing moves a cursor,
 * changes colours or passes for a line of its own.
 */
final class OneLine {
  private OneLine() {}

  /** Line breaks as blanks, other control and formatting characters as {@code \u001b}. */
  static String of(@Nullable String text) {
    String all = String.valueOf(text);
    if (all.codePoints().allMatch(OneLine::isPlain)) {
      return all;
    }
    StringBuilder line = new StringBuilder(all.length() + 16);
    all.lines()
        .forEach(
            part -> {
              line.append(line.length() == 0 ? "" : " ");
              part.codePoints().forEach(c -> append(line, c));
            });
    return line.toString();
  }

  private static void append(StringBuilder line, int c) {
    if (isPlain(c)) {
      line.appendCodePoint(c);
    } else {
      line.append(String.format(Locale.ROOT, "\\u%04x", c));
    }
  }

  private static boolean isPlain(int c) {
    int type = Character.getType(c);
    return !Character.isISOControl(c)
        && type != Character.FORMAT
        && type != Character.LINE_SEPARATOR
        && type != Character.PARAGRAPH_SEPARATOR;
  }
}
