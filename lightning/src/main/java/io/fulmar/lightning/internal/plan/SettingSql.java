package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** What is set for the transaction that makes a plan. */
final class SettingSql {
  /** Memory and processes for the one large statement; no time for compiling it. */
  static final SqlTemplate SETTINGS =
      SqlTemplate.of(
          """
          /* fulmar: plan settings */
          select pg_catalog.set_config('work_mem', ?, true),
                 pg_catalog.set_config('max_parallel_workers_per_gather', ?, true),
                 pg_catalog.set_config('jit', 'off', true)
          """);

  /** What the settings of the session are together, for comparison. */
  static final SqlTemplate DIGEST =
      SqlTemplate.of(
          """
          /* fulmar: settings digest */
          select pg_catalog.md5(
            pg_catalog.string_agg(s.name operator(pg_catalog.||) '=' operator(pg_catalog.||) coalesce(s.setting, ''), ',' order by s.name collate pg_catalog."C"))
          from pg_catalog.pg_settings s
          """);

  private SettingSql() {}
}
