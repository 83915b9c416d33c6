package io.fulmar.internal.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names are found where a text has some, and not in its constants and comments. */
class SqlTextNamesTest {

  @Test
  void namesAreFoundWithTheirPartsAsTheServerReadsThem() {
    SqlText text =
        SqlText.of(
            """
            SELECT c.Id, "E ""mail" -- from hidden
            from "The App" . "Customer" c /* join hidden */ join Orders o on o.note = 'from hidden'
            """);
    assertThat(text.names())
        .containsSubsequence(
            List.of("select"),
            List.of("c", "id"),
            List.of("E \"mail"),
            List.of("The App", "Customer"),
            List.of("orders"))
        .doesNotContain(List.of("hidden"));
    assertThat(text.tables()).containsExactly(List.of("The App", "Customer"), List.of("orders"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "select * from t | true",
        "select distinct * from t | true",
        "select id, t.* from t | true",
        "table t | true",
        "select id from t | false",
        "select count(*), id * 2 from t | false",
        "select '*', id -- select * | false"
      })
  void aStarAsksForAllColumnsUnlessItCountsOrMultiplies(String sql, boolean star) {
    assertThat(SqlText.of(sql).hasStar()).isEqualTo(star);
  }
}
