package io.fulmar.internal.postgres;

/** What a stranger sent, in a form that may stand in a message. */
final class Shown {
  private static final int LONGEST = 200;

  private Shown() {}

  /** Without control and formatting characters, and not too long. */
  static String of(String text) {
    StringBuilder shown = new StringBuilder();
    text.codePoints().limit(LONGEST).map(c -> isPlain(c) ? c : '?').forEach(shown::appendCodePoint);
    return shown.toString();
  }

  private static boolean isPlain(int c) {
    int type = Character.getType(c);
    return !Character.isISOControl(c)
        && type != Character.FORMAT
        && type != Character.SURROGATE
        && type != Character.LINE_SEPARATOR
        && type != Character.PARAGRAPH_SEPARATOR;
  }
}
