package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.SqlTemplate;

/** The statement that gives numbers to runs. */
final class RunNumberSql {
  /** Binds the least number wanted, twice. */
  static final SqlTemplate NEXT =
      SqlTemplate.of(
          """
          /* fulmar: run number */
          insert into {numbers} as n (only_row, last_run)
          values (
            true,
            greatest(
              ?::pg_catalog.int8,
              (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8))
          on conflict (only_row) do update set
            last_run = greatest(
              n.last_run + 1,
              ?::pg_catalog.int8,
              (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8)
          returning last_run""",
          "numbers");

  private RunNumberSql() {}
}
