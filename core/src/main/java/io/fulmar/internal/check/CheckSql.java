package io.fulmar.internal.check;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that look at a source without touching it. */
final class CheckSql {
  /** Both ends of the connection, and what the server is. */
  static final SqlTemplate SERVER =
      SqlTemplate.of(
          """
          /* fulmar: check server */
          select pg_catalog.current_setting('server_version'),
                 pg_catalog.host(pg_catalog.inet_client_addr()),
                 pg_catalog.inet_client_port(),
                 pg_catalog.host(pg_catalog.inet_server_addr()),
                 pg_catalog.inet_server_port(),
                 pg_catalog.clock_timestamp(),
                 pg_catalog.pg_is_in_recovery(),
                 session_user::pg_catalog.text,
                 current_user::pg_catalog.text,
                 pg_catalog.current_database()::pg_catalog.text,
                 s.version,
                 s.cipher
          from (select 1) as one
          left join pg_catalog.pg_stat_ssl s on s.pid = pg_catalog.pg_backend_pid() and s.ssl
          """);

  /** How many tables and views each schema has, and how many of them the role may read. */
  static final SqlTemplate READABLE =
      SqlTemplate.of(
          """
          /* fulmar: check readable */
          select n.nspname::pg_catalog.text,
                 pg_catalog.has_schema_privilege(n.oid, 'usage'),
                 pg_catalog.count(*) filter (
                   where pg_catalog.has_table_privilege(c.oid, 'select')
                      or pg_catalog.has_any_column_privilege(c.oid, 'select')),
                 pg_catalog.count(*)
          from pg_catalog.pg_namespace n
          join pg_catalog.pg_class c on c.relnamespace = n.oid
          where c.relkind in ('r', 'p', 'v', 'm', 'f')
            and n.nspname <> 'information_schema'
            and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
          group by n.oid, n.nspname
          order by n.nspname
          """);

  private CheckSql() {}
}
