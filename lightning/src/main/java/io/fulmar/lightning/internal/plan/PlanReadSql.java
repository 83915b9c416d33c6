package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** How the changes of a plan are read back. They run under our own search path. */
final class PlanReadSql {
  /** How large the table is, with what stands beside its rows. Binds the table. */
  static final SqlTemplate SIZE =
      SqlTemplate.of(
          """
          /* fulmar: plan size */
          select coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass(?)), 0)""");

  /**
   * First in each transaction: from a place on, a table is read from there. Without an index that
   * is by the range of places, which sort is not left to estimates.
   */
  static final SqlTemplate BY_PLACE =
      SqlTemplate.of(
          """
          /* fulmar: read by place */
          set local enable_seqscan = off;
          set local max_parallel_workers_per_gather = 0""");

  /** The next changes from a place on, in the order in which they stand there. */
  static final SqlTemplate READ =
      SqlTemplate.of(
          """
          /* fulmar: read plan */
          copy (
            select p.ctid, {columns}
            from {plan} as p
            where p.ctid >= {from} and p.position is not null
            limit {rows}
          ) to stdout (format binary)""",
          "plan",
          "columns",
          "from",
          "rows");

  private PlanReadSql() {}
}
