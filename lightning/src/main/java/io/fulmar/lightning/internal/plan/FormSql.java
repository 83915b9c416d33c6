package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlFragment;

/**
 * How values are kept, in expressions. Types, functions, operators and collations are named with
 * their schema: the search path is the model's.
 */
final class FormSql {
  /** Rounds and pads nothing: what a type limits is limited already. */
  static final SqlFragment TEXT =
      SqlFragment.of("({value}::pg_catalog.text collate pg_catalog.\"C\")", "value");

  static final SqlFragment BPCHAR =
      SqlFragment.of("({value}::pg_catalog.bpchar collate pg_catalog.\"C\")", "value");

  static final SqlFragment TRIMMED =
      SqlFragment.of("pg_catalog.trim_scale({value}::pg_catalog.\"numeric\")", "value");

  static final SqlFragment CAST = SqlFragment.of("{value}::pg_catalog.{type}", "type", "value");

  /** Bytes of a text or bytea; 0 for NULL. */
  static final SqlFragment OCTETS =
      SqlFragment.of(
          "coalesce(pg_catalog.octet_length({value})::pg_catalog.int8, '0'::pg_catalog.int8)",
          "value");

  /** Bytes of a value as it is stored. */
  static final SqlFragment SIZE =
      SqlFragment.of("pg_catalog.pg_column_size({value})::pg_catalog.int8", "value");

  static final SqlFragment WITHIN =
      SqlFragment.of("{bytes} operator(pg_catalog.<=) {limit}", "bytes", "limit");

  static final SqlFragment BEYOND =
      SqlFragment.of("{bytes} operator(pg_catalog.>) {limit}", "bytes", "limit");

  static final SqlFragment UNLESS =
      SqlFragment.of("case when not ({condition}) then {value} end", "condition", "value");

  private FormSql() {}
}
