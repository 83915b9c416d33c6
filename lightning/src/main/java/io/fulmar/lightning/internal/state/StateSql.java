package io.fulmar.lightning.internal.state;

import io.fulmar.internal.sql.SqlTemplate;

/** What is asked of the server about the tables of a sync, and about itself. */
final class StateSql {
  /** Whether the shared tables have been made. */
  static final SqlTemplate EXISTS =
      SqlTemplate.of(
          """
          /* fulmar: find table */
          select pg_catalog.count(*)
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = ? and c.relname = ?
          """);

  /** Which table it is, and which file: another one after TRUNCATE, VACUUM FULL and the like. */
  static final SqlTemplate FILE =
      SqlTemplate.of(
          """
          /* fulmar: find file */
          select c.oid::pg_catalog.int8,
                 coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::pg_catalog.int8
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = ? and c.relname = ?
          """);

  /** How many rows a table has. */
  static final SqlTemplate COUNT =
      SqlTemplate.of(
          """
          /* fulmar: count rows */
          select pg_catalog.count(*) from {table}
          """,
          "table");

  /** Which server this is, and where its history stands. */
  static final SqlTemplate SERVER =
      SqlTemplate.of(
          """
          /* fulmar: server */
          select pg_catalog.clock_timestamp(),
                 pg_catalog.current_database()::pg_catalog.text,
                 (select system_identifier from pg_catalog.pg_control_system()),
                 pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.int8,
                 ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::bit(32)::pg_catalog.int4
          """);

  /** How many holds there are of each kind, and how many changes are unsure. */
  static final SqlTemplate HOLD_COUNTS =
      SqlTemplate.of(
          """
          /* fulmar: count holds */
          select h.kind, pg_catalog.count(*), pg_catalog.count(*) filter (where h.unsure)
          from {holds} h
          where h.kind is not null
          group by h.kind
          """,
          "holds");

  /** How many changes were answered, other than as not tried. */
  static final SqlTemplate ANSWERED =
      SqlTemplate.of(
          """
          /* fulmar: count answers */
          select coalesce(sum(upper(a.span) - lower(a.span)), 0)::pg_catalog.int8
          from (
            select pg_catalog.unnest(
              pg_catalog.range_agg(pg_catalog.int8range(l.first_position, l.end_position))) as span
            from {ledger} l
            where l.kind is not null and l.kind <> 'NOT_TRIED') a
          """,
          "ledger");

  /** Numbers in the names of tables that say that they are of a sync. */
  static final SqlTemplate SLOTS =
      SqlTemplate.of(
          """
          /* fulmar: find tables of sync */
          select distinct substring(c.relname from '^s([0-9]+)_')::pg_catalog.int8
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_description d
            on d.objoid = c.oid
            and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objsubid = 0
          where n.nspname = ?
            and c.relkind = 'r'
            and c.relname ~ '^s[0-9]+_'
            and pg_catalog.starts_with(
              pg_catalog.regexp_replace(d.description, '^Fulmar, format [0-9]+: ', ''),
              'sync ' || ? || ': ')
          order by 1
          """);

  /** A sync that is gone. */
  static final SqlTemplate DELETE =
      SqlTemplate.of(
          """
          /* fulmar: delete sync */
          delete from {syncs} where sync = ?
          """,
          "syncs");

  /** The plans of a sync that is gone. */
  static final SqlTemplate DELETE_PLANS =
      SqlTemplate.of(
          """
          /* fulmar: delete plans */
          delete from {plans} where sync = ?
          """,
          "plans");

  /** Another name. */
  static final SqlTemplate RENAME =
      SqlTemplate.of(
          """
          /* fulmar: rename sync */
          update {syncs} set sync = ? where sync = ? and slot = ?
          """,
          "syncs");

  private StateSql() {}
}
