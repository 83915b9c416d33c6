package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.Reference5a;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A table changes at random, and both engines follow it, each with a destination that answers a
 * change by its key and round alone: so they must send the same changes, with the same rows and as
 * the same attempts, and those must be the ones that the reference gives. Values are nearly equal,
 * keys have two columns, are NULL or ambiguous now and then, mode and removal change.
 */
@DisplayName("P12: both engines agree, and with section 5a")
class AgreementTest {
  private static final int ROUNDS = 12;
  private static final int QUARANTINE = 3;

  /** Near-equal values of each column, as SQL. */
  private static final Map<String, List<String>> VALUES =
      new TreeMap<>(
          Map.of(
              "amount", List.of("null", "1.0", "1.00", "-1", "'NaN'", "1e30"),
              "name", List.of("null", "''", "'a'", "'A'", "'a '", "repeat('x', 3000)"),
              "doc", List.of("null", "'{}'", "'{\"a\": 1}'", "'{\"a\": 1.0}'", "'null'"),
              "at", List.of("null", "'2024-03-10 02:30+00'", "'infinity'", "'0044-03-15 BC'"),
              "tags", List.of("null", "'{}'", "'{null}'", "'{NULL,\"NULL\"}'", "'[2:3]={a,b}'"),
              "ratio", List.of("null", "0.0", "'-0'", "'nan'", "1e-300", "0.1"),
              "span", List.of("null", "'1 month'", "'30 days'", "'720 hours'")));

  private static final List<String> COLUMNS = new ArrayList<>(List.of("id", "part"));

  private static TestPostgres postgres;

  @TempDir Path state;

  static {
    COLUMNS.addAll(VALUES.keySet());
  }

  @BeforeAll
  static void start() {
    postgres = TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @Test
  void sameChangesArePlanned() throws Exception {
    play(Long.getLong("fulmar.seed", System.nanoTime()));
  }

  @Test
  @Tag("soak")
  void sameChangesArePlannedInManyHistories() throws Exception {
    long first = Long.getLong("fulmar.seed", System.nanoTime());
    for (int i = 0; i < Integer.getInteger("fulmar.histories", 200); i++) {
      play(first + i);
    }
  }

  private void play(long seed) throws Exception {
    System.out.println("AgreementTest: -Dfulmar.seed=" + seed);
    TestDatabase database = postgres.createDatabase();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      new Play(seed, database, statement, state.resolve(Long.toString(seed))).play();
    } catch (AssertionError e) {
      throw new AssertionError("-Dfulmar.seed=" + seed + ": " + e.getMessage(), e);
    } finally {
      database.drop();
    }
  }

  /** One history. */
  private static final class Play {
    private static final String NULL = "NULL";

    private final long seed;
    private final Random random;
    private final TestDatabase database;
    private final Statement statement;
    private final Source source;
    private final Path state;
    private final Map<EngineUnderTest, RecordingDestination> destinations =
        new EnumMap<>(EngineUnderTest.class);
    private final Map<String, Remembered> memory = new TreeMap<>();
    private int round;
    private int changes;
    private SyncMode mode = SyncMode.UPSERT;
    private Removal removal = Removal.DELETE;

    Play(long seed, TestDatabase database, Statement statement, Path state) {
      this.seed = seed;
      this.random = new Random(seed);
      this.database = database;
      this.statement = statement;
      this.state = state;
      this.source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user(database.user())
              .withoutTls()
              .build();
    }

    void play() throws SQLException {
      statement.execute("set TimeZone = 'UTC'");
      statement.execute(
          """
          create table thing (id numeric, part text, amount numeric, name text, doc jsonb,
            at timestamptz, tags text[], ratio float8, span interval)
          """);
      for (EngineUnderTest kind : EngineUnderTest.values()) {
        kind.prepare(database);
        RecordingDestination destination = RecordingDestination.of("test:" + kind);
        destination.verdicts(
            change ->
                switch (call(key(change.key()))) {
                  case REJECTED -> new Verdict.Rejected("NO", "no", Verdict.Retry.NEXT_RUN);
                  case SKIPPED -> new Verdict.Skipped();
                  default -> new Verdict.Accepted();
                });
        destinations.put(kind, destination);
      }
      for (round = 1; round <= ROUNDS; round++) {
        edit(3 + random.nextInt(12));
        round();
      }
      assertThat(changes).as("changes in all").isGreaterThan(ROUNDS);
    }

    private void edit(int edits) throws SQLException {
      for (int i = 0; i < edits; i++) {
        String id = Integer.toString(random.nextInt(5));
        String part = "'p" + random.nextInt(3) + "'";
        int dice = random.nextInt(100);
        if (dice < 5) {
          id = "null";
        }
        if (dice < 60 || dice >= 90) {
          String where = "id = %s and part = %s".formatted(id, part);
          statement.execute("delete from thing where " + where);
        }
        if (dice < 80) {
          List<String> values = new ArrayList<>(List.of(id, part));
          VALUES.values().forEach(of -> values.add(of.get(random.nextInt(of.size()))));
          statement.execute(
              "insert into thing (%s) values (%s)"
                  .formatted(String.join(", ", COLUMNS), String.join(", ", values)));
        } else if (dice < 90) {
          String column = new ArrayList<>(VALUES.keySet()).get(random.nextInt(VALUES.size()));
          List<String> of = VALUES.get(column);
          statement.execute(
              "update thing set %s = %s where id = %s and part = %s"
                  .formatted(column, of.get(random.nextInt(of.size())), id, part));
        }
      }
    }

    /** The rows by key; a key with two is ambiguous, and one with a NULL is none. */
    private Map<String, String> versions() throws SQLException {
      Map<String, String> versions = new HashMap<>();
      List<String> texts = COLUMNS.stream().map(column -> column + "::text").toList();
      try (ResultSet row =
          statement.executeQuery("select %s from thing".formatted(String.join(", ", texts)))) {
        while (row.next()) {
          List<String> values = new ArrayList<>();
          for (int i = 1; i <= COLUMNS.size(); i++) {
            values.add(told(row.getString(i)));
          }
          if (!values.get(0).equals(NULL)) {
            versions.merge(
                values.get(0) + "/" + values.get(1),
                values.toString(),
                (one, other) -> Reference5a.AMBIGUOUS);
          }
        }
      }
      return versions;
    }

    private void round() throws SQLException {
      SyncMode modeBefore = mode;
      Removal removalBefore = removal;
      if (random.nextInt(4) == 0) {
        mode = random.nextInt(3) == 0 ? SyncMode.INSERT : SyncMode.UPSERT;
        removal = random.nextInt(3) == 0 ? Removal.IGNORE : Removal.DELETE;
      }
      boolean changed = round > 1 && (mode != modeBefore || removal != removalBefore);
      Reference5a reference =
          new Reference5a(new Settings(mode, removal, changed, QUARANTINE, 0, 0));
      Map<String, String> versions = versions();
      TreeSet<String> keys = new TreeSet<>(versions.keySet());
      keys.addAll(memory.keySet());
      TreeSet<String> expected = new TreeSet<>();
      for (String key : keys) {
        Remembered before = memory.getOrDefault(key, Remembered.NOTHING);
        String version = versions.get(key);
        Step step = reference.plan(version, before);
        if (step.operation() != null) {
          String row = step.operation() == Operation.REMOVED ? "" : " " + version;
          expected.add("%s %s #%d%s".formatted(step.operation(), key, step.attempts() + 1, row));
        }
        String id = step.id() == null ? key + "@" + round : step.id();
        memory.put(key, reference.fold(before, step, id, List.of(call(key)), 0, round));
      }
      changes += expected.size();
      for (Map.Entry<EngineUnderTest, RecordingDestination> each : destinations.entrySet()) {
        SyncReport report;
        try (SyncEngine engine = each.getKey().on(source, state)) {
          report = engine.run(sync(each.getValue()));
        }
        TreeSet<String> sent = new TreeSet<>();
        each.getValue().changes(report.run()).forEach(change -> sent.add(shown(change)));
        assertThat(sent)
            .as("%s, round %d, %s", each.getKey(), round, report.problem().orElse(""))
            .isEqualTo(expected);
        assertThat(each.getValue().violations()).isEmpty();
      }
    }

    private Sync sync(RecordingDestination destination) {
      return Sync.builder("things")
          .model(Model.query("things", "select * from thing").key("id", "part"))
          .to(destination)
          .mode(mode)
          .onRemoved(removal)
          .onEmptyModel(Sync.EmptyModel.DELIVER)
          .guardRemovals(1, 0)
          .guardChanges(1, 0)
          .guardReturn(Duration.ZERO)
          .quarantineAfter(QUARANTINE, Duration.ZERO)
          .build();
    }

    /** How the destination answers what it gets of a key in this round. */
    private Call call(String key) {
      int dice =
          new Random(seed ^ (key.hashCode() * 31L + round) * 0x9E3779B97F4A7C15L).nextInt(20);
      return dice < 13 ? Call.ACCEPTED : dice < 17 ? Call.REJECTED : Call.SKIPPED;
    }

    /** NULL is not the {@code null} of a document. */
    private static String told(@Nullable String text) {
      return text == null ? NULL : text;
    }

    private static String key(Row key) {
      return key.text("id") + "/" + key.text("part");
    }

    private static String shown(Change change) {
      List<String> values = new ArrayList<>();
      if (change.operation() != Operation.REMOVED) {
        COLUMNS.forEach(column -> values.add(told(change.row().text(column))));
      }
      return "%s %s #%d%s"
          .formatted(
              change.operation(),
              key(change.key()),
              change.attempt(),
              values.isEmpty() ? "" : " " + values);
    }
  }
}
