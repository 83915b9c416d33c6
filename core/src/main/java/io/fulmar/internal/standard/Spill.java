package io.fulmar.internal.standard;

import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one read, by partition: written in any order, read back one partition at a time. Full
 * blocks go to one scratch file; what a small model returns never leaves memory. Not threadsafe.
 */
final class Spill implements Closeable {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final int FIRST_SIZE = 1 << 9;
  private static final int BLOCK = 1 << 14;

  /** Opens the scratch file when the first block is full. */
  interface Scratch {
    FileChannel open() throws IOException;
  }

  private final Scratch scratch;
  private final byte[][] blocks = new byte[Partitions.COUNT][];
  private final int[] filled = new int[Partitions.COUNT];
  private final long[][] written = new long[Partitions.COUNT][];
  private final int[] writtenCount = new int[Partitions.COUNT];
  private final long[] bytes = new long[Partitions.COUNT];
  private final long[] rows = new long[Partitions.COUNT];
  private @Nullable FileChannel file;
  private long fileSize;

  Spill(Scratch scratch) {
    this.scratch = scratch;
  }

  long rows(int partition) {
    return rows[partition];
  }

  long bytes(int partition) {
    return bytes[partition];
  }

  /**
   * Adds a row without its fields (which the destination has, as far as can be told) or with them.
   */
  void add(
      int partition,
      byte[] key,
      int keyLength,
      long high,
      long low,
      int flags,
      byte[] fields,
      int from,
      int length)
      throws IOException {
    room(partition, 4 + 1 + 16 + 4);
    byte[] block = blocks[partition];
    int at = filled[partition];
    INT.set(block, at, keyLength);
    block[at + 4] = (byte) flags;
    LONG.set(block, at + 5, high);
    LONG.set(block, at + 13, low);
    INT.set(block, at + 21, length);
    filled[partition] = at + 25;
    append(partition, key, 0, keyLength);
    append(partition, fields, from, Math.max(0, length));
    rows[partition]++;
  }

  private void append(int partition, byte[] source, int from, int length) throws IOException {
    int at = from;
    int left = length;
    while (left > 0) {
      room(partition, 1);
      int part = Math.min(left, blocks[partition].length - filled[partition]);
      System.arraycopy(source, at, blocks[partition], filled[partition], part);
      filled[partition] += part;
      at += part;
      left -= part;
    }
  }

  private void room(int partition, int wanted) throws IOException {
    byte[] block = blocks[partition];
    if (block == null) {
      blocks[partition] = new byte[FIRST_SIZE];
    } else if (block.length - filled[partition] < wanted) {
      if (block.length < BLOCK) {
        blocks[partition] = Arrays.copyOf(block, block.length * 2);
      } else {
        write(partition);
      }
    }
  }

  /** Writes a block: its length first, so that blocks need not be full. */
  private void write(int partition) throws IOException {
    FileChannel channel = file == null ? scratch.open() : file;
    file = channel;
    ByteBuffer block = ByteBuffer.wrap(blocks[partition], 0, filled[partition]);
    long[] known = written[partition] == null ? new long[16] : written[partition];
    if (writtenCount[partition] == known.length) {
      known = Arrays.copyOf(known, known.length * 2);
    }
    // A block never has more than 2^14 bytes, so offset and length share a long.
    known[writtenCount[partition]++] = fileSize << 16 | filled[partition];
    written[partition] = known;
    while (block.hasRemaining()) {
      fileSize += channel.write(block, fileSize);
    }
    bytes[partition] += filled[partition];
    filled[partition] = 0;
  }

  Cursor read(int partition) {
    return new Cursor(partition);
  }

  /** Goes over the rows of one partition in the order in which they were added. */
  final class Cursor {
    private final int partition;
    private final byte[] loaded = new byte[BLOCK];
    private byte[] block = loaded;
    private int next;
    private int at;
    private int end;
    private byte[] key = new byte[64];
    private int keyLength;
    private int flags;
    private long high;
    private long low;
    private int length;

    private Cursor(int partition) {
      this.partition = partition;
    }

    /**
     * Goes to the next row, over the fields of the last one if they were not read; false at the
     * end.
     */
    boolean next() throws IOException {
      skip(Math.max(0, length));
      length = 0;
      if (!available()) {
        return false;
      }
      keyLength = (int) INT.get(block, at);
      flags = block[at + 4];
      high = (long) LONG.get(block, at + 5);
      low = (long) LONG.get(block, at + 13);
      length = (int) INT.get(block, at + 21);
      at += 25;
      if (key.length < keyLength) {
        key = new byte[keyLength * 2];
      }
      copy(key, keyLength);
      return true;
    }

    byte[] key() {
      return key;
    }

    int keyLength() {
      return keyLength;
    }

    int flags() {
      return flags;
    }

    long high() {
      return high;
    }

    long low() {
      return low;
    }

    /** How many bytes of fields there are; -1 if they were not kept. */
    int length() {
      return length;
    }

    /** Copies the fields; once for each row. */
    void fields(FileOut target) throws IOException {
      int left = length;
      while (left > 0 && available()) {
        int part = Math.min(left, end - at);
        target.putBytes(block, at, part);
        at += part;
        left -= part;
      }
      length = 0;
    }

    private void copy(byte[] target, int count) throws IOException {
      int to = 0;
      while (to < count && available()) {
        int part = Math.min(count - to, end - at);
        System.arraycopy(block, at, target, to, part);
        at += part;
        to += part;
      }
    }

    private void skip(int count) throws IOException {
      int left = count;
      while (left > 0 && available()) {
        int part = Math.min(left, end - at);
        at += part;
        left -= part;
      }
    }

    private boolean available() throws IOException {
      while (at == end) {
        if (next < writtenCount[partition]) {
          long place = written[partition][next++];
          int size = (int) (place & 0xffff);
          read(place >>> 16, size);
          block = loaded;
          at = 0;
          end = size;
        } else if (next == writtenCount[partition] && blocks[partition] != null) {
          next++;
          block = blocks[partition];
          at = 0;
          end = filled[partition];
        } else {
          return false;
        }
      }
      return true;
    }

    private void read(long position, int size) throws IOException {
      ByteBuffer target = ByteBuffer.wrap(loaded, 0, size);
      while (target.hasRemaining()) {
        if (file == null || file.read(target, position + target.position()) < 0) {
          throw new IOException("the scratch file ends early");
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
  }
}
