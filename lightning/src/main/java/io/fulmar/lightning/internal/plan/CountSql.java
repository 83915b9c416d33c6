package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/** The statements that count and look at what a plan came from and what is in it. */
final class CountSql {
  /** Rows of the model: all, those without a whole key, those whose key is too large. */
  static final SqlTemplate MODEL =
      SqlTemplate.of(
          """
          /* fulmar: count model */
          select pg_catalog.count(*),
                 pg_catalog.count(*) filter (where {keyless}),
                 pg_catalog.count(*) filter (where {whole} and {large})
          from (
          {model}
          ) as fulmar_model ({aliases})
          """,
          "aliases",
          "keyless",
          "large",
          "model",
          "whole");

  /** The first rows without a usable key: whether it is whole, and its columns. */
  static final SqlTemplate INVALID =
      SqlTemplate.of(
          """
          /* fulmar: invalid rows */
          copy (
          select {whole}, {fields}
          from (
          {model}
          ) as fulmar_model ({aliases})
          where {keyless} or {large}
          limit {most}
          ) to stdout (format binary)
          """,
          "aliases",
          "fields",
          "keyless",
          "large",
          "model",
          "most",
          "whole");

  /** Keys of which a version was accepted: all, and those that are gone. */
  static final SqlTemplate STATE =
      SqlTemplate.of(
          """
          /* fulmar: count state */
          select pg_catalog.count(*), pg_catalog.count(*) filter (where a.gone_since operator(pg_catalog.<>) '0'::pg_catalog.int8)
          from {state} as a
          """,
          "state");

  /** Whether anything is held. */
  static final SqlTemplate ANY_HOLD =
      SqlTemplate.of(
          """
          /* fulmar: any hold */
          select exists (select from {holds} as h)
          """,
          "holds");

  /** Keys with a hold of which no version was accepted. */
  static final SqlTemplate HELD_ALONE =
      SqlTemplate.of(
          """
          /* fulmar: count held alone */
          select pg_catalog.count(*)
          from {holds} as h
          where h.kind is not null and not exists (select from {state} as a where {same})
          """,
          "holds",
          "same",
          "state");

  /** What is in a plan, in the order of {@code PlanCounts}. */
  static final SqlTemplate PLAN =
      SqlTemplate.of(
          """
          /* fulmar: count plan */
          select pg_catalog.count(*),
                 pg_catalog.count(*) filter (where p.operation operator(pg_catalog.=) 'ADDED'),
                 pg_catalog.count(*) filter (where p.operation operator(pg_catalog.=) 'CHANGED'),
                 pg_catalog.count(*) filter (where p.operation operator(pg_catalog.=) 'REMOVED'),
                 pg_catalog.count(*) filter (where p.unplanned operator(pg_catalog.=) 'HELD'),
                 pg_catalog.count(*) filter (where p.unplanned operator(pg_catalog.=) 'IGNORED'),
                 pg_catalog.count(*) filter (where p.effects operator(pg_catalog.<>) 0),
                 pg_catalog.count(*) filter (where p.operation operator(pg_catalog.=) 'REMOVED'
                   and (p.hold_kind is null or (p.hold_version is not null and not p.hold_unsure))),
                 pg_catalog.count(*) filter (where p.hash is null),
                 pg_catalog.count(*) filter (where p.hash is null and p.gone),
                 pg_catalog.count(*) filter (where p.hash is not null and p.gone),
                 pg_catalog.count(*) filter (where p.hash is not null and not p.known and p.hold_kind is null),
                 pg_catalog.count(*) filter (where p.hash is not null and (not p.known or p.gone)),
                 {differences}
          from {plan} as p
          """,
          "differences",
          "plan");

  /** Changes of a column of which the accepted value is known. */
  static final SqlFragment DIFFERENCE =
      SqlFragment.of(
          "pg_catalog.count(*) filter (where p.known and not p.oversize and p.operation is not null and p.hash is not null and {differ})",
          "differ");

  static final SqlFragment ZERO = SqlFragment.of("'0'::pg_catalog.int8");

  /** Live keys of the state that have a row in a plan. */
  static final SqlTemplate LIVE_IN_PLAN =
      SqlTemplate.of(
          """
          /* fulmar: count live keys in plan */
          select pg_catalog.count(*)
          from {state} as a
          where (a.gone_since operator(pg_catalog.=) '0'::pg_catalog.int8) is not false
            and exists (select from {plan} as p where {same})
          """,
          "plan",
          "same",
          "state");

  /** The keys of the first additions. */
  static final SqlTemplate FIRST_ADDED =
      SqlTemplate.of(
          """
          /* fulmar: first added */
          copy (
          select p.operation, {keys} from {plan} as p
          where p.operation operator(pg_catalog.=) 'ADDED'
          limit {most}
          ) to stdout (format binary)
          """,
          "keys",
          "most",
          "plan");

  /** The keys of the first changes. */
  static final SqlTemplate FIRST_CHANGED =
      SqlTemplate.of(
          """
          /* fulmar: first changed */
          copy (
          select p.operation, {keys} from {plan} as p
          where p.operation operator(pg_catalog.=) 'CHANGED'
          limit {most}
          ) to stdout (format binary)
          """,
          "keys",
          "most",
          "plan");

  /** The keys of the first removals. */
  static final SqlTemplate FIRST_REMOVED =
      SqlTemplate.of(
          """
          /* fulmar: first removed */
          copy (
          select p.operation, {keys} from {plan} as p
          where p.operation operator(pg_catalog.=) 'REMOVED'
          limit {most}
          ) to stdout (format binary)
          """,
          "keys",
          "most",
          "plan");

  /** Keys that occur more than once in the model. */
  static final SqlTemplate DUPLICATES_OF_MODEL =
      SqlTemplate.of(
          """
          /* fulmar: duplicates of model */
          create table {duplicates} with (autovacuum_enabled = off) as
          select {keys}, pg_catalog.count(*) as "rows"
          from (
            select {values}
            from (
          {model}
            ) as fulmar_model ({aliases})
            where {valid}
            offset '0'
          ) as w
          group by {keys}
          having pg_catalog.count(*) operator(pg_catalog.>) 1
          """,
          "aliases",
          "duplicates",
          "keys",
          "model",
          "valid",
          "values");

  /** Keys that occur more than once in a plan. */
  static final SqlTemplate DUPLICATES_OF_PLAN =
      SqlTemplate.of(
          """
          /* fulmar: duplicates of plan */
          create table {duplicates} with (autovacuum_enabled = off) as
          select {keys}, pg_catalog.count(*) as "rows"
          from {plan} as w
          group by {keys}
          having pg_catalog.count(*) operator(pg_catalog.>) 1
          """,
          "duplicates",
          "keys",
          "plan");

  /** Ambiguous keys: how many, and rows that have them. */
  static final SqlTemplate DUPLICATES =
      SqlTemplate.of(
          """
          /* fulmar: count duplicates */
          select pg_catalog.count(*), coalesce(pg_catalog.sum(d."rows")::pg_catalog.int8, '0'::pg_catalog.int8)
          from {duplicates} as d
          """,
          "duplicates");

  /** The first ambiguous keys, and how many rows each has. */
  static final SqlTemplate DUPLICATE_KEYS =
      SqlTemplate.of(
          """
          /* fulmar: duplicate keys */
          copy (
          select d."rows", {keys} from {duplicates} as d limit {most}
          ) to stdout (format binary)
          """,
          "duplicates",
          "keys",
          "most");

  /** A plan without the keys that are ambiguous; positions are dense again. */
  static final SqlTemplate WITHOUT_DUPLICATES =
      SqlTemplate.of(
          """
          /* fulmar: plan without duplicates */
          create table {plan} with (autovacuum_enabled = off) as
          select {kept}, {names}
          from (
            select p.*
            from {ambiguous} as p
            where not exists (select from {duplicates} as d where {same})
            order by p.position
          ) as s
          """,
          "ambiguous",
          "duplicates",
          "kept",
          "names",
          "plan",
          "same");

  /** The columns of a plan over what is remembered, without the values. */
  static final SqlFragment KEPT =
      SqlFragment.of(
          """
          case when s.operation is not null then pg_catalog.row_number() over () operator(pg_catalog.-) 1 end as position,
                 s.operation, s.effects, {keys}, s.hash, s.oversize, s.again, s.attempts, s.first_at, s.planned_by, s.planned_as, s.change_id,
                 s.hold_kind, s.hold_unsure, s.hold_version, s."until", s.known, s.gone, s.unplanned""",
          "keys");

  /** Drops a table that this transaction made. */
  static final SqlTemplate DROP =
      SqlTemplate.of(
          """
          /* fulmar: drop plan table */
          drop table {table}
          """,
          "table");

  private CountSql() {}
}
