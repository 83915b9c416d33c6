package io.fulmar.internal.check;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements that look at a source without touching it. */
final class CheckSql {
  /** Both ends of the connection, and what the server is. Any role may ask for all of it. */
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
                 s.version,
                 s.cipher
          from (select 1) as one
          left join pg_catalog.pg_stat_ssl s on s.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid() and s.ssl
          """);

  /** Timeouts for this transaction. Binds that of statements and that of locks. */
  static final SqlTemplate LIMIT =
      SqlTemplate.of(
          """
          /* fulmar: check limit */
          select pg_catalog.set_config('statement_timeout', ?, true),
                 pg_catalog.set_config('lock_timeout', ?, true)
          """);

  /** Who has logged in, and where. */
  static final SqlTemplate ROLE =
      SqlTemplate.of(
          """
          /* fulmar: check role */
          select current_user::pg_catalog.text, pg_catalog.current_database()::pg_catalog.text
          """);

  /**
   * What the role could do besides reading: attributes and predefined roles, its own or of a role
   * that it is a member of (then with the one of its roles that leads there). Of a superuser
   * nothing else is worth saying.
   */
  static final SqlTemplate POWERS =
      SqlTemplate.of(
          """
          /* fulmar: check powers */
          select p.power, r.rolname::pg_catalog.text,
                 (select pg_catalog.min(d.rolname::pg_catalog.text)
                  from pg_catalog.pg_auth_members m
                  join pg_catalog.pg_roles d on d.oid operator(pg_catalog.=) m.roleid
                  join pg_catalog.pg_roles me on me.oid operator(pg_catalog.=) m.member
                  where me.rolname operator(pg_catalog.=) current_user
                    and pg_catalog.pg_has_role(d.oid, r.oid, 'member'))
          from pg_catalog.pg_roles r
          cross join lateral (
            values ('superuser', r.rolsuper),
                   ('bypassrls', r.rolbypassrls),
                   ('replication', r.rolreplication),
                   ('createrole', r.rolcreaterole),
                   ('createdb', r.rolcreatedb),
                   ('member', r.rolname operator(pg_catalog.=) any (array[
                     'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
                     'pg_write_all_data', 'pg_signal_backend', 'pg_maintain', 'pg_checkpoint',
                     'pg_create_subscription', 'pg_signal_autovacuum_worker', 'rds_superuser',
                     'rds_replication', 'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin']::pg_catalog.name[]))
          ) as p (power, has)
          where p.has
            and (p.power operator(pg_catalog.=) 'superuser' or not r.rolsuper)
            and (r.rolname operator(pg_catalog.=) current_user or pg_catalog.pg_has_role(current_user, r.oid, 'member'))
            and (r.rolname operator(pg_catalog.=) current_user or not (
              select me.rolsuper from pg_catalog.pg_roles me where me.rolname operator(pg_catalog.=) current_user))
          order by r.rolname operator(pg_catalog.<>) current_user, r.rolname, p.power
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
          join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid
          where c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f']::pg_catalog."char"[])
            and n.nspname operator(pg_catalog.<>) 'information_schema'
            and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
          group by n.oid, n.nspname
          order by n.nspname
          """);

  private CheckSql() {}
}
