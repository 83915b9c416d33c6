package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlTemplate;

/** The statements of the ledger. They run under our own search path. */
final class LedgerSql {
  /**
   * Reservations and answers, each under a number of ours, so that writing them again after a lost
   * answer changes nothing. Binds the run and an array for each of the other columns.
   */
  static final SqlTemplate NOTE =
      SqlTemplate.of(
          """
          /* fulmar: note outcomes */
          insert into {ledger}
            (id, run, first_position, end_position, kind, unsure, until, code, message)
          overriding system value
          select u.id, ?, u.first_position, u.end_position, u.kind, u.unsure, u.until, u.code, u.message
          from rows from (
            pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]),
            pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::bool[]), pg_catalog.unnest(?::int8[]),
            pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]))
            as u (id, first_position, end_position, kind, unsure, until, code, message)
          on conflict (id) do nothing""",
          "ledger");

  /** Of which run it is: of no position, so that it says nothing else. Binds the run. */
  static final SqlTemplate BEGIN =
      SqlTemplate.of(
          """
          /* fulmar: begin ledger */
          insert into {ledger} (id, run, first_position, end_position, unsure, until)
          overriding system value
          values (0, ?, 0, 0, false, 0)""",
          "ledger");

  /** Which run delivers or delivered; 0 if it has not begun to. */
  static final SqlTemplate RUN =
      SqlTemplate.of(
          """
          /* fulmar: delivering run */
          select coalesce(pg_catalog.max(l.run), 0) from {ledger} as l""",
          "ledger");

  /** Whether something is noted. Binds its number. */
  static final SqlTemplate HAS =
      SqlTemplate.of(
          """
          /* fulmar: is noted */
          select pg_catalog.count(*) from {ledger} as l where l.id = ?""",
          "ledger");

  /** How much there is in it. */
  static final SqlTemplate COUNT =
      SqlTemplate.of(
          """
          /* fulmar: count ledger */
          select pg_catalog.count(*) from {ledger} as l""",
          "ledger");

  /** Away with a few rows. */
  static final SqlTemplate EMPTY =
      SqlTemplate.of(
          """
          /* fulmar: empty ledger */
          delete from {ledger} as l""",
          "ledger");

  /** Away with many rows, and with the room that they took. */
  static final SqlTemplate TRUNCATE =
      SqlTemplate.of(
          """
          /* fulmar: truncate ledger */
          truncate {ledger}""",
          "ledger");

  private LedgerSql() {}
}
