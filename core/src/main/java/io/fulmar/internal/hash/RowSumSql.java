package io.fulmar.internal.hash;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/** The statements by which rows are added up. */
final class RowSumSql {
  /**
   * A hash of a row once more, so that what the XOR of its columns leaves equal shows: two rows
   * that have swapped the values of a column would add up to what they were. An int8 is folded to
   * 32 bits before it is hashed, so its upper half goes in by itself.
   */
  static final SqlFragment SPREAD =
      SqlFragment.of(
          """
          (pg_catalog.hashint8extended({hash}, {seed}) operator(pg_catalog.#) \
          pg_catalog.hashint8extended({hash} operator(pg_catalog.>>) 32, {second}))""",
          "hash",
          "second",
          "seed");

  /** Many short expressions are not worth compiling. */
  static final SqlTemplate SETTINGS =
      SqlTemplate.of(
          """
          /* fulmar: sum settings */
          select pg_catalog.set_config('jit', 'off', true)
          """);

  /**
   * What some hashes add up to. The offset, which is quoted so that it stays parallel, keeps each
   * from being computed twice.
   */
  static final SqlTemplate SUM =
      SqlTemplate.of(
          """
          /* fulmar: sum */
          select pg_catalog.count(*), coalesce(pg_catalog.bit_xor({spread}), '0'::pg_catalog.int8)
          from (
            select {hash} as hash
            from {rows}
            offset '0'
          ) as hashed
          """,
          "hash",
          "rows",
          "spread");

  /** The rows of a model. */
  static final SqlFragment MODEL =
      SqlFragment.of(
          """
          (
          {model}
          ) as fulmar_model ({aliases})""",
          "aliases",
          "model");

  private RowSumSql() {}
}
