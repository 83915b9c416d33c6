package io.fulmar.internal.standard;

import io.fulmar.internal.row.DamagedException;
import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One stream of bytes for each partition, all in one file: written in any order, read back one
 * partition at a time. Blocks go to the file when they are full; what is small never leaves memory
 * unless it is finished. Not threadsafe.
 */
final class PartitionedFile implements Closeable {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final int FIRST_SIZE = 1 << 9;
  private static final int BLOCK = 1 << 14;
  private static final byte[] NOTHING = new byte[0];

  // A block is not longer than 2^14 bytes, so that its place and its length share a long.
  private static final int LENGTH_BITS = 16;

  /** Opens the file when the first block is full. */
  interface Opener {
    FileChannel open() throws IOException;
  }

  /** Where the blocks of each partition are, and the checksums of the partitions. */
  record Directory(long[][] blocks, int[] checksums) {
    static Directory empty() {
      return new Directory(new long[Partitions.COUNT][0], new int[Partitions.COUNT]);
    }

    /** How many bytes a partition has. */
    long bytes(int partition) {
      return Arrays.stream(blocks[partition]).map(block -> block & ((1 << LENGTH_BITS) - 1)).sum();
    }

    boolean isEmpty() {
      return Arrays.stream(blocks).allMatch(of -> of.length == 0);
    }
  }

  private final Opener opener;
  private final byte[][] current = new byte[Partitions.COUNT][];
  private final int[] filled = new int[Partitions.COUNT];
  private final long[][] blocks = new long[Partitions.COUNT][];
  private final int[] blockCount = new int[Partitions.COUNT];
  private final CRC32C[] checksums = new CRC32C[Partitions.COUNT];
  private @Nullable FileChannel file;
  private long size;

  PartitionedFile(Opener opener) {
    this.opener = opener;
  }

  /** Opens a finished file for reading. */
  PartitionedFile(FileChannel file, Directory directory) {
    this.opener = () -> file;
    this.file = file;
    for (int i = 0; i < Partitions.COUNT; i++) {
      blocks[i] = directory.blocks[i];
      blockCount[i] = directory.blocks[i].length;
    }
  }

  void putByte(int partition, int value) throws IOException {
    room(partition, 1);
    current[partition][filled[partition]++] = (byte) value;
  }

  void putInt(int partition, int value) throws IOException {
    room(partition, 4);
    INT.set(current[partition], filled[partition], value);
    filled[partition] += 4;
  }

  void putLong(int partition, long value) throws IOException {
    room(partition, 8);
    LONG.set(current[partition], filled[partition], value);
    filled[partition] += 8;
  }

  void putBytes(int partition, byte[] source, int from, int length) throws IOException {
    int at = from;
    int left = length;
    while (left > 0) {
      room(partition, 1);
      int part = Math.min(left, current[partition].length - filled[partition]);
      System.arraycopy(source, at, current[partition], filled[partition], part);
      filled[partition] += part;
      at += part;
      left -= part;
    }
  }

  private void room(int partition, int wanted) throws IOException {
    byte[] block = current[partition];
    if (block == null) {
      current[partition] = new byte[FIRST_SIZE];
    } else if (block.length - filled[partition] < wanted) {
      if (block.length < BLOCK) {
        current[partition] = Arrays.copyOf(block, block.length * 2);
      } else {
        write(partition);
      }
    }
  }

  private void write(int partition) throws IOException {
    FileChannel channel = file == null ? opener.open() : file;
    file = channel;
    long[] known = blocks[partition] == null ? new long[16] : blocks[partition];
    if (blockCount[partition] == known.length) {
      known = Arrays.copyOf(known, known.length * 2);
    }
    known[blockCount[partition]++] = size << LENGTH_BITS | filled[partition];
    blocks[partition] = known;
    if (checksums[partition] == null) {
      checksums[partition] = new CRC32C();
    }
    checksums[partition].update(current[partition], 0, filled[partition]);
    ByteBuffer block = ByteBuffer.wrap(current[partition], 0, filled[partition]);
    while (block.hasRemaining()) {
      size += channel.write(block, size);
    }
    filled[partition] = 0;
  }

  /**
   * Writes what is left in memory.
   *
   * @param durably whether it must be there after a loss of power
   */
  Directory finish(boolean durably) throws IOException {
    Directory directory = Directory.empty();
    for (int i = 0; i < Partitions.COUNT; i++) {
      if (filled[i] > 0) {
        write(i);
      }
      if (blocks[i] != null) {
        directory.blocks[i] = Arrays.copyOf(blocks[i], blockCount[i]);
        directory.checksums[i] = (int) checksums[i].getValue();
      }
    }
    if (durably && file != null) {
      file.force(true);
    }
    return directory;
  }

  Cursor read(int partition) {
    return new Cursor(partition);
  }

  /** Goes over the stream of one partition. */
  final class Cursor {
    private final int partition;
    private final CRC32C crc = new CRC32C();
    private byte[] loaded = NOTHING;
    private byte[] block = NOTHING;
    private int next;
    private int at;
    private int end;

    private Cursor(int partition) {
      this.partition = partition;
    }

    boolean hasMore() throws IOException {
      return at < end || load();
    }

    int getByte() throws IOException {
      if (at == end) {
        more();
      }
      return block[at++];
    }

    int getInt() throws IOException {
      if (end - at < 4) {
        return getByte() << 24
            | (getByte() & 0xff) << 16
            | (getByte() & 0xff) << 8
            | (getByte() & 0xff);
      }
      int value = (int) INT.get(block, at);
      at += 4;
      return value;
    }

    long getLong() throws IOException {
      if (end - at < 8) {
        return (long) getInt() << 32 | (getInt() & 0xffffffffL);
      }
      long value = (long) LONG.get(block, at);
      at += 8;
      return value;
    }

    void getBytes(byte[] target, int from, int count) throws IOException {
      int to = from;
      int left = count;
      while (left > 0) {
        if (at == end) {
          more();
        }
        int part = Math.min(left, end - at);
        System.arraycopy(block, at, target, to, part);
        at += part;
        to += part;
        left -= part;
      }
    }

    void skip(long count) throws IOException {
      long left = count;
      while (left > 0) {
        if (at == end) {
          more();
        }
        int part = (int) Math.min(left, end - at);
        at += part;
        left -= part;
      }
    }

    /** Reads to the end and holds what was read against the checksum. */
    void checkRest(int checksum) throws IOException {
      while (hasMore()) {
        at = end;
      }
      if ((int) crc.getValue() != checksum) {
        throw new DamagedException("partition " + partition + " of the plan is damaged");
      }
    }

    private void more() throws IOException {
      if (!load()) {
        throw new DamagedException("partition " + partition + " ends early");
      }
    }

    private boolean load() throws IOException {
      FileChannel channel = file;
      if (next < blockCount[partition] && channel != null) {
        long place = blocks[partition][next++];
        int length = (int) (place & ((1 << LENGTH_BITS) - 1));
        if (length > BLOCK) {
          throw new DamagedException("partition " + partition + " is damaged");
        }
        if (loaded.length < length) {
          loaded = new byte[length];
        }
        ByteBuffer target = ByteBuffer.wrap(loaded, 0, length);
        while (target.hasRemaining()) {
          if (channel.read(target, (place >>> LENGTH_BITS) + target.position()) < 0) {
            throw new DamagedException("partition " + partition + " is cut off");
          }
        }
        crc.update(loaded, 0, length);
        block = loaded;
        at = 0;
        end = length;
        return true;
      }
      if (next == blockCount[partition] && current[partition] != null && filled[partition] > 0) {
        next++;
        block = current[partition];
        at = 0;
        end = filled[partition];
        return true;
      }
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
  }
}
