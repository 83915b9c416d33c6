package io.fulmar.lightning.internal.move;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyIn;

/**
 * Writes rows by a binary {@code COPY} (PostgreSQL manual, COPY, "Binary Format"), some kilobytes
 * at a time. Used by one thread.
 */
final class CopyRows implements AutoCloseable {
  private static final byte[] HEADER = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0
  };
  private static final int PIECE = 64 << 10;
  private static final int NULL = -1;
  private static final short TRAILER = -1;

  private final CopyIn copy;
  private final short fields;
  private ByteBuffer piece = ByteBuffer.allocate(2 * PIECE).put(HEADER);
  private int left;

  /**
   * Begins.
   *
   * @param copy into a table, binary, without rows so far
   * @param fields how many a row has
   */
  CopyRows(CopyIn copy, int fields) {
    this.copy = copy;
    this.fields = (short) fields;
  }

  /** Begins a row, the one before being whole. */
  void row() throws SQLException {
    if (left != 0) {
      throw new IllegalStateException(left + " fields are missing in a row");
    }
    if (piece.position() >= PIECE) {
      send();
    }
    left = fields;
    room(Short.BYTES).putShort(fields);
  }

  private ByteBuffer room(int bytes) {
    if (piece.remaining() < bytes) {
      int size = Math.max(2 * piece.capacity(), piece.position() + bytes);
      piece = ByteBuffer.wrap(Arrays.copyOf(piece.array(), size)).position(piece.position());
    }
    return piece;
  }

  private ByteBuffer field(int length) {
    left--;
    return room(Integer.BYTES + Math.max(0, length)).putInt(length);
  }

  /** A value as its type is sent; null is NULL. */
  void image(byte @Nullable [] bytes) {
    if (bytes == null) {
      field(NULL);
    } else {
      image(bytes, 0, bytes.length);
    }
  }

  /** A value as its type is sent; a length of -1 is NULL. */
  void image(byte[] bytes, int from, int length) {
    ByteBuffer to = field(length);
    if (length > 0) {
      to.put(bytes, from, length);
    }
  }

  /** An int8; null is NULL. */
  void int8(@Nullable Long value) {
    if (value == null) {
      field(NULL);
    } else {
      field(Long.BYTES).putLong(value);
    }
  }

  /** An int4. */
  void int4(int value) {
    field(Integer.BYTES).putInt(value);
  }

  /** A boolean. */
  void bool(boolean value) {
    field(1).put((byte) (value ? 1 : 0));
  }

  /** A text; null is NULL. */
  void text(@Nullable String value) {
    image(value == null ? null : value.getBytes(UTF_8));
  }

  private void send() throws SQLException {
    copy.writeToCopy(piece.array(), 0, piece.position());
    piece.clear();
  }

  /** Ends the last row and the COPY; gives how many rows there were. */
  long end() throws SQLException {
    if (left != 0) {
      throw new IllegalStateException(left + " fields are missing in a row");
    }
    room(Short.BYTES).putShort(TRAILER);
    send();
    return copy.endCopy();
  }

  /** Gives up, unless it has ended. */
  @Override
  public void close() throws SQLException {
    if (copy.isActive()) {
      copy.cancelCopy();
    }
  }
}
