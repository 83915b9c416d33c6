package io.fulmar.lightning.internal.delta;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlTemplate;

/**
 * The statements of the delta scan. They run in the transaction of the plan, where a model may have
 * moved the search path, so operators are qualified.
 */
final class DeltaSql {
  /**
   * What a table is, by schema and name, and the snapshot. The third and fourth value are the names
   * of the key's columns. Indexes that hold only at the end of a transaction do not prove a key,
   * nor do those whose operators are not PostgreSQL's own; NOT NULL constraints may be there and
   * not hold for old rows (18 and later).
   */
  static final SqlTemplate TABLE =
      SqlTemplate.of(
          """
          /* fulmar: delta table */
          select c.oid::pg_catalog.int8,
                 c.relkind::pg_catalog.text,
                 c.relpersistence::pg_catalog.text,
                 coalesce(m.amname::pg_catalog.text, ''),
                 c.relrowsecurity,
                 pg_catalog.has_table_privilege(c.oid, 'select'),
                 exists (select from pg_catalog.pg_inherits i where i.inhparent operator(pg_catalog.=) c.oid),
                 exists (
                   select from pg_catalog.pg_index x
                   where x.indrelid operator(pg_catalog.=) c.oid
                     and x.indisunique and x.indisvalid and x.indisready and x.indislive
                     and x.indimmediate and not x.indisexclusion
                     and x.indpred is null and x.indexprs is null
                     and not exists (
                       select from pg_catalog.generate_series(0, x.indnkeyatts::pg_catalog.int4 operator(pg_catalog.-) 1) as place (n)
                       where not exists (
                           select from pg_catalog.pg_attribute a
                           where a.attrelid operator(pg_catalog.=) c.oid
                             and a.attnum operator(pg_catalog.=) x.indkey[place.n]
                             and a.attname::pg_catalog.text operator(pg_catalog.=) any (?::pg_catalog.text[]))
                         or not exists (
                           select from pg_catalog.pg_opclass o
                           where o.oid operator(pg_catalog.=) x.indclass[place.n]
                             and o.opcnamespace operator(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid))),
                 not exists (
                   select from pg_catalog.pg_attribute a
                   where a.attrelid operator(pg_catalog.=) c.oid
                     and a.attname::pg_catalog.text operator(pg_catalog.=) any (?::pg_catalog.text[])
                     and (not a.attnotnull
                       or exists (
                         select from pg_catalog.pg_constraint n
                         where n.conrelid operator(pg_catalog.=) c.oid
                           and n.contype operator(pg_catalog.=) 'n'::pg_catalog."char"
                           and n.conkey[1] operator(pg_catalog.=) a.attnum
                           and not n.convalidated))),
                 pg_catalog.current_setting('server_version_num'),
                 pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8,
                 pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace s on s.oid operator(pg_catalog.=) c.relnamespace
          left join pg_catalog.pg_am m on m.oid operator(pg_catalog.=) c.relam
          where s.nspname::pg_catalog.text operator(pg_catalog.=) ?
            and c.relname::pg_catalog.text operator(pg_catalog.=) ?
          """);

  /** The collations of columns: of which table, and their names in order; schema, then name. */
  static final SqlTemplate COLLATIONS =
      SqlTemplate.of(
          """
          /* fulmar: delta collations */
          select coalesce(s.nspname::pg_catalog.text, 'pg_catalog'), coalesce(c.collname::pg_catalog.text, 'C')
          from pg_catalog.unnest(?::pg_catalog.text[]) with ordinality as asked (name, place)
          left join pg_catalog.pg_attribute a
            on a.attrelid operator(pg_catalog.=) ?::pg_catalog.int8::pg_catalog.oid
            and a.attname::pg_catalog.text operator(pg_catalog.=) asked.name
          left join pg_catalog.pg_collation c on c.oid operator(pg_catalog.=) a.attcollation
          left join pg_catalog.pg_namespace s on s.oid operator(pg_catalog.=) c.collnamespace
          order by asked.place
          """);

  /**
   * What must be as it was for rows to be the same that were not written: of which table (twice),
   * and the names of the columns that are used. Digests of the table with its partitions, of the
   * columns in each of them, and of the types behind them; how many partitions cannot be read this
   * way, whether each has each column; a type whose text may change behind our back, null for none.
   *
   * <p>The partitions come from a function, since that sees what the scan sees: one that was
   * attached after the snapshot. Row versions of the catalogs are part of the digests where no lock
   * of ours keeps a change from coming and going again unseen.
   */
  static final SqlTemplate SHAPE =
      SqlTemplate.of(
          """
          /* fulmar: delta shape */
          with recursive partitions (relid, leaf) as materialized (
            select t.relid::pg_catalog.oid, t.isleaf
            from pg_catalog.pg_partition_tree(?::pg_catalog.int8::pg_catalog.oid::pg_catalog.regclass) t
          ),
          tree (relid, leaf) as materialized (
            select p.relid, p.leaf from partitions p
            union all
            select ?::pg_catalog.int8::pg_catalog.oid, true where not exists (select from partitions)
          ),
          used as materialized (
            select a.attrelid, a.attname::pg_catalog.text as name, a.attnum, a.atttypid,
                   pg_catalog.concat_ws(
                     ' ', a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attcollation,
                     a.attgenerated::pg_catalog.text, a.xmin::pg_catalog.text,
                     pg_catalog.pg_get_expr(d.adbin, d.adrelid)) as text
            from tree
            join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) tree.relid
            left join pg_catalog.pg_attrdef d
              on d.adrelid operator(pg_catalog.=) a.attrelid and d.adnum operator(pg_catalog.=) a.attnum
              and a.attgenerated operator(pg_catalog.<>) ''::pg_catalog."char"
            where a.attnum operator(pg_catalog.>) 0::pg_catalog.int2
              and not a.attisdropped
              and a.attname::pg_catalog.text operator(pg_catalog.=) any (?::pg_catalog.text[])
          ),
          reached (oid) as (
            select u.atttypid from used u
            union
            select part.oid
            from reached
            join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) reached.oid
            cross join lateral (
              select t.typbasetype where t.typtype operator(pg_catalog.=) 'd'::pg_catalog."char"
              union all
              select t.typelem where t.typelem operator(pg_catalog.<>) 0::pg_catalog.oid
              union all
              select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) t.oid
              union all
              select r.rngtypid from pg_catalog.pg_range r where r.rngmultitypid operator(pg_catalog.=) t.oid
              union all
              select a.atttypid from pg_catalog.pg_attribute a
              where t.typtype operator(pg_catalog.=) 'c'::pg_catalog."char"
                and a.attrelid operator(pg_catalog.=) t.typrelid
                and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped
            ) as part (oid)
          ),
          types as materialized (
            select t.oid, t.typname::pg_catalog.text as name, t.typtype, t.typnamespace,
                   x.extversion,
                   exists (select from pg_catalog.pg_type e where e.typarray operator(pg_catalog.=) t.oid) as is_array,
                   exists (
                     select from pg_catalog.pg_cast k
                     join pg_catalog.pg_proc f on f.oid operator(pg_catalog.=) k.castfunc
                     where k.castsource operator(pg_catalog.=) t.oid
                       and k.casttarget operator(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
                       and f.pronamespace operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
                       and not exists (
                         select from pg_catalog.pg_depend p
                         where p.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
                           and p.objid operator(pg_catalog.=) f.oid
                           and p.deptype operator(pg_catalog.=) 'e'::pg_catalog."char")) as is_cast,
                   pg_catalog.concat_ws(
                     ' ', t.oid, t.typtype::pg_catalog.text, x.extname, x.extversion,
                     (select pg_catalog.string_agg(
                               pg_catalog.concat_ws(' ', e.enumlabel, e.xmin::pg_catalog.text),
                               ',' order by e.oid)
                      from pg_catalog.pg_enum e where e.enumtypid operator(pg_catalog.=) t.oid),
                     (select pg_catalog.string_agg(
                               pg_catalog.concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.xmin::pg_catalog.text),
                               ',' order by a.attnum)
                      from pg_catalog.pg_attribute a
                      where t.typtype operator(pg_catalog.=) 'c'::pg_catalog."char"
                        and a.attrelid operator(pg_catalog.=) t.typrelid
                        and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2)) as text
            from reached
            join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) reached.oid
            left join pg_catalog.pg_depend d
              on d.classid operator(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
              and d.objid operator(pg_catalog.=) t.oid
              and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
              and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char"
            left join pg_catalog.pg_extension x on x.oid operator(pg_catalog.=) d.refobjid
          )
          select
            (select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(
                      pg_catalog.concat_ws(' ', tree.relid, i.xmin::pg_catalog.text), ',' order by tree.relid), 'UTF8')), 'hex')
             from tree left join pg_catalog.pg_inherits i on i.inhrelid operator(pg_catalog.=) tree.relid),
            (select pg_catalog.count(*)
             from tree
             left join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) tree.relid
             left join pg_catalog.pg_am m on m.oid operator(pg_catalog.=) c.relam
             where tree.leaf
               and (c.oid is null
                 or c.relkind operator(pg_catalog.<>) 'r'::pg_catalog."char"
                 or c.relpersistence operator(pg_catalog.=) 't'::pg_catalog."char"
                 or m.amname::pg_catalog.text operator(pg_catalog.<>) 'heap')),
            (select pg_catalog.count(*) from used)
              operator(pg_catalog.=) ((select pg_catalog.count(*) from tree) operator(pg_catalog.*) ?::pg_catalog.int8),
            (select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(
                      u.text, ',' order by u.attrelid, u.attnum), 'UTF8')), 'hex') from used u),
            (select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(
                      t.text, ',' order by t.oid), 'UTF8')), 'hex') from types t),
            (select pg_catalog.min(t.name) from types t
             where t.typtype operator(pg_catalog.=) 'p'::pg_catalog."char"
               or (t.typtype operator(pg_catalog.<>) 'e'::pg_catalog."char" and t.is_cast)
               or (t.typtype operator(pg_catalog.=) 'b'::pg_catalog."char" and not t.is_array
                 and case when t.typnamespace operator(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
                          then t.name operator(pg_catalog.~) '^(reg|aclitem$)'
                          else t.extversion is null
                     end))
          """);

  /**
   * Rows that were written in a range of transactions, which does not wrap: the bytes of {@code
   * xmin} are compared. {@code xmin} stays in a row that is frozen, rewritten or moved. Of a range
   * with two ends PostgreSQL expects one row in 200, so it looks keys up one by one; of one with
   * one end, every third.
   */
  static final SqlFragment WRITTEN =
      SqlFragment.of(
          """
          (pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.>=) pg_catalog.int4send({from}::pg_catalog.int4)
            and pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.<) pg_catalog.int4send({until}::pg_catalog.int4))""",
          "from",
          "until");

  /** {@link #WRITTEN} in a range that begins anew at 0 in between. */
  static final SqlFragment WRITTEN_AROUND =
      SqlFragment.of(
          """
          ((pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.>=) pg_catalog.int4send({from}::pg_catalog.int4)
              and pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.<=) pg_catalog.int4send(-1))
            or (pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.>=) pg_catalog.int4send(0)
              and pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.<) pg_catalog.int4send({until}::pg_catalog.int4)))""",
          "from",
          "until");

  /** Rows that were written by some transaction or a later one, of numbers that never wrapped. */
  static final SqlFragment WRITTEN_SINCE =
      SqlFragment.of(
          "pg_catalog.xidsend(fulmar_table.xmin) operator(pg_catalog.>=) pg_catalog.int4send({from}::pg_catalog.int4)",
          "from");

  /** Rows that were written by one of some transactions. */
  static final SqlFragment WRITTEN_BY =
      SqlFragment.of(
          "fulmar_table.xmin operator(pg_catalog.=) any (array[{transactions}])", "transactions");

  /** A table without what inherits from it, which is refused before, but may come meanwhile. */
  static final SqlFragment ONLY = SqlFragment.of("only {table}", "table");

  /** How many rows there are, and how many of them were written since the base. */
  static final SqlTemplate SCAN =
      SqlTemplate.of(
          """
          /* fulmar: delta scan */
          select pg_catalog.count(*), pg_catalog.count(*) filter (where {written})
          from {table} as fulmar_table
          """,
          "table",
          "written");

  /**
   * {@link #SCAN}, and where the rows are that were written, unless they are more than that: six
   * bytes each. What is gathered is not bounded by it, so they must be known to be few.
   */
  static final SqlTemplate SCAN_FOR_PLACES =
      SqlTemplate.of(
          """
          /* fulmar: delta scan for places */
          select s."rows", coalesce(pg_catalog.octet_length(s.places), 0) operator(pg_catalog./) 6,
                 case when pg_catalog.octet_length(s.places) operator(pg_catalog./) 6 operator(pg_catalog.<=) {most} then s.places end
          from (
            select pg_catalog.count(*) as "rows",
                   pg_catalog.string_agg(pg_catalog.tidsend(fulmar_table.ctid), ''::pg_catalog.bytea)
                     filter (where {written}) as places
            from {table} as fulmar_table
          ) as s
          """,
          "most",
          "table",
          "written");

  /** How many rows in a part of the pages, so many in a million, were written since the base. */
  static final SqlTemplate SAMPLE =
      SqlTemplate.of(
          """
          /* fulmar: delta sample */
          select pg_catalog.count(*) filter (where {written})
          from {table} as fulmar_table
            tablesample pg_catalog.system ({millionths}::pg_catalog.float8 operator(pg_catalog./) 10000)
          """,
          "millionths",
          "table",
          "written");

  /** How many keys are held, which file the state is in, and how many pages the table has. */
  static final SqlTemplate HELD =
      SqlTemplate.of(
          """
          /* fulmar: delta held */
          select (select pg_catalog.count(*) from {holds}),
                 pg_catalog.pg_relation_filenode(?::pg_catalog.text::pg_catalog.regclass)::pg_catalog.int8,
                 pg_catalog.pg_relation_size(?::pg_catalog.text::pg_catalog.regclass)
                   operator(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8
          """,
          "holds");

  /** How many synced keys there are that are not gone. */
  static final SqlTemplate LIVE =
      SqlTemplate.of(
          """
          /* fulmar: delta live */
          select pg_catalog.count(*) from {state} as fulmar_state where fulmar_state.gone_since is null
          """,
          "state");

  /**
   * How many of the rows that are looked at are no synced key that is not gone, and of how many of
   * them the key is too large.
   */
  static final SqlTemplate NEW =
      SqlTemplate.of(
          """
          /* fulmar: delta new */
          select pg_catalog.count(*), pg_catalog.count(*) filter (where {large})
          from (
          {model}
          ) as fulmar_table
          where not exists (
            select from {state} as fulmar_state
            where ({state_key}) operator(pg_catalog.=) ({stored_key})
              and fulmar_state.gone_since is null)
          """,
          "model",
          "large",
          "state",
          "state_key",
          "stored_key");

  /** Of how many of the rows that are looked at the key is too large. */
  static final SqlTemplate LARGE =
      SqlTemplate.of(
          """
          /* fulmar: delta large */
          select pg_catalog.count(*) filter (where {large})
          from (
          {model}
          ) as fulmar_table
          """,
          "large",
          "model");

  /** Where the rows are that are looked at. Keeps nothing itself, which would rule workers out. */
  static final SqlTemplate PLACES =
      SqlTemplate.of(
          """
          /* fulmar: delta places */
          select coalesce(pg_catalog.array_agg(fulmar_row.place), array[]::pg_catalog.tid[])::pg_catalog.text
          from (
          {model}
          ) as fulmar_row (place)
          """,
          "model");

  /** Keeps them until the transaction ends. Binds them. */
  static final SqlTemplate KEEP_PLACES =
      SqlTemplate.of(
          """
          /* fulmar: delta keep places */
          select pg_catalog.length(pg_catalog.set_config('fulmar.written', ?::pg_catalog.text, true))
          """);

  /** Where a row is. A version that a snapshot sees stays there for as long as the snapshot. */
  static final SqlFragment PLACE = SqlFragment.of("fulmar_table.ctid");

  /** The rows whose places {@link #KEEP_PLACES} has kept: those and no others are fetched. */
  static final SqlTemplate ROWS_PLACED =
      SqlTemplate.of(
          """
          /* fulmar: delta rows placed */
          select {columns}
          from {table} as fulmar_table
          where fulmar_table.ctid operator(pg_catalog.=) any (
            pg_catalog.current_setting('fulmar.written')::pg_catalog.tid[])""",
          "columns",
          "table");

  /** How many synced keys that are not gone have no row. */
  static final SqlTemplate REMOVED =
      SqlTemplate.of(
          """
          /* fulmar: delta removed */
          select pg_catalog.count(*)
          from {state} as fulmar_state
          where fulmar_state.gone_since is null
            and not exists (
              select from {table} as fulmar_table
              where ({table_key}) operator(pg_catalog.=) ({state_key}))
          """,
          "state",
          "table",
          "table_key",
          "state_key");

  /** {@link #REMOVED}, and keeps which they are for {@link #ABSENT_AND_LISTED}. */
  static final SqlTemplate REMOVED_LISTED =
      SqlTemplate.of(
          """
          /* fulmar: delta removed listed */
          select fulmar_gone.found, {kept}
          from (
            select pg_catalog.count(*) as found, {listed}
            from {state} as fulmar_state
            where fulmar_state.gone_since is null
              and not exists (
                select from {table} as fulmar_table
                where ({table_key}) operator(pg_catalog.=) ({state_key}))
          ) as fulmar_gone
          """,
          "kept",
          "listed",
          "state",
          "table",
          "table_key",
          "state_key");

  /** A column of many rows as one value. */
  static final SqlFragment LISTED =
      SqlFragment.of("pg_catalog.array_agg({column}::pg_catalog.text) as {name}", "column", "name");

  /** Keeps such a value until the transaction ends; gives a number. */
  static final SqlFragment KEPT =
      SqlFragment.of(
          """
          pg_catalog.length(pg_catalog.set_config(
            'fulmar.removed_'::pg_catalog.text operator(pg_catalog.||) {place}::pg_catalog.text,
            coalesce({name}::pg_catalog.text, (array[]::pg_catalog.text[])::pg_catalog.text), true))""",
          "place",
          "name");

  /** The rows of such a value. */
  static final SqlFragment UNLISTED =
      SqlFragment.of(
          """
          pg_catalog.unnest(pg_catalog.current_setting(
            'fulmar.removed_'::pg_catalog.text operator(pg_catalog.||) {place}::pg_catalog.text)::pg_catalog.text[])""",
          "place");

  /** The rows that were written since the base. */
  static final SqlTemplate ROWS =
      SqlTemplate.of(
          """
          /* fulmar: delta rows */
          select {columns}
          from {table} as fulmar_table
          where {written}""",
          "columns",
          "table",
          "written");

  /** The rows of held keys that were not written since the base. */
  static final SqlTemplate ROWS_HELD =
      SqlTemplate.of(
          """
          /* fulmar: delta rows held */
          select {columns}
          from {holds} as fulmar_hold
          join {table} as fulmar_table
            on ({table_key}) operator(pg_catalog.=) ({hold_key})
          where not {written}""",
          "columns",
          "table",
          "written",
          "holds",
          "table_key",
          "hold_key");

  /** {@link #ROWS} and {@link #ROWS_HELD}. */
  static final SqlTemplate ROWS_AND_HELD =
      SqlTemplate.of(
          """
          /* fulmar: delta rows and held */
          {rows}
          union all
          {held}""",
          "rows",
          "held");

  /** The held keys without a row. */
  static final SqlFragment ABSENT =
      SqlFragment.of(
          """
          (select {hold_columns}
           from {holds} as fulmar_hold
           where not exists (
             select from {table} as fulmar_table
             where ({table_key}) operator(pg_catalog.=) ({hold_key})))""",
          "hold_columns",
          "holds",
          "table",
          "table_key",
          "hold_key");

  /** The held keys without a row, and the synced keys that have none any more. */
  static final SqlFragment ABSENT_AND_REMOVED =
      SqlFragment.of(
          """
          (select {hold_columns}
           from {holds} as fulmar_hold
           where not exists (
             select from {table} as fulmar_table
             where ({table_key}) operator(pg_catalog.=) ({hold_key}))
           union all
           select {state_columns}
           from {state} as fulmar_state
           where fulmar_state.gone_since is null
             and not exists (
               select from {table} as fulmar_table
               where ({table_key}) operator(pg_catalog.=) ({state_key}))
             and not exists (
               select from {holds} as fulmar_hold
               where ({hold_columns}) operator(pg_catalog.=) ({state_columns})))""",
          "hold_columns",
          "holds",
          "table",
          "table_key",
          "hold_key",
          "state",
          "state_columns",
          "state_key");

  /** {@link #ABSENT_AND_REMOVED}, of keys that {@link #REMOVED_LISTED} has kept. */
  static final SqlFragment ABSENT_AND_LISTED =
      SqlFragment.of(
          """
          (select {hold_columns}
           from {holds} as fulmar_hold
           where not exists (
             select from {table} as fulmar_table
             where ({table_key}) operator(pg_catalog.=) ({hold_key}))
           union all
           select {gone_columns}
           from (select {values} from rows from ({texts}) as fulmar_text ({names})) as fulmar_gone
           where not exists (
             select from {holds} as fulmar_hold
             where ({hold_columns}) operator(pg_catalog.=) ({gone_columns})))""",
          "hold_columns",
          "holds",
          "table",
          "table_key",
          "hold_key",
          "gone_columns",
          "values",
          "texts",
          "names");

  private DeltaSql() {}
}
