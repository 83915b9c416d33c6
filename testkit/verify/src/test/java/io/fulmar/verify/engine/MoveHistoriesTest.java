package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncStatus;
import io.fulmar.harness.ManualClock;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.RecordingDestination;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random histories that the standard engine begins and Lightning goes on with. A table of up to 30
 * keys changes between runs; the destination accepts, rejects, skips or gives no answer. At the
 * moment of the move both engines must plan the same, since everything that is in the source is
 * known then; in the end the destination holds what the source holds, and no answer is missing.
 */
@DisplayName("P1, P2, P3, P12: random histories that go over from one engine to the other")
class MoveHistoriesTest extends SourceFixture {
  private static final int KEYS = 30;

  @BeforeEach
  void createTable() throws SQLException {
    database.execute(LightningSetup.of(database.user()).setupSql());
    database.execute("create table item (k text, v text)");
  }

  @Test
  void someHistories() throws SQLException {
    play(System.nanoTime(), Integer.getInteger("fulmar.histories", 5));
  }

  @Test
  @Tag("soak")
  void manyHistories() throws SQLException {
    play(System.nanoTime(), Integer.getInteger("fulmar.histories", 300));
  }

  private void play(long seed, int count) throws SQLException {
    long first = Long.getLong("fulmar.seed", seed);
    for (int i = 0; i < count; i++) {
      try {
        new Life("crm-" + i, first + i).play();
      } catch (RuntimeException | AssertionError | SQLException e) {
        throw new AssertionError("-Dfulmar.seed=" + (first + i), e);
      }
    }
    System.out.printf("MoveHistoriesTest: %d histories from seed %d%n", count, first);
  }

  /** One sync, from its first run to its last. */
  private final class Life {
    private final Random random;
    private final ManualClock clock = new ManualClock(Instant.parse("2026-03-01T00:00:00Z"));
    private final RecordingDestination crm;
    private final Sync sync;

    Life(String name, long seed) {
      random = new Random(seed);
      crm = RecordingDestination.of("test:" + name);
      Sync.Builder builder =
          Sync.builder(name)
              .model(Model.query("items", "select k, v from item").key("k"))
              .to(crm)
              .onRemoved(Removal.DELETE)
              .onEmptyModel(Sync.EmptyModel.DELIVER)
              .guardRemovals(1, Long.MAX_VALUE)
              .guardReturn(Duration.ZERO)
              .quarantineAfter(2, Duration.ZERO)
              .callDeadline(Duration.ofSeconds(10))
              .batchRows(1 + random.nextInt(5));
      sync = (random.nextBoolean() ? builder.remember("v") : builder).build();
    }

    void play() throws SQLException {
      database.execute("delete from item");
      for (int run = 0; run <= random.nextInt(4); run++) {
        step();
        try (SyncEngine engine = standard()) {
          assertThat(engine.run(sync)).isNotNull();
        }
      }
      change();
      move();
      for (int run = 0; run < random.nextInt(3); run++) {
        step();
        try (SyncEngine engine = lightning()) {
          assertThat(engine.run(sync)).isNotNull();
        }
      }
      end();
      assertThat(crm.violations()).isEmpty();
    }

    private SyncEngine standard() {
      return StandardEngine.builder(source(), state).clock(clock).build();
    }

    private LightningEngine lightning() {
      return LightningEngine.builder(source()).clock(clock).build();
    }

    private void step() throws SQLException {
      change();
      moods();
      clock.advance(Duration.ofMinutes(1));
    }

    /** A few keys come, change, leave, go back, or are there twice. */
    private void change() throws SQLException {
      for (int i = random.nextInt(12); i >= 0; i--) {
        String key = "'k" + random.nextInt(KEYS) + "'";
        String value = "'" + (char) ('a' + random.nextInt(3)) + "'";
        switch (random.nextInt(4)) {
          case 0 -> database.execute("delete from item where k = " + key);
          case 1 -> database.execute("insert into item values (" + key + ", " + value + ")");
          default ->
              database.execute(
                  "delete from item where k = " + key,
                  "insert into item values (" + key + ", " + value + ")");
        }
      }
    }

    private void moods() {
      long mood = random.nextLong();
      crm.verdicts(change -> verdict(new Random(mood ^ change.changeId().hashCode())));
    }

    private @Nullable Verdict verdict(Random chance) {
      int one = chance.nextInt(20);
      if (one < 12) {
        return new Verdict.Accepted();
      }
      if (one < 17) {
        return new Verdict.Rejected("NO", "no", Verdict.Retry.NEXT_RUN);
      }
      return one < 18 ? new Verdict.Skipped() : null;
    }

    private void move() {
      clock.advance(Duration.ofMinutes(1));
      Map<String, Object> there;
      try (SyncEngine engine = standard()) {
        there = described(engine);
      }
      try (LightningEngine engine = lightning()) {
        engine.moveIn(sync, state);
        assertThat(described(engine)).isEqualTo(there);
      }
    }

    /** What an engine would send, and what it remembers besides. */
    private Map<String, Object> described(SyncEngine engine) {
      SyncStatus status = engine.status(sync);
      ChangeSet plan = engine.plan(sync);
      engine.discard(sync);
      Map<String, Object> described = new TreeMap<>();
      Map<Operation, Long> planned = new EnumMap<>(Operation.class);
      for (Operation operation : Operation.values()) {
        planned.put(operation, plan.planned(operation));
      }
      described.put("planned", planned);
      described.put("held", plan.held());
      described.put("invalid", plan.invalid());
      described.put("keys", status.syncedKeys());
      described.put("holds", new TreeMap<>(status.holds()));
      described.put("unsure", status.unsure());
      return described;
    }

    /** Everything is accepted; what was held comes back, and ambiguous keys become one row. */
    private void end() throws SQLException {
      database.execute("delete from item a using item b where a.k = b.k and a.ctid < b.ctid");
      crm.acceptAll();
      try (LightningEngine engine = lightning()) {
        for (int i = 0; i < 3; i++) {
          clock.advance(Duration.ofMinutes(1));
          assertThat(engine.release(sync)).isNotNegative();
          engine.run(sync).throwIfFailed();
        }
        assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
        assertThat(engine.status(sync).unsure()).isZero();
      }
      TreeMap<String, String> there = new TreeMap<>();
      crm.contents().values().forEach(row -> there.put(row.text("k"), row.text("v")));
      assertThat(there.toString().replaceAll("[{}]", ""))
          .isEqualTo(
              String.valueOf(
                  query(
                      "select coalesce(string_agg(k || '=' || v, ', ' order by k collate \"C\"), '') from item")));
    }
  }
}
