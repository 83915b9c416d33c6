package io.fulmar.lightning.internal.joined;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements around what a destination writes together with the state. */
final class JoinedSql {
  /** What holds in the engine's own transactions. */
  static final SqlTemplate SEARCH_PATH =
      SqlTemplate.of(
          """
          /* fulmar: own path */
          set local search_path = pg_catalog, pg_temp""");

  private JoinedSql() {}
}
