package io.fulmar.internal.lines;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;

/**
 * How every line begins: with the number of lines of the same batch that follow it. So the end of
 * the last whole batch can be told from the file alone.
 */
final class Line {
  private static final byte[] BEGIN = "{\"more\":".getBytes(US_ASCII);

  /** No beginning is longer. */
  static final int LONGEST_BEGINNING = BEGIN.length + 10;

  private Line() {}

  /** The beginning of a line, up to and without the comma or brace that follows. */
  static byte[] beginning(int more) {
    byte[] number = Integer.toString(more).getBytes(US_ASCII);
    byte[] all = Arrays.copyOf(BEGIN, BEGIN.length + number.length);
    System.arraycopy(number, 0, all, BEGIN.length, number.length);
    return all;
  }

  /**
   * How many lines follow one that begins so.
   *
   * @return -1 if this is not the beginning of a line of ours
   */
  static int more(byte[] bytes, int length) {
    if (length <= BEGIN.length || !startsLikeOne(bytes, length)) {
      return -1;
    }
    int more = 0;
    for (int i = BEGIN.length; i < length; i++) {
      if (bytes[i] == ',' || bytes[i] == '}') {
        return i == BEGIN.length ? -1 : more;
      }
      if (bytes[i] < '0' || bytes[i] > '9' || more > 1_000_000) {
        return -1;
      }
      more = 10 * more + bytes[i] - '0';
    }
    return -1;
  }

  /** Whether these bytes may be what is left of a line: the power may go at any byte. */
  static boolean startsLikeOne(byte[] bytes, int length) {
    for (int i = 0; i < Math.min(length, BEGIN.length); i++) {
      if (bytes[i] != BEGIN[i]) {
        return false;
      }
    }
    return true;
  }
}
