package io.fulmar.internal.standard;

import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Writes a file from front to back through a buffer, with a checksum over each section. Not
 * threadsafe.
 */
final class FileOut implements Closeable {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int SIZE = 1 << 16;
  private static final int ROOM = 16;

  private final FileChannel channel;
  private final byte[] buffer = new byte[SIZE];
  private final CRC32C crc = new CRC32C();
  private int filled;
  private int summed;
  private long written;

  FileOut(FileChannel channel) {
    this.channel = channel;
  }

  /** Bytes written so far. */
  long position() {
    return written + filled;
  }

  void putByte(int value) throws IOException {
    room();
    buffer[filled++] = (byte) value;
  }

  void putLong(long value) throws IOException {
    room();
    LONG.set(buffer, filled, value);
    filled += 8;
  }

  /** A number of 0 or more: 7 bits a byte, lowest first, high bit = more. */
  void putVarint(int value) throws IOException {
    room();
    int rest = value;
    while (rest >>> 7 != 0) {
      buffer[filled++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    buffer[filled++] = (byte) rest;
  }

  void putBytes(byte[] bytes, int from, int length) throws IOException {
    int at = from;
    int left = length;
    while (left > 0) {
      if (filled == SIZE) {
        flush();
      }
      int part = Math.min(left, SIZE - filled);
      System.arraycopy(bytes, at, buffer, filled, part);
      filled += part;
      at += part;
      left -= part;
    }
  }

  void putString(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    putVarint(bytes.length);
    putBytes(bytes, 0, bytes.length);
  }

  private void room() throws IOException {
    if (SIZE - filled < ROOM) {
      flush();
    }
  }

  /** Checksum of what was written since the last call. */
  int endSection() {
    crc.update(buffer, summed, filled - summed);
    summed = filled;
    int value = (int) crc.getValue();
    crc.reset();
    return value;
  }

  private void flush() throws IOException {
    crc.update(buffer, summed, filled - summed);
    ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, filled);
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    written += filled;
    filled = 0;
    summed = 0;
  }

  /** Makes everything durable. */
  void force() throws IOException {
    flush();
    channel.force(true);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
