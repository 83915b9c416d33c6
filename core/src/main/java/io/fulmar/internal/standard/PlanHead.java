package io.fulmar.internal.standard;

import io.fulmar.ChangeSet;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.row.StoredColumn;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.StoredPlan;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All of a plan but its changes: counts, what it was made under, and where its sections' partitions
 * begin.
 */
final class PlanHead {
  private static final long MAGIC = 0x46554c4d504c3032L; // FULMPL02

  /** An invalid key, as it is kept. */
  record Invalid(InvalidRow.Reason reason, boolean keyImage, byte[] key, long rows) {}

  /** The key of a planned change, as it is kept. */
  record Sample(Operation operation, byte[] key) {}

  String sync = "";
  long run;
  long stateVersion;
  String destination = "";
  String key = "";
  String fingerprint = "";
  SyncMode mode = SyncMode.UPSERT;
  Removal removal = Removal.IGNORE;
  PlanRequest.Kind request = PlanRequest.Kind.RUN;
  Extent extent = Extent.WHOLE;
  Map<String, String> definition = Map.of();
  DefinitionChange change = DefinitionChange.NONE;
  long madeAt;
  ServerIdentity server = new ServerIdentity(Instant.EPOCH, "", 0, 0, 0);
  Shape rowShape = Shape.of(List.of(), List.of(), List.of());
  Shape keyShape = rowShape;
  Remembered remembered = Remembered.NOTHING;
  long rows;
  final long[] planned = new long[Operation.values().length];
  long held;
  long ignored;
  long invalid;
  final List<Invalid> invalidRows = new ArrayList<>();
  final List<Sample> samples = new ArrayList<>();
  List<String> objections = List.of();
  List<String> guards = List.of();
  long live;
  long firstRemovals;

  /** How the changes were found; of a plan with none of them, which is not written down. */
  ChangeSet.Way way = ChangeSet.Way.READ;

  /** How many changes there are in each remembered column, in the order in which they are kept. */
  long[] columnChanges = {};

  /** Most bytes of remembered columns in the rows of the plan. */
  long rememberedBytes;

  final Map<PlanFiles.Section, PlanFiles.Directory> sections =
      new EnumMap<>(PlanFiles.Section.class);

  PartitionedFile.Directory fields = PartitionedFile.Directory.empty();

  String id() {
    return Long.toString(run);
  }

  PlanTerms terms() {
    return new PlanTerms(
        stateVersion, destination, mode, removal, request, fingerprint, definition, madeAt);
  }

  long total() {
    long sum = 0;
    for (long count : planned) {
      sum += count;
    }
    return sum;
  }

  long effects() {
    PlanFiles.Directory directory = sections.get(PlanFiles.Section.EFFECTS);
    return directory == null ? 0 : directory.count();
  }

  /** The plan as the runner and the application see it. */
  StoredPlan plan() {
    Map<Operation, Long> counts = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      counts.put(operation, planned[operation.ordinal()]);
    }
    List<InvalidRow> invalidSamples = new ArrayList<>();
    for (Invalid sample : invalidRows) {
      invalidSamples.add(
          new InvalidRow(
              sample.reason(),
              sample.keyImage()
                  ? ImageRow.ofKey(keyShape, sample.key())
                  : ImageRow.of(keyShape, sample.key()),
              sample.rows()));
    }
    ChangeSet changeSet =
        new ChangeSet(
            id(),
            sync,
            run,
            server.at(),
            rows,
            live,
            counts,
            held,
            ignored,
            invalid,
            invalidSamples,
            samples.stream()
                .map(s -> new ChangeSet.Sample(s.operation(), ImageRow.ofKey(keyShape, s.key())))
                .toList(),
            guards,
            remembered.named(columnChanges),
            way);
    return new StoredPlan(changeSet, firstRemovals, objections, effects(), request, extent, change);
  }

  /** Writes the head and thereby makes the plan count. */
  void write(StateDirectory directory, Path path) throws IOException {
    Path next = path.resolveSibling(path.getFileName() + ".next");
    try (FileOut out = new FileOut(directory.create(next))) {
      out.putLong(MAGIC);
      out.putString(sync);
      out.putLong(run);
      out.putLong(stateVersion);
      out.putString(destination);
      out.putString(key);
      out.putString(fingerprint);
      out.putByte(mode.ordinal());
      out.putByte(removal.ordinal());
      out.putByte(request.ordinal());
      out.putByte(extent.ordinal());
      out.putVarint(definition.size());
      for (Map.Entry<String, String> part : definition.entrySet()) {
        out.putString(part.getKey());
        out.putString(part.getValue());
      }
      putStrings(out, change.parts());
      out.putLong(change.usedBefore() == null ? 0 : change.usedBefore().toEpochMilli());
      out.putLong(madeAt);
      out.putLong(server.at().getEpochSecond());
      out.putLong(server.at().getNano());
      out.putString(server.database());
      out.putLong(server.system());
      out.putLong(server.timeline());
      out.putLong(server.position());
      putShape(out, rowShape);
      putShape(out, keyShape);
      putShape(out, remembered.shape());
      for (int i = 0; i < remembered.fields().size(); i++) {
        out.putVarint(remembered.fields().get(i));
        out.putLong(columnChanges[i]);
      }
      out.putLong(rows);
      for (long count : planned) {
        out.putLong(count);
      }
      out.putLong(held);
      out.putLong(ignored);
      out.putLong(invalid);
      out.putVarint(invalidRows.size());
      for (Invalid sample : invalidRows) {
        out.putByte(sample.reason().ordinal());
        out.putByte(sample.keyImage() ? 1 : 0);
        out.putVarint(sample.key().length);
        out.putBytes(sample.key(), 0, sample.key().length);
        out.putLong(sample.rows());
      }
      out.putVarint(samples.size());
      for (Sample sample : samples) {
        out.putByte(sample.operation().ordinal());
        out.putVarint(sample.key().length);
        out.putBytes(sample.key(), 0, sample.key().length);
      }
      putStrings(out, objections);
      putStrings(out, guards);
      out.putLong(live);
      out.putLong(firstRemovals);
      out.putVarint(sections.size());
      for (Map.Entry<PlanFiles.Section, PlanFiles.Directory> section : sections.entrySet()) {
        out.putByte(section.getKey().ordinal());
        PlanFiles.putDirectory(out, section.getValue());
      }
      for (int i = 0; i < Partitions.COUNT; i++) {
        out.putVarint(fields.blocks()[i].length);
        for (long block : fields.blocks()[i]) {
          out.putLong(block);
        }
        out.putLong(fields.checksums()[i]);
      }
      out.putLong(out.endSection() & 0xffffffffL);
      out.force();
    }
    directory.passed(CrashPoint.PLAN_HEAD_WRITTEN);
    directory.place(next, path);
    directory.passed(CrashPoint.PLAN_PLACED);
  }

  /** Reads a head; null if there is none. */
  static @Nullable PlanHead read(Path path) throws IOException {
    if (!Files.exists(path)) {
      return null;
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      FileIn in = new FileIn(channel);
      long end = channel.size() - 8;
      if (end < 8) {
        throw new DamagedException("the plan is cut off");
      }
      in.section(end, end + 8);
      int checksum = (int) in.getLong();
      in.section(0, end);
      in.checkAll(checksum, "the plan is damaged");
      in.section(0, end);
      if (in.getLong() != MAGIC) {
        throw new DamagedException("the plan has another format");
      }
      PlanHead head = new PlanHead();
      head.read(in);
      return head;
    }
  }

  private void read(FileIn in) throws IOException {
    sync = in.getString();
    run = in.getLong();
    stateVersion = in.getLong();
    destination = in.getString();
    key = in.getString();
    fingerprint = in.getString();
    mode = SyncMode.values()[in.getByte()];
    removal = Removal.values()[in.getByte()];
    request = PlanRequest.Kind.values()[in.getByte()];
    extent = Extent.values()[in.getByte()];
    Map<String, String> parts = new LinkedHashMap<>();
    for (int i = in.getVarint(); i > 0; i--) {
      parts.put(in.getString(), in.getString());
    }
    definition = parts;
    List<String> differ = getStrings(in);
    long usedBefore = in.getLong();
    change =
        new DefinitionChange(differ, usedBefore == 0 ? null : Instant.ofEpochMilli(usedBefore));
    madeAt = in.getLong();
    Instant at = Instant.ofEpochSecond(in.getLong(), in.getLong());
    server = new ServerIdentity(at, in.getString(), in.getLong(), (int) in.getLong(), in.getLong());
    rowShape = getShape(in);
    keyShape = getShape(in);
    Shape columns = getShape(in);
    List<Integer> fieldsOfColumns = new ArrayList<>();
    columnChanges = new long[columns.names().size()];
    for (int i = 0; i < columnChanges.length; i++) {
      fieldsOfColumns.add(in.getVarint());
      columnChanges[i] = in.getLong();
    }
    remembered = new Remembered(columns, fieldsOfColumns);
    rows = in.getLong();
    for (int i = 0; i < planned.length; i++) {
      planned[i] = in.getLong();
    }
    held = in.getLong();
    ignored = in.getLong();
    invalid = in.getLong();
    int count = in.getVarint();
    for (int i = 0; i < count; i++) {
      InvalidRow.Reason reason = InvalidRow.Reason.values()[in.getByte()];
      boolean keyImage = in.getByte() == 1;
      invalidRows.add(new Invalid(reason, keyImage, in.getBytes(in.getVarint()), in.getLong()));
    }
    count = in.getVarint();
    for (int i = 0; i < count; i++) {
      samples.add(new Sample(Operation.values()[in.getByte()], in.getBytes(in.getVarint())));
    }
    objections = getStrings(in);
    guards = getStrings(in);
    live = in.getLong();
    firstRemovals = in.getLong();
    count = in.getVarint();
    for (int i = 0; i < count; i++) {
      PlanFiles.Section section = PlanFiles.Section.values()[in.getByte()];
      sections.put(section, PlanFiles.getDirectory(in));
    }
    for (int i = 0; i < Partitions.COUNT; i++) {
      fields.blocks()[i] = new long[in.getVarint()];
      for (int j = 0; j < fields.blocks()[i].length; j++) {
        fields.blocks()[i][j] = in.getLong();
      }
      fields.checksums()[i] = (int) in.getLong();
    }
  }

  static void putShape(FileOut out, Shape shape) throws IOException {
    List<StoredColumn> columns = StoredColumn.of(shape);
    out.putVarint(columns.size());
    for (StoredColumn column : columns) {
      out.putString(column.name());
      out.putString(column.type());
      out.putVarint(column.field());
    }
  }

  static Shape getShape(FileIn in) throws IOException {
    int count = in.getVarint();
    List<StoredColumn> columns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      columns.add(new StoredColumn(in.getString(), in.getString(), in.getVarint()));
    }
    return StoredColumn.shape(columns);
  }

  private static void putStrings(FileOut out, List<String> strings) throws IOException {
    out.putVarint(strings.size());
    for (String string : strings) {
      out.putString(string);
    }
  }

  private static List<String> getStrings(FileIn in) throws IOException {
    int count = in.getVarint();
    List<String> strings = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      strings.add(in.getString());
    }
    return strings;
  }
}
