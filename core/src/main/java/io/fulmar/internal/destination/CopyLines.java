package io.fulmar.internal.destination;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyIn;

/**
 * The rows of a batch in COPY's text format (PostgreSQL manual, COPY, "Text Format"), one line
 * each. Not threadsafe.
 */
final class CopyLines {
  private static final int PIECE = 64 << 10;
  private static final byte[] NULL = {'\\', 'N'};

  private final Bytes bytes = new Bytes();
  private final int @Nullable [] ends;
  private int lines;
  private int start;
  private int sent;
  private boolean isBegun;
  private boolean isText = true;

  private CopyLines(int @Nullable [] ends) {
    this.ends = ends;
  }

  /** Lines that can be sent again, all or some. */
  static CopyLines kept(int expected) {
    return new CopyLines(new int[expected]);
  }

  /** Lines that are forgotten once they are sent, so that not all are in memory. */
  static CopyLines sentOnce() {
    return new CopyLines(null);
  }

  /** Adds a value to the line that is being made. */
  void value(@Nullable String value) {
    if (isBegun) {
      bytes.write((byte) '\t');
    }
    isBegun = true;
    if (value == null) {
      bytes.write(NULL, 0, NULL.length);
      return;
    }
    int from = bytes.writePlain(value);
    if (from < value.length()) {
      writeRest(value, from);
    }
  }

  /** What comes after characters that are one byte each. */
  private void writeRest(String value, int plain) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    boolean isDoubtful = false;
    int from = plain;
    for (int i = plain; i < utf8.length; i++) {
      isDoubtful |= utf8[i] == '?'; // what half a surrogate pair is encoded as
      byte escape = escape(utf8[i]);
      if (escape != 0) {
        bytes.write(utf8, from, i - from);
        bytes.write((byte) '\\');
        bytes.write(escape);
        from = i + 1;
      }
    }
    bytes.write(utf8, from, utf8.length - from);
    isText &= !isDoubtful || isWhole(value);
  }

  private static byte escape(byte b) {
    return switch (b) {
      case '\\' -> '\\';
      case '\t' -> 't';
      case '\n' -> 'n';
      case '\r' -> 'r';
      default -> 0;
    };
  }

  /** Whether there is no half of a surrogate pair. */
  private static boolean isWhole(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean isPair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!isPair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /**
   * Ends a line.
   *
   * @return false if it holds half a surrogate pair, which is no text; then the line stays empty,
   *     and COPY will get nothing for it
   */
  boolean end() {
    boolean ended = isText;
    if (ended) {
      bytes.write((byte) '\n');
    } else {
      bytes.cut(start);
    }
    isText = true;
    isBegun = false;
    start = bytes.size();
    if (ends != null) {
      ends[lines++] = start;
    }
    return ended;
  }

  /** Sends what was not sent yet, once it is worth it: the server works while lines are made. */
  void sendPieces(CopyIn copy) throws SQLException {
    while (start - sent >= PIECE) {
      copy.writeToCopy(bytes.array(), sent, PIECE);
      sent += PIECE;
    }
    if (ends == null && sent > 0) {
      bytes.drop(sent);
      start -= sent;
      sent = 0;
    }
  }

  /** Sends what was not sent yet. */
  void sendRest(CopyIn copy) throws SQLException {
    sendPieces(copy);
    if (start > sent) {
      copy.writeToCopy(bytes.array(), sent, start - sent);
      sent = start;
    }
  }

  /** Sends lines {@code from} to {@code to}, the latter not included. */
  void send(CopyIn copy, int from, int to) throws SQLException {
    int[] kept = Objects.requireNonNull(ends, "lines that are sent once");
    int end = kept[to - 1];
    for (int at = from == 0 ? 0 : kept[from - 1]; at < end; at += PIECE) {
      copy.writeToCopy(bytes.array(), at, Math.min(PIECE, end - at));
    }
  }

  /**
   * Grows; without the lock and the copies of the stream of the JDK, which every byte would pay.
   */
  private static final class Bytes {
    private byte[] all = new byte[4 * PIECE];
    private int size;

    int size() {
      return size;
    }

    byte[] array() {
      return all;
    }

    void cut(int to) {
      size = to;
    }

    void drop(int first) {
      System.arraycopy(all, first, all, 0, size - first);
      size -= first;
    }

    /**
     * Writes the characters that are one byte each and mean themselves, up to the first that is
     * something else.
     *
     * @return how many there are: of most values all, which then need no copy of their own
     */
    int writePlain(String text) {
      int length = text.length();
      ensure(length);
      for (int i = 0; i < length; i++) {
        char c = text.charAt(i);
        if (c >= 0x80 || c == '\\' || c < ' ') {
          size += i;
          return i;
        }
        all[size + i] = (byte) c;
      }
      size += length;
      return length;
    }

    void write(byte b) {
      ensure(1);
      all[size++] = b;
    }

    void write(byte[] bytes, int from, int length) {
      ensure(length);
      System.arraycopy(bytes, from, all, size, length);
      size += length;
    }

    private void ensure(int more) {
      if (more > all.length - size) {
        long twice = Math.min(2L * all.length, Integer.MAX_VALUE - 8);
        all = Arrays.copyOf(all, Math.max((int) twice, Math.addExact(size, more)));
      }
    }
  }
}
