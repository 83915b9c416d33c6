package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** What is asked about one key. */
final class KeyLookSql {
  /** Rows with their version, whether they have too many bytes, and their fields. */
  static final SqlTemplate ROWS =
      SqlTemplate.of(
          """
          /* fulmar: rows of key */
          copy (
          select {version}, w.oversize, {values}
          from (
          {rows}
          ) as w
          ) to stdout (format binary)
          """,
          "rows",
          "values",
          "version");

  /**
   * What is remembered: version and time of leaving, then the hold, then until when a call may act.
   */
  static final SqlTemplate MEMORY =
      SqlTemplate.of(
          """
          /* fulmar: memory of key */
          copy (
          select a.hash, a.gone_since, h.kind, h.version, h.attempts, h.first_at, h.planned_by, h.planned_as,
                 h.change_id, h.unsure, h.code, h.message, h."until"
          from (select {stored} from ({asked}) as fulmar_key ({names})) as q ({names})
          left join {state} as a on {accepted}
          left join {holds} as h on {held}
          ) to stdout (format binary)
          """,
          "accepted",
          "asked",
          "held",
          "holds",
          "names",
          "state",
          "stored");

  private KeyLookSql() {}
}
