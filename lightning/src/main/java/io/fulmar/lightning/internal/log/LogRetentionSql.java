package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that delete what the sync logs have kept for long enough. */
final class LogRetentionSql {
  /**
   * The oldest run in the changelog that has been kept for long enough, of a sync or of one that
   * has no state any more, and of which. All rows of a run are of one sync, so it is enough to look
   * at the first of each run. Binds the age twice, the sync, and the age for syncs without a state,
   * which is not less.
   */
  static final SqlTemplate OLDEST =
      SqlTemplate.of(
          """
          /* fulmar: oldest in changelog */
          with recursive r (run) as (
            select pg_catalog.min(c.sync_run_id) from {changelog} as c
            union all
            select (select pg_catalog.min(c.sync_run_id)
                    from {changelog} as c
                    where c.sync_run_id > r.run)
            from r
            where r.run < ?)
          select r.run, f.sync_id
          from r
          cross join lateral (
            select c.sync_id from {changelog} as c where c.sync_run_id = r.run limit 1) as f
          where r.run < ? and (
            f.sync_id = ?
            or (r.run < ?
              and not exists (select from {syncs} as k where k.sync = f.sync_id)))
          limit 1""",
          "changelog",
          "syncs");

  /** Some rows of one run. Binds the run and how many. */
  static final SqlTemplate CHANGELOG =
      SqlTemplate.of(
          """
          /* fulmar: expire changelog */
          delete from {changelog} as d
          where d.ctid = any (array(
            select c.ctid from {changelog} as c where c.sync_run_id = ? limit ?))""",
          "changelog");

  /**
   * As {@link #CHANGELOG}; a key that left the model in that run and has had no change since goes
   * from the snapshot, too, and any key of a sync that has no state any more. Binds the run, how
   * many, the sync, the run, and whether the sync has no state.
   */
  static final SqlTemplate CHANGELOG_AND_SNAPSHOT =
      SqlTemplate.of(
          """
          /* fulmar: expire changelog and snapshot */
          with gone as (
            delete from {changelog} as d
            where d.ctid = any (array(
              select c.ctid from {changelog} as c where c.sync_run_id = ? limit ?))
            returning d.row_id, d.op_type),
          left_behind as (
            delete from {snapshot} as s
            using gone as g
            where s.sync_id = ? and s.row_id = g.row_id and s.sync_run_id = ?
              and (g.op_type = 'removed' or ?))
          select pg_catalog.count(*) from gone""",
          "changelog",
          "snapshot");

  /**
   * Syncs in a log whose key begins with the sync, and which have no state any more: one look-up
   * for each sync.
   */
  static final SqlTemplate GONE =
      SqlTemplate.of(
          """
          /* fulmar: syncs without state */
          with recursive r (sync_id) as (
            select pg_catalog.min(l.sync_id) from {log} as l
            union all
            select (select pg_catalog.min(l.sync_id) from {log} as l where l.sync_id > r.sync_id)
            from r
            where r.sync_id is not null)
          select r.sync_id
          from r
          where r.sync_id is not null
            and not exists (select from {syncs} as k where k.sync = r.sync_id)""",
          "log",
          "syncs");

  /**
   * Some rows of the snapshot of a sync that has no state any more. Others are looked for only once
   * the first one is old, so that this costs nothing before. Binds the age, the sync, the sync, the
   * age, and how many.
   */
  static final SqlTemplate SNAPSHOT =
      SqlTemplate.of(
          """
          /* fulmar: expire snapshot */
          delete from {snapshot} as d
          where d.ctid = any (array(
            select s.ctid
            from {snapshot} as s
            where (
                select f.sync_run_id < ?
                from {snapshot} as f
                where f.sync_id = ?
                order by f.row_id
                limit 1)
              and s.sync_id = ? and s.sync_run_id < ?
            order by s.row_id
            limit ?))""",
          "snapshot");

  /** Some runs of a sync. Binds the sync, the age, and how many. */
  static final SqlTemplate RUNS =
      SqlTemplate.of(
          """
          /* fulmar: expire sync runs */
          delete from {runs} as d
          where d.sync_run_id = any (array(
            select r.sync_run_id from {runs} as r
            where r.sync_id = ? and r.sync_run_id < ?
            order by r.sync_run_id
            limit ?))""",
          "runs");

  private LogRetentionSql() {}
}
