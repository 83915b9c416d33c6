package io.fulmar.internal.standard;

import io.fulmar.internal.row.DamagedException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Reads sections of a file from front to back through a buffer. Not threadsafe; does not own the
 * file.
 */
final class FileIn {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int SIZE = 1 << 16;

  private final FileChannel channel;
  private byte[] buffer = new byte[0];
  private final CRC32C crc = new CRC32C();
  private long next;
  private long end;
  private int at;
  private int filled;

  FileIn(FileChannel channel) {
    this.channel = channel;
  }

  /** Goes to a section; most of them are small, and so is the buffer then. */
  void section(long from, long to) {
    int size = (int) Math.min(SIZE, Math.max(0, to - from));
    if (buffer.length < size) {
      buffer = new byte[size];
    }
    next = from;
    end = to;
    at = 0;
    filled = 0;
    crc.reset();
  }

  /** Whether the section has more bytes. */
  boolean hasMore() {
    return at < filled || next < end;
  }

  /** Position in the file. */
  long position() {
    return next - (filled - at);
  }

  int peekByte() throws IOException {
    if (at == filled) {
      fill(1);
    }
    return buffer[at] & 0xff;
  }

  int getByte() throws IOException {
    if (at == filled) {
      fill(1);
    }
    return buffer[at++] & 0xff;
  }

  long getLong() throws IOException {
    if (filled - at < 8) {
      fill(8);
    }
    long value = (long) LONG.get(buffer, at);
    at += 8;
    return value;
  }

  int getVarint() throws IOException {
    int value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      int part = getByte();
      value |= (part & 0x7f) << shift;
      if (part < 0x80) {
        if (value < 0) {
          break;
        }
        return value;
      }
    }
    throw new DamagedException("a length is damaged");
  }

  /** The length of something that is wholly within the section. */
  int getLength() throws IOException {
    int length = getVarint();
    if (length > end - position()) {
      throw new DamagedException("a length goes beyond its section");
    }
    return length;
  }

  void getBytes(byte[] target, int from, int length) throws IOException {
    int to = from;
    int left = length;
    while (left > 0) {
      if (at == filled) {
        fill(1);
      }
      int part = Math.min(left, filled - at);
      System.arraycopy(buffer, at, target, to, part);
      at += part;
      to += part;
      left -= part;
    }
  }

  byte[] getBytes(int length) throws IOException {
    if (length > end - position()) {
      throw new DamagedException("a length goes beyond its section");
    }
    byte[] bytes = new byte[length];
    getBytes(bytes, 0, length);
    return bytes;
  }

  String getString() throws IOException {
    return new String(getBytes(getVarint()), StandardCharsets.UTF_8);
  }

  /**
   * Goes over bytes without looking at them; the checksum of the section is lost if they are many.
   */
  void skip(int length) throws IOException {
    int inBuffer = Math.min(length, filled - at);
    at += inBuffer;
    next += length - inBuffer;
    if (next > end) {
      throw new DamagedException("a length goes beyond its section");
    }
  }

  /** Reads the section to its end and holds it against its checksum. */
  void checkAll(int checksum, String message) throws IOException {
    while (hasMore()) {
      at = filled;
      if (next < end) {
        fill(1);
      }
    }
    if (checksum() != checksum) {
      throw new DamagedException(message);
    }
  }

  /** Checksum of the section, once it has been read to its end. */
  int checksum() {
    return (int) crc.getValue();
  }

  private void fill(int least) throws IOException {
    int kept = filled - at;
    System.arraycopy(buffer, at, buffer, 0, kept);
    at = 0;
    filled = kept;
    while (filled < least) {
      int room = (int) Math.min(buffer.length - filled, end - next);
      int got = room <= 0 ? -1 : channel.read(ByteBuffer.wrap(buffer, filled, room), next);
      if (got <= 0) {
        throw new DamagedException("the file ends early");
      }
      crc.update(buffer, filled, got);
      next += got;
      filled += got;
    }
  }
}
