package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements about plans as a whole. Operators are qualified: a model may be near. */
final class PlanStoreSql {
  /** The head of one plan. */
  static final SqlTemplate READ =
      SqlTemplate.of(
          """
          /* fulmar: read plan head */
          select p.head from {plans} p
          where p.sync operator(pg_catalog.=) ?::pg_catalog.text
            and p.run operator(pg_catalog.=) ?::pg_catalog.int8
          """,
          "plans");

  /** Makes a plan count, or replaces its head. */
  static final SqlTemplate WRITE =
      SqlTemplate.of(
          """
          /* fulmar: write plan head */
          insert into {plans} (sync, run, place, total, head, made_at)
          values (?::pg_catalog.text, ?::pg_catalog.int8, ?::pg_catalog.int4, ?::pg_catalog.int8,
                  ?::pg_catalog.bytea, pg_catalog.to_timestamp(?::pg_catalog.float8))
          on conflict (sync, run) do update
            set place = excluded.place, total = excluded.total, head = excluded.head, made_at = excluded.made_at
          """,
          "plans");

  /** Drops the head of a plan and says where its table is. */
  static final SqlTemplate DELETE =
      SqlTemplate.of(
          """
          /* fulmar: delete plan head */
          delete from {plans} p
          where p.sync operator(pg_catalog.=) ?::pg_catalog.text
            and p.run operator(pg_catalog.=) ?::pg_catalog.int8
          returning p.place
          """,
          "plans");

  /** All plans of a sync: run and place. */
  static final SqlTemplate ALL =
      SqlTemplate.of(
          """
          /* fulmar: plans of sync */
          select p.run, p.place from {plans} p
          where p.sync operator(pg_catalog.=) ?::pg_catalog.text
          order by p.run
          """,
          "plans");

  /** Which of some relations of a schema are there. */
  static final SqlTemplate EXISTING =
      SqlTemplate.of(
          """
          /* fulmar: plan tables */
          select c.relname::pg_catalog.text
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
          where n.nspname operator(pg_catalog.=) ?::pg_catalog.name
            and c.relname operator(pg_catalog.=) any (?::pg_catalog.name[])
          """);

  /** Drops a table: that of a plan, or what is left of a run. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop plan */
          drop table if exists {table}
          """,
          "table");

  private PlanStoreSql() {}
}
