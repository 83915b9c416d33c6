package io.fulmar.internal.destination;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyIn;

/**
 * The rows of a batch in COPY's text format (PostgreSQL manual, COPY, "Text Format"), one line
 * each. Not threadsafe.
 */
final class CopyLines {
  private static final int PIECE = 64 << 10;

  private final Bytes bytes = new Bytes();
  private final StringBuilder line = new StringBuilder();
  private final CharsetEncoder utf8 =
      StandardCharsets.UTF_8
          .newEncoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final int[] ends;
  private int lines;

  CopyLines(int expected) {
    ends = new int[expected];
  }

  /** Adds a value to the line that is being made. */
  void value(@Nullable String value) {
    if (line.length() > 0) {
      line.append('\t');
    }
    if (value == null) {
      line.append("\\N");
      return;
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '\\' -> line.append("\\\\");
        case '\t' -> line.append("\\t");
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        default -> line.append(c);
      }
    }
  }

  /**
   * Ends a line.
   *
   * @return false if it holds half a surrogate pair, which is no text; then the line stays empty,
   *     and COPY will get nothing for it
   */
  boolean end() {
    try {
      ByteBuffer encoded = utf8.encode(CharBuffer.wrap(line.append('\n')));
      bytes.write(encoded.array(), encoded.arrayOffset(), encoded.remaining());
      return true;
    } catch (CharacterCodingException e) {
      return false;
    } finally {
      ends[lines++] = bytes.size();
      line.setLength(0);
    }
  }

  /** Sends lines {@code from} to {@code to}, the latter not included. */
  void send(CopyIn copy, int from, int to) throws SQLException {
    int end = ends[to - 1];
    for (int at = from == 0 ? 0 : ends[from - 1]; at < end; at += PIECE) {
      copy.writeToCopy(bytes.array(), at, Math.min(PIECE, end - at));
    }
  }

  /** Saves a copy of what may be many megabytes. */
  private static final class Bytes extends ByteArrayOutputStream {
    byte[] array() {
      return buf;
    }
  }
}
