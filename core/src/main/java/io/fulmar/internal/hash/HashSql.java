package io.fulmar.internal.hash;

import io.fulmar.internal.sql.SqlFragment;

/**
 * How values are hashed, in expressions. Types, functions, operators and collations are named with
 * their schema: the search path is the model's.
 */
public final class HashSql {
  /** The label of an enum, whatever cast to text an application may have made. */
  public static final SqlFragment LABEL =
      SqlFragment.of(
          "(case when {value} is not null then pg_catalog.concat({value}) end collate pg_catalog.\"C\")",
          "value");

  static final SqlFragment HASHED_OR_NULL =
      SqlFragment.of("coalesce({hash}, {none})", "hash", "none");

  static final SqlFragment HASH_INT2 =
      SqlFragment.of("pg_catalog.hashint2extended({value}, {seed})", "seed", "value");

  static final SqlFragment HASH_INT4 =
      SqlFragment.of("pg_catalog.hashint4extended({value}, {seed})", "seed", "value");

  static final SqlFragment HASH_BOOL =
      SqlFragment.of(
          "pg_catalog.hashint4extended({value}::pg_catalog.int4, {seed})", "seed", "value");

  /** The hash of an int8 folds it to 32 bits first, so its upper half is hashed once more. */
  static final SqlFragment HASH_INT8 =
      SqlFragment.of(
          """
          (pg_catalog.hashint8extended({value}, {seed}) operator(pg_catalog.#) \
          pg_catalog.hashint8extended({value} operator(pg_catalog.>>) 32, {second}))""",
          "second",
          "seed",
          "value");

  /** Zeros of both signs have one hash, so they are hashed as text. */
  static final SqlFragment HASH_FLOAT4 =
      SqlFragment.of(
          """
          case when {value} operator(pg_catalog.=) '0'::pg_catalog.float4 \
          then pg_catalog.hashtextextended({value}::pg_catalog.text collate pg_catalog."C", {seed}) \
          else pg_catalog.hashfloat4extended({value}, {seed}) end""",
          "seed",
          "value");

  /** As {@link #HASH_FLOAT4}. */
  static final SqlFragment HASH_FLOAT8 =
      SqlFragment.of(
          """
          case when {value} operator(pg_catalog.=) '0'::pg_catalog.float8 \
          then pg_catalog.hashtextextended({value}::pg_catalog.text collate pg_catalog."C", {seed}) \
          else pg_catalog.hashfloat8extended({value}, {seed}) end""",
          "seed",
          "value");

  static final SqlFragment HASH_TEXT =
      SqlFragment.of(
          "pg_catalog.hashtextextended({value}::pg_catalog.text collate pg_catalog.\"C\", {seed})",
          "seed",
          "value");

  /** The hash of a char(n) leaves out its blanks, so their number is hashed, too. */
  static final SqlFragment HASH_BPCHAR =
      SqlFragment.of(
          """
          (pg_catalog.hashbpcharextended({value}::pg_catalog.bpchar collate pg_catalog."C", {seed}) operator(pg_catalog.#) \
          pg_catalog.hashint4extended(pg_catalog.octet_length({value}::pg_catalog.bpchar), {second}))""",
          "second",
          "seed",
          "value");

  static final SqlFragment HASH_UUID =
      SqlFragment.of("pg_catalog.uuid_hash_extended({value}, {seed})", "seed", "value");

  /** The infinities have no distance to a day. */
  static final SqlFragment HASH_DATE =
      SqlFragment.of(
          """
          case when pg_catalog.isfinite({value}) \
          then pg_catalog.hashint4extended({value}::pg_catalog.date operator(pg_catalog.-) '2000-01-01'::pg_catalog.date, {seed}) \
          else pg_catalog.hashtextextended({value}::pg_catalog.text collate pg_catalog."C", {seed}) end""",
          "seed",
          "value");

  /**
   * The hash of bytes has no form of its own before PostgreSQL 18; in an array it can be had. An
   * array around the largest values has no room, so of those a digest is hashed.
   */
  static final SqlFragment HASH_BYTEA =
      SqlFragment.of(
          """
          case when pg_catalog.octet_length({value}) operator(pg_catalog.>) 268435456 \
          then pg_catalog.hashtextextended(pg_catalog.md5({value}) collate pg_catalog."C", {second}) \
          else pg_catalog.hash_array_extended(array[{value}::pg_catalog.bytea], {seed}) end""",
          "second",
          "seed",
          "value");

  /** By the image that the type's send function makes. */
  static final SqlFragment HASH_IMAGE =
      SqlFragment.of(
          "pg_catalog.hash_array_extended(array[pg_catalog.{send}({value})], {seed})",
          "seed",
          "send",
          "value");

  private HashSql() {}
}
