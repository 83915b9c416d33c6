package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that look whether the engine can work here. They run under our search path. */
final class CheckSql {
  /** Timeouts for this transaction. Binds that of statements and that of locks. */
  static final SqlTemplate LIMIT =
      SqlTemplate.of(
          """
          /* fulmar: check limit */
          select pg_catalog.set_config('statement_timeout', ?, true),
                 pg_catalog.set_config('lock_timeout', ?, true)""");

  /** Whether the server takes writes, and which one it is. */
  static final SqlTemplate SERVER =
      SqlTemplate.of(
          """
          /* fulmar: check primary */
          select pg_catalog.pg_is_in_recovery(),
                 pg_catalog.current_setting('server_version_num')::int4""");

  /** Writes a table and a row, to be taken back. */
  static final SqlTemplate PROBE =
      SqlTemplate.of(
          """
          /* fulmar: check write */
          create table {table} (id int8 primary key);
          insert into {table} values (1)""",
          "table");

  /** The slot of a sync, by which its tables are named. Binds the sync. */
  static final SqlTemplate SLOT =
      SqlTemplate.of(
          """
          /* fulmar: check slot */
          select s.slot from {syncs} as s where s.sync = ?""",
          "syncs");

  /**
   * Publications that our tables are part of: of all tables, or of a table by name. Binds both
   * schemas, twice.
   */
  static final SqlTemplate PUBLICATIONS =
      SqlTemplate.of(
          """
          /* fulmar: check publications */
          select pg_catalog.quote_ident(p.pubname), null,
            (select pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' order by n.nspname)
             from pg_catalog.pg_namespace as n
             where n.nspname <> all (?::text[]) and n.nspname <> 'information_schema'
               and not pg_catalog.starts_with(n.nspname::text, 'pg_')
               and exists (
                 select from pg_catalog.pg_class as c
                 where c.relnamespace = n.oid and c.relkind in ('r', 'p')))
          from pg_catalog.pg_publication as p
          where p.puballtables
          union all
          select pg_catalog.quote_ident(p.pubname), r.prrelid::regclass::text, null
          from pg_catalog.pg_publication_rel as r
          join pg_catalog.pg_publication as p on p.oid = r.prpubid
          join pg_catalog.pg_class as c on c.oid = r.prrelid
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where n.nspname = any (?::text[])
            and pg_catalog.obj_description(c.oid, 'pg_class') ~ '^Fulmar, format [0-9]+: '
          order by 1, 2""");

  /** Publications of all tables in one of our schemas, from 15 on. Binds both schemas. */
  static final SqlTemplate PUBLICATIONS_OF_SCHEMAS =
      SqlTemplate.of(
          """
          /* fulmar: check publications of schemas */
          select pg_catalog.quote_ident(p.pubname), pg_catalog.quote_ident(n.nspname)
          from pg_catalog.pg_publication_namespace as s
          join pg_catalog.pg_publication as p on p.oid = s.pnpubid
          join pg_catalog.pg_namespace as n on n.oid = s.pnnspid
          where n.nspname = any (?::text[])
          order by 1, 2""");

  /** How many more connections the server, the database and the role would have. */
  static final SqlTemplate CONNECTIONS =
      SqlTemplate.of(
          """
          /* fulmar: check connections */
          select
            pg_catalog.current_setting('max_connections')::int8
              - pg_catalog.current_setting('superuser_reserved_connections')::int8
              - coalesce(pg_catalog.current_setting('reserved_connections', true)::int8, 0)
              - (select pg_catalog.sum(s.numbackends) from pg_catalog.pg_stat_database as s),
            case when d.datconnlimit < 0 then null
              else d.datconnlimit - (
                select s.numbackends from pg_catalog.pg_stat_database as s
                where s.datid = d.oid) end,
            case when r.rolconnlimit < 0 then null
              else r.rolconnlimit - (
                select pg_catalog.count(*) from pg_catalog.pg_stat_activity as a
                where a.usesysid = r.oid) end,
            r.rolname::text
          from pg_catalog.pg_database as d, pg_catalog.pg_roles as r
          where d.datname = pg_catalog.current_database() and r.rolname = current_user""");

  /** Logical slots, which decode what runs write. */
  static final SqlTemplate SLOTS =
      SqlTemplate.of(
          """
          /* fulmar: check slots */
          select s.slot_name::text, s.active
          from pg_catalog.pg_replication_slots as s
          where s.slot_type = 'logical' and s.database = pg_catalog.current_database()
          order by 1""");

  /** Event triggers that act on what we make, all of them: who owns them may do as he likes. */
  static final SqlTemplate EVENT_TRIGGERS =
      SqlTemplate.of(
          """
          /* fulmar: check event triggers */
          select pg_catalog.quote_ident(e.evtname), pg_catalog.quote_ident(o.rolname)
          from pg_catalog.pg_event_trigger as e
          join pg_catalog.pg_proc as p on p.oid = e.evtfoid
          join pg_catalog.pg_roles as o on o.oid = p.proowner
          where e.evtenabled <> 'D' and e.evtevent <> 'login'
          order by 1""");

  private CheckSql() {}
}
