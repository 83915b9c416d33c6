package io.fulmar.lightning.internal.database;

import io.fulmar.internal.sql.SqlTemplate;

/**
 * How transactions of the engine begin. Everything is set by SET LOCAL, so that it ends with the
 * transaction, and with names and numbers only, since SET takes no parameters. No query comes
 * before the isolation level, which cannot be set any more after one.
 */
final class DatabaseSql {
  private static final String SETTINGS =
      """
      set local application_name = {application};
      set local lock_timeout = {lock_timeout};
      set local idle_in_transaction_session_timeout = {idle_timeout};
      set local search_path = pg_catalog, pg_temp;
      set local timezone = 'UTC';
      set local datestyle = 'ISO, MDY';
      set local intervalstyle = 'postgres';
      set local bytea_output = 'hex';
      set local extra_float_digits = 1;
      set local quote_all_identifiers = off;
      set local row_security = off;
      set local default_table_access_method = heap;
      """;

  private static final String TIMEOUT =
      """
      set local statement_timeout = {statement_timeout};
      """;

  /**
   * What is noted here says what a destination was sent and has accepted, so a commit waits until
   * it outlasts a crash, also where the role or the server has that off.
   */
  private static final String BACKEND =
      """
      select pg_catalog.pg_backend_pid(),
             (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8,
             case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off'
               then pg_catalog.set_config('synchronous_commit', 'on', true) end
      """;

  /** First in a transaction that may write. */
  static final SqlTemplate BEGIN_WRITE =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level read committed, read write
          """);

  /** First in a transaction that does not write. */
  static final SqlTemplate BEGIN_READ =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level read committed, read only
          """);

  /** Settings, which server process it is, and its time. */
  static final SqlTemplate SETTLE =
      SqlTemplate.of(
          """
          /* fulmar: settings */
          %s%s%s"""
              .formatted(SETTINGS, TIMEOUT, BACKEND),
          "application",
          "lock_timeout",
          "idle_timeout",
          "statement_timeout");

  /** {@link #SETTLE}, and the role says how long a statement may take. */
  static final SqlTemplate SETTLE_BY_ROLE =
      SqlTemplate.of(
          """
          /* fulmar: settings */
          %s%s"""
              .formatted(SETTINGS, BACKEND),
          "application",
          "lock_timeout",
          "idle_timeout");

  /**
   * Ends the statements of some sessions of the role, if they wait for a lock. Behind a pooler such
   * a session may have become somebody else's in this moment.
   */
  static final SqlTemplate END_WAITS =
      SqlTemplate.of(
          """
          /* fulmar: end waits */
          select pg_catalog.pg_cancel_backend(a.pid)
          from pg_catalog.pg_stat_activity a
          where a.pid operator(pg_catalog.=) any (?) and a.wait_event_type = 'Lock'
            and pg_catalog.starts_with(a.application_name, 'fulmar')
          """);

  /**
   * Which of some processes will not answer what is waited for: they are gone, or have had nothing
   * to do for so many milliseconds. Where the server does not say what they do, they are at work.
   */
  static final SqlTemplate LOST_ANSWERS =
      SqlTemplate.of(
          """
          /* fulmar: lost answers */
          select asked.pid
          from rows from (pg_catalog.unnest(?::pg_catalog.int4[]), pg_catalog.unnest(?::pg_catalog.int8[]))
            as asked (pid, silence)
          left join pg_catalog.pg_stat_activity a
            on a.pid operator(pg_catalog.=) asked.pid
            and pg_catalog.starts_with(a.application_name, 'fulmar')
          where a.pid is null
            or (pg_catalog.starts_with(a.state, 'idle')
              and extract(epoch from pg_catalog.clock_timestamp() - a.state_change) * 1000 > asked.silence)
          """);

  private DatabaseSql() {}
}
