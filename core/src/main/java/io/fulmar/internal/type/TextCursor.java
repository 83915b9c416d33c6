package io.fulmar.internal.type;

/**
 * Reads through the text of a value that has parts. What is not there as it should be gives an
 * {@link IllegalArgumentException} without any of the text. Not threadsafe.
 */
final class TextCursor {
  private final String text;
  private int at;

  TextCursor(String text) {
    this.text = text;
  }

  boolean atEnd() {
    return at == text.length();
  }

  /** The next character, which stays; 0 at the end. */
  char peek() {
    return at < text.length() ? text.charAt(at) : 0;
  }

  /** Steps over the next character if it is this one. */
  boolean skip(char c) {
    if (peek() != c || atEnd()) {
      return false;
    }
    at++;
    return true;
  }

  /** Steps over what must come next. */
  void expect(String what) {
    if (!text.startsWith(what, at)) {
      throw new IllegalArgumentException("the text of a value is not of its type's form");
    }
    at += what.length();
  }

  void expectEnd() {
    if (!atEnd()) {
      throw new IllegalArgumentException("the text of a value is longer than its type's form");
    }
  }

  /** What stands before the next of two characters, neither of which is taken. */
  String until(char one, char other) {
    int start = at;
    while (peek() != one && peek() != other) {
      if (atEnd()) {
        throw new IllegalArgumentException("the text of a value ends too early");
      }
      at++;
    }
    return text.substring(start, at);
  }

  /** As {@link #until}, or what stands between quotes if the next character is one. */
  String token(char one, char other) {
    return peek() == '"' ? quoted() : until(one, other);
  }

  /**
   * What stands between quotes. A quote inside is written with a backslash before it (arrays,
   * hstore) or twice (composites, ranges), a backslash twice everywhere.
   */
  String quoted() {
    expect("\"");
    int start = at;
    StringBuilder unescaped = null;
    while (true) {
      if (atEnd()) {
        throw new IllegalArgumentException("the text of a value ends within quotes");
      }
      char c = text.charAt(at);
      boolean escapes = c == '\\' || (c == '"' && text.startsWith("\"\"", at));
      if (c == '"' && !escapes) {
        String plain = text.substring(start, at++);
        return unescaped == null ? plain : unescaped.append(plain).toString();
      }
      if (escapes) {
        unescaped = unescaped == null ? new StringBuilder() : unescaped;
        unescaped.append(text, start, at);
        start = at + 1; // what is escaped is taken as it is
        at++;
      }
      at++;
    }
  }
}
