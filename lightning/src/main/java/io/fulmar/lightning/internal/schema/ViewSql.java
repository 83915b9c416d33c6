package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/** The views for whoever wants to know how syncs are. They run under our own search path. */
final class ViewSql {
  /** How each sync is. */
  static final SqlTemplate STATUS =
      SqlTemplate.of(
          """
          /* fulmar: view status */
          create or replace view {view} as
          select
            s.sync,
            coalesce(l.expires_at > pg_catalog.clock_timestamp(), false) as is_running,
            s.last_status,
            s.last_ended_at,
            s.last_success_at,
            s.failures_in_a_row,
            s.up_to_date_as_of,
            s.live as synced_keys,
            s.keys as remembered_keys,
            nullif(s.kept_plan, 0) as plan_waiting,
            coalesce(s.clearing, false) as has_to_clear,
            coalesce(s.initialising, false) as is_initialising,
            s.run as last_run,
            s.destination,
            pg_catalog.concat('s', s.slot) as tables_begin_with
          from {syncs} as s
          left join {leases} as l on l.sync = s.sync""",
          "view",
          "syncs",
          "leases");

  /** The runs that are going on. */
  static final SqlTemplate RUNS =
      SqlTemplate.of(
          """
          /* fulmar: view runs */
          create or replace view {view} as
          select
            l.sync,
            l.run,
            l.owner,
            l.acquired_at as began_at,
            l.expires_at as ends_unless_renewed_at,
            nullif(s.delivering_plan, 0) as delivering_plan
          from {leases} as l
          join {syncs} as s on s.sync = l.sync
          where l.expires_at > pg_catalog.clock_timestamp()""",
          "view",
          "leases",
          "syncs");

  /** What the destination has accepted of a sync, by key. */
  static final SqlTemplate STATE =
      SqlTemplate.of(
          """
          /* fulmar: view state */
          create view {view} ({names}, {gone}) as
          select {columns}, pg_catalog.to_timestamp(t.gone_since / 1000.0)
          from {table} as t""",
          "view",
          "names",
          "gone",
          "columns",
          "table");

  /** What was not accepted of a sync, by key. */
  static final SqlTemplate HOLDS =
      SqlTemplate.of(
          """
          /* fulmar: view holds */
          create view {view} ({names}, {rest}) as
          select
            {columns},
            t.kind,
            t.planned_as,
            t.attempts,
            pg_catalog.to_timestamp(t.first_at / 1000.0),
            t.planned_by,
            t.unsure,
            t.code,
            t.message,
            pg_catalog.to_timestamp(nullif(t.until, 0) / 1000.0)
          from {table} as t""",
          "view",
          "names",
          "rest",
          "columns",
          "table");

  /** Says what a view shows, and that it is ours. */
  static final SqlTemplate COMMENT =
      SqlTemplate.of(
          """
          /* fulmar: comment on view */
          comment on view {view} is {comment}""",
          "view",
          "comment");

  /** Away with a view, if it is there. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop view */
          drop view if exists {view}""",
          "view");

  /**
   * Who may read a table or view besides its owner, NULL for everybody; the column, NULL for all;
   * and whether others may be let read. Binds its name.
   */
  static final SqlTemplate READERS =
      SqlTemplate.of(
          """
          /* fulmar: readers */
          with asked as (
            select c.oid, c.relowner, c.relacl
            from pg_catalog.pg_class as c
            where c.oid = pg_catalog.to_regclass(?)),
          granted as (
            select null::pg_catalog.name as attname, asked.relowner, g.grantee, g.privilege_type, g.is_grantable
            from asked cross join pg_catalog.aclexplode(asked.relacl) as g
            union all
            select a.attname, asked.relowner, g.grantee, g.privilege_type, g.is_grantable
            from asked
            join pg_catalog.pg_attribute as a on a.attrelid = asked.oid and a.attnum > 0 and not a.attisdropped
            cross join pg_catalog.aclexplode(a.attacl) as g)
          select r.rolname, granted.attname, pg_catalog.bool_or(granted.is_grantable)
          from granted
          left join pg_catalog.pg_roles as r on r.oid = granted.grantee
          where granted.privilege_type = 'SELECT' and granted.grantee <> granted.relowner
            and (granted.grantee = 0 or r.oid is not null)
          group by r.rolname, granted.attname
          order by r.rolname, granted.attname""");

  /** Whether a table or view has a column. Binds both names. */
  static final SqlTemplate HAS_COLUMN =
      SqlTemplate.of(
          """
          /* fulmar: has column */
          select exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = pg_catalog.to_regclass(?) and a.attname = ? and a.attnum > 0 and not a.attisdropped)""");

  /** Lets a role read. */
  static final SqlTemplate LET_READ =
      SqlTemplate.of(
          """
          /* fulmar: let read */
          grant {select} on {of} to {role}""",
          "select",
          "of",
          "role");

  /** Lets a role read, and let others read. */
  static final SqlTemplate LET_PASS_ON =
      SqlTemplate.of(
          """
          /* fulmar: let pass on */
          grant {select} on {of} to {role} with grant option""",
          "select",
          "of",
          "role");

  /** What a role may: read all columns. */
  static final SqlFragment SELECT = SqlFragment.of("select");

  /** What a role may: read one column. */
  static final SqlFragment SELECT_COLUMN = SqlFragment.of("select ({column})", "column");

  private ViewSql() {}
}
