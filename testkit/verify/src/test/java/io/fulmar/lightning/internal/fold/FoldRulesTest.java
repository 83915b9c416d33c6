package io.fulmar.lightning.internal.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Planned;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.Version;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.state.SyncRecord;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the statements of a fold remember is what {@link Rules} say, for every combination of what
 * can be remembered of a key, what can be planned for it, and what can become of that. Each
 * combination is a key of its own, and all of them are folded at once.
 */
class FoldRulesTest {
  private static final long NOW = 1_700_000_000_000L;
  private static final long PAST = NOW - 1;
  private static final long SOON = NOW + 60_000;
  private static final long LATER = NOW + 120_000;
  private static final long LONG_AGO = NOW - Duration.ofDays(3).toMillis();
  private static final long JUST_NOW = NOW - 1_000;
  private static final Hold.Reason BEFORE = new Hold.Reason("before", "what was said before");
  private static final Hold.Reason SAID = new Hold.Reason("said", "what is said now");
  private static final int RANGE = 1_000;
  private static final Version A = new Version(0, 11);
  private static final Version B = new Version(0, -12);
  private static final Version OWN_ID = new Version(0, 4);
  private static final Version MOVED_ID = new Version(0x1122334455667788L, 0x99aabbccddeeff00L);
  private static final Version NEW_ID = new Version(0, 9);

  private static final TestServer POSTGRES = SharedServer.get();
  private static FoldFixture fixture;

  private static final List<Case> CASES = new ArrayList<>();

  /** What is remembered, planned and answered of one key. */
  private record Case(
      Memory memory,
      @Nullable Planned planned,
      int effects,
      @Nullable Outcome outcome,
      Said said) {}

  /** Where the outcome is found. */
  private enum Said {
    /** The ledger has an answer. */
    ANSWERED,
    /** It has a reservation alone. */
    RESERVED,
    /** It knows nothing of the position. */
    NOTHING
  }

  @BeforeAll
  static void begin() throws SQLException {
    fixture = new FoldFixture(POSTGRES);
    for (Memory memory : memories()) {
      for (Planned planned : planned(memory)) {
        int effects = planned.version() != null && memory.gone() ? Rules.CLEAR_GONE : 0;
        for (Outcome outcome : outcomes()) {
          CASES.add(new Case(memory, planned, effects, outcome, Said.ANSWERED));
        }
        Outcome unknown = new Outcome(Outcome.Kind.UNKNOWN, true, SOON, null);
        CASES.add(new Case(memory, planned, effects, unknown, Said.RESERVED));
        CASES.add(new Case(memory, planned, effects, null, Said.NOTHING));
      }
      for (int effects : effects(memory)) {
        CASES.add(new Case(memory, null, effects, null, Said.NOTHING));
      }
    }
  }

  @AfterAll
  static void end() throws SQLException {
    fixture.close();
    SharedServer.clean();
  }

  private static List<Memory> memories() {
    List<@Nullable Hold> holds = new ArrayList<>();
    holds.add(null);
    for (HoldKind kind : HoldKind.values()) {
      for (Version version : new Version[] {null, A, B}) {
        for (boolean unsure : new boolean[] {false, true}) {
          if (kind == HoldKind.OPEN && unsure) {
            holds.add(new Hold(version, kind, 0, 0, null, true, BEFORE));
          }
          Version id = version == null ? MOVED_ID : OWN_ID;
          holds.add(new Hold(version, kind, 3, LONG_AGO, id, unsure, BEFORE));
        }
      }
    }
    List<Memory> memories = new ArrayList<>();
    for (Hold hold : holds) {
      for (long until : new long[] {0, PAST, SOON}) {
        memories.add(new Memory(null, 0, hold, until));
        memories.add(new Memory(A, 0, hold, until));
        memories.add(new Memory(A, LONG_AGO, hold, until));
      }
    }
    return memories;
  }

  /** As planning has them: attempts and id of the hold where it goes on, and nothing else. */
  private static List<Planned> planned(Memory memory) {
    List<Planned> planned = new ArrayList<>();
    for (Version version : new Version[] {null, A, B}) {
      Operation operation =
          version == null
              ? Operation.REMOVED
              : memory.accepted() == null ? Operation.ADDED : Operation.CHANGED;
      planned.add(new Planned(operation, version, NEW_ID, 0, JUST_NOW));
      Hold hold = memory.hold();
      if (hold != null && Objects.equals(hold.version(), version) && hold.changeId() != null) {
        planned.add(new Planned(operation, version, hold.changeId(), 9, LONG_AGO));
        planned.add(new Planned(operation, version, hold.changeId(), 9, JUST_NOW));
        planned.add(new Planned(operation, version, hold.changeId(), 8, LONG_AGO));
      }
    }
    return planned;
  }

  private static List<Outcome> outcomes() {
    List<Outcome> outcomes = new ArrayList<>();
    for (Outcome.Kind kind : Outcome.Kind.values()) {
      boolean unknown = kind == Outcome.Kind.UNKNOWN || kind == Outcome.Kind.UNKNOWN_ALONE;
      outcomes.add(new Outcome(kind, unknown, 0, null));
      outcomes.add(new Outcome(kind, unknown, LATER, SAID));
      if (!unknown && kind != Outcome.Kind.ACCEPTED) {
        outcomes.add(new Outcome(kind, true, LATER, null));
        outcomes.add(new Outcome(kind, true, PAST, SAID));
      }
    }
    return outcomes;
  }

  /** As planning has them: a key cannot leave that is gone, or is not known. */
  private static Set<Integer> effects(Memory memory) {
    Set<Integer> effects = new TreeSet<>(Set.of(Rules.DROP_HOLD, Rules.FORGET));
    if (memory.gone()) {
      effects.addAll(Set.of(Rules.CLEAR_GONE, Rules.CLEAR_GONE | Rules.DROP_HOLD));
    } else if (memory.accepted() != null) {
      effects.addAll(Set.of(Rules.SET_GONE, Rules.SET_GONE | Rules.DROP_HOLD));
    }
    return effects;
  }

  private static Rules rules(boolean holdsSkipped, @Nullable Duration forgetAfter) {
    return new Rules(
        SyncMode.UPSERT, Removal.DELETE, holdsSkipped, 10, Duration.ofHours(24), forgetAfter);
  }

  @Test
  void combinationsAreThere() {
    assertThat(CASES).hasSizeGreaterThan(20_000);
    assertThat(CASES.stream().map(Case::memory).distinct().count()).isEqualTo(252);
    EnumSet<HoldKind> after = EnumSet.noneOf(HoldKind.class);
    EnumSet<Outcome.Kind> answers = EnumSet.noneOf(Outcome.Kind.class);
    for (Case each : CASES) {
      Hold hold = expected(each, rules(true, null), FoldKind.DELIVERED).hold();
      if (hold != null) {
        after.add(hold.kind());
      }
      if (each.outcome() != null) {
        answers.add(each.outcome().kind());
      }
    }
    assertThat(after).containsExactlyInAnyOrder(HoldKind.values());
    assertThat(answers).containsExactlyInAnyOrder(Outcome.Kind.values());
  }

  @ParameterizedTest
  @CsvSource({
    "DELIVERED, in place, false, 1",
    "DELIVERED, anew, true, 0",
    "INTERRUPTED, in place, true, 0",
    "TAKEN, anew, true, 1",
  })
  @DisplayName("P12: statements remember what the rules say, for every combination")
  void foldRemembersWhatTheRulesSay(FoldKind kind, String way, boolean holdsSkipped, int forgetDays)
      throws SQLException {
    Rules rules = rules(holdsSkipped, forgetDays == 0 ? null : Duration.ofDays(forgetDays));
    write();
    SyncRecord record = record();
    FoldResult result;
    try (Transaction transaction = fixture.begin()) {
      Fold fold =
          way.equals("anew")
              ? new Fold(FoldFixture.TABLES, FoldFixture.SYNC, FoldFixture.MEMORY, 0, 0)
              : new Fold(
                  FoldFixture.TABLES, FoldFixture.SYNC, FoldFixture.MEMORY, Long.MAX_VALUE, 1);
      long planned = CASES.stream().filter(each -> each.planned() != null).count();
      result =
          fold.fold(
              transaction,
              record,
              FoldFixture.head(
                  FoldFixture.columns(Remembered.NOTHING, false), planned, CASES.size() - planned),
              rules,
              kind,
              NOW);
      transaction.commit();
    }
    assertThat(record.generation).isEqualTo(way.equals("anew") ? 1 : 0);
    compare(kind, rules, record);
    assertThat(result).isEqualTo(expectedResult(kind, rules));
    assertThat(fixture.lines("select count(*) from fulmar_planner.s1_ledger")).containsExactly("0");
  }

  private static Memory expected(Case each, Rules rules, FoldKind kind) {
    Memory memory = rules.renew(each.memory());
    Outcome outcome = kind == FoldKind.TAKEN ? Outcome.ACCEPTED : each.outcome();
    if (each.planned() != null && outcome != null) {
      memory = rules.settle(memory, each.planned(), outcome, NOW);
    }
    if (kind != FoldKind.INTERRUPTED) {
      memory = rules.affect(memory, each.effects(), NOW);
    }
    return rules.expire(memory, NOW);
  }

  private static FoldResult expectedResult(FoldKind kind, Rules rules) {
    long quarantined = 0;
    long accepted = 0;
    long unanswered = 0;
    for (Case each : CASES) {
      Outcome outcome = kind == FoldKind.TAKEN ? Outcome.ACCEPTED : each.outcome();
      if (each.planned() == null || outcome == null) {
        continue;
      }
      Hold before = rules.renew(each.memory()).hold();
      Hold after = expected(each, rules, kind).hold();
      boolean was = before != null && before.kind() == HoldKind.QUARANTINED;
      boolean is = after != null && after.kind() == HoldKind.QUARANTINED;
      quarantined += is && !was ? 1 : 0;
      accepted += outcome.kind() == Outcome.Kind.ACCEPTED ? 1 : 0;
      unanswered +=
          outcome.kind() == Outcome.Kind.UNKNOWN || outcome.kind() == Outcome.Kind.UNKNOWN_ALONE
              ? 1
              : 0;
    }
    return new FoldResult(true, quarantined, accepted, unanswered);
  }

  private static SyncRecord record() {
    SyncRecord record = new SyncRecord();
    record.sync = FoldFixture.SYNC;
    record.slot = 1;
    record.generation = 0;
    for (Case each : CASES) {
      record.keys += each.memory().accepted() == null ? 0 : 1;
      record.live += each.memory().accepted() == null || each.memory().gone() ? 0 : 1;
    }
    return record;
  }

  // ---------------------------------------------------------------------------------------- tables

  private static void write() throws SQLException {
    List<String> state = new ArrayList<>();
    List<String> holds = new ArrayList<>();
    List<String> plan = new ArrayList<>();
    List<String> ledger = new ArrayList<>();
    List<String> effects = new ArrayList<>();
    long begin = 0;
    for (int key = 0; key < CASES.size(); key++) {
      Case each = CASES.get(key);
      Memory memory = each.memory();
      if (memory.accepted() != null) {
        state.add(line(key, memory.accepted().low(), memory.gone() ? memory.goneSince() : null));
      }
      if (memory.hold() != null || memory.until() != 0) {
        holds.add(hold(key, memory));
      }
      if (each.planned() == null) {
        effects.add(row(null, key, each));
        continue;
      }
      long position = plan.size();
      plan.add(row(position, key, each));
      boolean reserved = each.said() != Said.NOTHING;
      if (begin < position && (!reserved || position - begin == RANGE)) {
        ledger.add(reservation(ledger, begin, position));
        begin = position;
      }
      begin = reserved ? begin : position + 1;
      if (each.said() == Said.ANSWERED) {
        Outcome outcome = Objects.requireNonNull(each.outcome());
        ledger.add(
            line(
                ledger.size() + 1,
                9,
                position,
                position + 1,
                outcome.kind(),
                outcome.unsure(),
                outcome.until(),
                outcome.reason() == null ? null : outcome.reason().code(),
                outcome.reason() == null ? null : outcome.reason().message()));
      }
    }
    ledger.add(reservation(ledger, begin, plan.size()));
    plan.addAll(effects);
    fixture.plan("", plan);
    fixture.state(0, "", state);
    fixture.holds(holds);
    fixture.ledger(ledger);
  }

  private static String reservation(List<String> ledger, long from, long to) {
    return line(ledger.size() + 1, 9, from, to, null, false, SOON, null, null);
  }

  private static String hold(long key, Memory memory) {
    Hold hold = memory.hold();
    if (hold == null) {
      return line(key, null, null, 0, 0, null, null, null, false, null, null, memory.until());
    }
    return line(
        key,
        hold.kind(),
        hold.version() == null ? null : hold.version().low(),
        hold.attempts(),
        hold.firstAt(),
        plannedBy(hold.changeId()),
        hold.changeId() == null ? null : "ADDED",
        uuid(hold.changeId()),
        hold.unsure(),
        hold.reason() == null ? null : hold.reason().code(),
        hold.reason() == null ? null : hold.reason().message(),
        memory.until());
  }

  private static String row(@Nullable Long position, long key, Case each) {
    Planned planned = each.planned();
    Hold hold = each.memory().hold();
    return line(
        position,
        planned == null ? null : planned.operation(),
        each.effects(),
        key,
        planned == null || planned.version() == null ? null : planned.version().low(),
        false,
        planned != null && planned.attempts() > 0,
        planned == null ? null : planned.attempts(),
        planned == null ? null : planned.firstAt(),
        planned == null ? null : plannedBy(planned.changeId()),
        planned == null ? null : "ADDED",
        planned == null ? null : uuid(planned.changeId()),
        hold == null ? null : hold.kind(),
        hold != null && hold.unsure(),
        hold == null || hold.version() == null ? null : hold.version().low(),
        each.memory().until(),
        each.memory().accepted() != null,
        null,
        null,
        null);
  }

  private static @Nullable Long plannedBy(@Nullable Version id) {
    return id == null || id.high() != 0 ? null : (Long) id.low();
  }

  private static @Nullable String uuid(@Nullable Version id) {
    return id == null || id.high() == 0 ? null : new java.util.UUID(id.high(), id.low()).toString();
  }

  private static String line(@Nullable Object... values) {
    List<String> texts = new ArrayList<>();
    for (Object value : values) {
      texts.add(value == null ? "\\N" : value.toString());
    }
    return String.join("\t", texts);
  }

  // --------------------------------------------------------------------------------------- compare

  private static void compare(FoldKind kind, Rules rules, SyncRecord record) throws SQLException {
    Map<Long, Memory> found = new HashMap<>();
    fixture
        .list(
            """
            select coalesce(a.k0, h.k0), a.hash, a.gone_since, h.kind, h.version, h.attempts,
                   h.first_at, h.planned_by, h.change_id, h.unsure, h.code, h.message, h.until
            from fulmar_planner.s1_state_%s as a
            full join fulmar_planner.s1_holds as h using (k0)"""
                .formatted(record.generation),
            row -> Map.entry(row.getLong(1), memory(row)))
        .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
    long keys = 0;
    long live = 0;
    long until = 0;
    List<String> wrong = new ArrayList<>();
    for (int key = 0; key < CASES.size(); key++) {
      Case each = CASES.get(key);
      Memory expected = expected(each, rules, kind);
      keys += expected.accepted() == null ? 0 : 1;
      live += expected.accepted() == null || expected.gone() ? 0 : 1;
      until = Math.max(until, expected.until());
      Memory actual = found.getOrDefault((long) key, Memory.NONE);
      if (!expected.equals(actual)) {
        wrong.add("%s%n  expected %s%n  found    %s".formatted(each, expected, actual));
      }
    }
    assertThat(wrong.size()).as("wrong ones, first: %s", wrong.stream().limit(5).toList()).isZero();
    assertThat(List.of(record.keys, record.live, record.until)).containsExactly(keys, live, until);
  }

  private static Memory memory(ResultSet row) throws SQLException {
    row.getLong(2);
    Version accepted = row.wasNull() ? null : new Version(0, row.getLong(2));
    String kind = row.getString(4);
    Hold hold = null;
    if (kind != null) {
      row.getLong(5);
      Version version = row.wasNull() ? null : new Version(0, row.getLong(5));
      String code = row.getString(11);
      hold =
          new Hold(
              version,
              HoldKind.valueOf(kind),
              row.getInt(6),
              row.getLong(7),
              id(row),
              row.getBoolean(10),
              code == null ? null : new Hold.Reason(code, row.getString(12)));
    }
    return new Memory(accepted, row.getLong(3), hold, row.getLong(13));
  }

  private static @Nullable Version id(ResultSet row) throws SQLException {
    java.util.UUID moved = row.getObject(9, java.util.UUID.class);
    long plannedBy = row.getLong(8);
    boolean none = row.wasNull();
    if (moved != null) {
      return new Version(moved.getMostSignificantBits(), moved.getLeastSignificantBits());
    }
    return none ? null : new Version(0, plannedBy);
  }
}
