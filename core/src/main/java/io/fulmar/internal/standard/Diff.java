package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.PlanRequest;
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
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Computes a change set in bounded memory. While rows arrive they go to their partitions, but for
 * those of which the destination has this version as far as the filter can tell; then each
 * partition is joined with its part of the state.
 */
final class Diff implements RowSink, Closeable {
  /** A partition with more bytes than this is joined in slices. */
  private static final long SLICE_BYTES = 16L << 20;

  private static final int ENTRY_BYTES = 64;
  private static final int MAX_SAMPLES = 100;
  private static final int MAX_SAMPLES_OF_OPERATION = 10;
  private static final int OVERSIZE = 1;
  private static final int NOT_HERE = -1;

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
  private final ChangeIds ids;
  private final PartitionedFile keys;
  private final PartitionedFile fieldsOfRows;
  private final ColumnKind[] keyKinds;
  private final int[] keyFields;
  private final int marker;
  private final boolean remembers;
  private final boolean knowsPrevious;
  private final ImageBuffer key = new ImageBuffer(256);
  private final Map<PlanFiles.Section, PlanFiles.SectionWriter> writers =
      new EnumMap<>(PlanFiles.Section.class);
  private byte[] keyBytes = new byte[256];

  /** Rows of each partition that the filter has paired with no accepted version. */
  private final long[] unpaired = new long[Partitions.COUNT];

  private boolean knowsAll = true;

  // One entry for each key of the partition (or slice) of which a row came with its fields.
  private final KeyTable table = new KeyTable();
  private int[] rows = new int[1024];
  private long[] high = new long[1024];
  private long[] low = new long[1024];
  private boolean[] decided = new boolean[1024];
  private long[] until = new long[1024];
  private @Nullable Planned[] planned = new @Nullable Planned[1024];
  private byte[] @Nullable [] previous = new byte[1024][];

  // One place for each such row, in the order in which they came.
  private int[] entryOfRow = new int[1024];
  private int[] lengthOfRow = new int[1024];
  private boolean[] oversizeRow = new boolean[1024];
  private int rowCount;
  private long sliceBytes = SLICE_BYTES;
  private @Nullable KeyTable only;

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
    this.rowHasher = seeds.rowHasher();
    this.ids = new ChangeIds(seeds.ofIds());
    this.keys = new PartitionedFile(() -> directory.create(directory.scratch(head.run)));
    this.fieldsOfRows =
        new PartitionedFile(() -> directory.create(PlanFiles.fields(directory.plan(head.run))));
    this.keyKinds =
        shape.keyPositions().stream()
            .map(i -> shape.columns().get(i).kind())
            .toArray(ColumnKind[]::new);
    this.keyFields = shape.keyFields();
    this.marker = shape.isMeasured() ? shape.fieldCount() : -1;
    this.remembers = !head.remembered.isEmpty();
    this.knowsPrevious =
        remembers && state != null && head.remembered.isKeptLike(state.remembered());
  }

  /** Sets how many bytes of keys are worked on at once; 16 MiB unless told. */
  void sliceBytes(long bytes) {
    sliceBytes = bytes;
  }

  /** Looks at these keys only; everything else stays as it is remembered. */
  void only(List<byte[]> images) {
    KeyTable table = new KeyTable();
    for (byte[] image : images) {
      table.add(Partitions.hash(image, 0, image.length), image, 0, image.length);
    }
    only = table;
  }

  /**
   * What the hashes of a sync depend on.
   *
   * @param ofRows seed of row versions
   * @param ofIds what change ids depend on
   */
  record Seeds(long ofRows, String ofIds) {
    /** Hashes rows to versions. */
    Hasher128 rowHasher() {
      return Hashing.xxh3_128(ofRows);
    }
  }

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
            oversize && buffer[fields[2 * marker]] == 'k'
                ? InvalidRow.Reason.KEY_TOO_LARGE
                : InvalidRow.Reason.NULL_KEY,
            buffer,
            fields);
        return;
      }
      KeyImage.append(keyKinds[i], buffer, fields[field], length, key);
    }
    HashValue128 version = rowHasher.hashBytesTo128Bits(buffer, from, to - from);
    long versionHigh = version.getMostSignificantBits();
    long versionLow = version.getLeastSignificantBits();
    long hash = Partitions.hash(key.array(), 0, key.length());
    int partition = Partitions.of(hash);
    if (filter != null && filter.pair(partition, versionHigh, versionLow)) {
      return;
    }
    unpaired[partition]++;
    knowsAll = false;
    if (remembers) {
      head.rememberedBytes += head.remembered.bytes(fields);
    }
    keys.putByte(partition, oversize ? OVERSIZE : 0);
    keys.putInt(partition, key.length());
    keys.putLong(partition, versionHigh);
    keys.putLong(partition, versionLow);
    keys.putInt(partition, to - from);
    keys.putBytes(partition, key.array(), 0, key.length());
    fieldsOfRows.putBytes(partition, buffer, from, to - from);
  }

  /** Whether each row so far was of a version that the filter knows. */
  boolean knowsAll() {
    return knowsAll;
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
      if (!isAsItWas(partition)) {
        join(partition);
      }
      for (PlanFiles.SectionWriter writer : writers.values()) {
        writer.endPartition();
      }
    }
    for (Map.Entry<PlanFiles.Section, PlanFiles.SectionWriter> writer : writers.entrySet()) {
      head.sections.put(writer.getKey(), writer.getValue().finish());
    }
    if (head.sections.containsKey(PlanFiles.Section.ROWS)) {
      // A fold reads them only for what is remembered; a plan that waits forces them when it is
      // kept.
      head.fields = fieldsOfRows.finish(remembers);
    }
  }

  /** Whether there is a row of each version that is remembered, nothing else, and no other row. */
  private boolean isAsItWas(int partition) {
    return filter != null
        && state != null
        && unpaired[partition] == 0
        && filter.areAllPaired(partition, state.keys(partition));
  }

  private void join(int partition) throws IOException, FilterMissed {
    long remembered = state == null ? 0 : Math.min(unpaired[partition], state.keys(partition));
    long bytes = (unpaired[partition] + remembered) * ENTRY_BYTES;
    bytes += knowsPrevious && state != null ? state.bytes(partition) : 0;
    int slices = (int) Math.min(1 << 16, bytes / sliceBytes + 1);
    for (int slice = 0; slice < slices; slice++) {
      join(partition, slice, slices);
    }
    if (filter != null && !filter.isRight(partition)) {
      throw new FilterMissed();
    }
  }

  private void join(int partition, int slice, int slices) throws IOException {
    collect(partition, slice, slices);
    if (state != null) {
      compare(state.read(partition), partition, slice, slices);
    }
    for (int entry = 0; entry < table.size(); entry++) {
      if (!decided[entry]) {
        decide(partition, entry, rows[entry], Memory.NONE, null);
      }
    }
    emit(partition, slices);
  }

  /** Takes in the rows of a partition that are not paired, by their key. */
  private void collect(int partition, int slice, int slices) throws IOException {
    table.clear();
    rowCount = 0;
    PartitionedFile.Cursor cursor = keys.read(partition);
    while (cursor.hasMore()) {
      int flags = cursor.getByte();
      int keyLength = cursor.getInt();
      long versionHigh = cursor.getLong();
      long versionLow = cursor.getLong();
      int length = cursor.getInt();
      if (keyBytes.length < keyLength) {
        keyBytes = new byte[keyLength * 2];
      }
      cursor.getBytes(keyBytes, 0, keyLength);
      long hash = Partitions.hash(keyBytes, 0, keyLength);
      boolean here = slices == 1 || Partitions.slice(Partitions.sliceBits(hash), slices) == slice;
      int entry = here ? entry(hash, keyLength) : NOT_HERE;
      if (here) {
        rows[entry]++;
        high[entry] = versionHigh;
        low[entry] = versionLow;
      }
      row(entry, length, (flags & OVERSIZE) != 0);
    }
  }

  private int entry(long hash, int length) {
    int before = table.size();
    int entry = table.add(hash, keyBytes, 0, length);
    if (entry == before) {
      if (entry == rows.length) {
        int size = rows.length * 2;
        rows = Arrays.copyOf(rows, size);
        high = Arrays.copyOf(high, size);
        low = Arrays.copyOf(low, size);
        decided = Arrays.copyOf(decided, size);
        until = Arrays.copyOf(until, size);
        planned = Arrays.copyOf(planned, size);
        previous = Arrays.copyOf(previous, size);
      }
      rows[entry] = 0;
      decided[entry] = false;
      planned[entry] = null;
      previous[entry] = null;
    }
    return entry;
  }

  private void row(int entry, int length, boolean oversize) {
    if (rowCount == entryOfRow.length) {
      entryOfRow = Arrays.copyOf(entryOfRow, rowCount * 2);
      lengthOfRow = Arrays.copyOf(lengthOfRow, rowCount * 2);
      oversizeRow = Arrays.copyOf(oversizeRow, rowCount * 2);
    }
    entryOfRow[rowCount] = entry;
    lengthOfRow[rowCount] = length;
    oversizeRow[rowCount++] = oversize;
  }

  /** Goes over what is remembered of the keys of a partition. */
  private void compare(StateFile.Cursor cursor, int partition, int slice, int slices)
      throws IOException {
    while (cursor.next()) {
      int entry = NOT_HERE;
      if (table.size() > 0 || slices > 1) {
        long hash = Partitions.hash(cursor.key(), 0, cursor.keyLength());
        if (slices > 1 && Partitions.slice(Partitions.sliceBits(hash), slices) != slice) {
          continue;
        }
        entry = table.find(hash, cursor.key(), 0, cursor.keyLength());
      }
      boolean paired =
          filter != null
              && cursor.isPlain()
              && filter.isPaired(partition, cursor.high(), cursor.low());
      if (only != null && !isAskedFor(cursor, only)) {
        continue;
      }
      if (entry >= 0) {
        decide(partition, entry, rows[entry] + (paired ? 1 : 0), cursor.memory(), cursor);
      } else if (!paired) {
        decision(partition, cursor.key(), 0, cursor.keyLength(), null, cursor.memory(), cursor);
      }
    }
  }

  private static boolean isAskedFor(StateFile.Cursor cursor, KeyTable asked) {
    long hash = Partitions.hash(cursor.key(), 0, cursor.keyLength());
    return asked.find(hash, cursor.key(), 0, cursor.keyLength()) >= 0;
  }

  /**
   * Decides about a key that has rows; the cursor stands at what is remembered, null for nothing.
   */
  private void decide(
      int partition, int entry, int count, Memory memory, StateFile.@Nullable Cursor cursor)
      throws IOException {
    decided[entry] = true;
    int start = table.start(entry);
    int length = table.length(entry);
    if (count > 1) {
      duplicate(table.arena(), start, length, count, memory);
      return;
    }
    Version version = new Version(high[entry], low[entry]);
    Planned change = decision(partition, table.arena(), start, length, version, memory, cursor);
    planned[entry] = change;
    // A destination that was cleared has no version before, whatever is remembered.
    boolean hasBefore = change != null && change.operation() != Operation.ADDED;
    previous[entry] = hasBefore ? previous(cursor) : null;
    until[entry] = memory.until() > now ? memory.until() : 0;
  }

  /** The remembered values of the version that was accepted last; null for none. */
  private byte @Nullable [] previous(StateFile.@Nullable Cursor cursor) {
    return knowsPrevious && cursor != null ? cursor.values() : null;
  }

  /**
   * Decides about one key; removals and effects are written at once, a row that is planned is given
   * back.
   */
  private @Nullable Planned decision(
      int partition,
      byte[] bytes,
      int from,
      int length,
      @Nullable Version version,
      Memory memory,
      StateFile.@Nullable Cursor cursor)
      throws IOException {
    if (version == null) {
      leavesFilled(memory);
    }
    Rules.Decision decision =
        lacksValues(version, memory, cursor)
            ? new Rules.Decision(Operation.CHANGED, false, 0, Rules.Left.NOTHING)
            : rules.decide(head.request, version, memory);
    switch (decision.left()) {
      case HELD -> head.held++;
      case IGNORED -> head.ignored++;
      case NOTHING -> {}
    }
    if (decision.effects() != 0) {
      writer(PlanFiles.Section.EFFECTS, partition).effect(bytes, from, length, decision.effects());
    }
    Operation operation = decision.planned();
    if (operation == null) {
      return null;
    }
    sample(operation, bytes, from, length);
    head.planned[operation.ordinal()]++;
    Hold hold = memory.hold();
    Version id = ids.of(bytes, from, length, operation, version, head.run);
    Planned change = rules.planned(decision, version, memory, id, now);
    if (version != null) {
      return change;
    }
    if (hold == null || (hold.version() != null && !hold.unsure())) {
      head.firstRemovals++;
    }
    long mayActUntil = memory.until() > now ? memory.until() : 0;
    PlanFiles.Section section =
        mayActUntil != 0 ? PlanFiles.Section.WAITING : PlanFiles.Section.REMOVED;
    writer(section, partition)
        .change(bytes, from, length, change, mayActUntil, false, previous(cursor), 0);
    return null;
  }

  /** A reset takes the present row for the accepted one also to have its values to remember. */
  private boolean lacksValues(
      @Nullable Version version, Memory memory, StateFile.@Nullable Cursor cursor) {
    return remembers
        && head.request == PlanRequest.Kind.RESET
        && version != null
        && version.equals(memory.accepted())
        && previous(cursor) == null;
  }

  /** A synced key without a valid row is not in a destination that is cleared and filled. */
  private void leavesFilled(Memory memory) {
    boolean live = memory.accepted() != null && !memory.gone();
    head.firstRemovals += head.request == PlanRequest.Kind.FILL && live ? 1 : 0;
  }

  private void sample(Operation operation, byte[] bytes, int from, int length) {
    if (head.planned[operation.ordinal()] < MAX_SAMPLES_OF_OPERATION) {
      byte[] key = Arrays.copyOfRange(bytes, from, from + length);
      head.samples.add(new PlanHead.Sample(operation, key));
    }
  }

  private void duplicate(byte[] bytes, int from, int length, int count, Memory memory) {
    leavesFilled(memory);
    head.invalid += count;
    if (head.invalidRows.size() < MAX_SAMPLES) {
      byte[] image = Arrays.copyOfRange(bytes, from, from + length);
      head.invalidRows.add(
          new PlanHead.Invalid(InvalidRow.Reason.DUPLICATE_KEY, true, image, count));
    }
  }

  /** Writes the rows that are planned, in the order in which their fields stand. */
  private void emit(int partition, int slices) throws IOException {
    PartitionedFile.Cursor fields = null;
    long unread = 0;
    long unplanned = 0;
    for (int row = 0; row < rowCount; row++) {
      int entry = entryOfRow[row];
      int length = lengthOfRow[row];
      Planned change = entry == NOT_HERE ? null : planned[entry];
      if (change == null) {
        unplanned += length;
        unread += length;
        continue;
      }
      boolean inOrder = until[entry] == 0 && slices == 1;
      byte[] before = oversizeRow[row] ? null : previous[entry];
      if (inOrder && before == null) {
        changeInOrder(partition, row, entry, change, unplanned);
        unplanned = 0;
        unread += length;
        continue;
      }
      fields = fields == null ? fieldsOfRows.read(partition) : fields;
      fields.skip(unread);
      unread = 0;
      byte[] copy = new byte[length];
      fields.getBytes(copy, 0, length);
      if (before != null) {
        head.remembered.count(before, head.remembered.of(copy), head.columnChanges);
      }
      if (inOrder) {
        changeInOrder(partition, row, entry, change, unplanned);
        unplanned = 0;
      } else {
        // What is sent last, and what is not in the order of the fields, has its fields with it.
        unplanned += length;
        change(writer(PlanFiles.Section.WAITING, partition), row, entry, change)
            .putBytes(copy, 0, length);
      }
    }
  }

  /** Writes a change whose fields stand elsewhere, after some that belong to no change. */
  private void changeInOrder(int partition, int row, int entry, Planned change, long unplanned)
      throws IOException {
    PlanFiles.SectionWriter writer = writer(PlanFiles.Section.ROWS, partition);
    writer.skip(unplanned);
    change(writer, row, entry, change);
  }

  private FileOut change(PlanFiles.SectionWriter writer, int row, int entry, Planned change)
      throws IOException {
    return writer.change(
        table.arena(),
        table.start(entry),
        table.length(entry),
        change,
        until[entry],
        oversizeRow[row],
        previous[entry],
        lengthOfRow[row]);
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
      keys.close();
      fieldsOfRows.close();
    }
  }
}
