package io.fulmar.lightning.internal.move;

import io.fulmar.StateException;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.sql.ColumnDefinition;
import io.fulmar.internal.sql.ColumnDefinition.Rule;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.standard.Departure;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.KeyImage;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.plan.StoredForm;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.StoredColumn;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Copies what another engine remembers of keys into a table, a row for each. */
final class MovedEntries {
  /** Whether the remembered columns are those of the accepted version. */
  static final String VALUED = "valued";

  /** Before those of key and remembered columns, see {@link MoveSql#COPY_ENTRIES}. */
  private static final int FIELDS = 14;

  private final Transaction transaction;
  private final SyncTables tables;
  private final StoredKey key;
  private final SyncColumns stored;
  private final UnaryOperator<String> storable;

  MovedEntries(Transaction transaction, SyncTables tables, StoredKey key, SyncColumns stored)
      throws SQLException {
    this.transaction = transaction;
    this.tables = tables;
    this.key = key;
    this.stored = stored;
    this.storable = transaction.storable();
  }

  /** The names of what is kept of accepted versions; empty for nothing. */
  static List<String> remembered(SyncColumns stored) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < stored.remembered().size(); i++) {
      names.add("r" + i);
    }
    if (!names.isEmpty()) {
      names.add(VALUED);
    }
    return names;
  }

  /** Makes the table and fills it. */
  void copy(Departure departure) throws SQLException, IOException {
    List<SqlPart> definitions = new ArrayList<>();
    List<Identifier> names = new ArrayList<>();
    for (int i = 0; i < stored.key().size(); i++) {
      definitions.add(defined("k" + i, stored.key().get(i)));
      names.add(Identifier.of("k" + i));
    }
    for (int i = 0; i < stored.remembered().size(); i++) {
      definitions.add(defined("r" + i, stored.remembered().get(i)));
    }
    if (!stored.remembered().isEmpty()) {
      definitions.add(defined(VALUED, new StoredColumn(VALUED, "boolean")));
    }
    names.addAll(Identifier.all(remembered(stored)));
    transaction.execute(
        MoveSql.CREATE_ENTRIES
            .with("entries", tables.movedEntries())
            .with("columns", definitions)
            .sql());
    String copy =
        MoveSql.COPY_ENTRIES.with("entries", tables.movedEntries()).with("columns", names).sql();
    int fields = FIELDS + names.size();
    try (CopyRows rows = new CopyRows(transaction.copyIn(copy), fields)) {
      departure.entries(
          (image, length, memory, values) -> {
            try {
              row(rows, image, length, memory, values);
            } catch (SQLException e) {
              throw new CopyFailed(e);
            }
          });
      rows.end();
    } catch (CopyFailed e) {
      throw e.reason;
    }
  }

  /** Carries an error of the server through the reading of a state. */
  static final class CopyFailed extends IOException {
    private static final long serialVersionUID = 1L;
    final transient SQLException reason;

    CopyFailed(SQLException reason) {
      super(reason);
      this.reason = reason;
    }
  }

  private static SqlPart defined(String name, StoredColumn column) {
    Rule rule = column.type().equals("text") ? Rule.BYTEWISE : Rule.NONE;
    return new ColumnDefinition(Identifier.of(name), column.type(), rule);
  }

  private void row(CopyRows rows, byte[] image, int length, Memory memory, byte @Nullable [] values)
      throws SQLException, IOException {
    Version accepted = memory.accepted();
    Hold hold = memory.hold();
    Version held = hold == null ? null : hold.version();
    rows.row();
    rows.image(image, 0, length);
    rows.int8(accepted == null ? null : (Long) accepted.high());
    rows.int8(accepted == null ? null : (Long) accepted.low());
    rows.int8(memory.gone() ? (Long) memory.goneSince() : null);
    rows.int8(memory.until());
    rows.text(hold == null ? null : hold.kind().name());
    rows.int8(held == null ? null : (Long) held.high());
    rows.int8(held == null ? null : (Long) held.low());
    rows.int4(hold == null ? 0 : hold.attempts());
    rows.int8(hold == null ? 0L : (Long) hold.firstAt());
    rows.image(hold == null ? null : uuid(hold.changeId()));
    rows.bool(hold != null && hold.unsure());
    Hold.Reason reason = hold == null ? null : hold.reason();
    rows.text(reason == null ? null : storable.apply(reason.code()));
    rows.text(reason == null ? null : storable.apply(reason.message()));
    int bytes = 0;
    List<byte[]> columns = KeyImage.images(key.kinds(), image, 0, length);
    for (int i = 0; i < columns.size(); i++) {
      rows.image(columns.get(i));
      bytes += isOfAnyLength(key.kinds().get(i)) ? columns.get(i).length : 0;
    }
    if (bytes > StoredForm.MAX_KEY_BYTES) {
      throw new StateException(
          "Cannot take over what is remembered: a key has %s bytes, and keys of more than %s have no place here. Go on with the standard engine; or give the model a shorter key, and the sync another name. %s"
              .formatted(bytes, StoredForm.MAX_KEY_BYTES, transaction.about()));
    }
    remembered(rows, values);
  }

  private static boolean isOfAnyLength(ColumnKind kind) {
    return kind == ColumnKind.TEXT || kind == ColumnKind.BYTEA || kind == ColumnKind.NUMERIC;
  }

  private static byte @Nullable [] uuid(@Nullable Version id) {
    return id == null
        ? null
        : ByteBuffer.allocate(2 * Long.BYTES).putLong(id.high()).putLong(id.low()).array();
  }

  /** The values as they were read, each behind its length, in the order in which they are kept. */
  private void remembered(CopyRows rows, byte @Nullable [] values) throws IOException {
    int count = stored.remembered().size();
    ByteBuffer fields = ByteBuffer.wrap(values == null ? new byte[0] : values);
    for (int i = 0; i < count; i++) {
      int length = values == null ? -1 : length(fields);
      rows.image(fields.array(), fields.position(), length);
      fields.position(fields.position() + Math.max(0, length));
    }
    if (count > 0) {
      rows.bool(values != null);
    }
  }

  private static int length(ByteBuffer fields) throws DamagedException {
    if (fields.remaining() < Integer.BYTES) {
      throw new DamagedException("a remembered row is cut off");
    }
    int length = fields.getInt();
    if (length > fields.remaining()) {
      throw new DamagedException("a remembered row is cut off");
    }
    return length;
  }
}
