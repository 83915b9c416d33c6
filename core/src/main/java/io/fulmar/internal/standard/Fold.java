package io.fulmar.internal.standard;

import io.fulmar.HoldKind;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Planned;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.Version;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes the next state: the old one, moved forward by the outcomes of a plan. Repeatable: it
 * changes nothing that it reads.
 */
final class Fold implements Closeable {
  private static final long SLICE_BYTES = 16L << 20;
  private static final int ENTRY_BYTES = 128;

  private final @Nullable StateFile state;
  private final PlanHead head;
  private final @Nullable Outcomes outcomes;
  private final Rules rules;
  private final boolean effectsToo;
  private final long now;
  private final Map<PlanFiles.Section, PlanFiles.SectionReader> readers =
      new EnumMap<>(PlanFiles.Section.class);
  private final Map<PlanFiles.Section, Long> firstPositions =
      new EnumMap<>(PlanFiles.Section.class);
  private final boolean remembers;
  private final boolean keepsValues;
  private final @Nullable PartitionedFile fieldsOfRows;
  private final KeyTable table = new KeyTable();
  private final List<Moved> moved = new ArrayList<>();
  private long sliceBytes = SLICE_BYTES;
  private long newlyQuarantined;
  private long accepted;
  private long unanswered;

  /** What became of the positions of a plan. */
  @FunctionalInterface
  interface Outcomes {
    /** The outcomes of a stretch of positions; null where nothing was sent. */
    @Nullable Outcome[] of(long from, int count) throws IOException;

    /** Every position was accepted. */
    static Outcomes accepted() {
      return (from, count) -> {
        @Nullable Outcome[] all = new @Nullable Outcome[count];
        Arrays.fill(all, Outcome.ACCEPTED);
        return all;
      };
    }
  }

  /** What happens to one key. */
  private static final class Moved {
    @Nullable Planned planned;
    @Nullable Outcome outcome;
    int effects;
    boolean seen;
    byte @Nullable [] values;
  }

  /**
   * A fold.
   *
   * @param state the old state; null for none
   * @param head the plan
   * @param path where the plan stands
   * @param outcomes what became of it; null if nothing was delivered
   * @param rules say what is remembered
   * @param effectsToo whether the run went through, so that what planning found is folded too
   * @param now milliseconds since 1970
   */
  Fold(
      @Nullable StateFile state,
      PlanHead head,
      Path path,
      @Nullable Outcomes outcomes,
      Rules rules,
      boolean effectsToo,
      long now)
      throws IOException {
    this.state = state;
    this.head = head;
    this.outcomes = outcomes;
    this.rules = rules;
    this.effectsToo = effectsToo;
    this.now = now;
    this.remembers = !head.remembered.isEmpty();
    this.keepsValues = remembers && state != null && head.remembered.isKeptLike(state.remembered());
    this.fieldsOfRows =
        remembers && head.sections.containsKey(PlanFiles.Section.ROWS)
            ? new PartitionedFile(SteadyChannel.reading(PlanFiles.fields(path)), head.fields)
            : null;
    long position = 0;
    try {
      for (PlanFiles.Section section : PlanFiles.Section.values()) {
        PlanFiles.Directory directory = head.sections.get(section);
        if (directory != null) {
          readers.put(section, new PlanFiles.SectionReader(path, section, directory));
          firstPositions.put(section, position);
          position += section == PlanFiles.Section.EFFECTS ? 0 : directory.count();
        }
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Sets how many bytes of keys are worked on at once; 16 MiB unless told. */
  void sliceBytes(long bytes) {
    sliceBytes = bytes;
  }

  long newlyQuarantined() {
    return newlyQuarantined;
  }

  /** Changes that were accepted. */
  long accepted() {
    return accepted;
  }

  /** Changes of which no answer came. */
  long unanswered() {
    return unanswered;
  }

  void write(StateFile.Writer writer) throws IOException {
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      long keys = 0;
      for (PlanFiles.Directory directory : head.sections.values()) {
        keys += directory.entries()[partition + 1] - directory.entries()[partition];
      }
      long bytes = keys * ENTRY_BYTES + (remembers ? bytesOfRows(partition) : 0);
      int slices = (int) Math.min(1 << 16, bytes / sliceBytes + 1);
      for (int slice = 0; slice < slices; slice++) {
        fold(partition, slice, slices, writer);
      }
      writer.endPartition();
    }
    writer.finish();
  }

  /** No less than the rows of a partition have. */
  private long bytesOfRows(int partition) {
    PlanFiles.Directory waiting = head.sections.get(PlanFiles.Section.WAITING);
    return head.fields.bytes(partition)
        + (waiting == null ? 0 : waiting.bytes()[partition + 1] - waiting.bytes()[partition]);
  }

  private void fold(int partition, int slice, int slices, StateFile.Writer writer)
      throws IOException {
    table.clear();
    moved.clear();
    for (PlanFiles.Section section : readers.keySet()) {
      load(section, partition, slice, slices);
    }
    if (state != null) {
      StateFile.Cursor cursor = state.read(partition);
      while (cursor.next()) {
        int entry = -1;
        if (table.size() > 0 || slices > 1) {
          long hash = Partitions.hash(cursor.key(), 0, cursor.keyLength());
          if (slices > 1 && Partitions.slice(Partitions.sliceBits(hash), slices) != slice) {
            continue;
          }
          entry = table.find(hash, cursor.key(), 0, cursor.keyLength());
        }
        if (entry < 0 && cursor.isPlain()) {
          writer.plain(cursor, keepsValues);
        } else {
          write(
              writer,
              cursor.key(),
              0,
              cursor.keyLength(),
              cursor.memory(),
              keepsValues ? cursor.values() : null,
              entry < 0 ? null : moved.get(entry));
        }
      }
    }
    for (int entry = 0; entry < table.size(); entry++) {
      if (!moved.get(entry).seen) {
        write(
            writer,
            table.arena(),
            table.start(entry),
            table.length(entry),
            Memory.NONE,
            null,
            moved.get(entry));
      }
    }
  }

  private void load(PlanFiles.Section section, int partition, int slice, int slices)
      throws IOException {
    PlanFiles.SectionReader reader = readers.get(section);
    if (reader == null || (section == PlanFiles.Section.EFFECTS && !effectsToo)) {
      return;
    }
    long position = reader.go(partition) + firstPositions.getOrDefault(section, 0L);
    Stretch stretch = new Stretch(position);
    PartitionedFile.Cursor fields =
        section == PlanFiles.Section.ROWS ? fieldsOfRows(partition) : null;
    while (reader.hasMore()) {
      if (section == PlanFiles.Section.EFFECTS) {
        byte[] key = reader.effectKey();
        Moved found = moved(key, slice, slices);
        int effects = reader.effects();
        if (found != null) {
          found.effects |= effects;
        }
        continue;
      }
      long skipped = reader.skipped();
      PlanFiles.Entry entry = reader.change();
      Outcome outcome = stretch.next();
      Moved found = moved(entry.key, slice, slices);
      boolean kept =
          remembers && found != null && !entry.oversize && isAccepted(outcome) && entry.length > 0;
      byte[] row = null;
      if (fields != null) {
        fields.skip(skipped);
        if (kept) {
          row = new byte[entry.length];
          fields.getBytes(row, 0, entry.length);
        } else {
          fields.skip(entry.length);
        }
      } else if (section == PlanFiles.Section.WAITING) {
        if (kept) {
          row = reader.fields(entry);
        } else {
          reader.skipFields(entry);
        }
      }
      if (found != null) {
        found.planned = entry.planned();
        found.outcome = outcome;
        found.values = row == null ? null : head.remembered.of(row);
      }
    }
  }

  /** The fields of the rows of a partition, held against their checksum; null if nobody asks. */
  private PartitionedFile.@Nullable Cursor fieldsOfRows(int partition) throws IOException {
    if (fieldsOfRows == null) {
      return null;
    }
    fieldsOfRows.read(partition).checkRest(head.fields.checksums()[partition]);
    return fieldsOfRows.read(partition);
  }

  private static boolean isAccepted(@Nullable Outcome outcome) {
    return outcome != null && outcome.kind() == Outcome.Kind.ACCEPTED;
  }

  private @Nullable Moved moved(byte[] key, int slice, int slices) {
    long hash = Partitions.hash(key, 0, key.length);
    if (slices > 1 && Partitions.slice(Partitions.sliceBits(hash), slices) != slice) {
      return null;
    }
    int known = table.size();
    int entry = table.add(hash, key, 0, key.length);
    if (entry == known) {
      moved.add(new Moved());
    }
    return moved.get(entry);
  }

  private void write(
      StateFile.Writer writer,
      byte[] key,
      int from,
      int length,
      Memory remembered,
      byte @Nullable [] valuesBefore,
      @Nullable Moved change)
      throws IOException {
    Memory before = rules.renew(remembered);
    Memory after = before;
    byte[] values = valuesBefore;
    if (change != null) {
      change.seen = true;
      if (change.planned != null && change.outcome != null) {
        after = rules.settle(after, change.planned, change.outcome, now);
        count(before, after, change.outcome);
        values = isAccepted(change.outcome) ? change.values : values;
      }
      after = rules.affect(after, change.effects, now);
    }
    after = rules.expire(after, now);
    if (after.isEmpty()) {
      return;
    }
    Version version = after.accepted();
    boolean more = after.gone() || after.hold() != null || after.until() != 0 || values != null;
    if (version != null && !more) {
      writer.plain(key, from, length, version.high(), version.low());
    } else {
      writer.entry(key, from, length, after, values);
    }
  }

  private void count(Memory before, Memory after, Outcome outcome) {
    accepted += outcome.kind() == Outcome.Kind.ACCEPTED ? 1 : 0;
    unanswered +=
        outcome.kind() == Outcome.Kind.UNKNOWN || outcome.kind() == Outcome.Kind.UNKNOWN_ALONE
            ? 1
            : 0;
    boolean was = before.hold() != null && before.hold().kind() == HoldKind.QUARANTINED;
    boolean is = after.hold() != null && after.hold().kind() == HoldKind.QUARANTINED;
    newlyQuarantined += is && !was ? 1 : 0;
  }

  /** The outcomes of a stretch of positions, read in pieces. */
  private final class Stretch {
    private static final int PIECE = 4096;
    private long position;
    private @Nullable Outcome[] piece = new @Nullable Outcome[0];
    private int at;

    Stretch(long position) {
      this.position = position;
    }

    @Nullable Outcome next() throws IOException {
      if (outcomes == null) {
        return null;
      }
      if (at == piece.length) {
        piece = outcomes.of(position, PIECE);
        position += PIECE;
        at = 0;
      }
      return piece[at++];
    }
  }

  @Override
  public void close() throws IOException {
    for (PlanFiles.SectionReader reader : readers.values()) {
      reader.close();
    }
    if (fieldsOfRows != null) {
      fieldsOfRows.close();
    }
  }
}
