package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/** What became of the positions of a plan, as parts of statements. */
final class OutcomeSql {
  /** As one multirange, which a position is looked up in by halving. */
  static final SqlFragment ACCEPTED =
      SqlFragment.of(
          """
          (p.position operator(pg_catalog.<@) coalesce(
            (select pg_catalog.range_agg(pg_catalog.int8range(l.first_position, l.end_position))
             from {ledger} as l
             where l.kind operator(pg_catalog.=) 'ACCEPTED'),
            pg_catalog.int8multirange()))""",
          "ledger");

  /**
   * What was answered otherwise, and what was reserved without an answer: the reserved ranges less
   * the answered ones, each with the latest moment that it was reserved for.
   */
  static final SqlFragment EXCEPTIONS =
      SqlFragment.of(
          """
          (select s.position, l.kind, l.unsure, least(l.until, {latest}) as until, l.code, l.message
           from {ledger} as l
           cross join lateral pg_catalog.generate_series(
             l.first_position, l.end_position operator(pg_catalog.-) 1) as s (position)
           where l.kind operator(pg_catalog.<>) 'ACCEPTED'
           union all
           select s.position, 'UNKNOWN', true, least(pg_catalog.max(r.until), {latest}), null, null
           from (
             select pg_catalog.unnest(
               pg_catalog.range_agg(pg_catalog.int8range(l.first_position, l.end_position))
                 filter (where l.kind is null)
               operator(pg_catalog.-) coalesce(
                 pg_catalog.range_agg(pg_catalog.int8range(l.first_position, l.end_position))
                   filter (where l.kind is not null),
                 pg_catalog.int8multirange())) as span
             from {ledger} as l) as o
           join {ledger} as r
             on r.kind is null
             and r.first_position operator(pg_catalog.<) pg_catalog.upper(o.span)
             and r.end_position operator(pg_catalog.>) pg_catalog.lower(o.span)
           cross join lateral pg_catalog.generate_series(
             greatest(r.first_position, pg_catalog.lower(o.span)),
             least(r.end_position, pg_catalog.upper(o.span)) operator(pg_catalog.-) 1) as s (position)
           group by s.position)""",
          "ledger",
          "latest");

  /** Accepted, and an earlier call for it may still act. */
  static final SqlFragment LATE =
      SqlFragment.of(
          """
          (select s.position, least(l.until, {latest}) as until
           from {ledger} as l
           cross join lateral pg_catalog.generate_series(
             l.first_position, l.end_position operator(pg_catalog.-) 1) as s (position)
           where l.kind operator(pg_catalog.=) 'ACCEPTED'
             and l.until operator(pg_catalog.>) 0)""",
          "ledger",
          "latest");

  /** Whether all positions were accepted, and nothing else is to be said of any. */
  static final SqlTemplate WHOLE =
      SqlTemplate.of(
          """
          /* fulmar: all accepted */
          select coalesce(
                   pg_catalog.range_agg(pg_catalog.int8range(l.first_position, l.end_position))
                     filter (where l.kind operator(pg_catalog.=) 'ACCEPTED')
                   operator(pg_catalog.@>) pg_catalog.int8range(0, {total}), false)
                 and not coalesce(
                   pg_catalog.bool_or(l.kind operator(pg_catalog.<>) 'ACCEPTED'
                     or (l.kind is not null and l.until operator(pg_catalog.>) 0)), false)
          from {ledger} as l""",
          "ledger",
          "total");

  static final SqlFragment ALL_ACCEPTED = SqlFragment.of("(p.position is not null)");

  static final SqlFragment NO_EXCEPTIONS =
      SqlFragment.of(
          """
          (select null::pg_catalog.int8 as position, null::pg_catalog.text as kind,
                  null::pg_catalog.bool as unsure, null::pg_catalog.int8 as until,
                  null::pg_catalog.text as code, null::pg_catalog.text as message
           where false)""");

  static final SqlFragment NONE_LATE =
      SqlFragment.of(
          """
          (select null::pg_catalog.int8 as position, null::pg_catalog.int8 as until
           where false)""");

  private OutcomeSql() {}
}
