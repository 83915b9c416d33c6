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
