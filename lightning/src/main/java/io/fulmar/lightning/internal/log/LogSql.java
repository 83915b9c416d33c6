package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * The statements that write the sync logs. They run under our own search path and settings: times
 * in UTC, dates in ISO form, bytea in hex.
 */
final class LogSql {
  /**
   * What the logs say of each change of a plan, and of each removal that is not sent. Binds the
   * names of the columns in {@code fields}, then {@code Rules.SET_GONE}, or 0 to leave such
   * removals out.
   */
  static final SqlFragment ROWS =
      SqlFragment.of(
          """
          (select
             c.row_id,
             c.op_type,
             c.status,
             case c.status when 'failed' then
               concat(
                 coalesce(c.code, 'FULMAR_UNKNOWN_OUTCOME'), ': ',
                 coalesce(c.message, 'the call ended without an answer')) end as failure_reason,
             c.fields
           from (
             select
               {row_id} as row_id,
               case p.operation when 'ADDED' then 'added' when 'CHANGED' then 'changed'
                 else 'removed' end as op_type,
               case
                 when {accepted} or o.kind = 'SKIPPED' then 'succeeded'
                 when o.kind is null or (o.kind = 'NOT_TRIED' and not o.unsure) then 'aborted'
                 else 'failed' end as status,
               o.code,
               o.message,
               {fields} as fields
             from {plan} as p
             left join {exceptions} as o on o.position = p.position
             where p.operation is not null or p.effects & ? <> 0
           ) as c)""",
          "row_id",
          "accepted",
          "fields",
          "plan",
          "exceptions");

  /** Binds the sync, the run, and what {@link #ROWS} binds. */
  static final SqlTemplate CHANGELOG =
      SqlTemplate.of(
          """
          /* fulmar: changelog */
          insert into {changelog}
            (sync_id, sync_run_id, row_id, op_type, status, failure_reason, fields)
          select ?, ?, l.row_id, l.op_type, l.status, l.failure_reason, l.fields
          from {rows} as l
          order by l.row_id""",
          "changelog",
          "rows");

  /** Whether the snapshot has a row of a sync. Binds the sync. */
  static final SqlTemplate IN_SNAPSHOT =
      SqlTemplate.of(
          """
          /* fulmar: in snapshot */
          select pg_catalog.count(*)
          from (select from {snapshot} as s where s.sync_id = ? limit 1) as one""",
          "snapshot");

  /**
   * A sync that the snapshot has no row of, for which looking for conflicts would take half as long
   * again. Binds the sync, the run, and what {@link #ROWS} binds.
   */
  static final SqlTemplate FIRST_SNAPSHOT =
      SqlTemplate.of(
          """
          /* fulmar: first snapshot */
          insert into {snapshot}
            (sync_id, sync_run_id, row_id, op_type, status, failure_reason, fields)
          select ?, ?, l.row_id, l.op_type, l.status, l.failure_reason, l.fields
          from {rows} as l
          order by l.row_id""",
          "snapshot",
          "rows");

  /** Binds the sync, the run, and what {@link #ROWS} binds. */
  static final SqlTemplate SNAPSHOT =
      SqlTemplate.of(
          """
          /* fulmar: snapshot */
          insert into {snapshot} as s
            (sync_id, sync_run_id, row_id, op_type, status, failure_reason, fields)
          select ?, ?, l.row_id, l.op_type, l.status, l.failure_reason, l.fields
          from {rows} as l
          order by l.row_id
          on conflict (sync_id, row_id) do update set
            sync_run_id = excluded.sync_run_id,
            op_type = excluded.op_type,
            status = excluded.status,
            failure_reason = excluded.failure_reason,
            fields = excluded.fields
          where s.sync_run_id <= excluded.sync_run_id""",
          "snapshot",
          "rows");

  /** What became of the changes of each operation. */
  static final SqlTemplate COUNT =
      SqlTemplate.of(
          """
          /* fulmar: count outcomes */
          select
            p.operation,
            pg_catalog.count(*) filter (where {accepted} or o.kind = 'SKIPPED'),
            pg_catalog.count(*) filter (
              where not {accepted} and o.kind <> 'SKIPPED' and (o.kind <> 'NOT_TRIED' or o.unsure))
          from {plan} as p
          left join {exceptions} as o on o.position = p.position
          where p.operation is not null
          group by p.operation""",
          "accepted",
          "plan",
          "exceptions");

  /**
   * A run. One that has its row keeps it: what failed stays failed, and counts only grow, since a
   * run whose state is moved forward by its successor is written twice.
   */
  static final SqlTemplate RUN =
      SqlTemplate.of(
          """
          /* fulmar: sync run */
          insert into {runs} as r
            (sync_id, sync_run_id, primary_key, destination, model_name, error, status, started_at,
             finished_at, {counts})
          values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          on conflict (sync_run_id) do update set
            error = coalesce(r.error, excluded.error),
            status = case when r.status = 'failed' then r.status else excluded.status end,
            {greater}
          where r.sync_id = excluded.sync_id""",
          "runs",
          "counts",
          "greater");

  /** A count that only grows. */
  static final SqlFragment GREATER =
      SqlFragment.of("{count} = greatest(r.{count}, excluded.{count})", "count");

  private LogSql() {}
}
