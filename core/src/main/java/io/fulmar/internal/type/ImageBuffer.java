package io.fulmar.internal.type;

import java.util.Arrays;

/**
 * A byte array that grows as images are appended and is used again for the next row. It shrinks
 * never. This class is not threadsafe.
 */
public final class ImageBuffer {
  private byte[] array;
  private int length;

  /**
   * Makes an empty buffer.
   *
   * @param capacity bytes to begin with, 0 or more
   */
  public ImageBuffer(int capacity) {
    array = new byte[capacity];
  }

  /** The bytes, of which the first {@link #length()} count. Another array after each growth. */
  public byte[] array() {
    return array;
  }

  /** How many bytes were appended since the last {@link #clear()}. */
  public int length() {
    return length;
  }

  /** Forgets what was appended and keeps the array. */
  public void clear() {
    length = 0;
  }

  /** A copy of what was appended. */
  public byte[] toByteArray() {
    return Arrays.copyOf(array, length);
  }

  /**
   * Makes room for {@code more} bytes after the present ones.
   *
   * @throws OutOfMemoryError if the whole would exceed the largest array
   */
  public void ensure(int more) {
    if (more > array.length - length) {
      grow(more);
    }
  }

  private void grow(int more) {
    long needed = (long) length + more;
    if (needed > Integer.MAX_VALUE - 8) {
      throw new OutOfMemoryError("Cannot grow an image: it would take " + needed + " bytes");
    }
    long twice = Math.min(2L * array.length, Integer.MAX_VALUE - 8);
    array = Arrays.copyOf(array, (int) Math.max(Math.max(needed, twice), 64));
  }

  /** Appends bytes as they are. */
  public void append(byte[] buf, int off, int len) {
    ensure(len);
    System.arraycopy(buf, off, array, length, len);
    length += len;
  }

  /** Appends a number of 0 or more in 1 to 5 bytes: 7 bits each, lowest first, high bit = more. */
  public void appendVarint(int value) {
    ensure(5);
    int rest = value;
    while (rest >>> 7 != 0) {
      array[length++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    array[length++] = (byte) rest;
  }

  void appendInt16(int value) {
    ensure(2);
    BigEndian.putInt16(array, length, value);
    length += 2;
  }

  void appendInt64(long value) {
    ensure(8);
    BigEndian.putInt64(array, length, value);
    length += 8;
  }
}
