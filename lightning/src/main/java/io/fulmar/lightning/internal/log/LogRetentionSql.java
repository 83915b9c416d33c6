package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that delete what the sync logs have kept for long enough. */
final class LogRetentionSql {
  /**
   * The oldest run of a sync in the changelog, if it is older than some. All rows of a run are of
   * one sync, so it is enough to look at the first of each run. Binds the age, the age, the sync.
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
          select r.run
          from r
          where r.run < ? and (
            select c.sync_id = ? from {changelog} as c where c.sync_run_id = r.run limit 1)
          limit 1""",
          "changelog");

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
   * from the snapshot, too. Binds the run, how many, the sync, and the run.
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
              and g.op_type = 'removed')
          select pg_catalog.count(*) from gone""",
          "changelog",
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
