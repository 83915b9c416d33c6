package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.ColumnDefinition.Rule;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.internal.schema.OwnTable;
import io.fulmar.lightning.internal.schema.Schemas;
import java.util.List;

/**
 * The tables of the sync logs. Their names, columns and the order of these are what dashboards and
 * packages of other makers read, so they do not change.
 *
 * <p>The key of the changelog begins with the run: rows of a run lie together and at the end, which
 * spares the pages of all others, and the history of a row is one look-up for each run of its sync.
 * Every table has a primary key, since a publication of all tables forbids deletes without one.
 */
public final class LogTables {
  private static final String TEXT = "text";
  private static final String BIGINT = "bigint";
  private static final String MOMENT = "timestamp with time zone";

  private LogTables() {}

  /**
   * The tables that some settings need; empty if they need none.
   *
   * @param schemas where they are
   * @param logs the settings
   */
  public static List<OwnTable> of(Schemas schemas, SyncLogs logs) {
    return logs.tables().stream().sorted().map(table -> of(schemas, table)).toList();
  }

  private static OwnTable of(Schemas schemas, SyncLogs.Table table) {
    return switch (table) {
      case CHANGELOG ->
          rows(schemas, table, "sync log: each change of each run, and what became of it")
              .key("sync_run_id", "row_id")
              .build();
      case SNAPSHOT ->
          rows(schemas, table, "sync log: the latest change of each row, and what became of it")
              .key("sync_id", "row_id")
              .build();
      case RUNS -> runs(schemas);
    };
  }

  private static OwnTable.Builder rows(Schemas schemas, SyncLogs.Table table, String what) {
    return OwnTable.table(schemas.audit(), name(table), what)
        .column("sync_id", TEXT, Rule.BYTEWISE)
        .column("sync_run_id", BIGINT, Rule.NOT_NULL)
        .column("row_id", TEXT, Rule.BYTEWISE)
        .column("op_type", TEXT, Rule.NOT_NULL)
        .column("status", TEXT, Rule.NOT_NULL)
        .columns(TEXT, "failure_reason")
        .columns("jsonb", "fields");
  }

  private static OwnTable runs(Schemas schemas) {
    return OwnTable.table(
            schemas.audit(), name(SyncLogs.Table.RUNS), "sync log: each run of each sync")
        .column("sync_id", TEXT, Rule.BYTEWISE)
        .column("sync_run_id", BIGINT, Rule.NOT_NULL)
        .columns(TEXT, "primary_key", "destination", "model_name", "error")
        .column("status", TEXT, Rule.NOT_NULL)
        .columns(MOMENT, "started_at", "finished_at")
        .columns(BIGINT, RunRow.COUNTS.toArray(String[]::new))
        .key("sync_run_id")
        .key("sync_id", "sync_run_id")
        .build();
  }

  /** The quoted name of a table. */
  static Identifier identifier(Schemas schemas, SyncLogs.Table table) {
    return schemas.log(name(table));
  }

  /** The name of a table in the audit schema. */
  static String name(SyncLogs.Table table) {
    return switch (table) {
      case CHANGELOG -> "sync_changelog";
      case SNAPSHOT -> "sync_snapshot";
      case RUNS -> "sync_runs";
    };
  }
}
