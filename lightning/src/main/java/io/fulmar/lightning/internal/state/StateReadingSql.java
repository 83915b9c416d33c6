package io.fulmar.lightning.internal.state;

import io.fulmar.internal.sql.SqlTemplate;

/** Reads what is remembered of keys, in sessions in which a model's search path may hold. */
final class StateReadingSql {
  /** The holds of a sync, as they are kept. */
  static final SqlTemplate HOLDS =
      SqlTemplate.of(
          """
          /* fulmar: read holds */
          copy (
            select {key}, h.kind, h.version, h.attempts, h.first_at, h.planned_by, h.planned_as,
                   h.change_id, h.unsure, h.code, h.message
            from {holds} h
            where h.kind is not null
            order by {key}
            limit {limit}
          ) to stdout (format binary)
          """,
          "key",
          "holds",
          "limit");

  private StateReadingSql() {}
}
