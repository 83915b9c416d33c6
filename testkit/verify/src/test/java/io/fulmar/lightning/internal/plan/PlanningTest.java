package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.InvalidRow;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.testkit.TestPostgres;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * Plans over real tables: which keys are planned, which are invalid, what is counted. The model of
 * most tests has no index that would prove its key, so all that depends on proofs is found by
 * counting; {@code proven} has one.
 */
class PlanningTest {
  private static final TestPostgres POSTGRES =
      TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();

  private PlanFixture fixture;

  @BeforeEach
  void create() throws SQLException {
    fixture = new PlanFixture(POSTGRES);
    fixture.database.execute("create table src (id int, v text, n numeric)");
  }

  @AfterEach
  void nothingIsLeft() throws SQLException {
    assertThat(
            fixture.all(
                "select relname from pg_class where relnamespace = 'fulmar_planner'::regnamespace and relname like '%duplicates%'"))
        .isEmpty();
    fixture.close();
  }

  private static Sync deleting(String query) {
    return PlanFixture.sync(Model.query("rows", query).key("id")).onRemoved(Removal.DELETE).build();
  }

  private static Sync deleting() {
    return deleting("select id, v, n from src");
  }

  /** Rows {@code (1, 'a'), (2, 'b') ...} that were accepted. */
  private void accepted(int rows) throws SQLException {
    fixture.database.execute(
        "insert into src select i, chr(96 + i), i from generate_series(1, %s) i".formatted(rows));
    fixture.takeAll(fixture.plan(deleting()));
  }

  private static List<String> invalid(PlanHead head) {
    List<String> shown = new ArrayList<>();
    for (InvalidRow row : head.plan().changeSet().invalidRows()) {
      List<String> key = row.key().columns().stream().map(row.key()::text).toList();
      shown.add(row.reason() + " " + key + " x" + row.rows());
    }
    shown.sort(null);
    return shown;
  }

  @Test
  void firstPlanAddsEveryRow() throws SQLException {
    fixture.database.execute("insert into src values (1, 'a', 1), (2, null, null)");
    PlanHead head = fixture.plan(deleting());
    assertThat(fixture.planned(head)).containsExactlyInAnyOrder("ADDED 1", "ADDED 2");
    assertThat(head.counts().rows()).isEqualTo(2);
    assertThat(head.counts().invalid()).isZero();
    assertThat(head.plan().changeSet().samples()).hasSize(2);
  }

  @Test
  void planWithoutChangesHasNoTable() throws SQLException {
    accepted(3);
    PlanHead head = fixture.plan(deleting());
    assertThat(head.place()).isEqualTo(PlanHead.NO_TABLE);
    assertThat(head.counts().rows()).isEqualTo(3);
    assertThat(fixture.one("select count(*) from pg_class where relname like 's1_plan%'"))
        .isEqualTo("0");
  }

  @Test
  void changedAddedAndRemovedRowsArePlannedRemovalsFirst() throws Exception {
    accepted(5);
    fixture.database.execute(
        "delete from src where id = 5",
        "update src set v = 'x' where id = 2",
        "insert into src values (9, 'i', 9)");
    PlanHead head = fixture.plan(deleting());
    assertThat(fixture.planned(head))
        .hasSize(3)
        .startsWith("REMOVED 5")
        .contains("CHANGED 2", "ADDED 9");
    assertThat(head.counts().planned(Operation.REMOVED)).isEqualTo(1);
    assertThat(head.counts().firstRemovals()).isEqualTo(1);
    assertThat(head.counts().rows()).isEqualTo(5);
    assertThat(PlanHead.decode(head.encode()).plan().changeSet())
        .usingRecursiveComparison()
        .isEqualTo(head.plan().changeSet());
  }

  @Test
  @DisplayName("P2: a plan that is made again under the same number takes the place of the first")
  void planIsMadeAgainUnderTheSameNumber() throws SQLException {
    accepted(3);
    fixture.database.execute("update src set v = 'x'");
    fixture.plan(deleting());
    PlanHead second = fixture.plan(deleting());
    assertThat(fixture.planned(second)).hasSize(3);
    assertThat(fixture.one("select count(*) from fulmar_planner.fulmar_plans")).isEqualTo("1");
  }

  // ------------------------------------------------------------------------------------ duplicates

  @Nested
  @DisplayName("P8: ambiguous keys")
  class Ambiguous {
    @Test
    void syncedKeyWithOneChangedAndOneUnchangedRow() throws SQLException {
      accepted(3);
      fixture.database.execute(
          "insert into src values (2, 'other', 2)", "update src set v = 'x' where id = 3");
      PlanHead head = fixture.plan(deleting());
      assertThat(fixture.planned(head)).containsExactly("CHANGED 3");
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [2] x2");
      assertThat(head.counts().invalid()).isEqualTo(2);
      assertThat(head.counts().rows()).isEqualTo(4);
    }

    @Test
    void syncedKeyWithAnIdenticalSecondRow() throws SQLException {
      accepted(3);
      fixture.database.execute("insert into src select * from src where id = 2");
      PlanHead head = fixture.plan(deleting());
      assertThat(head.counts().total()).isZero();
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [2] x2");
    }

    @Test
    void syncedKeyWithTwoChangedRowsOfWhichOneIsThreefold() throws SQLException {
      accepted(3);
      fixture.database.execute(
          "update src set v = 'x' where id = 2",
          "insert into src values (2, 'y', 2), (2, 'y', 2), (2, 'y', 2)",
          "delete from src where id = 1");
      PlanHead head = fixture.plan(deleting());
      assertThat(fixture.planned(head)).containsExactly("REMOVED 1");
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [2] x4");
    }

    @Test
    void newKeyWithTwoRows() throws SQLException {
      accepted(2);
      fixture.database.execute("insert into src values (7, 'g', 7), (7, 'h', 7), (8, 'i', 8)");
      PlanHead head = fixture.plan(deleting());
      assertThat(fixture.planned(head)).containsExactly("ADDED 8");
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [7] x2");
      assertThat(head.counts().rows()).isEqualTo(5);
    }

    @Test
    void keyWithTwoRowsInTheFirstPlan() throws SQLException {
      fixture.database.execute("insert into src values (1, 'a', 1), (2, 'b', 2), (2, 'b', 2)");
      PlanHead head = fixture.plan(deleting());
      assertThat(fixture.planned(head)).containsExactly("ADDED 1");
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [2] x2");
    }

    @Test
    void goneKeyWithTwoRowsStaysGone() throws SQLException {
      accepted(3);
      fixture.database.execute(
          "update fulmar_planner.s1_state_0 set gone_since = 5 where k0 in (2, 3)",
          "delete from src where id = 3",
          "insert into src select * from src where id = 2");
      Sync ignoring = PlanFixture.sync("select id, v, n from src", "id");
      PlanHead head = fixture.plan(ignoring);
      assertThat(head.place()).isEqualTo(PlanHead.NO_TABLE);
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [2] x2");
    }

    @Test
    void quarantinedKeyThatWasNeverAcceptedWithTwoRows() throws SQLException {
      accepted(2);
      fixture.database.execute("insert into src values (7, 'g', 7)");
      String hash =
          fixture.one("select hash from %s".formatted(PlanFixture.table(fixture.plan(deleting()))));
      fixture.database.execute(
          "insert into fulmar_planner.s1_holds (k0, kind, version, attempts, first_at, unsure, until) values (7, 'QUARANTINED', %s, 10, 1, false, 0)"
              .formatted(hash));
      assertThat(fixture.plan(deleting()).counts().held()).isEqualTo(1);
      fixture.database.execute("insert into src values (7, 'g', 7)");
      PlanHead head = fixture.plan(deleting());
      assertThat(head.counts().held()).isZero();
      assertThat(head.counts().total()).isZero();
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [7] x2");
    }

    @Test
    void ambiguousKeyIsNotRemovedAndComesBackWhenItIsCleanedUp() throws SQLException {
      accepted(3);
      fixture.database.execute("insert into src values (2, 'other', 2)");
      assertThat(fixture.plan(deleting()).counts().total()).isZero();
      fixture.database.execute("delete from src where id = 2 and v = 'b'");
      assertThat(fixture.planned(fixture.plan(deleting()))).containsExactly("CHANGED 2");
    }

    @Test
    void ambiguousKeysAreFoundInEveryRequestAndMode() throws SQLException {
      accepted(3);
      fixture.database.execute("insert into src select * from src where id = 2");
      for (PlanRequest.Kind kind : PlanRequest.Kind.values()) {
        PlanHead head = fixture.plan(deleting(), PlanRequest.of(kind));
        assertThat(invalid(head)).as("%s", kind).containsExactly("DUPLICATE_KEY [2] x2");
        assertThat(fixture.planned(head)).as("%s", kind).noneMatch(change -> change.endsWith(" 2"));
        assertThat(head.counts().rows()).as("%s", kind).isEqualTo(4);
      }
      Sync everything =
          PlanFixture.sync(Model.query("rows", "select id, v, n from src").key("id"))
              .mode(SyncMode.ALL)
              .build();
      assertThat(invalid(fixture.plan(everything))).containsExactly("DUPLICATE_KEY [2] x2");
    }

    @Test
    void ambiguousKeysOfSeveralColumnsAreFound() throws SQLException {
      fixture.database.execute(
          "create table pairs (a text, b char(3), v int)",
          "insert into pairs values ('x', '1', 1), ('x', '1  ', 2), ('x', '2', 3)");
      Sync sync = PlanFixture.sync("select a, b, v from pairs", "a", "b");
      PlanHead head = fixture.plan(sync);
      assertThat(head.counts().total()).isEqualTo(1);
      assertThat(invalid(head)).containsExactly("DUPLICATE_KEY [x, 1] x2");
    }

    /** What is in doubt is not sent; a limit over an order that is not total may do this. */
    @Test
    void modelThatGivesOtherRowsEachTimeIsRefused() throws SQLException {
      fixture.database.execute(
          "create sequence s", "insert into src select i, 'v', i from generate_series(1, 50) i");
      Sync sync =
          deleting("select id, v, n from src where id <= 20 + (select nextval('s') % 7) * 3");
      fixture.takeAll(fixture.plan(sync));
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 20; i++) {
                  fixture.plan(sync);
                }
              })
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(
              "Cannot run crm: its model rows gives other rows each time it is read, ")
          .hasMessageContaining("Order it before a limit");
    }
  }

  // ----------------------------------------------------------------------------------- other keys

  @Test
  @DisplayName("P8: rows without a whole key are counted and shown, and belong to no key")
  void rowsWithNullInTheKeyAreInvalid() throws SQLException {
    accepted(2);
    fixture.database.execute("insert into src values (null, 'a', 1), (null, 'b', 2)");
    PlanHead head = fixture.plan(deleting());
    assertThat(head.counts().total()).isZero();
    assertThat(head.counts().invalid()).isEqualTo(2);
    assertThat(head.counts().rows()).isEqualTo(4);
    assertThat(invalid(head)).containsExactly("NULL_KEY [null] x1", "NULL_KEY [null] x1");
  }

  @Test
  @DisplayName("P8: keys that are too large for an index are counted and shown")
  void keysThatAreTooLargeAreInvalid() throws SQLException {
    fixture.database.execute(
        "create table large (id text primary key, v int)",
        "insert into large values (repeat('k', 2000), 1), ('short', 2)");
    Sync sync =
        PlanFixture.sync("select id || x as id, v from large, (values ('')) as t (x)", "id");
    fixture.takeAll(fixture.plan(sync));
    fixture.database.execute("insert into large values (repeat('k', 2001), 3)");
    PlanHead head = fixture.plan(sync);
    assertThat(head.counts().total()).isZero();
    assertThat(invalid(head)).containsExactly("KEY_TOO_LARGE [null] x1");
    assertThat(head.counts().rows()).isEqualTo(3);
  }

  @Test
  void keyWithItsProofIsNotCounted() throws SQLException {
    fixture.database.execute(
        "create table proven (id int primary key, v text)",
        "insert into proven select i, 'v' from generate_series(1, 5) i");
    Sync sync = deleting("select id, v from proven");
    fixture.takeAll(fixture.plan(sync));
    fixture.database.execute(
        "delete from proven where id < 3", "insert into proven values (9, 'n')");
    PlanHead head = fixture.plan(sync);
    assertThat(fixture.planned(head))
        .containsExactlyInAnyOrder("REMOVED 1", "REMOVED 2", "ADDED 9");
    assertThat(head.counts().rows()).isEqualTo(4);
  }

  @Test
  @DisplayName("P9: one key, whatever its scale, its blanks and its type among the integers")
  void keysAreKeptInANormalForm() throws SQLException {
    fixture.database.execute(
        "create domain code as numeric(20, 5)",
        "create type colour as enum ('red', 'green')",
        "create table forms (a code, b char(5), c colour, d smallint, v text)",
        "insert into forms values (1.50, 'x', 'red', 1, 'v')");
    Sync sync = PlanFixture.sync("select a, b, c, d, v from forms", "a", "b", "c", "d");
    PlanHead head = fixture.plan(sync);
    assertThat(
            fixture.one(
                "select k0 || '|' || k1 || '|' || k2 || '|' || k3 || '|' || pg_typeof(k0) || pg_typeof(k1) || pg_typeof(k2) || pg_typeof(k3) from "
                    + PlanFixture.table(head)))
        .isEqualTo("1.5|x|red|1|numerictexttextbigint");
    assertThat(head.plan().changeSet().samples().get(0).key().text("b")).isEqualTo("x");
  }

  // --------------------------------------------------------------------------------------- payload

  @Test
  @DisplayName("our tables keep built-in types alone, so the application's can be dropped")
  void planHoldsNoTypeOfTheApplication() throws SQLException {
    fixture.database.execute(
        "create domain d as varchar(5)",
        "create type e as enum ('x')",
        "create type c as (a int, b text)",
        "create collation german (provider = icu, locale = 'de')",
        "create table typed (id int, a d, b e, c c, f e[], g text collate german, h char(3))",
        "insert into typed values (1, 'a', 'x', (1, 'b'), array['x']::e[], 'ä', 'h')");
    PlanHead head = fixture.plan(PlanFixture.sync("select * from typed", "id"));
    assertThat(
            fixture.all(
                "select distinct t.typname || ' ' || t.typnamespace::regnamespace::text from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = 'fulmar_planner.s1_plan_%s'::regclass and t.typnamespace <> 'pg_catalog'::regnamespace"
                    .formatted(head.place())))
        .isEmpty();
    fixture.database.execute(
        "drop table typed", "drop type e, c", "drop domain d", "drop collation german");
    assertThat(fixture.one("select f4 || '|' || octet_length(f5) from " + PlanFixture.table(head)))
        .isEqualTo("ä|3");
  }

  @Test
  @DisplayName(
      "G-13: a row with too many bytes is planned without them, and another limit makes it due")
  void oversizeRowIsPlannedWithoutItsValues() throws SQLException {
    fixture.database.execute("insert into src values (1, repeat('x', 2000), 1), (2, 'b', 2)");
    Sync small =
        PlanFixture.sync(Model.query("rows", "select id, v, n from src").key("id"))
            .maxRowBytes(1_000)
            .build();
    PlanHead head = fixture.plan(small);
    assertThat(
            fixture.all(
                "select k0 || ' ' || oversize || ' ' || coalesce(f2, '-') || ' ' || f1 from %s order by k0"
                    .formatted(PlanFixture.table(head))))
        .containsExactly("1 true - 1", "2 false b 2");
    fixture.takeAll(head);
    assertThat(fixture.plan(small).counts().total()).isZero();
    assertThat(fixture.planned(fixture.plan(deleting()))).containsExactly("CHANGED 1");
  }

  @Test
  void changesOfRememberedColumnsAreCounted() throws SQLException {
    fixture.database.execute(
        "insert into src values (1, 'a', 1.0), (2, 'b', 2), (3, 'c', null), (4, 'd', 4)");
    Sync sync =
        PlanFixture.sync(Model.query("rows", "select id, v, n from src").key("id"))
            .onRemoved(Removal.DELETE)
            .remember("v", "n")
            .build();
    fixture.takeAll(fixture.plan(sync));
    fixture.database.execute(
        "update src set n = 1.00 where id = 1",
        "update src set v = 'x', n = 3 where id = 2",
        "update src set n = 0 where id = 3",
        "delete from src where id = 4");
    PlanHead head = fixture.plan(sync);
    assertThat(head.columns().previous()).isTrue();
    assertThat(head.plan().changeSet().columnChanges())
        .containsEntry("v", 1L)
        .containsEntry("n", 3L);
    assertThat(
            fixture.one(
                "select p0 || '|' || p1 || '|' || p_valued from %s where operation = 'REMOVED'"
                    .formatted(PlanFixture.table(head))))
        .isEqualTo("4|d|true");
    Sync other =
        PlanFixture.sync(Model.query("rows", "select id, v, n from src").key("id"))
            .onRemoved(Removal.DELETE)
            .remember("n")
            .build();
    assertThat(fixture.plan(other).columns().previous()).isFalse();
    PlanHead reset = fixture.plan(other, PlanRequest.of(PlanRequest.Kind.RESET));
    assertThat(reset.counts().total()).as("all rows, to have their values").isEqualTo(3);
  }

  // -------------------------------------------------------------------------------------- requests

  @Test
  void onlyGivenKeysAreLookedAt() throws SQLException {
    accepted(5);
    fixture.database.execute(
        "update src set v = 'x'",
        "delete from src where id in (4, 5)",
        "insert into src values (9, 'i', 9), (10, 'j', 10)");
    PlanRequest request =
        new PlanRequest(
            PlanRequest.Kind.RUN, List.of(List.of("2"), List.of("4"), List.of("9"), List.of("77")));
    PlanHead head = fixture.plan(deleting(), request);
    assertThat(fixture.planned(head))
        .containsExactlyInAnyOrder("CHANGED 2", "REMOVED 4", "ADDED 9");
    assertThat(head.counts().rows()).isEqualTo(2);
    assertThatThrownBy(
            () ->
                fixture.plan(
                    deleting(), new PlanRequest(PlanRequest.Kind.RUN, List.of(List.of("two")))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("what was given is no value of the key (id integer)");
  }

  @Test
  void anotherKeyIsRefusedUntilReset() throws SQLException {
    accepted(3);
    Sync other = PlanFixture.sync("select id, v from src", "v");
    assertThatThrownBy(() -> fixture.plan(other))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("its key was (id integer) and now is (v text)");
    PlanHead reset = fixture.plan(other, PlanRequest.of(PlanRequest.Kind.RESET));
    assertThat(fixture.planned(reset)).containsExactlyInAnyOrder("ADDED a", "ADDED b", "ADDED c");
    assertThat(reset.counts().ignored()).isEqualTo(3);
    PlanHead fill = fixture.plan(other, PlanRequest.of(PlanRequest.Kind.FILL));
    assertThat(fill.counts().firstRemovals()).isEqualTo(3);
  }

  @Test
  @DisplayName("A-10: a state with other keys than were left in it is refused")
  void stateWithOtherKeysIsRefused() throws SQLException {
    accepted(3);
    fixture.database.execute("delete from fulmar_planner.s1_state_0 where k0 = 2");
    assertThatThrownBy(() -> fixture.plan(deleting()))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith(
            "Cannot run crm: its state s1_state_0 has 2 keys, and 3 were left in it");
    assertThat(fixture.plan(deleting(), PlanRequest.of(PlanRequest.Kind.RESET)).counts().total())
        .as("a reset mends it")
        .isEqualTo(1);
  }

  // --------------------------------------------------------------------------------------- session

  @Test
  @DisplayName("P10: a function that may write is refused unless it is allowed")
  void functionThatMayWriteIsRefused() throws SQLException {
    fixture.database.execute(
        "create table written (id int)",
        "create function public.note(i int) returns int language sql volatile as 'insert into written values (i) returning id'",
        "create view noted as select public.note(id) as id, v from src",
        "insert into src values (1, 'a', 1)");
    for (String query :
        List.of("select public.note(id) as id, v from src", "select * from noted")) {
      Sync sync = PlanFixture.sync(query, "id");
      assertThatThrownBy(() -> fixture.plan(sync))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("its model rows calls note(), which is VOLATILE");
    }
    assertThat(fixture.all("select id from written")).isEmpty();
    PlanSettings allowed =
        new PlanSettings(
            PlanSettings.DEFAULT.memoryBytes(), 0, PlanSettings.VolatileFunctions.ALLOWED);
    PlanHead head =
        fixture.plan(
            PlanFixture.sync("select public.note(id) as id, v from src", "id"),
            PlanRequest.RUN,
            allowed);
    assertThat(head.counts().total()).isEqualTo(1);
  }

  @Test
  void volatileFunctionsOfPostgresAreNotRefused() throws SQLException {
    fixture.database.execute("insert into src values (1, 'a', 1)");
    assertThat(
            fixture
                .plan(PlanFixture.sync("select id, v, random() >= 0 as r from src", "id"))
                .counts()
                .total())
        .isEqualTo(1);
  }

  @Test
  @DisplayName("P10: operators and functions of another schema before pg_catalog are not called")
  void searchPathOfTheModelHijacksNothing() throws SQLException {
    fixture.database.execute(
        "create schema evil",
        "create function evil.no(int8, int8) returns boolean language sql immutable as 'select false'",
        "create function evil.yes(int8, int8) returns boolean language sql immutable as 'select true'",
        "create operator evil.= (leftarg = int8, rightarg = int8, function = evil.no)",
        "create operator evil.<> (leftarg = int8, rightarg = int8, function = evil.yes)",
        "insert into src values (1, 'a', 1)");
    Sync sync = PlanFixture.sync("select id::int8 as id, v from public.src", "id");
    fixture.database.execute(
        "alter database %s set search_path = evil, pg_catalog, public"
            .formatted(fixture.database.name()));
    fixture.takeAll(fixture.as(fixture.database.user(), sync));
    PlanHead head = fixture.as(fixture.database.user(), sync);
    assertThat(head.counts().total()).isZero();
    assertThat(head.counts().rows()).isEqualTo(1);
  }

  @Test
  @DisplayName("H-04: rows that row security would hide are an error, not a removal")
  void hiddenRowsAreAnError() throws SQLException {
    accepted(3);
    fixture.database.execute(
        "create role hidden login nosuperuser",
        "grant usage, create on schema fulmar_planner to hidden",
        "grant all on all tables in schema fulmar_planner to hidden",
        "grant select on src to hidden",
        "alter table src enable row level security");
    assertThatThrownBy(() -> fixture.as("hidden", deleting()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("Row security hides rows");
  }

  @Test
  void questionMarksAndBracesOfAModelAreLeftAlone() throws SQLException {
    fixture.database.execute("insert into src values (1, '{\"a\": 1}', 1)");
    PlanHead head =
        fixture.plan(
            PlanFixture.sync(
                "select id, v::jsonb ? 'a' as has, '{d}' as braces from src -- {x} ?", "id"));
    assertThat(fixture.one("select f0 || '|' || f1 from " + PlanFixture.table(head)))
        .isEqualTo("{d}|true");
  }

  @Test
  @DisplayName("H-03: a model that changes settings of the session is refused, so none is left")
  void modelThatChangesSettingsIsRefused() throws SQLException {
    fixture.database.execute(
        "insert into src values (1, 'a', 1)",
        "create function quiet(i int) returns int language plpgsql stable as 'begin perform set_config(''statement_timeout'', ''0'', false); return i; end'");
    assertThatThrownBy(
            () -> fixture.plan(PlanFixture.sync("select quiet(id) as id, v from src", "id")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("its model rows changes settings of the session while it runs");
    assertThatThrownBy(
            () ->
                fixture.plan(
                    PlanFixture.sync(
                        "select id, set_config('app.x', 'y', false) as x from src", "id")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("calls set_config(), which is VOLATILE");
    assertThat(fixture.plan(PlanFixture.sync("select id, v from src", "id")).counts().total())
        .isEqualTo(1);
  }

  @Test
  @DisplayName("a configuration that is read again while a model runs is no doing of the model")
  void configurationThatIsReadAgainIsNoObstacle() throws SQLException {
    fixture.database.execute("alter system set log_autovacuum_min_duration = '3min'");
    try {
      PlanHead head =
          fixture.plan(
              PlanFixture.sync(
                  "select 1 as id where pg_reload_conf() and pg_sleep(0.5) is not null", "id"));
      assertThat(head.counts().total()).isEqualTo(1);
    } finally {
      fixture.database.execute(
          "alter system reset log_autovacuum_min_duration", "select pg_reload_conf()");
    }
  }

  @Test
  @DisplayName("P9, P12: an enum is its label, whatever cast to text an application has made")
  void enumIsItsLabelWhateverCastThereIs() throws SQLException {
    fixture.database.execute(
        "create type mood as enum ('calm', 'glad')",
        "create domain humour as mood",
        "create function shown(mood) returns text language sql immutable as $$ select 'a mood' $$",
        "create cast (mood as text) with function shown(mood)");
    PlanHead head =
        fixture.plan(
            PlanFixture.sync(
                "select m as id, m, m::humour as h, null::mood as n from unnest(enum_range(null::mood)) m",
                "id"));
    assertThat(
            fixture.all(
                "select concat_ws(' ', k0, f0, f1, f2, f3) from %s order by 1"
                    .formatted(PlanFixture.table(head))))
        .containsExactly("calm calm calm calm", "glad glad glad glad");
    head =
        fixture.plan(
            PlanFixture.sync(
                "select row_number() over () as id, m from unnest(enum_range(null::mood)) m",
                "id"));
    assertThat(fixture.all("select hash from " + PlanFixture.table(head)))
        .hasSize(2)
        .doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("G-09: a value that is only stored in another way is the same")
  void anotherWayToStoreAValueChangesNothing() throws SQLException {
    fixture.database.execute("insert into src values (1, repeat('compressible', 20000), 1)");
    fixture.takeAll(fixture.plan(deleting()));
    for (String storage : List.of("external", "main", "plain", "extended")) {
      fixture.database.execute(
          "alter table src alter v set storage " + storage,
          storage.equals("plain") ? "select 1" : "update src set v = v || '' where id = 1");
      assertThat(fixture.plan(deleting()).counts().total()).as(storage).isZero();
    }
  }

  @Test
  @DisplayName("G-10: however the server goes about it, the plan is the same")
  void planDoesNotDependOnHowItIsMade() throws SQLException {
    accepted(3);
    fixture.database.execute(
        "insert into src select i, 'v' || i, i from generate_series(10, 3000) i",
        "delete from src where id = 1",
        "insert into src values (2, 'other', 2), (null, 'n', 1), (77, 'twice', 1)",
        "insert into fulmar_planner.s1_holds (k0, kind, version, attempts, first_at, unsure, until) values (3, 'SKIPPED', 7, 1, 1, true, 0), (5000, 'OPEN', null, 1, 1, true, 0)");
    List<String> planned = fixture.planned(fixture.plan(deleting()));
    planned.sort(null);
    assertThat(planned).hasSize(2_993).contains("REMOVED 1", "REMOVED 5000", "CHANGED 3");
    for (String setting :
        List.of(
            "enable_hashjoin = off",
            "enable_mergejoin = off",
            "enable_hashagg = off",
            "enable_sort = off",
            "parallel_setup_cost = 0; alter database %1$s set parallel_tuple_cost = 0; alter database %1$s set min_parallel_table_scan_size = 0")) {
      fixture.database.execute(
          "alter database %1$s reset all".formatted(fixture.database.name()),
          ("alter database %1$s set " + setting).formatted(fixture.database.name()));
      PlanHead head = fixture.as(fixture.database.user(), deleting());
      List<String> again = fixture.planned(head);
      again.sort(null);
      assertThat(again).as(setting).isEqualTo(planned);
      assertThat(head.counts().invalid()).as(setting).isEqualTo(5);
    }
  }
}
