package io.fulmar.lightning.internal.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ChangeSet;
import io.fulmar.Removal;
import io.fulmar.StateException;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.state.SyncRecord;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a fold makes of a state besides what {@link FoldRulesTest} holds it to: its size, what it
 * reads and writes, the values that are remembered, and what it refuses. In the plans here the keys
 * 1 to 9 have versions of their own, and most changes are accepted.
 */
class FoldTest {
  private static final long NOW = 1_700_000_000_000L;
  private static final String NONE = "\\N";
  private static final Rules RULES =
      new Rules(SyncMode.UPSERT, Removal.DELETE, true, 10, Duration.ofDays(1), null);
  private static final TestServer POSTGRES = SharedServer.get();

  private FoldFixture fixture;

  @BeforeEach
  void begin() throws SQLException {
    fixture = new FoldFixture(POSTGRES);
  }

  @AfterEach
  void end() throws SQLException {
    fixture.close();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private static String row(Object... values) {
    List<String> texts = new ArrayList<>();
    for (Object value : values) {
      texts.add(value.toString());
    }
    return String.join("\t", texts);
  }

  private static String change(
      long position, String operation, long key, Object hash, boolean oversize, Object email) {
    return row(
        position,
        operation,
        0,
        key,
        hash,
        oversize,
        "f",
        0,
        5,
        9,
        operation,
        NONE,
        NONE,
        "f",
        NONE,
        0,
        !operation.equals("ADDED"),
        email,
        key,
        "plan " + key);
  }

  private static SyncRecord record(Integer generation, long keys, String remembered) {
    SyncRecord record = new SyncRecord();
    record.sync = FoldFixture.SYNC;
    record.slot = 1;
    record.generation = generation;
    record.keys = keys;
    record.live = keys;
    record.remembered = remembered;
    return record;
  }

  private FoldResult fold(Fold fold, SyncRecord record, PlanHead head, FoldKind kind)
      throws SQLException {
    try (Transaction transaction = fixture.begin()) {
      FoldResult result = fold.fold(transaction, record, head, RULES, kind, NOW);
      transaction.commit();
      return result;
    }
  }

  private static Fold inPlace() {
    return new Fold(FoldFixture.TABLES, FoldFixture.SYNC, FoldFixture.MEMORY, Long.MAX_VALUE, 1);
  }

  private static Fold anew() {
    return new Fold(FoldFixture.TABLES, FoldFixture.SYNC, FoldFixture.MEMORY, 0, 0);
  }

  private static Fold fold(String way) {
    return way.equals("anew") ? anew() : inPlace();
  }

  private void accepted(long from, long to) throws SQLException {
    fixture.ledger(List.of(row(1, 9, from, to, "ACCEPTED", "f", 0, NONE, NONE)));
  }

  @Test
  void firstFoldMakesAStateOfFewBytes() throws SQLException {
    fixture.plan("", List.of());
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_plan_0
        select g, 'ADDED', 0, g * 3, hashint8extended(g, 1), false, false, 0, 5, 9, 'ADDED', null,
               null, false, null, 0, false, 'mail ' || g, g, 'pro'
        from generate_series(0, 99999) g""");
    accepted(0, 99_000);
    SyncRecord record = record(null, 0, null);
    FoldResult result =
        fold(
            inPlace(),
            record,
            FoldFixture.head(FoldFixture.columns(Remembered.NOTHING, false), 100_000, 0),
            FoldKind.DELIVERED);
    assertThat(result).isEqualTo(new FoldResult(true, 0, 99_000, 0));
    assertThat(List.of(record.generation, record.keys, record.live, record.until))
        .containsExactly(0, 99_000L, 99_000L, 0L);
    assertThat(
            fixture.lines(
                """
                select c.reltuples, c.reloptions, obj_description(c.oid),
                       pg_get_constraintdef(k.oid), (select count(*) from fulmar_planner.state_of_crm)
                from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
                where c.oid = 'fulmar_planner.s1_state_0'::regclass"""))
        .containsExactly(
            "99000 {fillfactor=90} Fulmar, format 1: sync crm: the version of each key that the destination accepted last PRIMARY KEY (k0) 99000");
    long bytes =
        Long.parseLong(
            fixture.lines("select pg_table_size('fulmar_planner.s1_state_0') / 99000").get(0));
    assertThat(bytes).isBetween(40L, 64L);
  }

  @ParameterizedTest
  @CsvSource({"10001, 4MB, 128MB", "10001, 1GB, 1GB", "10000, 4MB, 4MB"})
  @DisplayName("P6: the index of a large state is sorted in memory, for one transaction")
  void indexOfALargeStateHasMemory(int keys, String before, String during) throws SQLException {
    fixture.plan("", List.of());
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_plan_0
        select g, 'ADDED', 0, g, g, false, false, 0, 5, 9, 'ADDED', null,
               null, false, null, 0, false, 'mail ' || g, g, 'pro'
        from generate_series(0, %s - 1) g"""
            .formatted(keys));
    accepted(0, keys);
    SyncRecord record = record(null, 0, null);
    PlanHead head = FoldFixture.head(FoldFixture.columns(Remembered.NOTHING, false), keys, 0);
    try (Transaction transaction = fixture.begin()) {
      String show = "select current_setting('maintenance_work_mem')";
      transaction.execute("set local maintenance_work_mem = '" + before + "'");
      inPlace().fold(transaction, record, head, RULES, FoldKind.DELIVERED, NOW);
      assertThat(transaction.list(show, row -> row.getString(1))).containsExactly(during);
      transaction.commit();
    }
    assertThat(record.keys).isEqualTo(keys);
  }

  @Test
  @DisplayName("P6: what the delta scan found is looked up in the state, which is not read whole")
  void foldOfADeltaScanLooksKeysUp() throws SQLException {
    fixture.state(0, "", List.of());
    fixture.place.execute(
        "insert into fulmar_planner.s1_state_0 select g, g from generate_series(1, 300000) g",
        "analyze fulmar_planner.s1_state_0");
    fixture.plan("", List.of());
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_plan_0
        select g, 'CHANGED', 0, g * 97 + 1, -g, false, false, 0, 5, 9, 'CHANGED', null,
               null, false, null, 0, true, 'mail ' || g, g, 'pro'
        from generate_series(0, 2999) g""");
    accepted(0, 3_000);
    SyncRecord record = record(0, 300_000, "");
    PlanHead.Columns columns = FoldFixture.columns(Remembered.NOTHING, false);
    ChangeSet.Way way = new ChangeSet.Way(ChangeSet.Way.Kind.DELTA, "3,000 rows were written");
    try (Transaction transaction = fixture.begin()) {
      PlanHead head = FoldFixture.head(columns, 3_000, 0, way);
      FoldResult result = inPlace().fold(transaction, record, head, RULES, FoldKind.DELIVERED, NOW);
      assertThat(result.accepted()).isEqualTo(3_000);
      assertThat(
              transaction.list(
                  "select seq_scan || ' ' || n_tup_upd from pg_stat_xact_user_tables where relname = 's1_state_0'",
                  row -> row.getString(1)))
          .containsExactly("0 3000");
    }
  }

  /** What the destination said of four additions, as lines of a ledger. */
  private static List<String> answers(String what) {
    return switch (what) {
      case "all" ->
          List.of(
              row(1, 9, 0, 4, NONE, "f", NOW + 9, NONE, NONE),
              row(2, 9, 0, 3, "ACCEPTED", "f", 0, NONE, NONE),
              row(3, 9, 3, 4, "ACCEPTED", "f", 0, NONE, NONE));
      case "all, one late" ->
          List.of(
              row(1, 9, 0, 3, "ACCEPTED", "f", 0, NONE, NONE),
              row(2, 9, 3, 4, "ACCEPTED", "f", NOW + 9, NONE, NONE));
      case "one rejected" ->
          List.of(
              row(1, 9, 0, 3, "ACCEPTED", "f", 0, NONE, NONE),
              row(2, 9, 3, 4, "REJECTED", "f", 0, "code", "message"));
      case "one without an answer" ->
          List.of(
              row(1, 9, 0, 4, NONE, "f", NOW + 9, NONE, NONE),
              row(2, 9, 0, 1, "ACCEPTED", "f", 0, NONE, NONE),
              row(3, 9, 2, 4, "ACCEPTED", "f", 0, NONE, NONE));
      case "none" -> List.of();
      default -> throw new IllegalArgumentException(what);
    };
  }

  private List<String> afterFold(PlanHead.Columns columns, String ledger, FoldKind kind)
      throws SQLException {
    fixture.ledger(answers(ledger));
    SyncRecord record = record(null, 0, null);
    FoldResult result = fold(inPlace(), record, FoldFixture.head(columns, 4, 0), kind);
    return after(result, record);
  }

  private List<String> after(FoldResult result, SyncRecord record) throws SQLException {
    List<String> after = new ArrayList<>(List.of(result.toString()));
    after.add(record.generation + " " + record.keys + " " + record.live + " " + record.until);
    after.addAll(state(record, "k0, hash, gone_since"));
    after.addAll(fixture.lines("select h.* from fulmar_planner.s1_holds h order by k0"));
    return after;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"all", "all, one late", "one rejected", "one without an answer", "none", "taken"})
  @DisplayName("P1, P2, P3: a first plan is folded as any other plan of additions would be")
  void firstPlansAreFoldedAsOthersAre(String what) throws SQLException {
    FoldKind kind = what.equals("taken") ? FoldKind.TAKEN : FoldKind.DELIVERED;
    String ledger = what.equals("taken") ? "none" : what;
    List<String> rows = new ArrayList<>();
    List<String> narrow = new ArrayList<>();
    for (long i = 0; i < 4; i++) {
      rows.add(change(i, "ADDED", 10 * i, i + 70, false, "mail"));
      narrow.add(row(i, 10 * i, i + 70, "f", "mail", 10 * i, "plan"));
    }
    fixture.plan("", rows);
    PlanHead.Columns columns = FoldFixture.columns(Remembered.NOTHING, false);
    List<String> expected = afterFold(columns, ledger, kind);
    fixture.close();
    fixture = new FoldFixture(POSTGRES);
    fixture.firstPlan(narrow);

    List<String> found = afterFold(FoldFixture.firstColumns(), ledger, kind);

    // When it was planned: at the time of its head, which is 0, or at 5, as the rows above say.
    assertThat(found.stream().map(line -> line.replaceFirst(" 0 9 ADDED ", " 5 9 ADDED ")))
        .containsExactlyElementsOf(expected);
    assertThat(found.get(0))
        .startsWith(
            "FoldResult[moved=true, newlyQuarantined=0, accepted=%s,"
                .formatted(what.equals("none") ? 0 : what.startsWith("one") ? 3 : 4));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "in place | all",
        "in place | all, one late",
        "in place | one rejected",
        "in place | one without an answer",
        "in place | none",
        "anew | all",
        "anew | one rejected",
        "anew | none"
      })
  @DisplayName("P1, P3: a state that was made before the answers comes to what a fold alone makes")
  void preparedStateComesToTheSame(String way, String what) throws SQLException {
    List<String> rows = new ArrayList<>();
    for (long i = 0; i < 4; i++) {
      rows.add(row(i, 10 * i, i + 70, "f", "mail", 10 * i, "plan"));
    }
    fixture.firstPlan(rows);
    PlanHead head = FoldFixture.head(FoldFixture.firstColumns(), 4, 0);
    List<String> expected = afterFold(head.columns(), what, FoldKind.DELIVERED);
    fixture.close();
    fixture = new FoldFixture(POSTGRES);
    fixture.firstPlan(rows);
    prepare(head);
    prepare(head); // the answer to a commit was lost
    String prepared = fixture.lines("select 'fulmar_planner.s1_state_0'::regclass::oid").get(0);
    fixture.ledger(answers(what));
    SyncRecord record = record(null, 0, null);

    FoldResult result;
    try (Transaction transaction = fixture.begin()) {
      result = fold(way).fold(transaction, record, head, RULES, FoldKind.DELIVERED, NOW, true);
      transaction.commit();
    }

    assertThat(after(result, record)).containsExactlyElementsOf(expected);
    boolean taken = way.equals("in place") || what.equals("all");
    assertThat(
            fixture.lines("select 'fulmar_planner.s1_state_0'::regclass::oid").contains(prepared))
        .isEqualTo(taken);
  }

  private void prepare(PlanHead head) throws SQLException {
    try (Transaction transaction = fixture.begin()) {
      inPlace().prepare(transaction, head);
      transaction.commit();
    }
  }

  @Test
  @DisplayName("P1: no state is made of a plan that somebody has written to")
  void noStateIsPreparedOfAnotherPlan() throws SQLException {
    fixture.firstPlan(List.of(row(0, 1, 70, "f", "mail", 1, "plan")));
    PlanHead head = FoldFixture.head(FoldFixture.firstColumns(), 2, 0);

    assertThatThrownBy(() -> prepare(head))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot make the state of crm beforehand: its plan has 1 changes instead of 2. [sync=crm run=9]");
  }

  @Test
  @DisplayName("a state that nobody has taken and somebody reads is not in the way of another")
  void stateThatIsReadIsLeftAlone() throws SQLException {
    fixture.firstPlan(List.of(row(0, 1, 70, "f", "mail", 1, "plan")));
    PlanHead head = FoldFixture.head(FoldFixture.firstColumns(), 1, 0);
    prepare(head);
    accepted(0, 1);
    SyncRecord record = record(null, 0, null);
    try (Transaction dump = fixture.begin()) {
      dump.update("lock table fulmar_planner.s1_state_0 in access share mode");

      fold(inPlace(), record, head, FoldKind.DELIVERED);
    }

    assertThat(record.generation).isEqualTo(1);
    assertThat(state(record, "k0, hash")).containsExactly("1 70");
    assertThat(inPlace().unneeded(record.generation)).containsExactly("s1_state_0");
  }

  @Test
  void nothingIsWrittenWhereNothingIsPlanned() throws SQLException {
    fixture.state(1, "", List.of(row(1, 11, NONE)));
    SyncRecord record = record(1, 1, "");
    try (Transaction transaction = fixture.begin()) {
      FoldResult result =
          inPlace()
              .fold(
                  transaction,
                  record,
                  FoldFixture.head(FoldFixture.columns(FoldFixture.EMAIL, false), 0, 0),
                  RULES,
                  FoldKind.DELIVERED,
                  NOW);
      assertThat(result.moved()).isFalse();
      assertThat(
              transaction.list(
                  "select pg_current_xact_id_if_assigned()::text", row -> row.getString(1)))
          .containsExactly((String) null);
    }
    assertThat(record.generation).isEqualTo(1);
    assertThat(record.remembered).isEmpty();
  }

  // -------------------------------------------------------------------------------- remembered

  private List<String> state(SyncRecord record, String columns) throws SQLException {
    return fixture.lines(
        "select %s from fulmar_planner.s1_state_%s order by k0"
            .formatted(columns, record.generation));
  }

  @ParameterizedTest
  @ValueSource(strings = {"in place", "anew"})
  void acceptedValuesTakeThePlaceOfThoseBefore(String way) throws SQLException {
    fixture.state(
        0,
        ", r0 text, valued bool not null",
        List.of(
            row(1, 11, NONE, "one", "t"),
            row(2, 12, NONE, "two", "t"),
            row(3, 13, NONE, "three", "t"),
            row(4, 14, NONE, NONE, "f"),
            row(5, 15, NONE, NONE, "t")));
    fixture.plan(
        ", p0 text, p_valued bool",
        List.of(
            change(0, "REMOVED", 1, NONE, false, NONE) + "\tone\tt",
            change(1, "CHANGED", 2, 22, false, "TWO") + "\ttwo\tt",
            change(2, "CHANGED", 4, 24, false, NONE) + "\t\\N\tf",
            change(3, "ADDED", 6, 26, false, "SIX") + "\t\\N\t\\N",
            change(4, "CHANGED", 3, 23, false, "THREE") + "\tthree\tt"));
    accepted(0, 4);
    SyncRecord record = record(0, 5, "email\ttext");
    FoldResult result =
        fold(
            fold(way),
            record,
            FoldFixture.head(FoldFixture.columns(FoldFixture.EMAIL, true), 5, 0),
            FoldKind.DELIVERED);
    assertThat(result.accepted()).isEqualTo(4);
    assertThat(state(record, "k0, hash, r0, valued"))
        .containsExactly("2 22 TWO t", "3 13 three t", "4 24 null t", "5 15 null t", "6 26 SIX t");
    assertThat(fixture.lines("select count(*) from fulmar_planner.s1_holds")).containsExactly("0");
    assertThat(record.keys).isEqualTo(5);
  }

  @Test
  void otherColumnsAreRememberedFromTheNextAcceptanceOn() throws SQLException {
    fixture.state(
        0,
        ", r0 text, valued bool not null",
        List.of(row(1, 11, NONE, "one", "t"), row(2, 12, 7, "two", "t")));
    fixture.plan("", List.of(change(0, "CHANGED", 1, 21, false, "ONE")));
    accepted(0, 1);
    SyncRecord record = record(0, 2, "email\ttext");
    record.live = 1;
    PlanHead.Columns columns = FoldFixture.columns(FoldFixture.PLAN, false);
    fold(inPlace(), record, FoldFixture.head(columns, 1, 0), FoldKind.DELIVERED);
    assertThat(state(record, "k0, hash, gone_since, r0, valued"))
        .containsExactly("1 21 null plan 1 t", "2 12 7 null f");
    assertThat(List.of(record.generation, record.keys, record.live)).containsExactly(1, 2L, 1L);
    assertThat(record.remembered).isEqualTo(columns.rememberedText()).startsWith("plan");
    assertThat(
            fixture.lines(
                "select id, plan, gone_since at time zone 'UTC' from fulmar_planner.state_of_crm order by 1"))
        .containsExactly("1 plan 1 null", "2 null 1970-01-01 00:00:00.007");
  }

  @Test
  void nothingIsRememberedAnyMore() throws SQLException {
    fixture.state(1, ", r0 text, valued bool not null", List.of(row(1, 11, NONE, "one", "t")));
    fixture.plan("", List.of(change(0, "ADDED", 2, 22, false, "TWO")));
    accepted(0, 1);
    SyncRecord record = record(1, 1, "email\ttext");
    fold(
        inPlace(),
        record,
        FoldFixture.head(FoldFixture.columns(Remembered.NOTHING, false), 1, 0),
        FoldKind.DELIVERED);
    assertThat(state(record, "*")).containsExactly("1 11 null", "2 22 null");
    assertThat(record.remembered).isEmpty();
  }

  @Test
  void rowThatIsTooLargeToBeReadHasNoValues() throws SQLException {
    fixture.plan(
        "", List.of(change(0, "ADDED", 1, 21, true, NONE), change(1, "ADDED", 2, 22, false, NONE)));
    SyncRecord record = record(null, 0, null);
    fold(
        inPlace(),
        record,
        FoldFixture.head(FoldFixture.columns(FoldFixture.EMAIL, false), 2, 0),
        FoldKind.TAKEN);
    assertThat(state(record, "k0, hash, r0, valued")).containsExactly("1 21 null f", "2 22 null t");
  }

  // --------------------------------------------------------------------------------- tampering

  @ParameterizedTest
  @ValueSource(strings = {"in place", "anew"})
  @DisplayName("A-10: a state that somebody else has written to is not folded over")
  void stateThatOthersHaveWrittenToIsRefused(String way) throws SQLException {
    // One that is changed is missing; a new state would have it again, so there it is another one.
    int missing = way.equals("anew") ? 4 : 2;
    List<String> left = new ArrayList<>();
    for (int key = 1; key <= 4; key++) {
      if (key != missing) {
        left.add(row(key, 10 + key, NONE));
      }
    }
    fixture.state(0, "", left);
    fixture.plan(
        "",
        List.of(change(0, "CHANGED", 1, 21, false, "x"), change(1, "CHANGED", 2, 22, false, "x")));
    accepted(0, 2);
    SyncRecord record = record(0, 4, null);
    assertThatThrownBy(
            () ->
                fold(
                    fold(way),
                    record,
                    FoldFixture.head(FoldFixture.columns(Remembered.NOTHING, false), 2, 0),
                    FoldKind.DELIVERED))
        .isInstanceOf(StateException.class)
        .hasMessage(
            "Cannot move the state of crm forward: it is not the one that its plan was made under, so somebody else has written to it. Restore the planner schema, or forget the sync and initialise it. [sync=crm run=9]");
    assertThat(fixture.lines("select hash from fulmar_planner.s1_state_0 order by 1"))
        .hasSize(3)
        .doesNotContain("21", "22");
    assertThat(fixture.lines("select count(*) from fulmar_planner.s1_ledger")).containsExactly("1");
  }

  // ----------------------------------------------------------------------------------- release

  @Test
  @DisplayName("P3: what is released comes back without attempts")
  void releasedChangesComeBack() throws SQLException {
    List<String> holds = new ArrayList<>();
    for (String kind : List.of("QUARANTINED", "SKIPPED", "REJECTED", "OPEN")) {
      long key = holds.size() + 1;
      holds.add(row(key, kind, 5, 3, 77, 9, "ADDED", NONE, "t", "code", "message", 0));
    }
    fixture.holds(holds);
    try (Transaction transaction = fixture.begin()) {
      List<ColumnKind> kinds = List.of(ColumnKind.INT4);
      assertThat(Release.key(transaction, FoldFixture.TABLES, kinds, List.of("1"))).isEqualTo(1);
      assertThat(Release.key(transaction, FoldFixture.TABLES, kinds, List.of("3"))).isZero();
      assertThat(Release.all(transaction, FoldFixture.TABLES)).isEqualTo(1);
      transaction.commit();
    }
    assertThat(
            fixture.lines(
                "select k0, kind, attempts, first_at, planned_by, unsure from fulmar_planner.s1_holds order by 1"))
        .containsExactly(
            "1 REJECTED 0 77 9 t", "2 REJECTED 0 77 9 t", "3 REJECTED 3 77 9 t", "4 OPEN 3 77 9 t");
  }

  // ----------------------------------------------------------------------------------- explain

  @Test
  @DisplayName("P6: a fold of some keys looks them up, and reads no state of a million whole")
  void foldOfSomeKeysLooksThemUp() throws SQLException {
    fixture.state(0, "", List.of());
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_state_0
        select g, g, case when g % 1000 = 0 then 5 end from generate_series(1, 1000000) g""",
        """
        insert into fulmar_planner.s1_holds
        select g, 'REJECTED', 5, 1, 1, 9, 'ADDED', null, false, 'c', 'm', 0
        from generate_series(1, 100000) g""",
        "analyze fulmar_planner.s1_state_0, fulmar_planner.s1_holds");
    fixture.plan("", List.of());
    fixture.place.execute(
        """
        insert into fulmar_planner.s1_plan_0
        select case when g < 2000 then g end,
               case when g < 2000 then (array['ADDED', 'CHANGED', 'REMOVED'])[1 + g % 3] end,
               case when g < 2000 then 0 else 1 + g % 15 end, g * 400, g, false, false, 0, 5, 9,
               'ADDED', null, null, false, null, 0, g % 3 > 0, 'mail', g, 'pro'
        from generate_series(0, 2199) g""");
    List<String> ledger = new ArrayList<>();
    ledger.add(row(1, 9, 0, 1_900, "ACCEPTED", "f", 0, NONE, NONE));
    for (int i = 0; i < 50; i++) {
      ledger.add(row(i + 2, 9, 1_900 + i, 1_901 + i, "REJECTED", "f", 0, "code", "message"));
    }
    fixture.ledger(ledger);
    FoldParts parts =
        new FoldParts(
            FoldFixture.TABLES,
            FoldFixture.head(FoldFixture.columns(Remembered.NOTHING, false), 2_000, 200),
            OutcomeParts.ofLedger(FoldFixture.TABLES, NOW),
            NOW);
    parts.state(0);
    SqlPart all = ColumnExpression.number(15);
    List<String> statements =
        List.of(
            parts.of(FoldSql.REMOVE),
            parts.of(FoldSql.FORGET),
            parts.of(FoldSql.RETURN, "effects", all),
            parts.of(FoldSql.CHANGE),
            parts.of(FoldSql.ADD),
            parts.of(FoldSql.LEAVE),
            parts.settle(RULES),
            parts.of(HoldSql.LATE),
            parts.of(HoldSql.BARE),
            parts.of(HoldSql.DROP, "condition", parts.byAcceptance()),
            parts.of(HoldSql.BLANKEN, "condition", HoldSql.BY_EFFECT));
    int found = 0;
    try (Transaction transaction = fixture.begin()) {
      transaction.update(parts.of(FoldSql.ANALYZE_PLAN));
      for (String statement : statements) {
        List<String> plan =
            transaction.list("explain (costs off) " + statement, row -> row.getString(1));
        assertThat(plan).as(statement).noneMatch(line -> line.contains("Seq Scan on s1_state"));
        found += plan.stream().anyMatch(line -> line.contains("_pkey")) ? 1 : 0;
      }
    }
    assertThat(found).isGreaterThan(6);
  }
}
