package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * What a fold does to holds, which are {@code h}; {@code p} is the plan. A hold without a kind says
 * only until when a call may still act. Each statement looks up the keys of the plan, or goes over
 * the holds, of which there are few.
 */
final class HoldSql {
  /** Nothing but until when a call may still act. */
  private static final String BLANK =
      """
      set kind = null, version = null, attempts = 0, first_at = 0, planned_by = null,
          planned_as = null, change_id = null, unsure = false, code = null, message = null""";

  /** Whether there are any. */
  static final SqlTemplate ANY =
      SqlTemplate.of(
          """
          /* fulmar: any holds */
          select exists (select from {holds} as h)""",
          "holds");

  /** Skipped changes get another try, see {@link io.fulmar.internal.store.Rules#renew}. */
  static final SqlTemplate RENEW =
      SqlTemplate.of(
          """
          /* fulmar: renew skipped */
          update {holds} as h set kind = 'REJECTED', attempts = 0 where h.kind = 'SKIPPED'""",
          "holds");

  /**
   * What was not accepted, see {@link io.fulmar.internal.store.Rules#settle}. Gives how many of
   * them are quarantined now and were not before, how many were not answered, and how many there
   * are.
   */
  static final SqlTemplate SETTLE =
      SqlTemplate.of(
          """
          /* fulmar: settle holds */
          with answered as (
            select {p_key}, e.kind as outcome, h.kind as kind_before,
                   p.hash as version,
                   p.attempts
                     + case when e.kind in ('REJECTED', 'UNKNOWN_ALONE') then 1 else 0 end as attempts,
                   p.first_at, p.planned_by, p.planned_as, p.change_id,
                   e.unsure or e.kind in ('UNKNOWN', 'UNKNOWN_ALONE')
                     or (h.kind is not null and h.unsure) as unsure,
                   e.code, e.message,
                   greatest(h.until, e.until) as until,
                   h.kind is not null and h.version is not distinct from p.hash as goes_on
            from {plan} as p
            join {exceptions} as e on e.position = p.position
            left join {holds} as h on ({h_key}) = ({p_key})
            where e.kind <> 'NOT_TRIED' or e.unsure),
          settled as (
            select {key},
                   case
                     when a.outcome = 'SKIPPED' then 'SKIPPED'
                     when a.outcome in ('REJECTED', 'UNKNOWN_ALONE') and a.attempts >= {attempts}
                       and {now} - a.first_at >= {age} then 'QUARANTINED'
                     when a.outcome in ('REJECTED', 'REJECTED_TOGETHER') then 'REJECTED'
                     when a.goes_on then a.kind_before
                     else 'OPEN'
                   end as kind,
                   a.version, a.attempts, a.first_at, a.planned_by, a.planned_as, a.change_id,
                   a.unsure, a.code, a.message, a.until, a.outcome, a.kind_before
            from answered as a),
          written as (
            insert into {holds} as h
              ({key}, kind, version, attempts, first_at, planned_by, planned_as, change_id, unsure,
               code, message, until)
            select {key}, s.kind, s.version, s.attempts, s.first_at, s.planned_by, s.planned_as,
                   s.change_id, s.unsure, s.code, s.message, s.until
            from settled as s
            on conflict ({key}) do update
            set kind = excluded.kind, version = excluded.version, attempts = excluded.attempts,
                first_at = excluded.first_at, planned_by = excluded.planned_by,
                planned_as = excluded.planned_as, change_id = excluded.change_id,
                unsure = excluded.unsure, code = excluded.code, message = excluded.message,
                until = excluded.until)
          select pg_catalog.count(*) filter (
                   where s.kind = 'QUARANTINED' and s.kind_before is distinct from 'QUARANTINED'),
                 pg_catalog.count(*) filter (where s.outcome in ('UNKNOWN', 'UNKNOWN_ALONE')),
                 pg_catalog.count(*)
          from settled as s""",
          "plan",
          "holds",
          "exceptions",
          "key",
          "p_key",
          "h_key",
          "attempts",
          "age",
          "now");

  /** Calls that may still act, though what they carried was accepted or not sent again. */
  static final SqlTemplate LATE =
      SqlTemplate.of(
          """
          /* fulmar: note late calls */
          insert into {holds} as h ({key}, attempts, first_at, unsure, until)
          select {p_key}, 0, 0, false, e.until
          from {plan} as p
          join (
            select l.position, l.until from {late} as l
            union all
            select n.position, n.until from {exceptions} as n
            where n.kind = 'NOT_TRIED' and not n.unsure and n.until > 0) as e
            on e.position = p.position
          on conflict ({key}) do update set until = greatest(h.until, excluded.until)""",
          "plan",
          "holds",
          "exceptions",
          "late",
          "key",
          "p_key");

  /** The hold goes with the acceptance of its key. */
  static final SqlFragment BY_ACCEPTANCE =
      SqlFragment.of("(p.operation is not null and {accepted})", "accepted");

  /**
   * What planning found: the hold goes, unless it is unsure and only its kind is to be dropped; see
   * {@link io.fulmar.internal.store.Rules#affect}.
   */
  static final SqlFragment BY_EFFECT =
      SqlFragment.of(
          "(p.effects & 8 <> 0 or (p.effects & 1 <> 0 and not h.unsure and h.kind is not null))");

  /** Away with holds of which nothing stays. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop holds */
          delete from {holds} as h using {plan} as p
          where ({h_key}) = ({p_key}) and h.until <= {now} and {condition}""",
          "plan",
          "holds",
          "h_key",
          "p_key",
          "condition",
          "now");

  /** Away with holds of keys for which a call may still act. */
  static final SqlTemplate BLANKEN =
      SqlTemplate.of(
          """
          /* fulmar: blank holds */
          update {holds} as h
          %s
          from {plan} as p
          where ({h_key}) = ({p_key}) and h.kind is not null and {condition}"""
              .formatted(BLANK),
          "plan",
          "holds",
          "h_key",
          "p_key",
          "condition");

  /** Only the unsure mark stays. */
  static final SqlTemplate BARE =
      SqlTemplate.of(
          """
          /* fulmar: bare holds */
          update {holds} as h
          set kind = 'OPEN', attempts = 0, first_at = 0, planned_by = null, planned_as = null,
              change_id = null
          from {plan} as p
          where ({h_key}) = ({p_key}) and p.effects & 1 <> 0 and h.unsure and h.kind is not null""",
          "plan",
          "holds",
          "h_key",
          "p_key");

  /** What may not act any more, and is all there is of its hold. */
  static final SqlTemplate EXPIRE =
      SqlTemplate.of(
          """
          /* fulmar: expire holds */
          delete from {holds} as h where h.kind is null and h.until <= {now}""",
          "holds",
          "now");

  /** What may not act any more. */
  static final SqlTemplate EXPIRE_CALLS =
      SqlTemplate.of(
          """
          /* fulmar: expire calls */
          update {holds} as h set until = 0 where h.until > 0 and h.until <= {now}""",
          "holds",
          "now");

  /** Until when a call for some key may act. */
  static final SqlTemplate UNTIL =
      SqlTemplate.of(
          """
          /* fulmar: latest call */
          select coalesce(pg_catalog.max(h.until), 0) from {holds} as h""",
          "holds");

  /**
   * Another try for what was quarantined or skipped, see {@link
   * io.fulmar.internal.store.Rules#release}.
   */
  static final SqlTemplate RELEASE =
      SqlTemplate.of(
          """
          /* fulmar: release */
          update {holds} as h set kind = 'REJECTED', attempts = 0
          where h.kind in ('QUARANTINED', 'SKIPPED')""",
          "holds");

  /** {@link #RELEASE} of one key, whose columns are given. */
  static final SqlTemplate RELEASE_KEY =
      SqlTemplate.of(
          """
          /* fulmar: release key */
          update {holds} as h set kind = 'REJECTED', attempts = 0
          where h.kind in ('QUARANTINED', 'SKIPPED') and ({h_key}) = ({values})""",
          "holds",
          "h_key",
          "values");

  private HoldSql() {}
}
