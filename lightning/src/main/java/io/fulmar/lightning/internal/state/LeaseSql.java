package io.fulmar.lightning.internal.state;

import io.fulmar.internal.sql.SqlTemplate;

/**
 * Who may run which sync. Times are those of {@code clock_timestamp()}, since {@code now()} stands
 * still in a transaction. A take-over changes the token, a column of a unique key, so it waits for
 * transactions that hold the row FOR KEY SHARE; a heartbeat changes only when the lease ends, and
 * passes them.
 */
final class LeaseSql {
  /** Who has it, and for how much longer. */
  static final SqlTemplate READ =
      SqlTemplate.of(
          """
          /* fulmar: read lease */
          select l.owner, l.expires_at, l.expires_at > pg_catalog.clock_timestamp(), l.token,
                 coalesce(l.run, 0)
          from {leases} l
          where l.sync = ?
          """,
          "leases");

  /** Takes it, if nobody has it; waits for transactions of whoever had it. */
  static final SqlTemplate TAKE =
      SqlTemplate.of(
          """
          /* fulmar: take lease */
          insert into {leases} as l (sync, token, owner, acquired_at, expires_at)
          values (?, (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8, ?,
                  pg_catalog.clock_timestamp(),
                  pg_catalog.clock_timestamp() + ? * interval '1 millisecond')
          on conflict (sync) do update
          set token = greatest(l.token + 1, excluded.token),
              owner = excluded.owner,
              acquired_at = excluded.acquired_at,
              expires_at = pg_catalog.clock_timestamp() + ? * interval '1 millisecond'
          where l.expires_at <= pg_catalog.clock_timestamp()
          returning l.token
          """,
          "leases");

  /** Keeps it for longer. */
  static final SqlTemplate EXTEND =
      SqlTemplate.of(
          """
          /* fulmar: extend lease */
          update {leases}
          set expires_at = pg_catalog.clock_timestamp() + ? * interval '1 millisecond'
          where sync = ? and token = ?
          """,
          "leases");

  /** First in each transaction that writes: nobody takes over before it has ended. */
  static final SqlTemplate FENCE =
      SqlTemplate.of(
          """
          /* fulmar: fence */
          select l.token
          from {leases} l
          where l.sync operator(pg_catalog.=) ? and l.token operator(pg_catalog.=) ?
          for key share of l
          """,
          "leases");

  /** The same, and nobody else holds it so long. */
  static final SqlTemplate HOLD_ALONE =
      SqlTemplate.of(
          """
          /* fulmar: hold lease alone */
          select l.token
          from {leases} l
          where l.sync operator(pg_catalog.=) ? and l.token operator(pg_catalog.=) ?
          for update of l
          """,
          "leases");

  /** Notes which run it is for, so that whoever takes it over knows which one has died. */
  static final SqlTemplate RUN =
      SqlTemplate.of(
          """
          /* fulmar: note run */
          update {leases}
          set run = nullif(?::pg_catalog.int8, 0)
          where sync = ? and token = ?
          """,
          "leases");

  /** Gives it back. Binds the run that it was for, which has not died. */
  static final SqlTemplate RELEASE =
      SqlTemplate.of(
          """
          /* fulmar: release lease */
          update {leases}
          set expires_at = pg_catalog.clock_timestamp(), run = nullif(run, ?::pg_catalog.int8)
          where sync = ? and token = ?
          """,
          "leases");

  /** Nothing is left of it. */
  static final SqlTemplate DELETE =
      SqlTemplate.of(
          """
          /* fulmar: delete lease */
          delete from {leases} where sync = ?
          """,
          "leases");

  /** Another name, and nobody has it. */
  static final SqlTemplate RENAME =
      SqlTemplate.of(
          """
          /* fulmar: rename lease */
          update {leases}
          set sync = ?, expires_at = pg_catalog.clock_timestamp()
          where sync = ? and token = ?
          """,
          "leases");

  private LeaseSql() {}
}
