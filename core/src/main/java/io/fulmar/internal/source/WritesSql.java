package io.fulmar.internal.source;

import io.fulmar.internal.sql.SqlTemplate;

/** Asks what has been written to the tables that a transaction has locked. */
final class WritesSql {
  /**
   * One text for the counts of all these tables and their files; another one after each write, as
   * soon as whoever wrote has reported it (PostgreSQL manual, section "The Cumulative Statistics
   * System"). Schemas of ours are left out. NULL where nothing is counted: on a standby, without
   * {@code track_counts}, for foreign tables, and if there is no table.
   */
  static final SqlTemplate WRITES =
      SqlTemplate.of(
          """
          /* fulmar: writes */
          select case when pg_catalog.bool_and(t.relkind operator(pg_catalog.<>) 'f'::pg_catalog."char")
                        and not pg_catalog.pg_is_in_recovery()
                        and pg_catalog.current_setting('track_counts') operator(pg_catalog.=) 'on'
                 then pg_catalog.hashtextextended(
                        pg_catalog.string_agg(
                          pg_catalog.concat_ws(' ', t.oid, t.relfilenode,
                            pg_catalog.pg_stat_get_tuples_inserted(t.oid),
                            pg_catalog.pg_stat_get_tuples_updated(t.oid),
                            pg_catalog.pg_stat_get_tuples_deleted(t.oid)),
                          ',' order by t.oid) collate pg_catalog."C",
                        0)::pg_catalog.text
                 end
          from (
            select distinct c.oid, c.relkind, c.relfilenode
            from pg_catalog.pg_locks l
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) l.relation
            where l.locktype operator(pg_catalog.=) 'relation'
              and l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
              and l.database operator(pg_catalog.=)
                (select d.oid from pg_catalog.pg_database d
                 where d.datname operator(pg_catalog.=) pg_catalog.current_database())
              and c.relkind operator(pg_catalog.=) any (array['r', 'm', 'f']::pg_catalog."char"[])
              and (select n.nspname::pg_catalog.text from pg_catalog.pg_namespace n
                   where n.oid operator(pg_catalog.=) c.relnamespace)
                operator(pg_catalog.<>) all (?)
          ) as t
          """);

  private WritesSql() {}
}
