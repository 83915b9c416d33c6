package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * A plan where nothing is remembered. Every row of the model is added, so its table has only what
 * differs from one change to the next: of the millions of a first run, the rest would double what
 * is written and read.
 */
final class FirstPlan {
  /** Makes it. */
  static final SqlTemplate MAKE =
      SqlTemplate.of(
          """
          /* fulmar: first plan */
          create table {plan} with (autovacuum_enabled = off) as
          select pg_catalog.row_number() over () operator(pg_catalog.-) 1 as position,
                 {keys}, {version} as hash, w.oversize, {values}
          from (
          {rows}
          ) as w
          """,
          "keys",
          "plan",
          "rows",
          "values",
          "version");

  /** Its columns without the values, where {@link CountSql#WITHOUT_DUPLICATES} makes it again. */
  static final SqlFragment KEPT =
      SqlFragment.of(
          """
          pg_catalog.row_number() over () operator(pg_catalog.-) 1 as position,
                 {keys}, s.hash, s.oversize""",
          "keys");

  /** With the columns that say the same of all. */
  private static final SqlFragment ROWS =
      SqlFragment.of(
          """
          (select f.*,
                  'ADDED'::pg_catalog.text as operation, 0 as effects, false as again, 0 as attempts,
                  {at} as first_at, {run} as planned_by, 'ADDED'::pg_catalog.text as planned_as, null::pg_catalog.uuid as change_id,
                  null::pg_catalog.text as hold_kind, false as hold_unsure, null::pg_catalog.int8 as hold_version, '0'::pg_catalog.int8 as "until",
                  false as known, false as gone, null::pg_catalog.text as unplanned
           from {plan} as f)""",
          "at",
          "plan",
          "run");

  private FirstPlan() {}

  /**
   * What is in its table, with every column that a plan has.
   *
   * @param table which it is in
   * @param run that made it
   * @param at when, in milliseconds since 1970
   */
  static SqlPart rows(Identifier table, long run, long at) {
    return ROWS.with("plan", table).with("run", Parts.number(run)).with("at", Parts.number(at));
  }
}
