package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlTemplate;

/** What the server's planner is asked about a model; nothing of it is run. */
final class ProofSql {
  /**
   * Leaves the model out of the plan exactly where the planner has proven that no key occurs twice.
   * Two rows of keys, since one would be put in place as constants, and then a comparison with NULL
   * would be left out for another reason.
   */
  static final SqlTemplate UNIQUE =
      SqlTemplate.of(
          """
          /* fulmar: prove unique */
          explain (costs off)
          select 1
          from (select {casts} from (values ({nulls}), ({nulls})) as fulmar_text ({names})) as fulmar_key ({names})
          left join (
          {model}
          ) as fulmar_model ({aliases}) on {same}
          """,
          "aliases",
          "casts",
          "model",
          "names",
          "nulls",
          "same");

  /**
   * Whether the snapshot shows every table and index that the planner has looked at, which it keeps
   * from being dropped. It knows those of now: an index that was made after the snapshot proves
   * nothing of what the snapshot shows, where a key may still occur twice.
   */
  static final SqlTemplate SHOWN =
      SqlTemplate.of(
          """
          /* fulmar: proof shown */
          select not exists (
            select from pg_catalog.pg_locks l
            where l.locktype operator(pg_catalog.=) 'relation'
              and l.mode operator(pg_catalog.=) 'AccessShareLock'
              and l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
              and l.database operator(pg_catalog.=)
                (select d.oid from pg_catalog.pg_database d
                 where d.datname operator(pg_catalog.=) pg_catalog.current_database())
              and not exists (
                select from pg_catalog.pg_class c where c.oid operator(pg_catalog.=) l.relation))
          """);

  /** Needs no row exactly where the planner knows that no key is NULL, which it does from 17 on. */
  static final SqlTemplate NOT_NULL =
      SqlTemplate.of(
          """
          /* fulmar: prove not null */
          explain (costs off)
          select 1
          from (
          {model}
          ) as fulmar_model ({aliases})
          where {keyless}
          """,
          "aliases",
          "keyless",
          "model");

  private ProofSql() {}
}
