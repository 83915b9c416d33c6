package io.fulmar.internal.postgres;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that find out what stands between the driver and the server. */
final class PoolerSql {
  /** The process that serves this statement; behind a pooler not the one that the driver knows. */
  static final SqlTemplate BACKEND =
      SqlTemplate.of(
          """
          /* fulmar: backend */
          select pg_catalog.pg_backend_pid()
          """);

  private PoolerSql() {}
}
