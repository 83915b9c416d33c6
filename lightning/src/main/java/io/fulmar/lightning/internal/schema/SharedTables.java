package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.ColumnDefinition.Rule;
import java.util.List;

/** The tables of the planner schema that all syncs share. */
final class SharedTables {
  static final String SYNCS = "fulmar_syncs";
  static final String LEASES = "fulmar_leases";
  static final String PLANS = "fulmar_plans";
  static final String NUMBERS = "fulmar_numbers";

  private static final String BIGINT = "bigint";
  private static final String INT = "integer";
  private static final String TEXT = "text";
  private static final String BOOLEAN = "boolean";
  private static final String MOMENT = "timestamp with time zone";

  private SharedTables() {}

  /** All of them, the registry first. */
  static List<OwnTable> of(Schemas schemas) {
    return List.of(syncs(schemas), leases(schemas), plans(schemas), numbers(schemas));
  }

  private static OwnTable syncs(Schemas schemas) {
    return OwnTable.table(
            schemas.planner(), SYNCS, "what is known of each sync besides its keys, one row a sync")
        .column("sync", TEXT, Rule.BYTEWISE)
        .column("slot", BIGINT, Rule.NUMBERED)
        .column("format", INT, Rule.NOT_NULL)
        .columns(TEXT, "incarnation", "secret")
        .column("destination", TEXT, Rule.NOT_NULL)
        .columns(BIGINT, "revision", "epoch", "state_version")
        .columns(INT, "generation")
        .columns(BIGINT, "keys", "live")
        .columns(
            TEXT,
            "key_signature",
            "key_shape",
            "state_columns",
            "fingerprint",
            "definitions",
            "mode",
            "removal",
            "remembered")
        .columns(BIGINT, "run", "folded_run", "kept_plan", "delivering_plan", "unfolded")
        .columns(TEXT, "last_status")
        .columns(MOMENT, "last_ended_at", "last_success_at")
        .columns(INT, "failures_in_a_row")
        .columns(MOMENT, "up_to_date_as_of")
        .columns(BIGINT, "system_identifier")
        .columns(INT, "timeline")
        .columns(TEXT, "database")
        .columns(BIGINT, "position")
        .columns(BOOLEAN, "clearing")
        .columns(BIGINT, "clear_until")
        .columns(BOOLEAN, "initialising")
        .columns(BIGINT, "until")
        .columns("oid", "state_oid", "state_filenode", "holds_filenode")
        .columns(BIGINT, "holds_rows")
        .columns(TEXT, "delta_base", "source_writes")
        .columns(MOMENT, "last_full_diff_at")
        .columns(TEXT, "moved_from", "log_gaps")
        .key("sync")
        .key("slot")
        .build();
  }

  /** Unique with the token: taking over waits for whoever holds the row by it. */
  private static OwnTable leases(Schemas schemas) {
    return OwnTable.table(
            schemas.planner(), LEASES, "who may run which sync, and until when unless renewed")
        .column("sync", TEXT, Rule.BYTEWISE)
        .column("token", BIGINT, Rule.NOT_NULL)
        .columns(TEXT, "owner")
        .columns(MOMENT, "acquired_at")
        .column("expires_at", MOMENT, Rule.NOT_NULL)
        .columns(BIGINT, "run")
        .key("sync")
        .key("sync", "token")
        .build();
  }

  private static OwnTable plans(Schemas schemas) {
    return OwnTable.table(
            schemas.planner(), PLANS, "the plans that are durable, all but their changes")
        .column("sync", TEXT, Rule.BYTEWISE)
        .column("run", BIGINT, Rule.NOT_NULL)
        .columns(INT, "place")
        .columns(BIGINT, "total")
        .column("head", "bytea", Rule.NOT_NULL)
        .columns(MOMENT, "made_at")
        .key("sync", "run")
        .build();
  }

  /** One row, which outlives every sync: numbers of runs never come again. */
  private static OwnTable numbers(Schemas schemas) {
    return OwnTable.table(
            schemas.planner(), NUMBERS, "the number of the newest run of all syncs, one row")
        .column("only_row", BOOLEAN, Rule.NONE)
        .column("last_run", BIGINT, Rule.NOT_NULL)
        .key("only_row")
        .build();
  }
}
