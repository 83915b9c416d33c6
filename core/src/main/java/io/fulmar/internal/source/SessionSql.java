package io.fulmar.internal.source;

import io.fulmar.internal.sql.SqlTemplate;

/**
 * What is asked of a session beside the model: what it holds beyond its transaction, and how it is
 * freed of what strangers have set. Operators are qualified, since a model may have moved the
 * search path.
 */
public final class SessionSql {
  private static final String HELD_QUERY =
      """
      select pg_catalog.pg_backend_pid(),
             (select pg_catalog.count(*) from pg_catalog.pg_locks l
              where l.locktype operator(pg_catalog.=) 'advisory'
                and l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()),
             (select pg_catalog.count(*) from pg_catalog.pg_prepared_statements p where p.from_sql),
             (select pg_catalog.count(*) from pg_catalog.pg_class c
              where c.relnamespace operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()),
             (select pg_catalog.count(*) from pg_catalog.pg_replication_slots s
              where s.temporary and s.active_pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()),
             (select n.nspname
              from pg_catalog.pg_extension e
              join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) e.extnamespace
              join pg_catalog.pg_proc f on f.pronamespace operator(pg_catalog.=) n.oid
                and f.proname operator(pg_catalog.=) 'dblink_get_connections'
              where e.extname operator(pg_catalog.=) 'dblink'
                and pg_catalog.has_schema_privilege(n.oid, 'usage')
                and pg_catalog.has_function_privilege(f.oid, 'execute'))
      """;

  /**
   * What a rollback does not take back: the backend, its advisory locks, its statements prepared by
   * SQL, what is in its temporary schema, its temporary replication slots. Compared before and
   * after, since an application may keep such things in its connections. Last, where dblink is.
   */
  static final SqlTemplate HELD =
      SqlTemplate.of(
          """
          /* fulmar: held */
          %s"""
              .formatted(HELD_QUERY));

  /**
   * First in the transaction: one snapshot, nothing written; and {@link #HELD} in the same round
   * trip.
   */
  static final SqlTemplate BEGIN =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level repeatable read, read only;
          %s"""
              .formatted(HELD_QUERY));

  /** Begins without taking the snapshot; nothing is written. */
  static final SqlTemplate BEGIN_READ =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level repeatable read, read only
          """);

  /** Begins without taking the snapshot; what the role may write can be written. */
  static final SqlTemplate BEGIN_WRITE =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level repeatable read, read write
          """);

  /** Locks tables before the snapshot; no query, which would take it. */
  static final SqlTemplate LOCK =
      SqlTemplate.of(
          """
          /* fulmar: lock */
          set local lock_timeout = {timeout};
          lock table {tables} in access share mode
          """,
          "timeout",
          "tables");

  /** The open connections of the extension dblink, of which no catalog knows. */
  static final SqlTemplate LINKS =
      SqlTemplate.of(
          """
          /* fulmar: links */
          select pg_catalog.cardinality({links}())
          """,
          "links");

  /**
   * Behind a pooler a session comes with what other clients have set in it: all of it is put back
   * to what the server gives a new session, for this transaction. Encoding and style of dates are
   * left as the driver and the pooler agree on them. Settings with a dot in their names that no
   * extension has declared are in no catalog, so they stay.
   */
  public static final SqlTemplate FORGET_STRANGERS =
      SqlTemplate.of(
          """
          /* fulmar: forget strangers */
          select pg_catalog.set_config(
                   'role',
                   coalesce(
                     (select pg_catalog.substr(c.setting, 6)
                      from pg_catalog.pg_db_role_setting d
                      cross join pg_catalog.unnest(d.setconfig) as c (setting)
                      where c.setting operator(pg_catalog.~) '^role='
                        and (d.setrole operator(pg_catalog.=) 0
                          or d.setrole operator(pg_catalog.=)
                            (select r.oid from pg_catalog.pg_roles r
                             where r.rolname operator(pg_catalog.=) session_user))
                        and (d.setdatabase operator(pg_catalog.=) 0
                          or d.setdatabase operator(pg_catalog.=)
                            (select b.oid from pg_catalog.pg_database b
                             where b.datname operator(pg_catalog.=) pg_catalog.current_database()))
                      order by d.setrole operator(pg_catalog.=) 0, d.setdatabase operator(pg_catalog.=) 0
                      limit 1),
                     'none'),
                   true),
                 (select pg_catalog.count(pg_catalog.set_config(s.name, s.reset_val, true))
                  from pg_catalog.pg_settings s
                  where s.source operator(pg_catalog.=) 'session'
                    and s.context operator(pg_catalog.<>) 'internal'
                    and s.name operator(pg_catalog.!~) '^(client_encoding|DateStyle|transaction_.*)$')
          """);

  /** Leaves a connection of the engine's own pool as a new one. */
  static final SqlTemplate RESET =
      SqlTemplate.of(
          """
          /* fulmar: reset */
          discard all
          """);

  private SessionSql() {}
}
