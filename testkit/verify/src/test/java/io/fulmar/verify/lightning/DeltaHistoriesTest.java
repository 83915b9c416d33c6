package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random histories ({@link DeltaHistory}) in which the delta scan must look at whatever a
 * comparison of all rows in the same snapshot finds. They print their seed when they fail.
 */
@DisplayName("P1, P12: random histories of the delta scan")
class DeltaHistoriesTest {
  private static TestPostgres postgres;
  private static TestDatabase database;

  @BeforeAll
  static void start() {
    postgres = TestPostgres.builder().parameter("max_prepared_transactions", "20").start();
    database = postgres.createDatabase();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @Test
  void deltaScanLooksAtAllThatAFullComparisonFinds() throws SQLException {
    long seed = Long.getLong("fulmar.seed", 1L);
    Map<String, Integer> seen =
        DeltaHistory.play(seed, Long.getLong("fulmar.seed") == null ? 15 : 1, database);
    System.out.println("histories from " + seed + ": " + seen);
    if (Long.getLong("fulmar.seed") == null) {
      assertThat(seen)
          .containsKeys(
              "delta: unchanged",
              "delta: written",
              "delta: written, held",
              "delta: removed",
              "delta: removed, held",
              "full: a column of the table was altered, or made anew since the base",
              "full: a partition was attached or detached since the base",
              "full: the table was made anew since the base");
    }
  }

  @Test
  @Tag("soak")
  void deltaScanLooksAtAllThatAFullComparisonFindsInManyHistories() throws SQLException {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        DeltaHistory.play(first, Integer.getInteger("fulmar.histories", 600), database);
    System.out.println("histories from " + first + ": " + seen);
  }
}
