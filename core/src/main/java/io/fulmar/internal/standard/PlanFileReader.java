package io.fulmar.internal.standard;

import io.fulmar.Change;
import io.fulmar.Row;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.JoinedRow;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Hands out the changes of a plan; lanes share it. */
final class PlanFileReader implements PlanReader {
  private final Sync sync;
  private final StateDirectory directory;
  private final long run;
  private final PlanHead head;
  private final List<PlanFiles.Section> sections = new ArrayList<>();
  private PlanFiles.@Nullable SectionReader reader;
  private @Nullable PartitionedFile fieldsFile;
  private PartitionedFile.@Nullable Cursor fields;
  private int partition;
  private long position;
  private PlanFiles.@Nullable Entry ahead;

  /**
   * A reader.
   *
   * @param sync what is delivered
   * @param directory where the plan is
   * @param run that delivers
   * @param head of the plan
   */
  PlanFileReader(Sync sync, StateDirectory directory, long run, PlanHead head) {
    this.sync = sync;
    this.directory = directory;
    this.run = run;
    this.head = head;
    for (PlanFiles.Section section : PlanFiles.positioned()) {
      if (head.sections.containsKey(section)) {
        sections.add(section);
      }
    }
  }

  @Override
  public synchronized List<PlannedChange> next(int maxRows, long maxBytes) {
    List<PlannedChange> changes = new ArrayList<>(Math.min(maxRows, 1024));
    long bytes = 0;
    try {
      while (changes.size() < maxRows) {
        PlanFiles.Entry entry = ahead();
        if (entry == null || (bytes + entry.bytes() > maxBytes && !changes.isEmpty())) {
          break;
        }
        bytes += entry.bytes();
        changes.add(change(entry, fields(entry)));
        ahead = null;
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
    if (changes.isEmpty() && position != head.total()) {
      throw new StateException(
          "Cannot go on delivering %s: the plan has %s changes instead of %s. Run again. [sync=%s run=%s]"
              .formatted(sync.name(), position, head.total(), sync.name(), run));
    }
    return changes;
  }

  /** The next change up to its fields; null at the end. */
  private PlanFiles.@Nullable Entry ahead() throws IOException {
    while (ahead == null) {
      PlanFiles.SectionReader from = reader;
      if (from == null) {
        from = openNext();
        if (from == null) {
          return null;
        }
      }
      if (from.hasMore()) {
        long skipped = from.skipped();
        if (fields != null) {
          fields.skip(skipped);
        }
        ahead = from.change();
      } else {
        endPartition(from);
      }
    }
    return ahead;
  }

  private PlanFiles.@Nullable SectionReader openNext() throws IOException {
    if (sections.isEmpty()) {
      return null;
    }
    PlanFiles.Section section = sections.remove(0);
    PlanFiles.Directory sectionDirectory = head.sections.get(section);
    if (sectionDirectory == null) {
      return null;
    }
    PlanFiles.SectionReader opened =
        new PlanFiles.SectionReader(directory.plan(head.run), section, sectionDirectory);
    reader = opened;
    if (section == PlanFiles.Section.ROWS) {
      Path path = PlanFiles.fields(directory.plan(head.run));
      fieldsFile = new PartitionedFile(SteadyChannel.reading(path), head.fields);
    }
    go(opened, 0);
    return opened;
  }

  private void go(PlanFiles.SectionReader to, int newPartition) throws IOException {
    partition = newPartition;
    to.go(newPartition);
    PartitionedFile file = fieldsFile;
    if (file != null) {
      file.read(newPartition).checkRest(head.fields.checksums()[newPartition]);
      fields = file.read(newPartition);
    }
  }

  private void endPartition(PlanFiles.SectionReader from) throws IOException {
    if (partition + 1 < Partitions.COUNT) {
      go(from, partition + 1);
      return;
    }
    from.close();
    reader = null;
    fields = null;
    if (fieldsFile != null) {
      fieldsFile.close();
      fieldsFile = null;
    }
  }

  private byte[] fields(PlanFiles.Entry entry) throws IOException {
    PlanFiles.SectionReader from = reader;
    if (fields == null && from != null) {
      return from.fields(entry);
    }
    byte[] bytes = new byte[entry.length];
    if (fields != null) {
      fields.getBytes(bytes, 0, entry.length);
    }
    return bytes;
  }

  private PlannedChange change(PlanFiles.Entry entry, byte[] fields) {
    Row key = ImageRow.ofKey(head.keyShape, entry.key);
    Row previous =
        entry.previous == null ? null : ImageRow.of(head.remembered.shape(), entry.previous);
    boolean removed = entry.version == null;
    Row left = previous == null ? key : JoinedRow.of(key, previous);
    Change change =
        new Change(
            entry.operation,
            key,
            removed ? left : ImageRow.of(head.rowShape, fields),
            ChangeIds.text(entry.changeId),
            run,
            entry.attempts + 1,
            removed ? null : previous);
    return new PlannedChange(
        position++,
        change,
        entry.key.length + entry.bytes(),
        entry.oversize ? Hold.Reason.rowTooLarge(sync.maxRowBytes()) : null,
        entry.until);
  }

  @Override
  public synchronized void close() {
    try {
      if (reader != null) {
        reader.close();
      }
      if (fieldsFile != null) {
        fieldsFile.close();
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }
}
