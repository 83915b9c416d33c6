package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Planned;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Computes a change set in bounded memory. While rows arrive they go to their partitions, without
 * their fields if the destination has this version as far as the filter can tell; then each
 * partition is joined with its part of the state.
 */
final class Diff implements RowSink, Closeable {
  /** A partition with more bytes than this is joined in slices. */
  private static final long SLICE_BYTES = 16L << 20;

  private static final int ENTRY_BYTES = 64;
  private static final int MAX_SAMPLES = 100;
  private static final int OVERSIZE = 1;
  private static final int PLAIN = -2;
  private static final int UNKNOWN = -1;

  /** The filter took a changed row for an unchanged one, so its fields are not there. */
  static final class FilterMissed extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private final StateDirectory directory;
  private final PlanHead head;
  private final @Nullable StateFile state;
  private final Rules rules;
  private final @Nullable TagFilter filter;
  private final long now;
  private final Hasher128 rowHasher;
  private final Hasher128 idHasher;
  private final Spill spill;
  private final ColumnKind[] keyKinds;
  private final int[] keyFields;
  private final int marker;
  private final ImageBuffer key = new ImageBuffer(256);
  private final Map<PlanFiles.Section, PlanFiles.SectionWriter> writers =
      new EnumMap<>(PlanFiles.Section.class);
  private byte[] idBuffer = new byte[256];

  // One entry for each key of the partition (or slice) that is being joined.
  private final KeyTable table = new KeyTable();
  private int[] rows = new int[1024];
  private long[] high = new long[1024];
  private long[] low = new long[1024];
  private long[] acceptedHigh = new long[1024];
  private long[] acceptedLow = new long[1024];
  private int[] memory = new int[1024];
  private @Nullable Planned[] planned = new @Nullable Planned[1024];
  private final List<Memory> memories = new ArrayList<>();
  private int[] entryOfRow = new int[1024];

  Diff(
      StateDirectory directory,
      PlanHead head,
      @Nullable StateFile state,
      ModelShape shape,
      Rules rules,
      @Nullable TagFilter filter,
      Seeds seeds,
      long now) {
    this.directory = directory;
    this.head = head;
    this.state = state;
    this.rules = rules;
    this.filter = filter;
    this.now = now;
    this.rowHasher = Hashing.xxh3_128(seeds.ofRows());
    this.idHasher = Hashing.xxh3_128(seeds.ofIds());
    this.spill = new Spill(() -> directory.create(directory.scratch(head.run)));
    this.keyKinds =
        shape.keyPositions().stream()
            .map(i -> shape.columns().get(i).kind())
            .toArray(ColumnKind[]::new);
    this.keyFields = shape.keyFields();
    this.marker = shape.isMeasured() ? shape.columns().size() : -1;
  }

  /**
   * What the hashes of a sync depend on.
   *
   * @param ofRows seed of row versions
   * @param ofIds seed of change ids
   */
  record Seeds(long ofRows, long ofIds) {}

  // ------------------------------------------------------------------------------------------ rows

  @Override
  public void row(byte[] buffer, int from, int to, int[] fields) throws IOException {
    head.rows++;
    key.clear();
    boolean oversize = marker >= 0 && fields[2 * marker + 1] >= 0;
    for (int i = 0; i < keyFields.length; i++) {
      int field = 2 * keyFields[i];
      int length = fields[field + 1];
      if (length < 0) {
        invalid(
            oversize ? InvalidRow.Reason.KEY_TOO_LARGE : InvalidRow.Reason.NULL_KEY,
            buffer,
            fields);
        return;
      }
      KeyImage.append(keyKinds[i], buffer, fields[field], length, key);
    }
    HashValue128 version = rowHasher.hashBytesTo128Bits(buffer, from, to - from);
    long versionHigh = version.getMostSignificantBits();
    long versionLow = version.getLeastSignificantBits();
    boolean known = filter != null && filter.mayContain(versionHigh, versionLow);
    spill.add(
        Partitions.of(Partitions.hash(key.array(), 0, key.length())),
        key.array(),
        key.length(),
        versionHigh,
        versionLow,
        oversize ? OVERSIZE : 0,
        buffer,
        from,
        known ? -1 : to - from);
  }

  /** Counts a row without a usable key; keeps what there is of the key of the first ones. */
  private void invalid(InvalidRow.Reason reason, byte[] buffer, int[] fields) {
    head.invalid++;
    if (head.invalidRows.size() >= MAX_SAMPLES) {
      return;
    }
    int size = 0;
    for (int field : keyFields) {
      size += 4 + Math.max(0, fields[2 * field + 1]);
    }
    ByteBuffer sample = ByteBuffer.allocate(size);
    for (int field : keyFields) {
      int length = fields[2 * field + 1];
      sample.putInt(length).put(buffer, fields[2 * field], Math.max(0, length));
    }
    head.invalidRows.add(new PlanHead.Invalid(reason, false, sample.array(), 1));
  }

  // ------------------------------------------------------------------------------------------ join

  /** Joins what was read with the state and writes the sections of the plan. */
  void join() throws IOException, FilterMissed {
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      long keys = spill.rows(partition) + (state == null ? 0 : state.keys(partition));
      int slices = (int) Math.min(1 << 16, keys * ENTRY_BYTES / SLICE_BYTES + 1);
      for (int slice = 0; slice < slices; slice++) {
        join(partition, slice, slices);
      }
      for (PlanFiles.SectionWriter writer : writers.values()) {
        writer.endPartition();
      }
    }
    for (Map.Entry<PlanFiles.Section, PlanFiles.SectionWriter> writer : writers.entrySet()) {
      head.sections.put(writer.getKey(), writer.getValue().finish());
    }
  }

  private void join(int partition, int slice, int slices) throws IOException, FilterMissed {
    table.clear();
    memories.clear();
    if (state != null) {
      load(state.read(partition), slice, slices);
    }
    int rowCount = count(spill.read(partition), slice, slices);
    boolean anyRow = false;
    for (int entry = 0; entry < table.size(); entry++) {
      anyRow |= decide(partition, entry);
    }
    if (anyRow) {
      emit(partition, rowCount, slice, slices);
    }
  }

  private void load(StateFile.Cursor cursor, int slice, int slices) throws IOException {
    while (cursor.next()) {
      long hash = Partitions.hash(cursor.key(), 0, cursor.keyLength());
      if (slices > 1 && Partitions.slice(hash, slices) != slice) {
        continue;
      }
      int entry = entry(hash, cursor.key(), cursor.keyLength());
      if (cursor.isPlain()) {
        memory[entry] = PLAIN;
        acceptedHigh[entry] = cursor.high();
        acceptedLow[entry] = cursor.low();
      } else {
        memory[entry] = memories.size();
        memories.add(cursor.memory());
      }
    }
  }

  private int count(Spill.Cursor cursor, int slice, int slices) throws IOException {
    int count = 0;
    while (cursor.next()) {
      long hash = Partitions.hash(cursor.key(), 0, cursor.keyLength());
      if (slices > 1 && Partitions.slice(hash, slices) != slice) {
        continue;
      }
      int entry = entry(hash, cursor.key(), cursor.keyLength());
      rows[entry]++;
      high[entry] = cursor.high();
      low[entry] = cursor.low();
      if (count == entryOfRow.length) {
        entryOfRow = Arrays.copyOf(entryOfRow, count * 2);
      }
      entryOfRow[count++] = entry;
    }
    return count;
  }

  private int entry(long hash, byte[] keyBytes, int length) {
    int known = table.size();
    int entry = table.add(hash, keyBytes, 0, length);
    if (entry == known) {
      if (entry == rows.length) {
        grow();
      }
      rows[entry] = 0;
      memory[entry] = UNKNOWN;
      planned[entry] = null;
    }
    return entry;
  }

  private void grow() {
    int size = rows.length * 2;
    rows = Arrays.copyOf(rows, size);
    high = Arrays.copyOf(high, size);
    low = Arrays.copyOf(low, size);
    acceptedHigh = Arrays.copyOf(acceptedHigh, size);
    acceptedLow = Arrays.copyOf(acceptedLow, size);
    memory = Arrays.copyOf(memory, size);
    planned = Arrays.copyOf(planned, size);
  }

  /** Decides about one key; true if a row of it is planned. */
  private boolean decide(int partition, int entry) throws IOException {
    if (rows[entry] > 1) {
      duplicate(entry);
      return false;
    }
    boolean present = rows[entry] == 1;
    boolean same =
        present
            && memory[entry] == PLAIN
            && high[entry] == acceptedHigh[entry]
            && low[entry] == acceptedLow[entry];
    if (same && rules.mode() != io.fulmar.SyncMode.ALL) {
      return false;
    }
    Memory remembered = remembered(entry);
    Version version = present ? new Version(high[entry], low[entry]) : null;
    Rules.Decision decision = rules.decide(version, remembered);
    switch (decision.left()) {
      case HELD -> head.held++;
      case IGNORED -> head.ignored++;
      case NOTHING -> {}
    }
    if (decision.effects() != 0) {
      writer(PlanFiles.Section.EFFECTS, partition)
          .effect(table.arena(), table.start(entry), table.length(entry), decision.effects());
    }
    Operation operation = decision.planned();
    if (operation == null) {
      return false;
    }
    head.planned[operation.ordinal()]++;
    Planned change = planned(entry, operation, version, remembered.hold(), decision.again());
    if (present) {
      planned[entry] = change;
      return true;
    }
    Hold hold = remembered.hold();
    if (hold == null || (hold.version() != null && !hold.unsure())) {
      head.firstRemovals++;
    }
    long until = remembered.until() > now ? remembered.until() : 0;
    PlanFiles.Section section = until != 0 ? PlanFiles.Section.WAITING : PlanFiles.Section.REMOVED;
    writer(section, partition)
        .change(table.arena(), table.start(entry), table.length(entry), change, until, false, 0);
    return false;
  }

  private Memory remembered(int entry) {
    return switch (memory[entry]) {
      case UNKNOWN -> Memory.NONE;
      case PLAIN -> new Memory(new Version(acceptedHigh[entry], acceptedLow[entry]), 0, null, 0);
      default -> memories.get(memory[entry]);
    };
  }

  private Planned planned(
      int entry,
      Operation operation,
      @Nullable Version version,
      @Nullable Hold hold,
      boolean again) {
    Version known = again && hold != null ? hold.changeId() : null;
    if (known != null && hold != null) {
      return new Planned(operation, version, known, hold.attempts(), hold.firstAt());
    }
    return new Planned(operation, version, changeId(entry, operation, version), 0, now);
  }

  /**
   * Hash of key, operation, content and the number of this run, which is the first that plans the
   * change.
   */
  private Version changeId(int entry, Operation operation, @Nullable Version version) {
    int length = table.length(entry);
    if (idBuffer.length < length + 32) {
      idBuffer = new byte[2 * length + 32];
    }
    ByteBuffer.wrap(idBuffer)
        .put(table.arena(), table.start(entry), length)
        .put((byte) operation.ordinal())
        .putLong(version == null ? 0 : version.high())
        .putLong(version == null ? 0 : version.low())
        .putLong(head.run);
    HashValue128 id = idHasher.hashBytesTo128Bits(idBuffer, 0, length + 25);
    return new Version(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  private void duplicate(int entry) {
    head.invalid += rows[entry];
    if (head.invalidRows.size() < MAX_SAMPLES) {
      int start = table.start(entry);
      byte[] bytes = Arrays.copyOfRange(table.arena(), start, start + table.length(entry));
      head.invalidRows.add(
          new PlanHead.Invalid(InvalidRow.Reason.DUPLICATE_KEY, true, bytes, rows[entry]));
    }
  }

  /** Goes over the rows again, in the same order, and writes those that are planned. */
  private void emit(int partition, int rowCount, int slice, int slices)
      throws IOException, FilterMissed {
    Spill.Cursor cursor = spill.read(partition);
    for (int row = 0; row < rowCount && cursor.next(); ) {
      if (slices > 1
          && Partitions.slice(Partitions.hash(cursor.key(), 0, cursor.keyLength()), slices)
              != slice) {
        continue;
      }
      int entry = entryOfRow[row++];
      Planned change = planned[entry];
      if (change == null) {
        continue;
      }
      if (cursor.length() < 0) {
        throw new FilterMissed();
      }
      Memory remembered = remembered(entry);
      long until = remembered.until() > now ? remembered.until() : 0;
      PlanFiles.Section section = until != 0 ? PlanFiles.Section.WAITING : PlanFiles.Section.ROWS;
      boolean oversize = (cursor.flags() & OVERSIZE) != 0;
      FileOut out =
          writer(section, partition)
              .change(
                  cursor.key(), 0, cursor.keyLength(), change, until, oversize, cursor.length());
      cursor.fields(out);
    }
  }

  /** The writer of a section; one that begins late has nothing in the partitions before. */
  private PlanFiles.SectionWriter writer(PlanFiles.Section section, int partition)
      throws IOException {
    PlanFiles.SectionWriter writer = writers.get(section);
    if (writer == null) {
      Path path = PlanFiles.section(directory.plan(head.run), section);
      writer = new PlanFiles.SectionWriter(directory.create(path));
      writers.put(section, writer);
      for (int i = 0; i < partition; i++) {
        writer.endPartition();
      }
    }
    return writer;
  }

  @Override
  public void close() throws IOException {
    try {
      for (PlanFiles.SectionWriter writer : writers.values()) {
        writer.close();
      }
    } finally {
      spill.close();
    }
  }
}
