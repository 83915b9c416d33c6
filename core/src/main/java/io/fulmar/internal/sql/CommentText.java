package io.fulmar.internal.sql;

import java.util.regex.Pattern;

/**
 * What {@code comment on} says of a table, as a constant: that statement takes no bound values.
 * Immutable.
 *
 * @param text visible characters of ASCII and blanks, without quotes and backslashes, so that they
 *     mean the same under any settings
 */
public record CommentText(String text) implements SqlPart {
  private static final Pattern PLAIN = Pattern.compile("[ -~&&[^'\\\\]]{1,2000}");

  /** Checks that nothing in it ends the constant. */
  public CommentText {
    if (!PLAIN.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "a comment must be 1 to 2000 visible characters of ASCII without quotes and backslashes");
    }
  }

  @Override
  public String sql() {
    return "'" + text + "'";
  }
}
