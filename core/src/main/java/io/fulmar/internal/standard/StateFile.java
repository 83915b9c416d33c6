package io.fulmar.internal.standard;

import io.fulmar.HoldKind;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Version;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of all keys, in the order of the partitions: each entry is the length of the
 * key, the key, flags, and what the flags name. An entry of which only a version is accepted takes
 * 18 bytes and its key; values of the accepted version, if there are any, come last. The file ends
 * with the columns that these values are of, and a directory of the partitions with their
 * checksums, and is never changed once it is written.
 */
final class StateFile implements Closeable {
  private static final long MAGIC = 0x46554c4d53543032L; // FULMST02
  private static final int DIRECTORY_ENTRY = 8 + 8 + 8;
  private static final int FOOTER = Partitions.COUNT * DIRECTORY_ENTRY + 8 + 8 + 8 + 8;

  /** Flags beyond these take a second byte. */
  private static final int ONE_BYTE = 0x7f;

  static final int ACCEPTED = 1;
  private static final int REMEMBERED = 2;
  private static final int HOLD = 4;
  private static final int UNTIL = 8;
  private static final int HOLD_OF_ROW = 16;
  private static final int HOLD_WITH_ID = 32;
  private static final int HOLD_UNSURE = 64;
  private static final int GONE = 128;
  private static final int HOLD_WITH_REASON = 256;

  private final FileChannel channel;
  private final long[] starts = new long[Partitions.COUNT + 1];
  private final long[] counts = new long[Partitions.COUNT];
  private final int[] checksums = new int[Partitions.COUNT];
  private Shape remembered = Remembered.NOTHING.shape();

  private StateFile(FileChannel channel) {
    this.channel = channel;
  }

  /** Opens a state and checks its directory. */
  static StateFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    StateFile state = new StateFile(channel);
    try {
      state.readDirectory();
      return state;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void readDirectory() throws IOException {
    long size = channel.size();
    if (size < FOOTER) {
      throw new DamagedException("the state is cut off");
    }
    FileIn in = new FileIn(channel);
    in.section(size - FOOTER, size - 16);
    for (int i = 0; i < Partitions.COUNT; i++) {
      starts[i] = in.getLong();
      counts[i] = in.getLong();
      checksums[i] = (int) in.getLong();
    }
    starts[Partitions.COUNT] = in.getLong();
    int checksumOfColumns = (int) in.getLong();
    int checksum = in.checksum();
    in.section(size - 16, size);
    if (in.getLong() != MAGIC || (int) in.getLong() != checksum) {
      throw new DamagedException("the directory of the state is damaged");
    }
    in.section(starts[Partitions.COUNT], size - FOOTER);
    in.checkAll(checksumOfColumns, "the columns of the state are damaged");
    in.section(starts[Partitions.COUNT], size - FOOTER);
    remembered = PlanHead.getShape(in);
  }

  /** The columns that values are remembered of; empty for none. */
  Shape remembered() {
    return remembered;
  }

  long size() throws IOException {
    return channel.size();
  }

  long keys() {
    long sum = 0;
    for (long count : counts) {
      sum += count;
    }
    return sum;
  }

  long keys(int partition) {
    return counts[partition];
  }

  long bytes(int partition) {
    return starts[partition + 1] - starts[partition];
  }

  /** Holds all partitions against their checksums. */
  void check() throws IOException {
    FileIn in = new FileIn(channel);
    for (int i = 0; i < Partitions.COUNT; i++) {
      if (starts[i] < starts[i + 1]) {
        in.section(starts[i], starts[i + 1]);
        in.checkAll(checksums[i], "partition " + i + " of the state is damaged");
      }
    }
  }

  Cursor read(int partition) {
    return new Cursor(partition);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** Goes over the entries of one partition; checks its checksum at the end. */
  final class Cursor {
    private final int partition;
    private final FileIn in = new FileIn(channel);
    private byte[] key = new byte[64];
    private int keyLength;
    private int flags;
    private long high;
    private long low;
    private @Nullable Memory memory;
    private byte[] values = new byte[64];
    private int valuesLength;

    private Cursor(int partition) {
      this.partition = partition;
      in.section(starts[partition], starts[partition + 1]);
    }

    boolean next() throws IOException {
      if (!in.hasMore()) {
        if (in.checksum() != checksums[partition] && starts[partition] < starts[partition + 1]) {
          throw new DamagedException("partition " + partition + " of the state is damaged");
        }
        return false;
      }
      keyLength = in.getVarint();
      if (key.length < keyLength) {
        key = new byte[(int) Math.min(keyLength * 2L, 1 << 20)];
      }
      if (key.length < keyLength) {
        throw new DamagedException("a key in the state is damaged");
      }
      in.getBytes(key, 0, keyLength);
      flags = in.getByte();
      if (flags > ONE_BYTE) {
        flags = (flags & ONE_BYTE) | (in.getByte() << 7);
      }
      if ((flags & ACCEPTED) != 0) {
        high = in.getLong();
        low = in.getLong();
      }
      memory = isPlain() ? null : readMemory();
      if (hasValues()) {
        valuesLength = in.getLength();
        if (values.length < valuesLength) {
          values = new byte[valuesLength];
        }
        in.getBytes(values, 0, valuesLength);
      }
      return true;
    }

    byte[] key() {
      return key;
    }

    int keyLength() {
      return keyLength;
    }

    /**
     * Whether nothing is remembered but an accepted version, {@link #high} and {@link #low}, and
     * values of it.
     */
    boolean isPlain() {
      return (flags & ~REMEMBERED) == ACCEPTED;
    }

    /** Whether values of the accepted version are there. */
    private boolean hasValues() {
      return (flags & REMEMBERED) != 0;
    }

    /** A copy of the values of the accepted version; null if there are none. */
    byte @Nullable [] values() {
      return hasValues() ? Arrays.copyOf(values, valuesLength) : null;
    }

    long high() {
      return high;
    }

    long low() {
      return low;
    }

    Memory memory() {
      return memory == null ? new Memory(new Version(high, low), 0, null, 0) : memory;
    }

    private Memory readMemory() throws IOException {
      Version accepted = (flags & ACCEPTED) != 0 ? new Version(high, low) : null;
      long gone = (flags & GONE) != 0 ? in.getLong() : 0;
      long until = (flags & UNTIL) != 0 ? in.getLong() : 0;
      return new Memory(accepted, gone, (flags & HOLD) != 0 ? readHold() : null, until);
    }

    private Hold readHold() throws IOException {
      Version version = (flags & HOLD_OF_ROW) != 0 ? new Version(in.getLong(), in.getLong()) : null;
      int kind = in.getByte();
      if (kind >= HoldKind.values().length) {
        throw new DamagedException("a hold in the state is damaged");
      }
      int attempts = in.getVarint();
      long firstAt = in.getLong();
      Version id = (flags & HOLD_WITH_ID) != 0 ? new Version(in.getLong(), in.getLong()) : null;
      Hold.Reason reason =
          (flags & HOLD_WITH_REASON) != 0 ? new Hold.Reason(in.getString(), in.getString()) : null;
      return new Hold(
          version,
          HoldKind.values()[kind],
          attempts,
          firstAt,
          id,
          (flags & HOLD_UNSURE) != 0,
          reason);
    }
  }

  /** What a state holds, for {@link io.fulmar.SyncEngine#status}. */
  static final class Census {
    long synced;
    long live;
    long unsure;
    long until;
    final Map<HoldKind, Long> holds = new EnumMap<>(HoldKind.class);

    void plain() {
      synced++;
      live++;
    }

    void add(Memory memory) {
      if (memory.accepted() != null) {
        synced++;
        live += memory.gone() ? 0 : 1;
      }
      until = Math.max(until, memory.until());
      Hold hold = memory.hold();
      if (hold != null) {
        holds.merge(hold.kind(), 1L, Long::sum);
        unsure += hold.unsure() ? 1 : 0;
      }
    }
  }

  /** Writes a state, partition after partition. */
  static final class Writer implements Closeable {
    private final FileOut out;
    private final long[] directory = new long[Partitions.COUNT * 3];
    private final Census census = new Census();
    private final Shape remembered;
    private int partition;
    private long count;
    private long start;

    /** A state without values of accepted versions. */
    Writer(FileChannel channel) {
      this(channel, Remembered.NOTHING.shape());
    }

    /**
     * A state.
     *
     * @param remembered the columns that values are remembered of
     */
    Writer(FileChannel channel, Shape remembered) {
      this.out = new FileOut(channel);
      this.remembered = remembered;
    }

    Census census() {
      return census;
    }

    void plain(byte[] key, int from, int length, long high, long low) throws IOException {
      plain(key, from, length, high, low, ACCEPTED);
    }

    private void plain(byte[] key, int from, int length, long high, long low, int flags)
        throws IOException {
      out.putVarint(length);
      out.putBytes(key, from, length);
      out.putByte(flags);
      out.putLong(high);
      out.putLong(low);
      census.plain();
      count++;
    }

    /**
     * Writes the plain entry where a cursor stands once more.
     *
     * @param values whether its values go with it; they must be of the columns of this state
     */
    void plain(Cursor cursor, boolean values) throws IOException {
      boolean too = values && cursor.hasValues();
      plain(
          cursor.key,
          0,
          cursor.keyLength,
          cursor.high,
          cursor.low,
          too ? ACCEPTED | REMEMBERED : ACCEPTED);
      if (too) {
        values(cursor.values, cursor.valuesLength);
      }
    }

    private void values(byte[] values, int length) throws IOException {
      out.putVarint(length);
      out.putBytes(values, 0, length);
    }

    /**
     * Writes an entry.
     *
     * @param values of the accepted version; null for none
     */
    void entry(byte[] key, int from, int length, Memory memory, byte @Nullable [] values)
        throws IOException {
      Version accepted = memory.accepted();
      byte[] kept = accepted == null ? null : values;
      Hold hold = memory.hold();
      int flags =
          (accepted != null ? ACCEPTED : 0)
              | (kept != null ? REMEMBERED : 0)
              | (memory.gone() ? GONE : 0)
              | (memory.until() != 0 ? UNTIL : 0)
              | (hold != null ? flags(hold) : 0);
      out.putVarint(length);
      out.putBytes(key, from, length);
      out.putVarint(flags);
      version(accepted);
      if (memory.gone()) {
        out.putLong(memory.goneSince());
      }
      if (memory.until() != 0) {
        out.putLong(memory.until());
      }
      if (hold != null) {
        hold(hold);
      }
      if (kept != null) {
        values(kept, kept.length);
      }
      census.add(memory);
      count++;
    }

    private static int flags(Hold hold) {
      return HOLD
          | (hold.version() != null ? HOLD_OF_ROW : 0)
          | (hold.changeId() != null ? HOLD_WITH_ID : 0)
          | (hold.unsure() ? HOLD_UNSURE : 0)
          | (hold.reason() != null ? HOLD_WITH_REASON : 0);
    }

    private void hold(Hold hold) throws IOException {
      version(hold.version());
      out.putByte(hold.kind().ordinal());
      out.putVarint(hold.attempts());
      out.putLong(hold.firstAt());
      version(hold.changeId());
      Hold.Reason reason = hold.reason();
      if (reason != null) {
        out.putString(reason.code());
        out.putString(reason.message());
      }
    }

    private void version(@Nullable Version version) throws IOException {
      if (version != null) {
        out.putLong(version.high());
        out.putLong(version.low());
      }
    }

    void endPartition() throws IOException {
      directory[partition * 3] = start;
      directory[partition * 3 + 1] = count;
      directory[partition * 3 + 2] = out.endSection() & 0xffffffffL;
      partition++;
      count = 0;
      start = out.position();
    }

    /** Writes the directory and makes the file durable. */
    void finish() throws IOException {
      if (partition != Partitions.COUNT) {
        throw new IllegalStateException(
            "a state has " + Partitions.COUNT + " partitions, not " + partition);
      }
      PlanHead.putShape(out, remembered);
      int checksumOfColumns = out.endSection();
      for (long value : directory) {
        out.putLong(value);
      }
      out.putLong(start);
      out.putLong(checksumOfColumns & 0xffffffffL);
      int checksum = out.endSection();
      out.putLong(MAGIC);
      out.putLong(checksum & 0xffffffffL);
      out.force();
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }
}
