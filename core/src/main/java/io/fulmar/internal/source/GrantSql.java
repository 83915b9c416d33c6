package io.fulmar.internal.source;

import io.fulmar.internal.sql.SqlTemplate;

/**
 * The statements that find out what a role may do with what a model refers to. They look at
 * catalogs alone, which any role may read, and see objects that the role may not use.
 */
final class GrantSql {
  /**
   * Lets the server look up the names of a text that no semicolon is in, so that it is one
   * statement, which is not run and not planned. What it refers to is locked from then on, whether
   * the role may read it or not; see {@link #LOCKED}.
   */
  static final SqlTemplate PREPARE =
      SqlTemplate.of(
          """
          /* fulmar: prepare */
          prepare fulmar_grants as
          {model}
          """,
          "model");

  /** Ends what {@link #PREPARE} began. */
  static final SqlTemplate DEALLOCATE =
      SqlTemplate.of(
          """
          /* fulmar: deallocate */
          deallocate fulmar_grants
          """);

  /** The relations that this transaction has looked at. */
  static final SqlTemplate LOCKED =
      SqlTemplate.of(
          """
          /* fulmar: locked */
          select pg_catalog.array_agg(l.relation::pg_catalog.int8)
          from pg_catalog.pg_locks l
          where l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid() and l.locktype operator(pg_catalog.=) 'relation'
            and l.relation is not null
          """);

  /**
   * Each grant that is missing, as kind, schema, name and columns or arguments; last the role that
   * lacks it. Binds schemas and names of the words of a model (an empty schema for a word without
   * one), which of them may be tables, the relations that it refers to (null if that is not known),
   * and whether it asks for all columns of something.
   *
   * <p>A view is read with the privileges of its owner, unless it has {@code security_invoker}
   * (PostgreSQL manual, "Rules and Privileges"), so what stands behind it counts for its owner; the
   * schemas behind it need no USAGE.
   */
  static final SqlTemplate MISSING =
      SqlTemplate.of(
          """
          /* fulmar: missing grants */
          with given as (
            select ?::pg_catalog.text[] as schemas, ?::pg_catalog.text[] as names, ?::pg_catalog.bool[] as tables,
                   ?::pg_catalog.int8[] as locked, ?::pg_catalog.bool as star),
          word as (
            select w.namespace, w.name, pg_catalog.bool_or(w.is_table) as is_table
            from given, unnest(given.schemas, given.names, given.tables) as w (namespace, name, is_table)
            group by w.namespace, w.name),
          path as (
            select pg_catalog.btrim(p.name, ' "') as name, p.position
            from pg_catalog.unnest(pg_catalog.string_to_array(
                pg_catalog.replace(pg_catalog.current_setting('search_path'), '"$user"', current_user::pg_catalog.text), ','))
              with ordinality as p (name, position)),
          space as (
            select n.oid, n.nspname::pg_catalog.text as name, p.position,
                   pg_catalog.has_schema_privilege(n.oid, 'usage') as usable
            from pg_catalog.pg_namespace n
            left join path p on p.name operator(pg_catalog.=) n.nspname
            where n.nspname operator(pg_catalog.<>) all (array['pg_catalog', 'information_schema', 'pg_toast'])),
          direct as (
            select distinct on (w.namespace, w.name)
                   c.oid, s.name as namespace, c.relname::pg_catalog.text as name, s.usable
            from word w
            join pg_catalog.pg_class c on c.relname operator(pg_catalog.=) w.name and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f', 'S'])
            join space s on s.oid operator(pg_catalog.=) c.relnamespace
            where w.is_table and (w.namespace operator(pg_catalog.=) s.name or (w.namespace operator(pg_catalog.=) '' and s.position is not null))
            order by w.namespace, w.name, s.usable desc, s.position),
          referred as (
            select d.oid, d.namespace, d.name, d.usable, current_user::pg_catalog.text as reader
            from direct d, given
            where given.locked is null or d.oid::pg_catalog.int8 operator(pg_catalog.=) any (given.locked)),
          behind as (
            select distinct c.oid, n.nspname::pg_catalog.text as namespace, c.relname::pg_catalog.text as name,
                   true as usable, reader.name::pg_catalog.text as reader
            from given
            join pg_catalog.pg_class v on v.oid::pg_catalog.int8 operator(pg_catalog.=) any (given.locked) and v.relkind operator(pg_catalog.=) 'v'
            join pg_catalog.pg_rewrite r on r.ev_class operator(pg_catalog.=) v.oid
            join pg_catalog.pg_depend d
              on d.classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid operator(pg_catalog.=) r.oid
                and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid operator(pg_catalog.<>) v.oid
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) d.refobjid
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            cross join lateral (
              select case when exists (
                  select from pg_catalog.pg_options_to_table(v.reloptions) o
                  where o.option_name operator(pg_catalog.=) 'security_invoker' and o.option_value operator(pg_catalog.=) any (array['true', 'on', '1', 'yes']))
                then current_user else pg_catalog.pg_get_userbyid(v.relowner) end as name) as reader),
          relation as (select * from referred union select * from behind),
          column_missing as (
            select r.oid, r.reader,
                   pg_catalog.string_agg(pg_catalog.quote_ident(a.attname::pg_catalog.text), ', ' order by a.attnum) as columns
            from relation r
            join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
            cross join given
            where (given.star or a.attname operator(pg_catalog.=) any (given.names))
              and not pg_catalog.has_column_privilege(r.reader, r.oid, a.attnum, 'select')
            group by r.oid, r.reader),
          called as (
            select p.oid, s.name as namespace, p.proname::pg_catalog.text as name, s.usable,
                   pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments, p.prokind
            from word w
            join pg_catalog.pg_proc p on p.proname operator(pg_catalog.=) w.name
            join space s on s.oid operator(pg_catalog.=) p.pronamespace
            where w.namespace operator(pg_catalog.=) s.name or (w.namespace operator(pg_catalog.=) '' and s.position is not null))
          select 'usage' as kind, namespace, '' as name, '' as detail, reader
          from relation where not usable
          union
          select 'usage', namespace, '', '', current_user::pg_catalog.text from called where not usable
          union
          select 'select', namespace, name, '', reader
          from relation r
          where not pg_catalog.has_table_privilege(r.reader, r.oid, 'select')
            and not pg_catalog.has_any_column_privilege(r.reader, r.oid, 'select')
          union
          select 'columns', r.namespace, r.name, m.columns, r.reader
          from relation r join column_missing m on m.oid operator(pg_catalog.=) r.oid and m.reader operator(pg_catalog.=) r.reader
          where not pg_catalog.has_table_privilege(r.reader, r.oid, 'select')
            and pg_catalog.has_any_column_privilege(r.reader, r.oid, 'select')
          union
          select 'execute', namespace, name, arguments, current_user::pg_catalog.text
          from called where not pg_catalog.has_function_privilege(oid, 'execute')
          order by 5, 2, 1 desc, 3, 4
          """);

  /**
   * As {@link #MISSING}, of what a message of the server names: an object that the role lacks a
   * privilege on, and whose name is the longest that the message holds. The name does not depend on
   * the language of the message.
   */
  static final SqlTemplate NAMED =
      SqlTemplate.of(
          """
          /* fulmar: named in an error */
          with given as (select ?::pg_catalog.text as message),
          lacking as (
            select 'usage' as kind, n.nspname::pg_catalog.text as namespace, '' as name, '' as detail,
                   n.nspname::pg_catalog.text as named
            from pg_catalog.pg_namespace n
            where not pg_catalog.has_schema_privilege(n.oid, 'usage')
            union all
            select 'select', n.nspname::pg_catalog.text, c.relname::pg_catalog.text, '', c.relname::pg_catalog.text
            from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            where c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f', 'S'])
              and n.nspname operator(pg_catalog.<>) all (array['pg_catalog', 'information_schema', 'pg_toast'])
              and not pg_catalog.has_table_privilege(c.oid, 'select')
            union all
            select 'execute', n.nspname::pg_catalog.text, p.proname::pg_catalog.text,
                   pg_catalog.pg_get_function_identity_arguments(p.oid), p.proname::pg_catalog.text
            from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
            where not pg_catalog.has_function_privilege(p.oid, 'execute')),
          found as (
            select l.*, pg_catalog.dense_rank() over (order by pg_catalog.length(l.named) desc) as place
            from lacking l, given
            where pg_catalog.strpos(given.message, l.named) operator(pg_catalog.>) 0)
          select kind, namespace, name, detail, current_user::pg_catalog.text
          from found where place operator(pg_catalog.=) 1
          order by 2, 1 desc, 3, 4
          limit 10
          """);

  /** What the role may do with the tables of a model besides reading. Binds their oids. */
  static final SqlTemplate WRITABLE =
      SqlTemplate.of(
          """
          /* fulmar: writable */
          select n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
                 pg_catalog.pg_has_role(c.relowner, 'usage') as owns,
                 pg_catalog.concat_ws(', ',
                   case when pg_catalog.has_any_column_privilege(c.oid, 'insert') then 'insert' end,
                   case when pg_catalog.has_any_column_privilege(c.oid, 'update') then 'update' end,
                   case when pg_catalog.has_table_privilege(c.oid, 'delete') then 'delete' end,
                   case when pg_catalog.has_table_privilege(c.oid, 'truncate') then 'truncate' end),
                 current_user::pg_catalog.text
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
          where c.oid::pg_catalog.int8 operator(pg_catalog.=) any (?::pg_catalog.int8[])
            and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f'])
            and n.nspname operator(pg_catalog.<>) all (array['pg_catalog', 'information_schema', 'pg_toast'])
            and not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user)
          order by 1, 2
          """);

  private GrantSql() {}
}
