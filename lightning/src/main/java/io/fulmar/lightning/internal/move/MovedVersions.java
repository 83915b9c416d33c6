package io.fulmar.lightning.internal.move;

import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.standard.Departure;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.move.MovedEntries.CopyFailed;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Copies the version of each row of a model into a table, under two hashes: the server computes one
 * and sends it with the row, and the row gives the other one.
 */
final class MovedVersions {
  private static final int FIELDS = 4;

  /** Reads last of all columns, whatever they are called, and is no name that one can have. */
  private static final String HASH = "\uffff";

  private final Transaction transaction;
  private final SyncTables tables;
  private final ModelShape hashed;
  private final RowHash hash;
  private final long maxRowBytes;
  private final int[] keyFields;
  private final ColumnKind[] keyKinds;
  private final int hashField;
  private final int marker;
  private final ImageBuffer key = new ImageBuffer(64);
  private byte[] row = new byte[64];

  MovedVersions(
      Transaction transaction,
      SyncTables tables,
      ModelShape shape,
      RowHash hash,
      long maxRowBytes) {
    this.transaction = transaction;
    this.tables = tables;
    this.hash = hash;
    this.maxRowBytes = maxRowBytes;
    this.hashed = hashed(shape, hash);
    this.keyFields = hashed.keyFields();
    this.keyKinds =
        hashed.keyPositions().stream()
            .map(i -> hashed.columns().get(i).kind())
            .toArray(ColumnKind[]::new);
    this.hashField = hashed.fieldCount() - 1;
    this.marker = hashed.isMeasured() ? hashed.fieldCount() : -1;
  }

  /** The model with the hash of each row as one more column. */
  private static ModelShape hashed(ModelShape shape, RowHash hash) {
    List<Identifier> names =
        IntStream.range(0, shape.columns().size()).mapToObj(i -> Identifier.of("m" + i)).toList();
    String sql =
        MoveSql.HASHED
            .with("columns", names)
            .with("hash", hash.of(names))
            .with("model", shape.query())
            .sql();
    List<ModelShape.Column> columns = new ArrayList<>(shape.columns());
    columns.add(new ModelShape.Column(HASH, "bigint", ColumnKind.INT8, true, ""));
    List<Integer> used = new ArrayList<>(shape.used());
    used.add(shape.columns().size());
    return new ModelShape(QueryText.proven(sql), columns, shape.keyPositions(), used);
  }

  /** Makes the table, reads the model, and fills it. */
  void copy(Snapshot snapshot, Departure.Versions versions) throws SQLException, IOException {
    transaction.execute(MoveSql.CREATE_VERSIONS.with("versions", tables.movedVersions()).sql());
    String copy = MoveSql.COPY_VERSIONS.with("versions", tables.movedVersions()).sql();
    try (CopyRows rows = new CopyRows(transaction.copyIn(copy), FIELDS)) {
      snapshot.rows(
          hashed,
          maxRowBytes,
          (buffer, from, to, fields) -> {
            try {
              row(rows, versions, buffer, from, to, fields);
            } catch (SQLException e) {
              throw new CopyFailed(e);
            }
          });
      rows.end();
    } catch (CopyFailed e) {
      throw e.reason;
    }
  }

  private void row(
      CopyRows rows, Departure.Versions versions, byte[] buffer, int from, int to, int[] fields)
      throws SQLException {
    key.clear();
    for (int i = 0; i < keyFields.length; i++) {
      int field = 2 * keyFields[i];
      if (fields[field + 1] < 0) {
        return; // no key, so nothing is remembered of it
      }
      KeyImage.append(keyKinds[i], buffer, fields[field], fields[field + 1], key);
    }
    // The other engine's row has no such field.
    int begin = fields[2 * hashField] - Integer.BYTES;
    int end = fields[2 * hashField] + Long.BYTES;
    if (row.length < to - from) {
      row = new byte[2 * (to - from)];
    }
    System.arraycopy(buffer, from, row, 0, begin - from);
    System.arraycopy(buffer, end, row, begin - from, to - end);
    Version there = versions.of(row, 0, to - from - (end - begin));
    long here = ByteBuffer.wrap(buffer, fields[2 * hashField], Long.BYTES).getLong();
    boolean oversize = marker >= 0 && fields[2 * marker + 1] >= 0;
    rows.row();
    rows.image(key.array(), 0, key.length());
    rows.int8(there.high());
    rows.int8(there.low());
    rows.int8(oversize ? here ^ hash.mark() : here);
  }
}
