package io.fulmar.internal.sql;

/** The statements that look whether a table can be written to, and write nothing. */
public final class TableCheckSql {
  /** Nothing can be written in it. Binds statement and lock timeout in milliseconds. */
  public static final SqlTemplate BEGIN =
      SqlTemplate.of(
          """
          /* fulmar: check begin */
          set transaction isolation level read committed, read only;
          select
            pg_catalog.set_config('application_name', 'fulmar check', true),
            pg_catalog.set_config('statement_timeout', ?, true),
            pg_catalog.set_config('lock_timeout', ?, true)""");

  /** What the server is, and what the role may do with database and schema. Binds the schema. */
  public static final SqlTemplate TARGET =
      SqlTemplate.of(
          """
          /* fulmar: check target */
          select pg_catalog.current_setting('server_version'),
                 pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
                 pg_catalog.pg_is_in_recovery(),
                 current_user::pg_catalog.text,
                 pg_catalog.current_database()::pg_catalog.text,
                 pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary'),
                 n.oid is not null,
                 pg_catalog.has_schema_privilege(n.oid, 'usage'),
                 pg_catalog.has_schema_privilege(n.oid, 'create')
          from (select 1) as one
          left join pg_catalog.pg_namespace as n on n.nspname = ?""");

  /**
   * Those of some privileges that the role lacks. Binds schema, table, the privileges and the
   * columns that they are needed for; only DELETE is never given for columns.
   */
  public static final SqlTemplate LACKING =
      SqlTemplate.of(
          """
          /* fulmar: check privileges of a table */
          select p.privilege
          from (select c.oid, ?::pg_catalog.text[] as privileges, ?::pg_catalog.text[] as columns
                from pg_catalog.pg_class as c
                join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                where n.nspname = ? and c.relname = ?) as t
          cross join lateral pg_catalog.unnest(t.privileges) as p (privilege)
          where not pg_catalog.has_table_privilege(t.oid, p.privilege)
            and (p.privilege = 'delete' or exists (
              select from pg_catalog.pg_attribute as a
              where a.attrelid = t.oid and a.attname = any (t.columns)
                and not pg_catalog.has_column_privilege(t.oid, a.attnum, p.privilege)))""");

  private TableCheckSql() {}
}
