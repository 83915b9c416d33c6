/* fulmar: teardown tables */
-- Drops what Fulmar has made, known by its comments, and nothing else. What destinations have stays
-- there; a first run after this sends every row. To be run by the owner of the schemas or a superuser.
begin;
set local search_path to {planner}, {audit};
do $fulmar$
declare
  made record;
begin
  for made in
    select n.nspname, c.relname, case c.relkind when 'v' then 'view' else 'table' end as kind
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (pg_catalog.current_schemas(false))
      and c.relkind in ('r', 'v')
      and pg_catalog.obj_description(c.oid, 'pg_class') ~ '^Fulmar, format [0-9]+: '
    order by c.relkind desc -- views first, since they show tables
  loop
    execute pg_catalog.format('drop %s %I.%I', made.kind, made.nspname, made.relname);
  end loop;
end
$fulmar$;
