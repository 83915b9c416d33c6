package io.fulmar.internal.source;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/** The statements that read a source. */
final class SourceSql {
  /** How long a statement may take before anything is set here, and who said so. */
  static final SqlTemplate TIMEOUT =
      SqlTemplate.of(
          """
          /* fulmar: timeout */
          select pg_catalog.current_setting('statement_timeout'), s.source,
                 session_user::pg_catalog.text, pg_catalog.current_database()::pg_catalog.text
          from pg_catalog.pg_settings s
          where s.name operator(pg_catalog.=) 'statement_timeout'
          """);

  /** Settings that end with the transaction; text output must not depend on the role's. */
  static final SqlTemplate SETTINGS =
      SqlTemplate.of(
          """
          /* fulmar: settings */
          select pg_catalog.set_config('application_name', ?, true),
                 pg_catalog.set_config('statement_timeout', coalesce(?, pg_catalog.current_setting('statement_timeout')), true),
                 pg_catalog.set_config('lock_timeout', ?, true),
                 pg_catalog.set_config('idle_in_transaction_session_timeout', ?, true),
                 pg_catalog.set_config('TimeZone', 'UTC', true),
                 pg_catalog.set_config('DateStyle', 'ISO, MDY', true),
                 pg_catalog.set_config('IntervalStyle', 'postgres', true),
                 pg_catalog.set_config('bytea_output', 'hex', true),
                 pg_catalog.set_config('extra_float_digits', '1', true),
                 pg_catalog.set_config('lc_monetary', 'C', true),
                 pg_catalog.set_config('quote_all_identifiers', 'off', true),
                 pg_catalog.set_config('search_path', coalesce(?, pg_catalog.current_setting('search_path')), true)
          """);

  /** How long the next statements may take. */
  static final SqlTemplate LIMIT =
      SqlTemplate.of(
          """
          /* fulmar: limit */
          select pg_catalog.set_config('statement_timeout', ?, true)
          """);

  /** Which server this is, and where its history stands. */
  static final SqlTemplate SERVER =
      SqlTemplate.of(
          """
          /* fulmar: server */
          select pg_catalog.clock_timestamp(),
                 pg_catalog.current_database(),
                 (select system_identifier from pg_catalog.pg_control_system()),
                 case when pg_catalog.pg_is_in_recovery()
                      then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')
                      else pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')
                 end::pg_catalog.int8,
                 case when pg_catalog.pg_is_in_recovery()
                      then (select timeline_id from pg_catalog.pg_control_checkpoint())
                      else ('x'::pg_catalog.text operator(pg_catalog.||) pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::pg_catalog."bit"(32)::pg_catalog.int4
                 end,
                 pg_catalog.current_setting('client_encoding'),
                 pg_catalog.current_setting('server_version_num')::pg_catalog.int4
          """);

  /**
   * Refuses whatever is not one statement that returns rows; runs nothing. The text is in {@link
   * #PROOF_TEXT}. Without XML in the server, opening a cursor takes one statement that returns
   * rows. That is caught in the server, since some pools drop a connection that says 0A000.
   */
  static final SqlTemplate PROOF =
      SqlTemplate.of(
          """
          /* fulmar: proof */
          do $proof$
          declare proof pg_catalog.refcursor;
          begin
            perform pg_catalog.query_to_xmlschema(pg_catalog.current_setting('fulmar.model'), true, false, '');
          exception when feature_not_supported then
            open proof for execute pg_catalog.current_setting('fulmar.model');
            close proof;
          end
          $proof$
          """);

  /** {@link #PROOF} for a role that may not use PL/pgSQL; takes a server built with XML. */
  static final SqlTemplate PROOF_WITHOUT_PLPGSQL =
      SqlTemplate.of(
          """
          /* fulmar: proof without plpgsql */
          select pg_catalog.length(
            pg_catalog.query_to_xmlschema(
              pg_catalog.current_setting('fulmar.model'), true, false, '')::pg_catalog.text)
          """);

  /** Hands a model's text to {@link #PROOF} and {@link #PROOF_WITHOUT_PLPGSQL}. */
  static final SqlTemplate PROOF_TEXT =
      SqlTemplate.of(
          """
          /* fulmar: proof text */
          select pg_catalog.set_config('fulmar.model', ?, true)
          """);

  /** What a model sets for its own text: the name, then the value. */
  static final SqlTemplate SETTING =
      SqlTemplate.of(
          """
          /* fulmar: setting */
          select pg_catalog.set_config(?, ?, true)
          """);

  /** Which database a table must be in. */
  static final SqlTemplate DATABASE =
      SqlTemplate.of(
          """
          /* fulmar: database */
          select pg_catalog.current_database()::pg_catalog.text
          """);

  /** The plan of a model, which is not run. */
  static final SqlTemplate EXPLAIN =
      SqlTemplate.of(
          """
          /* fulmar: explain */
          explain (verbose, costs off)
          select * from (
          {model}
          ) as fulmar_model
          """,
          "model");

  /**
   * Which of some functions are volatile, and whether they are PostgreSQL's own: their schemas,
   * empty for a visible one, and names.
   */
  static final SqlTemplate VOLATILE_FUNCTIONS =
      SqlTemplate.of(
          """
          /* fulmar: volatile functions */
          select p.proname::pg_catalog.text,
                 pg_catalog.bool_and(n.nspname operator(pg_catalog.=) 'pg_catalog'::pg_catalog.name)
          from rows from (pg_catalog.unnest(?::pg_catalog.text[]), pg_catalog.unnest(?::pg_catalog.text[]))
            as called (schema, name)
          join pg_catalog.pg_proc p
            on p.proname operator(pg_catalog.=) called.name::pg_catalog.name
            and p.provolatile operator(pg_catalog.=) 'v'::pg_catalog."char"
          join pg_catalog.pg_namespace n
            on n.oid operator(pg_catalog.=) p.pronamespace
            and case when called.schema operator(pg_catalog.=) ''::pg_catalog.text
                     then pg_catalog.pg_function_is_visible(p.oid)
                     else n.nspname operator(pg_catalog.=) called.schema::pg_catalog.name
                end
          group by 1
          order by 1
          """);

  /** The names of the result's columns. */
  static final SqlTemplate COLUMNS =
      SqlTemplate.of(
          """
          /* fulmar: columns */
          select * from (
          {model}
          ) as fulmar_model limit 0
          """,
          "model");

  /** The types of the result's columns, by position. */
  static final SqlTemplate TYPES =
      SqlTemplate.of(
          """
          /* fulmar: types */
          select declared.oid::pg_catalog.int8,
                 pg_catalog.format_type(declared.oid, null),
                 base.oid::pg_catalog.int8,
                 base.typtype::pg_catalog.text,
                 coalesce(
                   (select pg_catalog.string_agg(e.enumlabel::pg_catalog.text, ',' order by e.enumsortorder)
                    from pg_catalog.pg_enum e
                    where e.enumtypid operator(pg_catalog.=) any (array[base.oid, base.typelem])), '')
                 operator(pg_catalog.||) coalesce(
                   (select pg_catalog.string_agg(a.attname::pg_catalog.text operator(pg_catalog.||) ' ' operator(pg_catalog.||) pg_catalog.format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
                    from pg_catalog.pg_attribute a
                    where a.attrelid operator(pg_catalog.=) any (array[base.typrelid,
                            (select t.typrelid from pg_catalog.pg_type t where t.oid operator(pg_catalog.=) base.typelem)])
                      and a.attrelid operator(pg_catalog.<>) 0::pg_catalog.oid and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped), ''),
                 pg_catalog.format_type(base.oid, null)
          from (
            select array[{types}] as oids
            from (select 1) as one left join (
              select * from (
          {model}
              ) as fulmar_model ({columns}) limit 0
            ) as fulmar_model on true
          ) as found
          cross join lateral pg_catalog.unnest(found.oids) with ordinality as declared (oid, position)
          cross join lateral (
            with recursive up (oid, typtype, typbasetype, typelem, typrelid) as (
              select t.oid, t.typtype, t.typbasetype, t.typelem, t.typrelid
              from pg_catalog.pg_type t where t.oid operator(pg_catalog.=) declared.oid
              union all
              select t.oid, t.typtype, t.typbasetype, t.typelem, t.typrelid
              from up join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) up.typbasetype
              where up.typtype operator(pg_catalog.=) 'd'::pg_catalog."char"
            )
            select * from up where typtype operator(pg_catalog.<>) 'd'::pg_catalog."char"
          ) as base
          order by declared.position
          """,
          "model",
          "types",
          "columns");

  /**
   * What some types consist of, and what their parts consist of in turn: form (domain, array,
   * range, multirange, composite, or scalar), delimiter between elements, parts with their names.
   * Each {@code limit 1} keeps the planner from a join with all types of the database, of which it
   * would take the parts first: it expects thousands to be reached.
   */
  static final SqlTemplate VALUE_TYPES =
      SqlTemplate.of(
          """
          /* fulmar: value types */
          with recursive reached (oid) as (
            select asked.oid::pg_catalog.oid from pg_catalog.unnest(?::pg_catalog.int8[]) as asked (oid)
            union
            select part.oid
            from reached
            cross join lateral (
              select * from pg_catalog.pg_type k where k.oid operator(pg_catalog.=) reached.oid
              limit 1
            ) as t
            cross join lateral (
              select t.typbasetype where t.typtype operator(pg_catalog.=) 'd'::pg_catalog."char"
              union all
              select e.oid from pg_catalog.pg_type e where e.oid operator(pg_catalog.=) t.typelem and e.typarray operator(pg_catalog.=) t.oid
              union all
              select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) t.oid
              union all
              select r.rngtypid from pg_catalog.pg_range r where r.rngmultitypid operator(pg_catalog.=) t.oid
              union all
              select a.atttypid from pg_catalog.pg_attribute a
              where t.typtype operator(pg_catalog.=) 'c'::pg_catalog."char" and a.attrelid operator(pg_catalog.=) t.typrelid and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped
            ) as part (oid)
          )
          select t.oid::pg_catalog.int8,
                 case when t.typtype operator(pg_catalog.=) any (array['d', 'r', 'm', 'c']::pg_catalog."char"[]) then t.typtype::pg_catalog.text
                      when e.oid is not null then 'a'
                      else 's'
                 end,
                 t.typtype::pg_catalog.text,
                 coalesce(
                   (select t.typname::pg_catalog.text
                    from pg_catalog.pg_depend d
                    join pg_catalog.pg_extension x on x.oid operator(pg_catalog.=) d.refobjid
                    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid operator(pg_catalog.=) t.oid
                      and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
                      and d.deptype operator(pg_catalog.=) 'e' and x.extname operator(pg_catalog.=) t.typname), ''),
                 coalesce(e.typdelim, ',')::pg_catalog.text,
                 parts.oids,
                 parts.names
          from reached
          cross join lateral (
            select * from pg_catalog.pg_type k where k.oid operator(pg_catalog.=) reached.oid
            limit 1
          ) as t
          left join pg_catalog.pg_type e on e.oid operator(pg_catalog.=) t.typelem and e.typarray operator(pg_catalog.=) t.oid
          cross join lateral (
            select coalesce(pg_catalog.array_agg(part.oid::pg_catalog.int8 order by part.position), array[]::pg_catalog.int8[]) as oids,
                   coalesce(pg_catalog.array_agg(part.name order by part.position), array[]::pg_catalog.text[]) as names
            from (
              select t.typbasetype, '', 0 where t.typtype operator(pg_catalog.=) 'd'::pg_catalog."char"
              union all
              select e.oid, '', 0 where e.oid is not null
              union all
              select r.rngsubtype, '', 0 from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) t.oid
              union all
              select r.rngtypid, '', 0 from pg_catalog.pg_range r where r.rngmultitypid operator(pg_catalog.=) t.oid
              union all
              select a.atttypid, a.attname::pg_catalog.text, a.attnum from pg_catalog.pg_attribute a
              where t.typtype operator(pg_catalog.=) 'c'::pg_catalog."char" and a.attrelid operator(pg_catalog.=) t.typrelid and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped
            ) as part (oid, name, position)
          ) as parts
          """);

  /** The collations of some columns, by position. */
  static final SqlTemplate COLLATIONS =
      SqlTemplate.of(
          """
          /* fulmar: collations */
          select c.collname::pg_catalog.text, c.collisdeterministic
          from (
            select array[{collations}] as oids
            from (select 1) as one left join (
              select * from (
          {model}
              ) as fulmar_model ({columns}) limit 0
            ) as fulmar_model on true
          ) as found
          cross join lateral pg_catalog.unnest(found.oids) with ordinality as declared (oid, position)
          left join pg_catalog.pg_collation c on c.oid operator(pg_catalog.=) declared.oid
          order by declared.position
          """,
          "model",
          "collations",
          "columns");

  /** All rows. */
  static final SqlTemplate READ =
      SqlTemplate.of(
          """
          /* fulmar: read */
          copy (
          select {fields}
          from (
          {model}
          ) as fulmar_model ({columns})
          ) to stdout (format binary)
          """,
          "model",
          "columns",
          "fields");

  /** All rows; of those with too many bytes only the key and what identifies their content. */
  static final SqlTemplate READ_BOUNDED =
      SqlTemplate.of(
          """
          /* fulmar: read bounded */
          copy (
          select {fields}
          from (
            select {measured}
            from (
          {model}
            ) as fulmar_model ({columns})
            offset '0'
          ) as fulmar_row
          ) to stdout (format binary)
          """,
          "model",
          "columns",
          "fields",
          "measured");

  /** Hands over one column of the keys that {@link #OF_KEYS} and {@link #KEYS} are about. */
  static final SqlTemplate KEY_TEXTS =
      SqlTemplate.of(
          """
          /* fulmar: key texts */
          select pg_catalog.set_config('fulmar.key_'::pg_catalog.text operator(pg_catalog.||) ?, (?::pg_catalog.text[])::pg_catalog.text, true)
          """);

  /** The rows of some keys. */
  static final SqlTemplate OF_KEYS =
      SqlTemplate.of(
          """
          /* fulmar: of keys */
          select {columns} from (
          {model}
          ) as fulmar_model ({columns})
          where ({key}) operator(pg_catalog.=) any (select {casts} from rows from ({texts}) as fulmar_key ({names}))
          """,
          "model",
          "columns",
          "key",
          "casts",
          "texts",
          "names");

  /** Some keys, as a query. */
  static final SqlFragment ASKED =
      SqlFragment.of(
          "select {casts} from rows from ({texts}) as fulmar_key ({names})",
          "casts",
          "texts",
          "names");

  /** Some keys, as the model would return them. */
  static final SqlTemplate KEYS =
      SqlTemplate.of(
          """
          /* fulmar: keys */
          copy (
          {asked}
          ) to stdout (format binary)
          """,
          "asked");

  /** The first rows. */
  static final SqlTemplate PREVIEW =
      SqlTemplate.of(
          """
          /* fulmar: preview */
          copy (
          select {fields}
          from (
            select * from (
          {model}
            ) as fulmar_model ({columns})
            limit 100
          ) as fulmar_model
          ) to stdout (format binary)
          """,
          "model",
          "columns",
          "fields");

  private SourceSql() {}
}
