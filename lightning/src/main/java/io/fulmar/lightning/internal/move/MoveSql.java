package io.fulmar.lightning.internal.move;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * How what another engine remembers becomes a state. {@code entries} holds it as it was, a row for
 * each key, with 128 bits for each version; {@code versions} holds the rows of the model under both
 * hashes. A version that is in the source gets the hash that it has here; any other one keeps 64 of
 * its bits, combined with a number (its mask) under which they are the hash of no row of their key.
 * All this runs under the engine's search path.
 */
final class MoveSql {
  /** The rows of the model under both hashes. */
  static final SqlTemplate CREATE_VERSIONS =
      SqlTemplate.of(
          """
          /* fulmar: move versions */
          create table {versions} (key bytea, high int8, low int8, hash int8)""",
          "versions");

  /** Fills {@link #CREATE_VERSIONS}. */
  static final SqlTemplate COPY_VERSIONS =
      SqlTemplate.of(
          """
          /* fulmar: move copy versions */
          copy {versions} (key, high, low, hash) from stdin (format binary)""",
          "versions");

  /** What was remembered, key by key. */
  static final SqlTemplate CREATE_ENTRIES =
      SqlTemplate.of(
          """
          /* fulmar: move entries */
          create table {entries} (
            key bytea, high int8, low int8, gone_since int8, until int8,
            kind text, hold_high int8, hold_low int8, attempts int4, first_at int8,
            change_id uuid, unsure bool, code text, message text, {columns})""",
          "entries",
          "columns");

  /** Fills {@link #CREATE_ENTRIES}. */
  static final SqlTemplate COPY_ENTRIES =
      SqlTemplate.of(
          """
          /* fulmar: move copy entries */
          copy {entries} (
            key, high, low, gone_since, until,
            kind, hold_high, hold_low, attempts, first_at,
            change_id, unsure, code, message, {columns}) from stdin (format binary)""",
          "entries",
          "columns");

  /** Statistics, without which joins of millions are planned as loops. */
  static final SqlTemplate ANALYZE =
      SqlTemplate.of(
          """
          /* fulmar: move analyze */
          analyze {table}""",
          "table");

  /** How much memory the joins may use. */
  static final SqlTemplate MEMORY =
      SqlTemplate.of(
          """
          /* fulmar: move memory */
          select pg_catalog.set_config('work_mem', ?, true)""");

  /** Whether a mask makes an old version the hash of a row of its key. Binds it twice. */
  static final SqlTemplate MEETS =
      SqlTemplate.of(
          """
          /* fulmar: move mask */
          select pg_catalog.count(*)
          from {entries} as e
          join {versions} as v
            on v.key = e.key
            and (v.hash = (e.low # ?::int8) or v.hash = (e.hold_low # ?::int8))""",
          "entries",
          "versions");

  /** The hash here of a version there; rows that are the same are one. */
  private static final String KNOWN =
      """
      left join (
        select v.key, v.high, v.low, pg_catalog.min(v.hash) as hash
        from {versions} as v
        group by v.key, v.high, v.low) as k
      """;

  /** The state: what is accepted. */
  static final SqlTemplate STATE =
      SqlTemplate.of(
          """
          /* fulmar: move state */
          create table {state} ({key}, {columns}) with (fillfactor = 90) as
          select {e_key}, {values}
          from {entries} as e
          %son k.key = e.key and k.high = e.high and k.low = e.low
          where e.high is not null"""
              .formatted(KNOWN),
          "state",
          "key",
          "columns",
          "e_key",
          "values",
          "entries",
          "versions");

  /** The hash here of an accepted version. */
  static final SqlFragment HASH = SqlFragment.of("coalesce(k.hash, e.low # {mask})", "mask");

  /** The key of the state. */
  static final SqlTemplate FINISH =
      SqlTemplate.of(
          """
          /* fulmar: move key of state */
          alter table {state} {not_null}, add primary key ({key})""",
          "state",
          "not_null",
          "key");

  /** Of {@link #FINISH}. */
  static final SqlFragment NOT_NULL =
      SqlFragment.of("alter column {column} set not null", "column");

  /** The holds, and what may still act. */
  static final SqlTemplate HOLDS =
      SqlTemplate.of(
          """
          /* fulmar: move holds */
          insert into {holds} ({key}, kind, version, attempts, first_at, change_id,
                               unsure, code, message, until)
          select {e_key}, e.kind, coalesce(k.hash, e.hold_low # {mask}), e.attempts, e.first_at,
                 e.change_id, e.unsure, e.code, e.message, e.until
          from {entries} as e
          %son k.key = e.key and k.high = e.hold_high and k.low = e.hold_low
          where e.kind is not null or e.until > 0"""
              .formatted(KNOWN),
          "holds",
          "key",
          "e_key",
          "mask",
          "entries",
          "versions");

  /** Away with what was needed in between. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: move drop */
          drop table {tables}""",
          "tables");

  /** A model with the hash of each row as its last column. */
  static final SqlFragment HASHED =
      SqlFragment.of(
          """
          select {columns}, {hash} as fulmar_hash
          from (
          {model}
          ) as fulmar_model ({columns})
          """,
          "columns",
          "hash",
          "model");

  private MoveSql() {}
}
