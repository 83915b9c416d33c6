package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements by which our tables come and go. They run under our own search path. */
final class SchemaSql {
  /** One at a time makes or changes tables in a schema. Binds the schema. */
  static final SqlTemplate LOCK =
      SqlTemplate.of(
          """
          /* fulmar: lock schema */
          select pg_catalog.pg_advisory_xact_lock(
            pg_catalog.hashtextextended(pg_catalog.concat('fulmar schema ', ?::text), 0))""");

  /** Tables of syncs that are there, known by their names alone. Binds the schema. */
  static final SqlTemplate TABLES_OF_SYNCS =
      SqlTemplate.of(
          """
          /* fulmar: tables of syncs */
          select pg_catalog.count(*)
          from pg_catalog.pg_class as c
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          join pg_catalog.pg_roles as r on r.oid = c.relowner
          where n.nspname = ? and c.relkind = 'r' and r.rolname = current_user
            and c.relname ~ '^s[0-9]+_(state_[01]|holds|ledger)$'""");

  /** A table. */
  static final SqlTemplate CREATE =
      SqlTemplate.of(
          """
          /* fulmar: create */
          create table {table} ({columns}, primary key ({key}))""",
          "table",
          "columns",
          "key");

  /** Another set of columns that is unique. */
  static final SqlTemplate ADD_KEY =
      SqlTemplate.of(
          """
          /* fulmar: add key */
          alter table {table} add unique ({key})""",
          "table",
          "key");

  /** What a table is for, and that it is ours. */
  static final SqlTemplate COMMENT =
      SqlTemplate.of(
          """
          /* fulmar: comment */
          comment on table {table} is {comment}""",
          "table",
          "comment");

  /** Away with tables, all of which are there. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop tables */
          drop table {tables}""",
          "tables");

  /** Nobody runs a sync from here on, or begins to, until the transaction ends. */
  static final SqlTemplate LOCK_LEASES =
      SqlTemplate.of(
          """
          /* fulmar: lock leases */
          lock table {leases} in access exclusive mode""",
          "leases");

  /** A sync that somebody runs. */
  static final SqlTemplate LIVE_LEASE =
      SqlTemplate.of(
          """
          /* fulmar: live lease */
          select l.sync, l.expires_at
          from {leases} as l
          where l.expires_at > pg_catalog.clock_timestamp()
          order by l.expires_at desc
          limit 1""",
          "leases");

  private SchemaSql() {}
}
