package io.fulmar.verify.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.junit.PostgresTest;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The comparison that the quickstart ends with sees each way in which two tables can differ. */
@PostgresTest
class ComparisonTest {
  private static TestDatabase database;

  @BeforeAll
  static void keep(TestDatabase given) {
    database = given;
  }

  private static Comparison compare(String left, String right) throws SQLException {
    return Comparison.of(
        database, "values " + left + " order by 1", database, "values " + right + " order by 1");
  }

  @Test
  void equalRowsDoNotDiffer() throws SQLException {
    Comparison comparison = compare("(1, 'a'), (2, null)", "(2, null), (1, 'a')");
    assertThat(comparison).isEqualTo(new Comparison(2, 2, 0, 0, 0));
    assertThat(comparison.differing()).isZero();
    assertThat(comparison)
        .hasToString(
            "2 rows in the source, 2 in the destination: 2 equal, 0 different, 0 + 0 in one alone");
  }

  @Test
  void differencesAreCounted() throws SQLException {
    Comparison comparison =
        compare("(1, 1.0), (2, null), (3, 3), (5, 5)", "(1, 1.00), (2, 2), (3, 3), (4, 4), (6, 6)");
    assertThat(comparison).isEqualTo(new Comparison(4, 5, 2, 1, 2));
    assertThat(comparison.differing()).isEqualTo(5);
  }

  @Test
  void emptySideLacksEverything() throws SQLException {
    assertThat(
            Comparison.of(
                database, "values (1), (2)", database, "select null::bigint as id where false"))
        .isEqualTo(new Comparison(2, 0, 0, 2, 0));
  }
}
