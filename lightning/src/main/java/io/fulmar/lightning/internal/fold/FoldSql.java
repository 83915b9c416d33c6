package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * What a fold does to the state, which is {@code a}; {@code p} is the plan. They run under our own
 * search path.
 */
final class FoldSql {
  /** So that changed rows find room on their page, and the index stays as it is. */
  private static final int FILL_FACTOR = 90;

  /** No moment: the key is live. */
  static final SqlFragment LIVE = SqlFragment.of("null::pg_catalog.int8");

  /** Whether the remembered values are those of the row. */
  static final SqlFragment VALUED = SqlFragment.of("not p.oversize");

  /** What was accepted in place of what there was. */
  static final SqlFragment MERGED =
      SqlFragment.of("case when p.taken then {taken} else {before} end", "taken", "before");

  /** What was accepted, and nothing of what there was. */
  static final SqlFragment TAKEN = SqlFragment.of("case when p.taken then {taken} end", "taken");

  /** Whether there are remembered values, where there were none before. */
  static final SqlFragment TAKEN_VALUED =
      SqlFragment.of("coalesce(p.taken and not p.oversize, false)");

  /** Since when the key is gone. */
  static final SqlFragment MERGED_GONE =
      SqlFragment.of(
          """
          case
            when p.taken or p.effects & 4 <> 0 then null
            when p.effects & 2 <> 0 then coalesce(a.gone_since, {now})
            else a.gone_since
          end""",
          "now");

  /** A column that is never NULL. */
  static final SqlFragment NOT_NULL =
      SqlFragment.of("alter column {column} set not null", "column");

  /** What there is to be done; what was accepted is asked once for each position. */
  static final SqlTemplate SURVEY =
      SqlTemplate.of(
          """
          /* fulmar: survey plan */
          select pg_catalog.count(*) filter (where s.taken),
                 pg_catalog.count(*) filter (where s.taken and s.operation = 'ADDED'),
                 pg_catalog.count(*) filter (where s.taken and s.operation = 'CHANGED'),
                 pg_catalog.count(*) filter (where s.taken and s.operation = 'REMOVED' and s.known),
                 pg_catalog.count(*) filter (where s.effects & 8 <> 0 and s.known),
                 coalesce(pg_catalog.bit_or(s.effects), 0),
                 exists (select from {exceptions} as e),
                 exists (select from {late} as l)
          from (
            select p.operation, p.known, p.effects, {accepted} as taken
            from {plan} as p
            offset 0) as s""",
          "plan",
          "accepted",
          "exceptions",
          "late");

  /** Keys that planning has looked up one by one are in memory, with what leads to them. */
  static final SqlTemplate LOOK_UP =
      SqlTemplate.of(
          """
          /* fulmar: look up */
          select pg_catalog.set_config(
            'random_page_cost',
            least(pg_catalog.current_setting('random_page_cost')::pg_catalog.float8, 1.1)::pg_catalog.text,
            true)""");

  /** Statistics, which a table just made has none of. */
  static final SqlTemplate ANALYZE_PLAN =
      SqlTemplate.of(
          """
          /* fulmar: analyze plan */
          analyze {plan_table} (position, operation, effects, {key})""",
          "plan_table",
          "key");

  /** {@link #ANALYZE_PLAN} of a first plan, where all that it does not have is the same. */
  static final SqlTemplate ANALYZE_FIRST_PLAN =
      SqlTemplate.of(
          """
          /* fulmar: analyze first plan */
          analyze {plan_table} (position, {key})""",
          "plan_table",
          "key");

  /** Statistics for the next comparison. */
  static final SqlTemplate ANALYZE =
      SqlTemplate.of(
          """
          /* fulmar: analyze */
          analyze {table}""",
          "table");

  /** The first state. */
  static final SqlTemplate FIRST =
      SqlTemplate.of(
          """
          /* fulmar: first state */
          create table {next} ({key}, {columns}) with (fillfactor = %s) as
          select {p_key}, {values}
          from {plan} as p
          where p.operation = 'ADDED' and {accepted}"""
              .formatted(FILL_FACTOR),
          "next",
          "plan",
          "key",
          "columns",
          "p_key",
          "values",
          "accepted");

  /**
   * Memory for the index of a large state, unless there is more: what is sorted in parts is read
   * and written once more. Binds kilobytes.
   */
  static final SqlTemplate INDEX_MEMORY =
      SqlTemplate.of(
          """
          /* fulmar: index memory */
          select pg_catalog.length(pg_catalog.set_config(
            'maintenance_work_mem',
            greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024, ?::int8)::pg_catalog.text || 'kB',
            true))""");

  /**
   * An index that is made while others work is made by one process: with several it takes as long,
   * and more of the processors.
   */
  static final SqlTemplate INDEX_ALONE =
      SqlTemplate.of(
          """
          /* fulmar: index alone */
          set local max_parallel_maintenance_workers = 0""");

  /** Takes out of a state that was made of a whole plan what was not accepted. */
  static final SqlTemplate TAKE_BACK =
      SqlTemplate.of(
          """
          /* fulmar: take back */
          delete from {state} as a using {plan} as p
          where ({a_key}) = ({p_key}) and not {accepted}""",
          "state",
          "plan",
          "a_key",
          "p_key",
          "accepted");

  /** What makes a table of a state one. */
  static final SqlTemplate FINISH =
      SqlTemplate.of(
          """
          /* fulmar: finish state */
          alter table {next} {not_null}, add primary key ({key})""",
          "next",
          "not_null",
          "key");

  /**
   * The next state, made anew: what was accepted, and what planning found, in place of what there
   * was.
   */
  static final SqlTemplate REBUILD =
      SqlTemplate.of(
          """
          /* fulmar: rebuild state */
          create table {next} ({key}, {columns}) with (fillfactor = %s) as
          select {key}, {merged}
          from {state} as a
          full join (
            select {p_key}, {sources}, p.operation, p.effects & {effects}::int4 as effects,
                   p.operation is not null and {accepted} as taken
            from {plan} as p
            where (p.operation is not null and {accepted}) or p.effects & {effects}::int4 <> 0) as p
            using ({key})
          where (p.taken and p.operation <> 'REMOVED')
            or (a.hash is not null and not coalesce(p.taken or p.effects & 8 <> 0, false))"""
              .formatted(FILL_FACTOR),
          "next",
          "state",
          "plan",
          "key",
          "columns",
          "p_key",
          "sources",
          "merged",
          "accepted",
          "effects");

  /** What was accepted as removed. Gives how many, and how many of them were gone. */
  static final SqlTemplate REMOVE =
      SqlTemplate.of(
          """
          /* fulmar: remove keys */
          with removed as (
            delete from {state} as a using {plan} as p
            where ({a_key}) = ({p_key}) and p.operation = 'REMOVED' and {accepted}
            returning a.gone_since)
          select pg_catalog.count(*), pg_catalog.count(r.gone_since) from removed as r""",
          "state",
          "plan",
          "a_key",
          "p_key",
          "accepted");

  /** What planning found should be forgotten. Gives as {@link #REMOVE}. */
  static final SqlTemplate FORGET =
      SqlTemplate.of(
          """
          /* fulmar: forget keys */
          with forgotten as (
            delete from {state} as a using {plan} as p
            where ({a_key}) = ({p_key}) and p.effects & 8 <> 0
            returning a.gone_since)
          select pg_catalog.count(*), pg_catalog.count(f.gone_since) from forgotten as f""",
          "state",
          "plan",
          "a_key",
          "p_key");

  /** Gone keys that are in the model again, or of which another version was accepted. */
  static final SqlTemplate RETURN =
      SqlTemplate.of(
          """
          /* fulmar: return keys */
          update {state} as a set gone_since = null
          from {plan} as p
          where ({a_key}) = ({p_key}) and a.gone_since is not null
            and ((p.operation in ('ADDED', 'CHANGED') and {accepted})
              or p.effects & {effects}::int4 & 4 <> 0)""",
          "state",
          "plan",
          "a_key",
          "p_key",
          "accepted",
          "effects");

  /** What was accepted in place of another version. */
  static final SqlTemplate CHANGE =
      SqlTemplate.of(
          """
          /* fulmar: change keys */
          update {state} as a set ({columns}) = row({values})
          from {plan} as p
          where ({a_key}) = ({p_key}) and p.operation = 'CHANGED' and {accepted}""",
          "state",
          "plan",
          "columns",
          "values",
          "a_key",
          "p_key",
          "accepted");

  /** What was accepted for the first time. */
  static final SqlTemplate ADD =
      SqlTemplate.of(
          """
          /* fulmar: add keys */
          insert into {state} ({key}, {columns})
          select {p_key}, {values}
          from {plan} as p
          where p.operation = 'ADDED' and {accepted}""",
          "state",
          "plan",
          "key",
          "columns",
          "p_key",
          "values",
          "accepted");

  /** Keys that have left the model without a removal being sent. */
  static final SqlTemplate LEAVE =
      SqlTemplate.of(
          """
          /* fulmar: leave keys */
          update {state} as a set gone_since = {now}
          from {plan} as p
          where ({a_key}) = ({p_key}) and p.effects & 2 <> 0 and a.gone_since is null""",
          "state",
          "plan",
          "a_key",
          "p_key",
          "now");

  /** Keys that have been gone for long enough, and of which nothing else is remembered. */
  static final SqlTemplate FORGET_GONE =
      SqlTemplate.of(
          """
          /* fulmar: forget gone keys */
          delete from {state} as a
          where a.gone_since <= {before}
            and not exists (
              select from {holds} as h where ({h_key}) = ({a_key}) and h.kind is not null)""",
          "state",
          "holds",
          "h_key",
          "a_key",
          "before");

  /** How many keys are gone. */
  static final SqlTemplate GONE =
      SqlTemplate.of(
          """
          /* fulmar: count gone keys */
          select pg_catalog.count(*) from {state} as a where a.gone_since is not null""",
          "state");

  /** Away with a state that another has taken the place of. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop state */
          drop table if exists {state}""",
          "state");

  private FoldSql() {}
}
