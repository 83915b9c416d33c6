package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlFragment;

/** Columns of keys as they are stored, out of texts that are bound. */
final class KeySql {
  static final SqlFragment INTEGER = SqlFragment.of("?::pg_catalog.int8");

  static final SqlFragment NUMERIC = SqlFragment.of("pg_catalog.trim_scale(?::pg_catalog.numeric)");

  static final SqlFragment TEXT = SqlFragment.of("?::pg_catalog.text");

  static final SqlFragment BLANKS_APART =
      SqlFragment.of("pg_catalog.rtrim(?::pg_catalog.text, ' ')");

  static final SqlFragment BOOL = SqlFragment.of("?::pg_catalog.bool");

  static final SqlFragment BYTEA = SqlFragment.of("?::pg_catalog.bytea");

  static final SqlFragment UUID = SqlFragment.of("?::pg_catalog.uuid");

  static final SqlFragment DATE = SqlFragment.of("?::pg_catalog.date");

  static final SqlFragment TIME = SqlFragment.of("?::pg_catalog.time");

  static final SqlFragment TIMESTAMP = SqlFragment.of("?::pg_catalog.timestamp");

  static final SqlFragment TIMESTAMPTZ = SqlFragment.of("?::pg_catalog.timestamptz");

  static final SqlFragment INET = SqlFragment.of("?::pg_catalog.inet");

  static final SqlFragment CIDR = SqlFragment.of("?::pg_catalog.cidr");

  static final SqlFragment MACADDR = SqlFragment.of("?::pg_catalog.macaddr");

  static final SqlFragment MACADDR8 = SqlFragment.of("?::pg_catalog.macaddr8");

  private KeySql() {}
}
