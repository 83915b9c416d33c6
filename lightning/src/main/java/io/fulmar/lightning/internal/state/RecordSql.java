package io.fulmar.lightning.internal.state;

import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.SyncMode;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.store.Definitions;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads and writes the rows of {@code fulmar_syncs}. */
public final class RecordSql {
  /** Every column but those that never change. */
  static final List<String> COLUMNS =
      List.of(
          "incarnation",
          "secret",
          "destination",
          "revision",
          "epoch",
          "state_version",
          "generation",
          "keys",
          "live",
          "key_signature",
          "key_shape",
          "state_columns",
          "fingerprint",
          "definitions",
          "mode",
          "removal",
          "remembered",
          "run",
          "folded_run",
          "kept_plan",
          "delivering_plan",
          "unfolded",
          "last_status",
          "last_ended_at",
          "last_success_at",
          "failures_in_a_row",
          "up_to_date_as_of",
          "system_identifier",
          "timeline",
          "database",
          "position",
          "clearing",
          "clear_until",
          "initialising",
          "until",
          "state_oid",
          "state_filenode",
          "holds_filenode",
          "holds_rows",
          "log_gaps",
          "delta_base",
          "source_writes",
          "last_full_diff_at",
          "moved_from");

  private static final String SELECTED =
      """
      select s.sync, s.slot, s.format, s.incarnation, s.secret, s.destination, s.revision, s.epoch,
             s.state_version, s.generation, s.keys, s.live, s.key_signature, s.key_shape,
             s.state_columns, s.fingerprint, s.definitions, s.mode, s.removal, s.remembered, s.run,
             s.folded_run, s.kept_plan, s.delivering_plan, s.unfolded, s.last_status,
             s.last_ended_at, s.last_success_at, s.failures_in_a_row, s.up_to_date_as_of,
             s.system_identifier, s.timeline, s.database, s.position, s.clearing, s.clear_until,
             s.initialising, s.until, s.state_oid::pg_catalog.int8 as state_oid,
             s.state_filenode::pg_catalog.int8 as state_filenode,
             s.holds_filenode::pg_catalog.int8 as holds_filenode, s.holds_rows, s.log_gaps,
             s.delta_base, s.source_writes, s.last_full_diff_at, s.moved_from
      from {syncs} s
      where s.sync operator(pg_catalog.=) ?
      """;

  /** One sync. */
  static final SqlTemplate READ =
      SqlTemplate.of(
          """
          /* fulmar: read sync */
          %s"""
              .formatted(SELECTED),
          "syncs");

  /** One sync, which nobody else may write until the transaction ends. */
  static final SqlTemplate LOCK =
      SqlTemplate.of(
          """
          /* fulmar: lock sync */
          %sfor update of s
          """
              .formatted(SELECTED),
          "syncs");

  /** The format alone, which any version can read. */
  static final SqlTemplate FORMAT =
      SqlTemplate.of(
          """
          /* fulmar: read format */
          select s.format from {syncs} s where s.sync operator(pg_catalog.=) ?
          """,
          "syncs");

  /** A sync that begins. */
  static final SqlTemplate INSERT =
      SqlTemplate.of(
          """
          /* fulmar: begin sync */
          insert into {syncs} (sync, format, {columns})
          values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
                  ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::pg_catalog.int8::pg_catalog.oid,
                  ?::pg_catalog.int8::pg_catalog.oid, ?::pg_catalog.int8::pg_catalog.oid, ?, ?,
                  ?, ?, ?, ?)
          returning slot
          """,
          "syncs",
          "columns");

  /** Everything that can change. */
  static final SqlTemplate UPDATE =
      SqlTemplate.of(
          """
          /* fulmar: write sync */
          update {syncs} set ({columns})
            = row (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
                   ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::pg_catalog.int8::pg_catalog.oid,
                   ?::pg_catalog.int8::pg_catalog.oid, ?::pg_catalog.int8::pg_catalog.oid, ?, ?,
                   ?, ?, ?, ?)
          where sync operator(pg_catalog.=) ?
          """,
          "syncs",
          "columns");

  private RecordSql() {}

  /** What is known of a sync; empty if nothing is. */
  public static Optional<SyncRecord> read(Transaction transaction, Schemas schemas, String sync)
      throws SQLException {
    return transaction.first(READ.with("syncs", schemas.syncs()).sql(), RecordSql::of, sync);
  }

  /** As {@link #read}; waits for whoever writes it, and keeps others from writing it. */
  public static Optional<SyncRecord> lock(Transaction transaction, Schemas schemas, String sync)
      throws SQLException {
    return transaction.first(LOCK.with("syncs", schemas.syncs()).sql(), RecordSql::of, sync);
  }

  /** The format of a sync's tables; empty if there are none. */
  static Optional<Integer> format(Transaction transaction, Schemas schemas, String sync)
      throws SQLException {
    return transaction.first(
        FORMAT.with("syncs", schemas.syncs()).sql(), row -> row.getInt(1), sync);
  }

  /** Writes the row of a sync that begins; its number is in the record afterwards. */
  public static void insert(Transaction transaction, Schemas schemas, SyncRecord record)
      throws SQLException {
    String sql =
        INSERT.with("syncs", schemas.syncs()).with("columns", Identifier.all(COLUMNS)).sql();
    record.slot =
        transaction.number(
            sql,
            Stream.concat(Stream.of(record.sync, SyncRecord.FORMAT), record.values().stream())
                .toArray());
  }

  /** Writes a row again; false if there is none. */
  public static boolean update(Transaction transaction, Schemas schemas, SyncRecord record)
      throws SQLException {
    String sql =
        UPDATE.with("syncs", schemas.syncs()).with("columns", Identifier.all(COLUMNS)).sql();
    Object[] values = Stream.concat(record.values().stream(), Stream.of(record.sync)).toArray();
    return transaction.update(sql, values) > 0;
  }

  /** As it is bound. */
  static @Nullable OffsetDateTime timestamp(@Nullable Instant instant) {
    return instant == null ? null : instant.truncatedTo(ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
  }

  private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }

  private static SyncRecord of(ResultSet row) throws SQLException {
    SyncRecord record = new SyncRecord();
    record.sync = row.getString("sync");
    record.slot = row.getLong("slot");
    record.incarnation = row.getString("incarnation");
    record.secret = row.getString("secret");
    record.destination = row.getString("destination");
    record.revision = row.getLong("revision");
    record.epoch = row.getLong("epoch");
    record.stateVersion = row.getLong("state_version");
    record.generation = row.getObject("generation", Integer.class);
    record.keys = row.getLong("keys");
    record.live = row.getLong("live");
    record.keySignature = row.getString("key_signature");
    record.keyShape = row.getString("key_shape");
    record.stateColumns = row.getString("state_columns");
    record.fingerprint = text(row, "fingerprint");
    record.definitions = Definitions.parse(text(row, "definitions"));
    String mode = row.getString("mode");
    record.mode = mode == null ? null : SyncMode.valueOf(mode);
    String removal = row.getString("removal");
    record.removal = removal == null ? null : Removal.valueOf(removal);
    record.remembered = row.getString("remembered");
    record.run = row.getLong("run");
    record.foldedRun = row.getLong("folded_run");
    record.keptPlan = row.getLong("kept_plan");
    record.deliveringPlan = row.getLong("delivering_plan");
    record.unfolded = row.getLong("unfolded");
    String status = row.getString("last_status");
    record.lastStatus = status == null ? null : RunStatus.valueOf(status);
    record.lastEndedAt = instant(row, "last_ended_at");
    record.lastSuccessAt = instant(row, "last_success_at");
    record.failuresInARow = row.getInt("failures_in_a_row");
    record.upToDateAsOf = instant(row, "up_to_date_as_of");
    record.systemIdentifier = row.getLong("system_identifier");
    record.timeline = row.getInt("timeline");
    record.database = text(row, "database");
    record.position = row.getLong("position");
    record.clearing = row.getBoolean("clearing");
    record.clearUntil = row.getLong("clear_until");
    record.initialising = row.getBoolean("initialising");
    record.until = row.getLong("until");
    record.stateOid = row.getLong("state_oid");
    record.stateFilenode = row.getLong("state_filenode");
    record.holdsFilenode = row.getLong("holds_filenode");
    record.holdsRows = row.getLong("holds_rows");
    record.logGaps = row.getString("log_gaps");
    record.deltaBase = row.getString("delta_base");
    record.sourceWrites = text(row, "source_writes");
    record.lastFullDiffAt = instant(row, "last_full_diff_at");
    record.movedFrom = row.getString("moved_from");
    return record;
  }

  private static String text(ResultSet row, String column) throws SQLException {
    String text = row.getString(column);
    return text == null ? "" : text;
  }
}
