package io.fulmar.lightning.internal.plan;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The first keys of a plan that is being made, and those that are invalid. Not threadsafe. */
final class PlanSamples {
  private static final int MOST_INVALID = 100;
  private static final int MOST_OF_OPERATION = 10;

  private final SessionStatements statements;
  private final Comparison comparison;
  private final List<PlanHead.Invalid> invalidRows = new ArrayList<>();
  private final List<PlanHead.Sample> changes = new ArrayList<>();

  PlanSamples(SessionStatements statements, Comparison comparison) {
    this.statements = statements;
    this.comparison = comparison;
  }

  List<PlanHead.Invalid> invalidRows() {
    return invalidRows;
  }

  List<PlanHead.Sample> changes() {
    return changes;
  }

  /** Takes the first rows of the model without a usable key. */
  void unusable() {
    int room = MOST_INVALID - invalidRows.size();
    if (room == 0) {
      return;
    }
    List<ColumnKind> kinds = new ArrayList<>(List.of(ColumnKind.BOOL));
    kinds.addAll(comparison.model().keyKinds());
    statements.rows(
        comparison.model().invalidRows(room),
        kinds,
        (buffer, from, to, fields) -> {
          boolean whole = buffer[fields[0]] != 0;
          int size = 0;
          for (int i = 1; i < kinds.size(); i++) {
            size += 4 + Math.max(0, fields[2 * i + 1]);
          }
          ByteBuffer key = ByteBuffer.allocate(size);
          for (int i = 1; i < kinds.size(); i++) {
            int length = fields[2 * i + 1];
            key.putInt(length).put(buffer, fields[2 * i], Math.max(0, length));
          }
          invalidRows.add(
              new PlanHead.Invalid(
                  whole ? InvalidRow.Reason.KEY_TOO_LARGE : InvalidRow.Reason.NULL_KEY,
                  false,
                  key.array(),
                  1));
        });
  }

  /** Takes the first ambiguous keys. */
  void duplicates(Duplicates duplicates) {
    List<ColumnKind> kinds = new ArrayList<>(List.of(ColumnKind.INT8));
    kinds.addAll(comparison.model().key().kinds());
    statements.rows(
        duplicates.first(MOST_INVALID),
        kinds,
        (buffer, from, to, fields) ->
            invalidRows.add(
                new PlanHead.Invalid(
                    InvalidRow.Reason.DUPLICATE_KEY,
                    true,
                    key(kinds, buffer, fields),
                    ByteBuffer.wrap(buffer, fields[0], Long.BYTES).getLong())));
  }

  /** Takes the first changes of each operation. */
  void planned(Identifier plan, PlanCounts counts) throws SQLException {
    for (Operation operation : Operation.values()) {
      if (counts.planned().get(operation.ordinal()) > 0) {
        planned(plan, operation);
      }
    }
  }

  private void planned(Identifier plan, Operation operation) {
    List<ColumnKind> kinds = new ArrayList<>(List.of(ColumnKind.TEXT));
    kinds.addAll(comparison.model().key().kinds());
    statements.rows(
        comparison.queries().firstChanges(plan, operation, MOST_OF_OPERATION),
        kinds,
        (buffer, from, to, fields) ->
            changes.add(
                new PlanHead.Sample(
                    Operation.valueOf(new String(buffer, fields[0], fields[1], UTF_8)),
                    key(kinds, buffer, fields))));
  }

  /** The image of a key, whose columns are the fields from the second on. */
  private static byte[] key(List<ColumnKind> kinds, byte[] buffer, int[] fields) {
    ImageBuffer image = new ImageBuffer(64);
    for (int i = 1; i < kinds.size(); i++) {
      KeyImage.append(kinds.get(i), buffer, fields[2 * i], fields[2 * i + 1], image);
    }
    return Arrays.copyOf(image.array(), image.length());
  }
}
