package io.fulmar.lightning.internal.log;

import io.fulmar.internal.sql.SqlFragment;

/**
 * Expressions over the columns of a plan table, under the alias {@code p}. Names of columns, which
 * become names in JSON, are bound.
 */
final class LogColumnSql {
  /** A value as it is: a number, a boolean, or what JSON gives as text by its output function. */
  static final SqlFragment PLAIN = SqlFragment.of("{column}", "column");

  /** PostgreSQL's text of a value. */
  static final SqlFragment TEXT = SqlFragment.of("{column}::pg_catalog.text", "column");

  /** An address without the mask of a single host, as its output function prints it. */
  static final SqlFragment ADDRESS =
      SqlFragment.of(
          """
          case when pg_catalog.masklen({column})
              = case pg_catalog.family({column}) when 4 then 32 else 128 end
            then pg_catalog.host({column}) else {column}::pg_catalog.text end""",
          "column");

  /** Texts of a key with several columns. */
  static final SqlFragment KEY_ARRAY =
      SqlFragment.of("pg_catalog.jsonb_build_array({texts})::pg_catalog.text", "texts");

  /**
   * The text of a key that may be long, as rows are found by it. One that does not fit into an
   * index is cut off, and its hash keeps it apart from others that begin alike. The text is
   * computed twice, which costs less than a subquery for each row.
   */
  static final SqlFragment BOUNDED =
      SqlFragment.of(
          """
          case when pg_catalog.octet_length({text}) <= 2000 then {text}
            else pg_catalog.concat(
              pg_catalog.left({text}, 400), '... md5 ', pg_catalog.md5({text})) end""",
          "text");

  /** A name, bound, and its value. */
  static final SqlFragment PAIR = SqlFragment.of("?::pg_catalog.text, {value}", "value");

  /** An object of at most 50 pairs: a function takes 100 arguments. */
  static final SqlFragment OBJECT =
      SqlFragment.of("pg_catalog.jsonb_build_object({pairs})", "pairs");

  /** An object without pairs. */
  static final SqlFragment EMPTY = SqlFragment.of("pg_catalog.jsonb_build_object()");

  /** Two objects in one. */
  static final SqlFragment BOTH = SqlFragment.of("({first} || {second})", "first", "second");

  /** What is remembered of a row, if anything is. */
  static final SqlFragment IF_VALUED =
      SqlFragment.of(
          "case when p.p_valued then {object} else pg_catalog.jsonb_build_object() end", "object");

  /** Nothing of a row. */
  static final SqlFragment NOTHING = SqlFragment.of("null::pg_catalog.jsonb");

  /** What is known of a row: of a removed or oversize one, less. */
  static final SqlFragment FIELDS =
      SqlFragment.of(
          """
          case
            when p.operation is null or p.operation = 'REMOVED' then {removed}
            when p.oversize then {key}
            else {row} end""",
          "removed",
          "key",
          "row");

  private LogColumnSql() {}
}
