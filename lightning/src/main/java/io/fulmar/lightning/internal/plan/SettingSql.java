package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** What is set for the transaction that makes a plan. */
final class SettingSql {
  /**
   * Memory and processes for the one large statement; no time for compiling it. Where a few keys
   * are looked up in a large state, to look up costs little: the fold will want the same pages. The
   * plan that it makes is read by the places of its rows, which takes a heap, and survives a crash.
   * Where every row becomes a change, the server takes handing rows on between processes for dearer
   * than hashing them, which it is not.
   */
  static final SqlTemplate SETTINGS =
      SqlTemplate.of(
          """
          /* fulmar: plan settings */
          select pg_catalog.set_config('work_mem', ?, true),
                 pg_catalog.set_config('max_parallel_workers_per_gather', ?, true),
                 pg_catalog.set_config('jit', 'off', true),
                 pg_catalog.set_config('random_page_cost',
                   case when ?::pg_catalog.bool
                        then least(pg_catalog.current_setting('random_page_cost')::pg_catalog.float8,
                                   1.1)::pg_catalog.text
                        else pg_catalog.current_setting('random_page_cost') end, true),
                 pg_catalog.set_config('parallel_tuple_cost',
                   case when ?::pg_catalog.bool
                        then least(pg_catalog.current_setting('parallel_tuple_cost')::pg_catalog.float8,
                                   0.01)::pg_catalog.text
                        else pg_catalog.current_setting('parallel_tuple_cost') end, true),
                 pg_catalog.set_config('default_table_access_method', 'heap', true),
                 pg_catalog.set_config('synchronous_commit',
                   case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off'
                        then 'on' else pg_catalog.current_setting('synchronous_commit') end, true)
          """);

  /**
   * What was set in the session, together, for comparison. What the server's configuration says may
   * be another from one statement to the next.
   */
  static final SqlTemplate DIGEST =
      SqlTemplate.of(
          """
          /* fulmar: settings digest */
          select pg_catalog.hashtextextended(
            pg_catalog.string_agg(s.name operator(pg_catalog.||) '=' operator(pg_catalog.||) coalesce(s.setting, ''), ',' order by s.name collate pg_catalog."C"),
            0)
          from pg_catalog.pg_settings s
          where s.source operator(pg_catalog.=) 'session'
          """);

  private SettingSql() {}
}
