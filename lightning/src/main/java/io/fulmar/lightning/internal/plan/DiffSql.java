package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * The statements that compare a model with what was accepted. Made of parts: {@link #ROWS}, the
 * model; {@link #JOINED}, the model with what is remembered, of which unchanged rows go no further;
 * a decision for each row that is left. What every row of the model costs is in the first two.
 * {@code offset '0'} keeps a part together, so that nothing in it is computed twice; with quotes,
 * since without them the server would plan no parallel work for it. Functions and operators are
 * named with their schema, and {@code is distinct from}, which looks for its operator in the search
 * path, is not used.
 */
final class DiffSql {
  /** The rows of the model that have a usable key. */
  static final SqlFragment ROWS =
      SqlFragment.of(
          """
          select {keys}, {hash} as hash, {oversize} as oversize, {columns}
          from (
          {model}
          ) as fulmar_model ({aliases})
          where {valid}
          offset '0'""",
          "aliases",
          "columns",
          "hash",
          "keys",
          "model",
          "oversize",
          "valid");

  /** Keys that are known to have no row, as rows that are not there. */
  static final SqlFragment ROWS_AND_ABSENT =
      SqlFragment.of(
          """
          (
          {rows}
          )
          union all
          select {keys}, null, null, {nulls} from {absent} as fulmar_absent""",
          "absent",
          "keys",
          "nulls",
          "rows");

  static final SqlFragment NULL = SqlFragment.of("null");
  static final SqlFragment TRUE = SqlFragment.of("true");
  static final SqlFragment FALSE = SqlFragment.of("false");
  static final SqlFragment NOTHING = SqlFragment.of("");

  /** Joins the model with the state; every key of either is looked at. */
  static final SqlFragment WITH_STATE =
      SqlFragment.of("full join {state} as a on {same}", "same", "state");

  /** Joins what {@link #WITH_STATE} gives with the holds. */
  static final SqlFragment WITH_STATE_AND_HOLDS =
      SqlFragment.of(
          "full join {state} as a on {same} full join {holds} as h on {held}",
          "held",
          "holds",
          "same",
          "state");

  /** Looks up what is remembered of the keys that are given. */
  static final SqlFragment WITH_MEMORY_OF =
      SqlFragment.of(
          "left join {state} as a on {same} left join {holds} as h on {held}",
          "held",
          "holds",
          "same",
          "state");

  /** Of a table of ours, the rows of some keys. */
  static final SqlFragment OF_KEYS =
      SqlFragment.of(
          """
          (
          select {columns} from {table} as kept
          where exists (select from (select {keys} from ({asked}) as fulmar_key ({names})) as asked ({names}) where {same})
          )""",
          "asked",
          "columns",
          "keys",
          "names",
          "same",
          "table");

  /** What is kept of a hold, by the names under which a plan has it. */
  static final SqlFragment HOLD =
      SqlFragment.of(
          """
          h.kind as hold_kind, h.version as hold_version, h.attempts as hold_attempts, h.first_at as hold_first_at,
          h.planned_by as hold_planned_by, h.planned_as as hold_planned_as, h.change_id as hold_change_id,
          coalesce(h.unsure, false) as hold_unsure, coalesce(h."until", '0'::pg_catalog.int8) as "until\"""");

  /** {@link #HOLD} where nothing is held. */
  static final SqlFragment NO_HOLD =
      SqlFragment.of(
          """
          null::pg_catalog.text as hold_kind, null::pg_catalog.int8 as hold_version, null::pg_catalog.int4 as hold_attempts, null::pg_catalog.int8 as hold_first_at,
          null::pg_catalog.int8 as hold_planned_by, null::pg_catalog.text as hold_planned_as, null::pg_catalog.uuid as hold_change_id,
          false as hold_unsure, '0'::pg_catalog.int8 as "until\"""");

  /** The model with what is remembered, without what is certain to have no consequence. */
  static final SqlFragment JOINED =
      SqlFragment.of(
          """
          select {keys}, {version} as hash, coalesce(w.oversize, false) as oversize,
          a.hash as accepted, coalesce(a.gone_since operator(pg_catalog.<>) '0'::pg_catalog.int8, false) as gone,
          {hold}, {columns}
          from (
          {rows}
          ) as w {memory}
          where {interesting}
          offset '0'""",
          "columns",
          "hold",
          "interesting",
          "keys",
          "memory",
          "rows",
          "version");

  /** What can have a consequence in a run, with holds: a difference, a mark, a hold. */
  static final SqlFragment INTERESTING_HELD =
      SqlFragment.of(
          "({version} operator(pg_catalog.=) a.hash) is not true or a.gone_since is not null or h.k0 is not null",
          "version");

  /** {@link #INTERESTING_HELD} where nothing is held. */
  static final SqlFragment INTERESTING =
      SqlFragment.of(
          "({version} operator(pg_catalog.=) a.hash) is not true or a.gone_since is not null",
          "version");

  /** What the model has. */
  static final SqlFragment PRESENT = SqlFragment.of("w.hash is not null");

  /** {@code Rules.decide} for a run; {@code e} is what comes of it. */
  static final SqlFragment DECIDE_RUN =
      SqlFragment.of(
          """
          cross join lateral (
            select case when {renews} and j.hold_kind operator(pg_catalog.=) 'SKIPPED' then 'REJECTED' else j.hold_kind end as kind,
                   case when {renews} and j.hold_kind operator(pg_catalog.=) 'SKIPPED' then 0 else j.hold_attempts end as attempts,
                   j.hold_kind is not null
                     and case when j.hold_version is null or j.hash is null then j.hold_version is null and j.hash is null
                              else j.hold_version operator(pg_catalog.=) j.hash end as same,
                   j.hold_kind is not null and j.hold_unsure as unsure,
                   case when j.accepted is null or j.hash is null then j.accepted is not null or j.hash is not null
                        else j.accepted operator(pg_catalog.<>) j.hash end as differs
          ) as b
          cross join lateral (
            select b.unsure and b.kind operator(pg_catalog.=) 'OPEN' and j.hold_planned_by is null and j.hold_change_id is null as bare,
                   b.same and b.kind operator(pg_catalog.=) any (array['QUARANTINED', 'SKIPPED']) as held,
                   b.differs or b.unsure or (b.same and b.kind operator(pg_catalog.=) 'REJECTED') or (j.hash is not null and {everything}) as due,
                   case when j.hash is null then 'REMOVED' when j.accepted is null then 'ADDED' else 'CHANGED' end as operation
          ) as c
          cross join lateral (
            select c.due and not c.held and not case when j.hash is null then {ignores}
                     when j.accepted is not null then {adds} and not b.unsure
                     else false end as sent,
                   c.due and not c.held and j.hash is null and {ignores} as ignored
          ) as d
          cross join lateral (
            select case when d.sent then c.operation end as operation,
                   d.sent and b.same and not c.bare as again,
                   case when d.sent and b.same and not c.bare then b.attempts else 0 end as attempts,
                   case when j.hash is not null and j.gone then 4 else 0 end
                     operator(pg_catalog.|) case when d.ignored and j.accepted is not null and not j.gone then 2 else 0 end
                     operator(pg_catalog.|) case when j.hold_kind is not null and not c.held and not d.sent and not c.bare and (d.ignored or not b.same) then 1 else 0 end as effects,
                   case when c.held then 'HELD'
                        when d.ignored and j.accepted is not null and not j.gone then 'IGNORED' end as unplanned
          ) as e""",
          "adds",
          "everything",
          "ignores",
          "renews");

  /** {@code Rules.decide} for a resync. */
  static final SqlFragment DECIDE_RESYNC =
      SqlFragment.of(
          """
          cross join lateral (
            select case when j.hash is null then null when j.accepted is null then 'ADDED' else 'CHANGED' end as operation,
                   false as again, 0 as attempts,
                   case when j.hash is not null and j.gone then 4 else 0 end as effects,
                   null::pg_catalog.text as unplanned
          ) as e""");

  /** {@code Rules.decide} for a reset. */
  static final SqlFragment DECIDE_RESET =
      SqlFragment.of(
          """
          cross join lateral (
            select coalesce(j.hash operator(pg_catalog.=) j.accepted, false) and j.hold_kind is null and not j.gone and {keeps} as settled,
                   j.hash is null and (j.accepted is not null or j.hold_kind is not null) as departed
          ) as d
          cross join lateral (
            select case when j.hash is null or d.settled then null when j.accepted is null then 'ADDED' else 'CHANGED' end as operation,
                   false as again, 0 as attempts,
                   case when d.departed then 8 else 0 end as effects,
                   case when d.departed then 'IGNORED' end as unplanned
          ) as e""",
          "keeps");

  /** Removals first, what may have to wait last, and behind it what is not sent. */
  static final SqlFragment IN_ORDER =
      SqlFragment.of(
          """
          order by case when e.operation is null then 3
                        when j."until" operator(pg_catalog.>) {now} then 2
                        when e.operation operator(pg_catalog.=) 'REMOVED' then 0
                        else 1 end""",
          "now");

  /** A value of a row that is sent. */
  static final SqlFragment SENT =
      SqlFragment.of(
          "case when e.operation is not null and j.hash is not null then {value} end", "value");

  /** A value of a row that is sent, unless the row has too many bytes. */
  static final SqlFragment SENT_WITHIN =
      SqlFragment.of(
          "case when e.operation is not null and j.hash is not null and not j.oversize then {value} end",
          "value");

  /** A value of a row, unless the row has too many bytes. */
  static final SqlFragment WITHIN =
      SqlFragment.of("case when not w.oversize then {value} end", "value");

  /** Whether what was accepted is known. */
  static final SqlFragment VALUED = SqlFragment.of("j.accepted is not null as p_valued");

  /** A plan over what is remembered. */
  static final SqlTemplate PLAN =
      SqlTemplate.of(
          """
          /* fulmar: plan */
          create table {plan} with (autovacuum_enabled = off) as
          select case when s.operation is not null then pg_catalog.row_number() over () operator(pg_catalog.-) 1 end as position,
                 s.operation, s.effects, {keys}, s.hash, s.oversize, s.again, s.attempts, s.first_at, s.planned_by, s.planned_as, s.change_id,
                 s.hold_kind, s.hold_unsure, s.hold_version, s."until", s.known, s.gone, s.unplanned, {names}
          from (
            select e.operation, e.effects, {from}, j.hash, j.oversize, e.again, e.attempts,
                   case when e.again and e.attempts operator(pg_catalog.<>) 0 then j.hold_first_at else {now} end as first_at,
                   case when e.operation is null then null when e.again then coalesce(j.hold_planned_by, {run}) else {run} end as planned_by,
                   case when e.again then coalesce(j.hold_planned_as, e.operation) else e.operation end as planned_as,
                   case when e.again then j.hold_change_id end as change_id,
                   j.hold_kind, j.hold_unsure, j.hold_version, j."until", j.accepted is not null as known, j.gone, e.unplanned, {values}
            from (
          {joined}
            ) as j
            {decision}
            where e.operation is not null or e.effects operator(pg_catalog.<>) 0 or e.unplanned is not null
               or (j.hash is null and j.hold_kind is not null)
            {order}
          ) as s
          """,
          "decision",
          "from",
          "joined",
          "keys",
          "names",
          "now",
          "order",
          "plan",
          "run",
          "values");

  private DiffSql() {}
}
