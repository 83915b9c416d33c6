package io.fulmar.internal.source;

import io.fulmar.internal.sql.SqlTemplate;

/** Finds out whether what a transaction has read was changed after its snapshot was taken. */
final class OvertakenSql {
  /**
   * Whether a relation that this transaction has locked is another than its snapshot shows.
   *
   * <p>A snapshot is taken before anything is locked, and a lock that is waited for is had when a
   * change of the schema has committed. Rows are then read as the snapshot shows them out of a
   * relation as it is by now: none, if it was emptied or rewritten (PostgreSQL manual, section
   * 13.6), swapped for another, or if its rows went into another partition. After the lock nothing
   * of this can happen any more. So what counts is whether the rows of the catalogs that the
   * snapshot shows have been replaced by a transaction that is committed; {@code xmax} names it, in
   * 32 bits, which {@code age} tells how far they are from the snapshot.
   *
   * <p>What the snapshot does not show was made since. That is of no account for an index, and for
   * a partition of what is shown, whose rows were elsewhere. What this transaction has made or
   * dropped itself is locked exclusively.
   */
  static final SqlTemplate OVERTAKEN =
      SqlTemplate.of(
          """
          /* fulmar: overtaken */
          with held (oid) as (
            select l.relation
            from pg_catalog.pg_locks l
            where l.locktype operator(pg_catalog.=) 'relation'
              and l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
              and l.database operator(pg_catalog.=)
                (select d.oid from pg_catalog.pg_database d
                 where d.datname operator(pg_catalog.=) pg_catalog.current_database())
            group by l.relation
            having not pg_catalog.bool_or(l.mode operator(pg_catalog.=) 'AccessExclusiveLock')),
          shown (xmax) as (
            select c.xmax from held h join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) h.oid
            union all
            select i.xmax from held h join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) h.oid
            union all
            select r.xmax from held h join pg_catalog.pg_rewrite r on r.ev_class operator(pg_catalog.=) h.oid),
          ended (number) as (
            select (next.number::pg_catalog.text::pg_catalog.int8
                    operator(pg_catalog.+) pg_catalog.age(next.number::pg_catalog.xid)
                    operator(pg_catalog.-) pg_catalog.age(s.xmax))::pg_catalog.text::pg_catalog.xid8
            from shown s
            cross join (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())) as next (number)
            where s.xmax operator(pg_catalog.<>) '0'::pg_catalog.xid)
          select exists (
              select from ended e
              where e.number operator(pg_catalog.>=) pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
                and pg_catalog.pg_xact_status(e.number) operator(pg_catalog.=) 'committed')
            or exists (
              select from held h
              where not exists (
                  select from pg_catalog.pg_class c
                  where c.oid operator(pg_catalog.=) coalesce(pg_catalog.pg_partition_root(h.oid)::pg_catalog.oid, h.oid))
                and pg_catalog.pg_index_has_property(h.oid, 'clusterable') is null)
          """);

  private OvertakenSql() {}
}
