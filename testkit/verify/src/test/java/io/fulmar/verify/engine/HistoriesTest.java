package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.harness.History;
import io.fulmar.harness.Subject;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Both engines in the random histories that the runner goes through in the tests of core: a real
 * PostgreSQL with a table of rows (k, v), and a memory of its own for each history. What is sent
 * and remembered is held against the reference after each step.
 */
@DisplayName("P1, P2, P3, P8, P12: random histories of both engines")
class HistoriesTest {
  private static final int SAMPLE = Integer.getInteger("fulmar.histories", 12);

  private static TestPostgres postgres;

  @TempDir static Path states;

  @BeforeAll
  static void start() {
    postgres = TestPostgres.start();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  private static LongFunction<Subject> subjects(EngineUnderTest kind) {
    ItemTable table = ItemTable.in(postgres.createDatabase());
    return switch (kind) {
      case STANDARD -> seed -> new StandardSubject(table, states.resolve(Long.toString(seed)));
    };
  }

  @ParameterizedTest
  @EnumSource
  void destinationEqualsTheSourceInTheEnd(EngineUnderTest kind) {
    History.playAll(1, SAMPLE, subjects(kind));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories(EngineUnderTest kind) {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(first, Integer.getInteger("fulmar.histories", 2_000), subjects(kind));
    System.out.println("histories of " + kind + " from " + first + ": " + seen);
  }

  @Test
  @DisplayName("P12: the same history sends and repeats as many changes on each engine")
  void sameHistoryIsTheSameOnBothEngines() {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<EngineUnderTest, Map<String, Integer>> seen = new EnumMap<>(EngineUnderTest.class);
    for (EngineUnderTest kind : EngineUnderTest.values()) {
      seen.put(kind, History.playAll(first, Math.min(SAMPLE, 4), subjects(kind)));
    }
    assertThat(seen.values().stream().distinct()).as("from %d: %s", first, seen).hasSize(1);
  }

  /** The runner over a {@link StandardStore}. */
  private static final class StandardSubject extends ItemSubject {
    private final Path state;

    StandardSubject(ItemTable table, Path state) {
      super(table);
      this.state = state;
    }

    @Override
    protected SyncStore open() {
      return new StandardStore(
          table().source(), state, StandardStore.MissingState.BEGIN, 1 << 20, clock());
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (left != null) {
        left.close();
      }
    }
  }
}
