package io.fulmar.lightning.internal.state;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.PreparedState;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Notices that the tables of a sync are not those that its last fold left: dropped, emptied,
 * restored. A table has a file of its own, and another one after whatever writes it anew; then its
 * rows are counted, which costs nothing in all other runs.
 */
final class StateFiles {
  private final Schemas schemas;

  StateFiles(Schemas schemas) {
    this.schemas = schemas;
  }

  private record File(long oid, long filenode) {}

  /** Notes what a fold leaves. */
  void note(Transaction transaction, SyncRecord record) throws SQLException {
    SyncTables tables = schemas.tables(record.slot);
    Integer generation = record.generation;
    File state =
        generation == null ? null : file(transaction, tables.stateName(generation)).orElse(null);
    record.stateOid = state == null ? 0 : state.oid();
    record.stateFilenode = state == null ? 0 : state.filenode();
    File holds =
        record.stateColumns == null ? null : file(transaction, tables.holdsName()).orElse(null);
    record.holdsFilenode = holds == null ? 0 : holds.filenode();
    record.holdsRows = holds == null ? 0 : count(transaction, tables.holds());
  }

  /**
   * Looks at what the last fold left.
   *
   * @throws io.fulmar.StateException if something is missing
   */
  void check(Transaction transaction, SyncRecord record) throws SQLException {
    SyncTables tables = schemas.tables(record.slot);
    Integer generation = record.generation;
    if (generation != null) {
      String name = tables.stateName(generation);
      File found = found(transaction, record, name);
      if (found.oid() != record.stateOid || found.filenode() != record.stateFilenode) {
        same(record, name, record.keys, count(transaction, tables.state(generation)));
      }
    }
    if (record.stateColumns != null) {
      String name = tables.holdsName();
      File found = found(transaction, record, name);
      if (record.holdsFilenode != 0 && found.filenode() != record.holdsFilenode) {
        same(record, name, record.holdsRows, count(transaction, tables.holds()));
      }
      found(transaction, record, tables.ledgerName());
    }
  }

  /** The table of a state that is made before its fold; empty if it is not there. */
  Optional<PreparedState> prepared(Transaction transaction, String name) throws SQLException {
    return file(transaction, name).map(file -> new PreparedState(file.oid(), file.filenode()));
  }

  /** Numbers under which a sync has tables, whether the registry knows them or not. */
  List<Long> slots(Transaction transaction, String sync) throws SQLException {
    return transaction.list(StateSql.SLOTS.sql(), row -> row.getLong(1), schemas.planner(), sync);
  }

  /**
   * Looks whether a sync that begins finds tables of its name or number: of a registry that was
   * lost.
   *
   * @throws io.fulmar.StateException if there are any
   */
  void checkNone(Transaction transaction, SyncRecord record) throws SQLException {
    for (long slot : slots(transaction, record.sync)) {
      throw StateLost.of(
          record.sync,
          "its tables s%s_... are in the schema %s, and no row of fulmar_syncs that they belong to"
              .formatted(slot, Identifier.of(schemas.planner())));
    }
    SyncTables tables = schemas.tables(record.slot);
    for (String name :
        List.of(
            tables.stateName(0), tables.stateName(1), tables.holdsName(), tables.ledgerName())) {
      if (file(transaction, name).isPresent()) {
        throw StateLost.of(
            record.sync,
            "its table %s is there, and no row of fulmar_syncs that it belongs to"
                .formatted(Identifier.of(schemas.planner(), name)));
      }
    }
  }

  private File found(Transaction transaction, SyncRecord record, String name) throws SQLException {
    return file(transaction, name)
        .orElseThrow(
            () ->
                StateLost.of(
                    record.sync,
                    "its table %s is missing".formatted(Identifier.of(schemas.planner(), name))));
  }

  private void same(SyncRecord record, String name, long noted, long found) {
    if (noted != found) {
      throw StateLost.of(
          record.sync,
          "its table %s has %s rows, and the last run left %s, so it was emptied, replaced or restored"
              .formatted(Identifier.of(schemas.planner(), name), found, noted));
    }
  }

  private Optional<File> file(Transaction transaction, String name) throws SQLException {
    return transaction.first(
        StateSql.FILE.sql(),
        row -> new File(row.getLong(1), row.getLong(2)),
        schemas.planner(),
        name);
  }

  private static long count(Transaction transaction, Identifier table) throws SQLException {
    return transaction.number(StateSql.COUNT.with("table", table).sql());
  }
}
