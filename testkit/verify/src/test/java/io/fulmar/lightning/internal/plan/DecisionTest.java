package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Planned;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.Version;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What SQL decides about a key, held to {@link Rules#decide} and {@link Rules#planned} in every
 * case there is: one key for each combination of what the model has, what was accepted, and what is
 * held, all planned by one statement, under each mode, removal and request.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DecisionTest {
  private static final TestServer POSTGRES = SharedServer.get();
  private static final long LIVE = 100_000;
  private static final Version NEW_ID = new Version(-1, -1);
  private static final Version ID_OF_RUN_7 = new Version(7, 7);
  private static final UUID MOVED_IN = new UUID(8, 8);
  private static final long WAITS_UNTIL = PlanFixture.NOW + 60_000;
  private static final long HAS_WAITED = PlanFixture.NOW - 60_000;

  private PlanFixture fixture;
  private final List<Case> cases = new ArrayList<>();
  private Version versionOfA;
  private Version versionOfB;

  /** One key: what the model has ({@code a}, {@code b} or nothing), and what is remembered. */
  private record Case(@Nullable String row, Memory memory) {}

  /** What a plan says of one key. */
  private record Entry(
      @Nullable Operation operation,
      int effects,
      @Nullable String left,
      boolean again,
      int attempts,
      long firstAt,
      @Nullable Version id,
      @Nullable Long version,
      boolean known,
      boolean gone,
      @Nullable String heldKind,
      boolean heldUnsure,
      @Nullable Long heldVersion,
      long until) {}

  @BeforeAll
  void makeEveryCase() throws SQLException {
    fixture = new PlanFixture(POSTGRES);
    fixture.database.execute(
        "create table src (id int primary key, v text)",
        "insert into src values (1, 'a'), (2, 'b')");
    PlanHead first = fixture.plan(sync(SyncMode.UPSERT, Removal.DELETE));
    List<String> hashes =
        fixture.all("select hash from %s order by k0".formatted(PlanFixture.table(first)));
    versionOfA = new Version(0, Long.parseLong(hashes.get(0)));
    versionOfB = new Version(0, Long.parseLong(hashes.get(1)));
    for (String row : Arrays.asList(null, "a", "b")) {
      for (Memory memory : memories()) {
        if (isLookedAt(memory)) {
          cases.add(new Case(row, memory));
        }
      }
    }
    write();
  }

  @AfterAll
  void close() throws SQLException {
    fixture.close();
  }

  /** Whether there is a key with this memory. */
  boolean isLookedAt(Memory memory) {
    return true;
  }

  /** How many cases there are at least. */
  int leastCases() {
    return 2_900;
  }

  private List<Memory> memories() {
    List<Memory> memories = new ArrayList<>();
    for (Version accepted : Arrays.asList(null, versionOfA, new Version(0, 42))) {
      for (long gone : accepted == null ? new long[] {0} : new long[] {0, 5}) {
        for (long until : new long[] {0, HAS_WAITED, WAITS_UNTIL}) {
          memories.add(new Memory(accepted, gone, null, until));
        }
        for (Version version : Arrays.asList(null, versionOfA, versionOfB, new Version(0, 43))) {
          for (HoldKind kind : HoldKind.values()) {
            for (Version id : Arrays.asList(null, ID_OF_RUN_7, new Version(8, 8))) {
              for (boolean unsure : new boolean[] {false, true}) {
                for (int attempts : new int[] {0, 3}) {
                  Hold hold = new Hold(version, kind, attempts, 11, id, unsure, null);
                  memories.add(new Memory(accepted, gone, hold, attempts == 0 ? 0 : WAITS_UNTIL));
                }
              }
            }
          }
        }
      }
    }
    return memories;
  }

  private void write() throws SQLException {
    fixture.holds("bigint");
    fixture.database.execute(
        "truncate src",
        "create table fulmar_planner.s1_state_0 (k0 int8 primary key, hash int8 not null, gone_since int8)");
    try (Connection connection = fixture.database.connect();
        PreparedStatement src = connection.prepareStatement("insert into src values (?, ?)");
        PreparedStatement state =
            connection.prepareStatement(
                "insert into fulmar_planner.s1_state_0 values (?, ?, nullif(?, 0))");
        PreparedStatement holds =
            connection.prepareStatement(
                "insert into fulmar_planner.s1_holds (k0, kind, version, attempts, first_at, planned_by, planned_as, change_id, unsure, until)"
                    + " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
      connection.setAutoCommit(false);
      for (int id = 0; id < cases.size(); id++) {
        Memory memory = cases.get(id).memory();
        if (cases.get(id).row() != null) {
          src.setInt(1, id);
          src.setString(2, cases.get(id).row());
          src.addBatch();
        }
        Version accepted = memory.accepted();
        if (accepted != null) {
          state.setInt(1, id);
          state.setLong(2, accepted.low());
          state.setLong(3, memory.goneSince());
          state.addBatch();
        }
        if (memory.hold() != null || memory.until() != 0) {
          holds.setInt(1, id);
          hold(holds, memory);
          holds.addBatch();
        }
      }
      src.executeBatch();
      state.executeBatch();
      holds.executeBatch();
      connection.commit();
    }
    fixture.record.generation = 0;
    fixture.record.keys =
        Long.parseLong(
            Objects.requireNonNull(fixture.one("select count(*) from fulmar_planner.s1_state_0")));
    fixture.record.live = LIVE;
    fixture.record.stateColumns = "INT8";
  }

  private static void hold(PreparedStatement holds, Memory memory) throws SQLException {
    Hold hold = memory.hold();
    for (int i = 2; i <= 9; i++) {
      holds.setNull(i, Types.NULL);
    }
    holds.setInt(4, 0);
    holds.setBoolean(9, false);
    if (hold != null) {
      holds.setString(2, hold.kind().name());
      if (hold.version() != null) {
        holds.setLong(3, hold.version().low());
      }
      holds.setInt(4, hold.attempts());
      holds.setLong(5, hold.firstAt());
      if (ID_OF_RUN_7.equals(hold.changeId())) {
        holds.setLong(6, 7);
        holds.setString(7, "ADDED");
      } else if (hold.changeId() != null) {
        holds.setObject(8, MOVED_IN);
      }
      holds.setBoolean(9, hold.unsure());
    }
    holds.setLong(10, memory.until());
  }

  private static Sync sync(SyncMode mode, Removal removal) {
    return PlanFixture.sync(Model.query("rows", "select id, v from src").key("id"))
        .mode(mode)
        .onRemoved(removal)
        .build();
  }

  static List<Rules> everyRule() {
    List<Rules> rules = new ArrayList<>();
    for (SyncMode mode : SyncMode.values()) {
      for (Removal removal : Removal.values()) {
        for (boolean holdsSkipped : new boolean[] {true, false}) {
          rules.add(new Rules(mode, removal, holdsSkipped, 10, Duration.ofHours(24), null));
        }
      }
    }
    return rules;
  }

  @Test
  void fixtureHasEveryCase() {
    assertThat(cases).hasSizeGreaterThanOrEqualTo(leastCases());
    assertThat(versionOfA).isNotEqualTo(versionOfB);
  }

  @ParameterizedTest
  @MethodSource("everyRule")
  @DisplayName("P12: a run plans what the rules say, for every memory")
  void runPlansWhatTheRulesSay(Rules rules) throws SQLException {
    hold(rules, PlanRequest.Kind.RUN);
  }

  @Test
  @DisplayName("P12: a resync plans what the rules say, for every memory")
  void resyncPlansWhatTheRulesSay() throws SQLException {
    hold(everyRule().get(0), PlanRequest.Kind.RESYNC);
  }

  @Test
  @DisplayName("P12: a reset plans what the rules say, for every memory")
  void resetPlansWhatTheRulesSay() throws SQLException {
    hold(everyRule().get(0), PlanRequest.Kind.RESET);
  }

  /** What is filled is cleared before, so nothing is remembered when it is folded. */
  @Test
  @DisplayName("P12: a filling plans every row as if nothing were remembered")
  void fillPlansWhatTheRulesSay() throws SQLException {
    PlanHead head = plan(everyRule().get(0), PlanRequest.Kind.FILL);
    Map<Integer, Entry> found = entries(head);
    for (int id = 0; id < cases.size(); id++) {
      Version source = version(cases.get(id).row());
      assertThat(found.get(id))
          .as("%s", cases.get(id))
          .isEqualTo(
              source == null
                  ? null
                  : expected(everyRule().get(0), PlanRequest.Kind.FILL, source, Memory.NONE));
    }
    long alive =
        cases.stream()
            .filter(c -> c.row() != null && c.memory().accepted() != null && !c.memory().gone())
            .count();
    assertThat(head.counts().firstRemovals()).isEqualTo(LIVE - alive);
  }

  private PlanHead plan(Rules rules, PlanRequest.Kind kind) throws SQLException {
    fixture.record.mode =
        rules.holdsSkipped()
            ? rules.mode()
            : rules.mode() == SyncMode.ALL ? SyncMode.UPSERT : SyncMode.ALL;
    fixture.record.removal = rules.removal();
    return fixture.plan(sync(rules.mode(), rules.removal()), PlanRequest.of(kind));
  }

  private void hold(Rules rules, PlanRequest.Kind kind) throws SQLException {
    PlanHead head = plan(rules, kind);
    Map<Integer, Entry> found = entries(head);
    long[] counts = new long[6];
    for (int id = 0; id < cases.size(); id++) {
      Case one = cases.get(id);
      Version source = version(one.row());
      Entry expected = expected(rules, kind, source, one.memory());
      assertThat(found.get(id)).as("%s under %s", one, rules).isEqualTo(expected);
      count(counts, rules.decide(kind, source, one.memory()), one.memory(), source);
    }
    assertThat(
            List.of(
                head.counts().total(),
                head.counts().held(),
                head.counts().ignored(),
                head.counts().effects(),
                head.counts().firstRemovals(),
                head.counts().rows()))
        .containsExactly(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
    assertThat(head.counts().invalid()).isZero();
  }

  private static void count(
      long[] counts, Rules.Decision decision, Memory memory, @Nullable Version source) {
    counts[0] += decision.planned() != null ? 1 : 0;
    counts[1] += decision.left() == Rules.Left.HELD ? 1 : 0;
    counts[2] += decision.left() == Rules.Left.IGNORED ? 1 : 0;
    counts[3] += decision.effects() != 0 ? 1 : 0;
    Hold hold = memory.hold();
    boolean first = hold == null || (hold.version() != null && !hold.unsure());
    counts[4] += decision.planned() == Operation.REMOVED && first ? 1 : 0;
    counts[5] += source != null ? 1 : 0;
  }

  private @Nullable Version version(@Nullable String row) {
    return row == null ? null : row.equals("a") ? versionOfA : versionOfB;
  }

  /** What a plan must say of a key; null for nothing. */
  private static @Nullable Entry expected(
      Rules rules, PlanRequest.Kind kind, @Nullable Version source, Memory memory) {
    Rules.Decision decision = rules.decide(kind, source, memory);
    Hold hold = memory.hold();
    boolean counted = source == null && hold != null && kind != PlanRequest.Kind.RESYNC;
    if (decision.planned() == null
        && decision.effects() == 0
        && decision.left() == Rules.Left.NOTHING
        && !counted) {
      return null;
    }
    Planned planned =
        decision.planned() == null
            ? null
            : rules.planned(decision, source, memory, NEW_ID, PlanFixture.NOW);
    return new Entry(
        decision.planned(),
        decision.effects(),
        decision.left() == Rules.Left.NOTHING ? null : decision.left().name(),
        decision.again(),
        planned == null ? 0 : planned.attempts(),
        planned == null ? PlanFixture.NOW : planned.firstAt(),
        planned == null ? null : planned.changeId(),
        source == null ? null : source.low(),
        memory.accepted() != null,
        memory.gone(),
        hold == null ? null : hold.kind().name(),
        hold != null && hold.unsure(),
        hold == null || hold.version() == null ? null : hold.version().low(),
        memory.until());
  }

  private Map<Integer, Entry> entries(PlanHead head) throws SQLException {
    Map<Integer, Entry> entries = new LinkedHashMap<>();
    long position = 0;
    int section = 0;
    try (Connection connection = fixture.database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("select * from " + PlanFixture.table(head))) {
      while (rows.next()) {
        String operation = rows.getString("operation");
        // As the rows lie in the table, so that it can be read by pieces.
        if (operation != null) {
          assertThat(rows.getLong("position")).isEqualTo(position++);
        } else {
          assertThat(rows.getObject("position")).isNull();
        }
        int next = section(rows, operation);
        assertThat(next).isGreaterThanOrEqualTo(section);
        section = next;
        assertThat(rows.getString("f0") != null)
            .isEqualTo(operation != null && !operation.equals("REMOVED"));
        entries.put(rows.getInt("k0"), entry(rows, operation));
      }
    }
    assertThat(position).isEqualTo(head.counts().total());
    return entries;
  }

  private static int section(ResultSet rows, @Nullable String operation) throws SQLException {
    return operation == null
        ? 3
        : rows.getLong("until") > PlanFixture.NOW ? 2 : operation.equals("REMOVED") ? 0 : 1;
  }

  private static Entry entry(ResultSet rows, @Nullable String operation) throws SQLException {
    Version id = null;
    if (operation != null) {
      UUID moved = rows.getObject("change_id", UUID.class);
      long plannedBy = rows.getLong("planned_by");
      String plannedAs = rows.getString("planned_as");
      if (moved != null) {
        id = new Version(moved.getMostSignificantBits(), moved.getLeastSignificantBits());
      } else if (plannedBy == PlanFixture.RUN) {
        assertThat(plannedAs).isEqualTo(operation);
        id = NEW_ID;
      } else {
        assertThat(plannedAs).isEqualTo("ADDED");
        id = new Version(plannedBy, plannedBy);
      }
    }
    long version = rows.getLong("hash");
    Long hash = rows.wasNull() ? null : version;
    long held = rows.getLong("hold_version");
    Long heldVersion = rows.wasNull() ? null : held;
    return new Entry(
        operation == null ? null : Operation.valueOf(operation),
        rows.getInt("effects"),
        rows.getString("unplanned"),
        rows.getBoolean("again"),
        rows.getInt("attempts"),
        rows.getLong("first_at"),
        id,
        hash,
        rows.getBoolean("known"),
        rows.getBoolean("gone"),
        rows.getString("hold_kind"),
        rows.getBoolean("hold_unsure"),
        heldVersion,
        rows.getLong("until"));
  }
}
