package io.fulmar.internal.standard;

import io.fulmar.Operation;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.store.Planned;
import io.fulmar.internal.store.Version;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A plan on disk: one file for each section, each in the order of the partitions, and a head that
 * is written last and makes them count. Removals come first, rows next, then keys for which an
 * earlier call may still act; effects have no position.
 */
final class PlanFiles {
  /** The parts of a plan, in the order of the positions. */
  enum Section {
    REMOVED,
    ROWS,
    WAITING,
    EFFECTS
  }

  /** Instead of an operation: fields that belong to no change. */
  private static final int SKIPPED = 3;

  private static final int OVERSIZE = 8;
  private static final int WAITS = 16;
  private static final int PREVIOUS = 32;
  private static final int OPERATION = 3;
  private static final Operation[] OPERATIONS = Operation.values();
  private static final byte[] NO_KEY = {};
  private static final Version NO_ID = new Version(0, 0);

  private PlanFiles() {}

  /** The file with the fields of the changes in {@link Section#ROWS}. */
  static Path fields(Path plan) {
    return plan.resolveSibling(plan.getFileName() + ".fields");
  }

  static Path section(Path plan, Section section) {
    return plan.resolveSibling(
        plan.getFileName() + "." + section.name().toLowerCase(java.util.Locale.ROOT));
  }

  /** Removes a plan; the head first, so that no half of it counts. */
  static void delete(Path plan) throws IOException {
    Files.deleteIfExists(plan);
    Files.deleteIfExists(fields(plan));
    for (Section section : Section.values()) {
      Files.deleteIfExists(section(plan, section));
    }
  }

  /** Makes durable what planning has not: the fields of a plan that is to outlive its run. */
  static void force(Path plan) throws IOException {
    Path fields = fields(plan);
    if (Files.exists(fields)) {
      try (FileChannel file = FileChannel.open(fields, StandardOpenOption.WRITE)) {
        file.force(true);
      }
    }
  }

  /** Where the partitions of a section begin, in bytes and in entries, and their checksums. */
  record Directory(long[] bytes, long[] entries, int[] checksums) {
    long count() {
      return entries[Partitions.COUNT];
    }
  }

  /** One change of a plan. */
  static final class Entry {
    Operation operation = Operation.ADDED;
    byte[] key = NO_KEY;
    @Nullable Version version;
    Version changeId = NO_ID;
    int attempts;
    long firstAt;
    long until;
    boolean oversize;
    byte @Nullable [] previous;
    int length;

    /** How large its values are. */
    int bytes() {
      return length + (previous == null ? 0 : previous.length);
    }

    Planned planned() {
      return new Planned(operation, version, changeId, attempts, firstAt);
    }
  }

  /** Writes one section. */
  static final class SectionWriter implements Closeable {
    private final FileOut out;
    private final long[] bytes = new long[Partitions.COUNT + 1];
    private final long[] entries = new long[Partitions.COUNT + 1];
    private final int[] checksums = new int[Partitions.COUNT];
    private int partition;
    private long count;
    private long skipped;

    SectionWriter(FileChannel channel) {
      this.out = new FileOut(channel);
    }

    /** Says that the next fields belong to no change. */
    void skip(long length) {
      skipped += length;
    }

    /**
     * Writes all of an entry but its fields, which stand elsewhere or follow.
     *
     * @param previous values of the version that was accepted last; null for none
     */
    FileOut change(
        byte[] key,
        int from,
        int keyLength,
        Planned planned,
        long until,
        boolean oversize,
        byte @Nullable [] previous,
        int length)
        throws IOException {
      while (skipped > 0) {
        int part = (int) Math.min(skipped, Integer.MAX_VALUE);
        out.putByte(SKIPPED);
        out.putVarint(part);
        skipped -= part;
      }
      out.putByte(
          planned.operation().ordinal()
              | (oversize ? OVERSIZE : 0)
              | (until != 0 ? WAITS : 0)
              | (previous != null ? PREVIOUS : 0));
      out.putVarint(keyLength);
      out.putBytes(key, from, keyLength);
      Version version = planned.version();
      if (version != null) {
        out.putLong(version.high());
        out.putLong(version.low());
      }
      out.putLong(planned.changeId().high());
      out.putLong(planned.changeId().low());
      out.putVarint(planned.attempts());
      out.putLong(planned.firstAt());
      if (until != 0) {
        out.putLong(until);
      }
      if (previous != null) {
        out.putVarint(previous.length);
        out.putBytes(previous, 0, previous.length);
      }
      out.putVarint(length);
      count++;
      return out;
    }

    void effect(byte[] key, int from, int keyLength, int effects) throws IOException {
      out.putVarint(keyLength);
      out.putBytes(key, from, keyLength);
      out.putByte(effects);
      count++;
    }

    void endPartition() {
      skipped = 0;
      checksums[partition] = out.endSection();
      partition++;
      bytes[partition] = out.position();
      entries[partition] = count;
    }

    long count() {
      return count;
    }

    long size() {
      return out.position();
    }

    Directory finish() throws IOException {
      out.force();
      return new Directory(bytes, entries, checksums);
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }

  /** Reads one section, a partition at a time. */
  static final class SectionReader implements Closeable {
    private final FileChannel channel;
    private final Directory directory;
    private final FileIn in;

    SectionReader(Path plan, Section section, Directory directory) throws IOException {
      this.channel = SteadyChannel.reading(section(plan, section));
      this.directory = directory;
      this.in = new FileIn(channel);
      if (channel.size() != directory.bytes[Partitions.COUNT]) {
        channel.close();
        throw new DamagedException("the plan is cut off");
      }
    }

    /**
     * Goes to a partition, all of which is held against its checksum before anything is made of it;
     * gives the position of its first entry within the section.
     */
    long go(int to) throws IOException {
      long from = directory.bytes[to];
      long end = directory.bytes[to + 1];
      if (from < end) {
        in.section(from, end);
        in.checkAll(directory.checksums[to], "partition " + to + " of the plan is damaged");
      }
      in.section(from, end);
      return directory.entries[to];
    }

    /** Whether the partition has more entries. */
    boolean hasMore() {
      return in.hasMore();
    }

    /** How many bytes of fields are to be skipped before the next change, which there is. */
    long skipped() throws IOException {
      long bytes = 0;
      while (in.peekByte() == SKIPPED) {
        in.getByte();
        bytes += in.getVarint();
      }
      return bytes;
    }

    /** Reads an entry up to its fields. */
    Entry change() throws IOException {
      int flags = in.getByte();
      Entry entry = new Entry();
      entry.operation = OPERATIONS[Math.min(flags & OPERATION, 2)];
      entry.oversize = (flags & OVERSIZE) != 0;
      entry.key = in.getBytes(in.getVarint());
      entry.version =
          entry.operation == Operation.REMOVED ? null : new Version(in.getLong(), in.getLong());
      entry.changeId = new Version(in.getLong(), in.getLong());
      entry.attempts = in.getVarint();
      entry.firstAt = in.getLong();
      entry.until = (flags & WAITS) != 0 ? in.getLong() : 0;
      entry.previous = (flags & PREVIOUS) != 0 ? in.getBytes(in.getVarint()) : null;
      entry.length = in.getVarint();
      return entry;
    }

    /** The fields that follow an entry. */
    byte[] fields(Entry entry) throws IOException {
      return in.getBytes(entry.length);
    }

    void skipFields(Entry entry) throws IOException {
      in.skip(entry.length);
    }

    byte[] effectKey() throws IOException {
      return in.getBytes(in.getVarint());
    }

    int effects() throws IOException {
      return in.getByte();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** Writes directories into a head. */
  static void putDirectory(FileOut out, Directory directory) throws IOException {
    for (int i = 0; i <= Partitions.COUNT; i++) {
      out.putLong(directory.bytes[i]);
      out.putLong(directory.entries[i]);
      out.putLong(i < Partitions.COUNT ? directory.checksums[i] & 0xffffffffL : 0);
    }
  }

  /** Reads a directory out of a head. */
  static Directory getDirectory(FileIn in) throws IOException {
    Directory directory =
        new Directory(
            new long[Partitions.COUNT + 1],
            new long[Partitions.COUNT + 1],
            new int[Partitions.COUNT]);
    for (int i = 0; i <= Partitions.COUNT; i++) {
      directory.bytes[i] = in.getLong();
      directory.entries[i] = in.getLong();
      int checksum = (int) in.getLong();
      if (i < Partitions.COUNT) {
        directory.checksums[i] = checksum;
      }
    }
    return directory;
  }

  /** The sections that have positions. */
  static List<Section> positioned() {
    List<Section> sections = new ArrayList<>(List.of(Section.values()));
    sections.remove(Section.EFFECTS);
    return sections;
  }
}
