package io.fulmar.lightning.internal.plan;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.JoinedRow;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What the columns of a plan's table mean when they are read back, and how changes are made of
 * them. Used by one thread at a time.
 */
final class PlanRow {
  private static final List<String> OF_ALL = List.of("position", "hash", "oversize");

  /** Not of a {@link FirstPlan}, where they would say the same of each change. */
  private static final List<String> OF_SOME =
      List.of("operation", "attempts", "planned_by", "planned_as", "change_id", "until");

  // Places of fields in a row, the first of which is where the row stands in the table.
  private static final int PLACE = 0;
  private static final int POSITION = 1;
  private static final int HASH = 2;
  private static final int OVERSIZE = 3;
  private static final int OPERATION = 4;
  private static final int ATTEMPTS = 5;
  private static final int PLANNED_BY = 6;
  private static final int PLANNED_AS = 7;
  private static final int CHANGE_ID = 8;
  private static final int UNTIL = 9;

  private final PlanHead.Columns columns;
  private final ChangeIds ids;
  private final long run;
  private final long plannedBy;
  private final Hold.Reason tooLarge;
  private final int firstKey;
  private final int firstField;
  private final int firstPrevious;
  private final int count;
  private final ImageBuffer key = new ImageBuffer(256);

  /**
   * Rows of a plan.
   *
   * @param head of the plan
   * @param incarnation of the sync, which ids follow from
   * @param run that delivers
   * @param maxRowBytes what is larger is not delivered
   */
  PlanRow(PlanHead head, String incarnation, long run, long maxRowBytes) {
    this.columns = head.columns();
    this.plannedBy = head.run();
    this.ids = new ChangeIds(incarnation);
    this.run = run;
    this.tooLarge = Hold.Reason.rowTooLarge(maxRowBytes);
    this.firstKey = 1 + own().size();
    this.firstField = firstKey + columns.stored().kinds().size();
    this.firstPrevious = firstField + columns.row().names().size();
    this.count =
        firstPrevious + (columns.previous() ? columns.remembered().fields().size() + 1 : 0);
  }

  /** The columns that are read behind the place of a row. */
  List<Identifier> columns() {
    List<Identifier> read = new ArrayList<>(Identifier.all("p", own()));
    read.addAll(columns.stored().columns("p"));
    read.addAll(numbered("f", columns.row().names().size()));
    if (columns.previous()) {
      read.addAll(numbered("p", columns.remembered().fields().size()));
      read.add(Identifier.of("p", "p_valued"));
    }
    return read;
  }

  private List<String> own() {
    List<String> own = new ArrayList<>(OF_ALL);
    if (!columns.first()) {
      own.addAll(OF_SOME);
    }
    return own;
  }

  private static List<Identifier> numbered(String letter, int count) {
    return IntStream.range(0, count).mapToObj(i -> Identifier.of("p", letter + i)).toList();
  }

  /** How many fields are read. */
  int count() {
    return count;
  }

  /** Kinds of the fields, as far as their values have several forms. */
  List<ColumnKind> kinds() {
    ColumnKind[] kinds = new ColumnKind[count];
    Arrays.fill(kinds, ColumnKind.INT8);
    for (int i = 0; i < columns.row().names().size(); i++) {
      kinds[firstField + columns.row().fields().get(i)] = columns.row().kinds().get(i);
    }
    return List.of(kinds);
  }

  /** The block in which the row stands. */
  long block(byte[] buffer, int[] fields) {
    return ByteBuffer.wrap(buffer).getInt(start(fields, PLACE)) & 0xffffffffL;
  }

  /** Which of the rows of its block it is. */
  int line(byte[] buffer, int[] fields) {
    return ByteBuffer.wrap(buffer).getShort(start(fields, PLACE) + 4) & 0xffff;
  }

  long position(byte[] buffer, int[] fields) {
    return number(buffer, fields, POSITION);
  }

  private static int start(int[] fields, int field) {
    return fields[2 * field];
  }

  private static int length(int[] fields, int field) {
    return fields[2 * field + 1];
  }

  private static long number(byte[] buffer, int[] fields, int field) {
    return ByteBuffer.wrap(buffer).getLong(start(fields, field));
  }

  private static Operation operation(byte[] buffer, int[] fields, int field) {
    return switch (buffer[start(fields, field)]) {
      case 'A' -> Operation.ADDED;
      case 'C' -> Operation.CHANGED;
      case 'R' -> Operation.REMOVED;
      default -> throw new IllegalArgumentException("Cannot read a plan: an operation is unknown");
    };
  }

  /** The change in a row. */
  PlannedChange change(byte[] buffer, int to, int[] fields) {
    boolean first = columns.first();
    Operation operation = first ? Operation.ADDED : operation(buffer, fields, OPERATION);
    Version version =
        length(fields, HASH) < 0 ? null : new Version(0, number(buffer, fields, HASH));
    boolean oversize = buffer[start(fields, OVERSIZE)] != 0;
    byte[] image = key(buffer, fields);
    int endOfFields = firstPrevious < count ? start(fields, firstPrevious) - 4 : to;
    int beginOfFields = start(fields, firstField) - 4;
    byte[] previousImage = previous(buffer, to, fields, oversize);
    Row keyRow = ImageRow.ofKey(columns.keyRow(), image);
    Row previous =
        previousImage == null ? null : ImageRow.of(columns.remembered().shape(), previousImage);
    boolean removed = version == null;
    Row left = previous == null ? keyRow : JoinedRow.of(keyRow, previous);
    int bytes = image.length + (previousImage == null ? 0 : previousImage.length);
    Row row = left;
    if (!removed) {
      byte[] fieldsImage = Arrays.copyOfRange(buffer, beginOfFields, endOfFields);
      row = ImageRow.of(columns.row(), fieldsImage);
      bytes += fieldsImage.length;
    }
    Change change =
        new Change(
            operation,
            keyRow,
            row,
            id(buffer, fields, image, version),
            run,
            first ? 1 : ByteBuffer.wrap(buffer).getInt(start(fields, ATTEMPTS)) + 1,
            removed ? null : previous);
    return new PlannedChange(
        position(buffer, fields),
        change,
        bytes,
        oversize ? tooLarge : null,
        first ? 0 : number(buffer, fields, UNTIL));
  }

  private byte[] key(byte[] buffer, int[] fields) {
    key.clear();
    List<ColumnKind> kinds = columns.stored().kinds();
    for (int i = 0; i < kinds.size(); i++) {
      KeyImage.append(
          kinds.get(i), buffer, start(fields, firstKey + i), length(fields, firstKey + i), key);
    }
    return Arrays.copyOf(key.array(), key.length());
  }

  /** The remembered values of the version that was accepted last; null for none. */
  private byte @Nullable [] previous(byte[] buffer, int to, int[] fields, boolean oversize) {
    int valued = count - 1;
    boolean known =
        firstPrevious < count && length(fields, valued) > 0 && buffer[start(fields, valued)] != 0;
    return known && !oversize
        ? Arrays.copyOfRange(buffer, start(fields, firstPrevious) - 4, start(fields, valued) - 4)
        : null;
  }

  private String id(byte[] buffer, int[] fields, byte[] image, @Nullable Version version) {
    if (columns.first()) {
      return ChangeIds.text(ids.of(image, 0, image.length, Operation.ADDED, version, plannedBy));
    }
    if (length(fields, CHANGE_ID) > 0) {
      ByteBuffer id = ByteBuffer.wrap(buffer);
      return ChangeIds.text(
          new Version(
              id.getLong(start(fields, CHANGE_ID)), id.getLong(start(fields, CHANGE_ID) + 8)));
    }
    return ChangeIds.text(
        ids.of(
            image,
            0,
            image.length,
            operation(buffer, fields, PLANNED_AS),
            version,
            number(buffer, fields, PLANNED_BY)));
  }
}
