package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Operation;
import io.fulmar.RunOptions;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A database in which somebody else has put traps into the schema public: for every operator and
 * every function of PostgreSQL one of the same name and types, for every catalog and type one of
 * the same name, and operators whose types fit catalogs better than PostgreSQL's own. Whatever
 * steps on one fails. The model steps on none, by itself.
 */
@BothEngines
@DisplayName("H-04: what lies in the search_path does not change what Fulmar asks")
class SearchPathHijackTest extends SourceFixture {
  private static final String MODEL =
      """
      select id, mood, name, price, doc, tags, span, pair from app.item
      """;

  @BeforeEach
  void setTraps() throws SQLException {
    database.execute(
        "create schema app",
        "create type app.mood as enum ('sad', 'happy')",
        "create type app.pair as (a int, b text)",
        """
        create table app.item (id text primary key, mood app.mood, name varchar(20), price numeric,
          doc jsonb, tags text[], span int4range, pair app.pair)
        """,
        "insert into app.item values ('a', 'sad', 'x', 1.50, '{}', '{x}', '[1,2)', '(1,x)')",
        "insert into app.item values ('b', 'happy', null, 2, '[]', '{}', 'empty', null)",
        """
        do $$
        declare
          f record;
          made int := 0;
        begin
          for f in
            select p.proname, pg_get_function_identity_arguments(p.oid) as arguments,
                   p.prorettype::regtype as result, p.proretset
            from pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
              and p.prorettype not in ('internal'::regtype, 'cstring'::regtype, 'trigger'::regtype)
          loop
            begin
              execute format(
                'create function public.%I(%s) returns %s %s language plpgsql as %L',
                f.proname, regexp_replace(f.arguments, '(VARIADIC|OUT [^,]*,? ?)', '', 'g'),
                case when f.proretset then 'setof ' else '' end,
                f.result, 'begin raise ''stepped on a function''; end');
              made := made + 1;
            exception when others then null; -- of pseudo-types that PL/pgSQL does not take
            end;
          end loop;
          if made < 1500 then
            raise 'only % functions', made;
          end if;
        end $$
        """,
        """
        do $$
        declare t record;
        begin
          for t in select relname from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
          loop
            execute format('create view public.%I as select 1 / 0 as oid', t.relname);
          end loop;
          for t in select typname from pg_type where typnamespace = 'pg_catalog'::regnamespace
                   and typtype = 'b' and typelem = 0 and typname <> 'bool'
          loop
            begin
              execute format('create domain public.%I as bool check (false)', t.typname);
            exception when others then null;
            end;
          end loop;
        end $$
        """,
        """
        do $$
        declare
          o record;
          made int := 0;
        begin
          for o in
            select oprname, oprleft::regtype as l, oprright::regtype as r, oprresult::regtype as result
            from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprkind = 'b'
            union all
            select name, l::regtype, r::regtype, result::regtype from (values
              ('||', 'name', 'name', 'text'), ('||', 'name', 'text', 'text'),
              ('||', 'text', 'name', 'text'), ('||', 'text', 'varchar', 'text'),
              ('<>', 'oid', 'int4', 'bool'), ('=', 'oid', 'int4', 'bool'), ('=', 'oid', 'int8', 'bool'),
              ('>', 'int2', 'text', 'bool'), ('=', '"char"', 'text', 'bool'), ('=', 'text', 'varchar', 'bool'),
              ('=', 'name', 'varchar', 'bool'), ('=', 'app.mood', 'app.mood', 'bool'),
              ('=', 'app.mood', 'text', 'bool')) as better (name, l, r, result)
          loop
            begin
              execute format(
                'create function public.trap_%s(%s, %s) returns %s language plpgsql as %L',
                made, o.l, o.r, o.result, 'begin raise ''stepped on an operator''; end');
              execute format(
                'create operator public.%s (leftarg = %s, rightarg = %s, function = public.trap_%s)',
                o.oprname, o.l, o.r, made);
              made := made + 1;
            exception when others then null;
            end;
          end loop;
          if made < 600 then
            raise 'only % operators', made;
          end if;
        end $$
        """);
  }

  private void alter(String what) throws SQLException {
    database.execute("alter database \"" + database.name() + "\" " + what);
  }

  /** The tests of the fixture step on traps themselves. */
  @AfterEach
  void resetPath() throws SQLException {
    alter("reset search_path");
  }

  @Test
  @DisplayName("H-04: traps of the same names, and of types that fit better, are not stepped on")
  void trapsAreNotSteppedOn() throws SQLException {
    assertThatThrownBy(() -> query("select 'x'::name || 'y'::name"))
        .hasMessageContaining("stepped on an operator");
    assertNotSteppedOn();

    // The same names before PostgreSQL's own: every plain operator, function and type is a trap.
    for (String path : List.of("public, pg_catalog", "public, pg_temp, pg_catalog")) {
      alter("set search_path = " + path);
      assertThatThrownBy(() -> query("select 1 + 1"))
          .hasMessageContaining("stepped on an operator");
      assertThatThrownBy(() -> query("select pg_backend_pid()"))
          .hasMessageContaining("stepped on a function");
      assertThatThrownBy(() -> query("select true::xid8"))
          .hasMessageContaining("violates check constraint");
      assertNotSteppedOn();
    }
  }

  private void assertNotSteppedOn() {
    Model model = Model.query("rows", MODEL).key("id", "mood");
    Model table =
        Model.table("items", "app", "item").where("name is null").key("id").setting("app.t", "x");
    Sync sync = Sync.builder("crm").model(model).to(destination).build();

    try (SyncEngine engine = open()) {
      ModelPreview preview = engine.preview(model);
      assertThat(preview.columns())
          .extracting(column -> column.name() + " " + column.role())
          .startsWith("id KEY", "mood KEY", "name VALUE");
      assertThat(preview.rows()).hasSize(2);
      assertThat(engine.validate(model).findings()).isEmpty();
      assertThat(engine.validate(table).findings()).isEmpty();
      assertThat(engine.check(sync).toString()).doesNotContain("P0001", "stepped on");
      assertThat(engine.run(sync).throwIfFailed().counts(Operation.ADDED).failed()).isZero();
      assertThat(
              engine
                  .run(sync, RunOptions.builder().key("a", "sad").build())
                  .throwIfFailed()
                  .total()
                  .planned())
          .isZero();
      assertThat(engine.explain(sync, "b", "happy").rule()).isEqualTo("same");
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
    }
  }
}
