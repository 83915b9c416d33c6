package io.fulmar.internal.sql;

/**
 * The statements of the PostgreSQL table destination. Throughout, {@code t} is the target table,
 * {@code s} a part of the stage that a batch was copied into, {@code d} the tombstones, {@code w}
 * what was written. The sequenced forms let no older write win and heed tombstones.
 *
 * <p>What reads the stage binds the first and the last position. The {@code case} hides this range
 * from the planner, which would take it for a two-hundredth of the stage and plan loops.
 */
public final class TableDestinationSql {

  /**
   * Whatever the role's settings are: the text of rows is read as it was written, constraints speak
   * at once, and what was committed survives a crash. Binds application name, statement timeout in
   * milliseconds (null keeps the role's), what it must not exceed in milliseconds, lock timeout,
   * and how long the transaction may be idle (null keeps what is set).
   */
  public static final SqlTemplate BEGIN =
      SqlTemplate.of(
          """
          /* fulmar: begin */
          set transaction isolation level read committed, read write;
          set constraints all immediate;
          select
            pg_catalog.set_config('application_name', ?, true),
            pg_catalog.set_config('statement_timeout', least(
              nullif(
                coalesce(
                  ?::pg_catalog.int8,
                  (pg_catalog.date_part('epoch',
                    pg_catalog.current_setting('statement_timeout')::pg_catalog.interval) * 1000
                  )::pg_catalog.int8),
                0),
              ?::pg_catalog.int8)::pg_catalog.text, true),
            pg_catalog.set_config('lock_timeout', ?, true),
            pg_catalog.set_config('idle_in_transaction_session_timeout', coalesce(
              ?::pg_catalog.text,
              pg_catalog.current_setting('idle_in_transaction_session_timeout')), true),
            pg_catalog.set_config('synchronous_commit',
              case pg_catalog.current_setting('synchronous_commit')
                when 'off' then 'on' else pg_catalog.current_setting('synchronous_commit') end, true),
            pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
            pg_catalog.set_config('TimeZone', 'UTC', true),
            pg_catalog.set_config('IntervalStyle', 'postgres', true),
            pg_catalog.set_config('bytea_output', 'hex', true),
            pg_catalog.set_config('xmloption', 'content', true),
            pg_catalog.set_config('standard_conforming_strings', 'on', true)""");

  /** Tells databases apart, also those of copies of a cluster that were given the same names. */
  public static final SqlTemplate WHICH_DATABASE =
      SqlTemplate.of(
          """
          /* fulmar: which database */
          select pg_catalog.concat_ws('/',
            (select system_identifier from pg_catalog.pg_control_system()),
            (select oid from pg_catalog.pg_database
              where datname operator(pg_catalog.=) pg_catalog.current_database()))""");

  /** What triggers and defaults of the table find is what they find in any other transaction. */
  public static final SqlTemplate OWN_SEARCH_PATH =
      SqlTemplate.of(
          """
          /* fulmar: own search path */
          select pg_catalog.set_config('search_path', reset_val, true)
          from pg_catalog.pg_settings
          where name operator(pg_catalog.=) 'search_path'""");

  /** Binds schema and table. No row: no such table. */
  public static final SqlTemplate COLUMNS =
      SqlTemplate.of(
          """
          /* fulmar: columns of a table */
          select
            a.attname,
            a.attnotnull,
            a.attgenerated <> '' or a.attidentity = 'a' as is_generated,
            a.attnotnull and not a.atthasdef and a.attidentity = ''
              and not exists (
                select from pg_catalog.pg_trigger as g
                where g.tgrelid = c.oid and not g.tgisinternal) as is_required,
            a.atttypid in (
              'pg_catalog.int8'::pg_catalog.regtype, 'pg_catalog.numeric'::pg_catalog.regtype)
              as holds_sequence,
            pg_catalog.format_type(a.atttypid, null)
          from pg_catalog.pg_attribute as a
          join pg_catalog.pg_class as c on c.oid = a.attrelid
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where n.nspname = ? and c.relname = ? and a.attnum > 0 and not a.attisdropped
          order by a.attnum""");

  /** Binds schema and table. The column sets that {@code on conflict} can name. */
  public static final SqlTemplate UNIQUE_KEYS =
      SqlTemplate.of(
          """
          /* fulmar: unique keys of a table */
          select array(
            select a.attname::pg_catalog.text
            from pg_catalog.pg_attribute as a
            where a.attrelid = i.indrelid
              and a.attnum = any ((i.indkey::pg_catalog.int2[])[0 : i.indnkeyatts - 1]))
          from pg_catalog.pg_index as i
          join pg_catalog.pg_class as c on c.oid = i.indrelid
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where n.nspname = ? and c.relname = ?
            and i.indisunique and i.indisvalid and i.indimmediate
            and i.indpred is null and i.indexprs is null""");

  /** Binds a text that names what is created: one writer at a time. */
  public static final SqlTemplate LOCK_CREATION =
      SqlTemplate.of(
          """
          /* fulmar: lock creation */
          select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(?, 0))""");

  /** What a missing table would be. */
  public static final SqlTemplate CREATE_TABLE =
      SqlTemplate.of(
          """
          /* fulmar: create table */
          create table {target} ({definitions}, primary key ({key}))""",
          "target",
          "definitions",
          "key");

  /** Key columns with types and collations as in the target. */
  public static final SqlTemplate CREATE_TOMBSTONES =
      SqlTemplate.of(
          """
          /* fulmar: create tombstones */
          create table {tombstones} as
            select {key}, null::bigint as fulmar_sequence, null::timestamptz as fulmar_deleted_at
            from {target} with no data;
          alter table {tombstones}
            add primary key ({key}),
            alter column fulmar_sequence set not null,
            alter column fulmar_deleted_at set not null""",
          "tombstones",
          "key",
          "target");

  /** What the message for a missing constraint says. */
  public static final SqlTemplate ADD_UNIQUE_KEY =
      SqlTemplate.of(
          """
          /* fulmar: add unique key */
          alter table {target} add unique ({key})""",
          "target",
          "key");

  /** Gone with the transaction, so that it works behind a transaction pooler. */
  public static final SqlTemplate CREATE_STAGE =
      SqlTemplate.of(
          """
          /* fulmar: create stage */
          create temporary table pg_temp.fulmar_stage on commit drop as
          select null::pg_catalog.int4 as "fulmar: position", {stage} from {target} with no data""",
          "stage",
          "target");

  /** Binds schema and table. COPY heeds no rules, and no row security (PostgreSQL manual, COPY). */
  public static final SqlTemplate TAKES_STRAIGHT_COPY =
      SqlTemplate.of(
          """
          /* fulmar: takes straight copy */
          select c.relkind in ('r', 'p') and not c.relhasrules and not c.relrowsecurity
          from pg_catalog.pg_class as c
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where n.nspname = ? and c.relname = ?""");

  /** Whether there is no tombstone at all. */
  public static final SqlTemplate HAS_NO_TOMBSTONES =
      SqlTemplate.of(
          """
          /* fulmar: has no tombstones */
          select not exists (select from {tombstones})""",
          "tombstones");

  /** Fills the table itself. */
  public static final SqlTemplate COPY_STRAIGHT =
      SqlTemplate.of(
          """
          /* fulmar: copy straight */
          copy {target} ({columns}) from stdin""",
          "target",
          "columns");

  /** Fills the stage. */
  public static final SqlTemplate COPY =
      SqlTemplate.of(
          """
          /* fulmar: copy */
          copy pg_temp.fulmar_stage ({copied}) from stdin""",
          "copied");

  /**
   * Gives the positions to skip: not written, for a row is there that is not what was to be
   * inserted. A row that is just that comes from an earlier try whose answer was lost.
   */
  public static final SqlTemplate INSERT =
      SqlTemplate.of(
          """
          /* fulmar: insert */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end),
          w as (
            insert into {target} ({columns})
            select {staged_columns} from s order by {staged_key}
            on conflict ({key}) do nothing
            returning {key})
          select s."fulmar: position"
          from s
          where not exists (select from w where ({written_key}) = ({staged_key}))
            and not exists (
              select from {target} as t
              where ({target_key}) = ({staged_key})
                and row({target_compared})::record
                  operator(pg_catalog.*=) row({staged_compared})::record)""",
          "stage",
          "target",
          "columns",
          "staged_columns",
          "staged_key",
          "key",
          "written_key",
          "target_key",
          "target_compared",
          "staged_compared");

  /** As {@link #INSERT}; what lost to a newer tombstone is not skipped. */
  public static final SqlTemplate INSERT_SEQUENCED =
      SqlTemplate.of(
          """
          /* fulmar: insert sequenced */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end),
          w as (
            insert into {target} ({columns})
            select {staged_columns} from s
            where not exists (
              select from {tombstones} as d
              where ({tombstone_key}) = ({staged_key}) and d.fulmar_sequence > {staged_sequence})
            order by {staged_key}
            on conflict ({key}) do nothing
            returning {key})
          select s."fulmar: position"
          from s
          where not exists (select from w where ({written_key}) = ({staged_key}))
            and not exists (
              select from {tombstones} as d
              where ({tombstone_key}) = ({staged_key}) and d.fulmar_sequence > {staged_sequence})
            and not exists (
              select from {target} as t
              where ({target_key}) = ({staged_key})
                and ({target_sequence} = {staged_sequence}
                  or row({target_compared})::record
                    operator(pg_catalog.*=) row({staged_compared})::record))""",
          "stage",
          "target",
          "columns",
          "staged_columns",
          "tombstones",
          "tombstone_key",
          "staged_key",
          "staged_sequence",
          "key",
          "written_key",
          "target_key",
          "target_sequence",
          "target_compared",
          "staged_compared");

  /** Writes all. */
  public static final SqlTemplate UPSERT =
      SqlTemplate.of(
          """
          /* fulmar: upsert */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end)
          insert into {target} ({columns})
          select {staged_columns} from s order by {staged_key}
          on conflict ({key}) do update set ({assigned}) = row({excluded_assigned})""",
          "stage",
          "target",
          "columns",
          "staged_columns",
          "staged_key",
          "key",
          "assigned",
          "excluded_assigned");

  /** Writes what no newer row or tombstone forbids. */
  public static final SqlTemplate UPSERT_SEQUENCED =
      SqlTemplate.of(
          """
          /* fulmar: upsert sequenced */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end)
          insert into {target} as t ({columns})
          select {staged_columns} from s
          where not exists (
            select from {tombstones} as d
            where ({tombstone_key}) = ({staged_key}) and d.fulmar_sequence > {staged_sequence})
          order by {staged_key}
          on conflict ({key}) do update set ({assigned}) = row({excluded_assigned})
          where {target_sequence} is null or {target_sequence} <= {excluded_sequence}""",
          "stage",
          "target",
          "columns",
          "staged_columns",
          "tombstones",
          "tombstone_key",
          "staged_key",
          "staged_sequence",
          "key",
          "assigned",
          "excluded_assigned",
          "target_sequence",
          "excluded_sequence");

  /** Gives the positions that no row was there for. Clears, too: then the stage holds NULLs. */
  public static final SqlTemplate UPDATE =
      SqlTemplate.of(
          """
          /* fulmar: update */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end),
          w as (
            update {target} as t set ({assigned}) = row({staged_assigned})
            from s
            where ({target_key}) = ({staged_key})
            returning s."fulmar: position")
          select s."fulmar: position"
          from s
          where not exists (select from w where w."fulmar: position" = s."fulmar: position")
            and not exists (select from {target} as t where ({target_key}) = ({staged_key}))""",
          "stage",
          "target",
          "assigned",
          "staged_assigned",
          "target_key",
          "staged_key");

  /** As {@link #UPDATE}; what lost to a newer row is not given. */
  public static final SqlTemplate UPDATE_SEQUENCED =
      SqlTemplate.of(
          """
          /* fulmar: update sequenced */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end),
          w as (
            update {target} as t set ({assigned}) = row({staged_assigned})
            from s
            where ({target_key}) = ({staged_key})
              and ({target_sequence} is null or {target_sequence} <= {staged_sequence})
            returning s."fulmar: position")
          select s."fulmar: position"
          from s
          where not exists (select from w where w."fulmar: position" = s."fulmar: position")
            and not exists (select from {target} as t where ({target_key}) = ({staged_key}))""",
          "stage",
          "target",
          "assigned",
          "staged_assigned",
          "target_key",
          "staged_key",
          "target_sequence",
          "staged_sequence");

  /** Deletes what is there. */
  public static final SqlTemplate DELETE =
      SqlTemplate.of(
          """
          /* fulmar: delete */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end)
          delete from {target} as t using s
          where ({target_key}) = ({staged_key})""",
          "stage",
          "target",
          "target_key",
          "staged_key");

  /** Deletes what is not newer. */
  public static final SqlTemplate DELETE_SEQUENCED =
      SqlTemplate.of(
          """
          /* fulmar: delete sequenced */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end)
          delete from {target} as t using s
          where ({target_key}) = ({staged_key})
            and ({target_sequence} is null or {target_sequence} <= {staged_sequence})""",
          "stage",
          "target",
          "target_key",
          "staged_key",
          "target_sequence",
          "staged_sequence");

  /** Before a write that heeds tombstones: lets others like it in, but nobody who leaves some. */
  public static final SqlTemplate LOCK_TO_HEED =
      SqlTemplate.of(
          """
          /* fulmar: lock to heed tombstones */
          lock table {tombstones} in row exclusive mode""",
          "tombstones");

  /** Before tombstones are left: no write that heeds them is under way and blind to ours. */
  public static final SqlTemplate LOCK_TO_LEAVE =
      SqlTemplate.of(
          """
          /* fulmar: lock to leave tombstones */
          lock table {tombstones} in share row exclusive mode""",
          "tombstones");

  /** Leaves a tombstone for each key, the newest one. */
  public static final SqlTemplate LEAVE_TOMBSTONES =
      SqlTemplate.of(
          """
          /* fulmar: leave tombstones */
          with s as (
            select "fulmar: position", {stage} from pg_temp.fulmar_stage
            where case when "fulmar: position" between ? and ? then true end)
          insert into {tombstones} as d ({key}, fulmar_sequence, fulmar_deleted_at)
          select {staged_key}, {staged_sequence}, pg_catalog.clock_timestamp()
          from s order by {staged_key}
          on conflict ({key}) do update
          set fulmar_sequence = excluded.fulmar_sequence,
            fulmar_deleted_at = excluded.fulmar_deleted_at
          where d.fulmar_sequence < excluded.fulmar_sequence""",
          "stage",
          "tombstones",
          "key",
          "staged_key",
          "staged_sequence");

  /** Binds the age in seconds. At most 100,000 at a time, so that no batch waits long. */
  public static final SqlTemplate PURGE_TOMBSTONES =
      SqlTemplate.of(
          """
          /* fulmar: purge tombstones */
          delete from {tombstones}
          where ctid = any (array(
            select ctid from {tombstones}
            where fulmar_deleted_at < pg_catalog.clock_timestamp()
              - pg_catalog.make_interval(secs => ?::pg_catalog.float8)
            limit 100000))""",
          "tombstones");

  /** Every row goes; DELETE asks for no right that the rest does not ask for. */
  public static final SqlTemplate EMPTY =
      SqlTemplate.of(
          """
          /* fulmar: empty */
          delete from {target}""",
          "target");

  private TableDestinationSql() {}
}
