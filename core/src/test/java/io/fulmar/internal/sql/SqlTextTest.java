package io.fulmar.internal.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.internal.sql.SqlText.Call;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Texts with constants and comments of every form. */
@DisplayName("A text in SQL shows its names, and none of its constants and comments")
class SqlTextTest {
  private static String whole(String text) {
    return SqlText.of(text).excerpt(0, 0, text.length(), 0, 200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "select a, 'x' from t ~ select a, ? from t",
        "select 'it''s; x', b ~ select ??, b",
        "select E'x\\'y', b ~ select ?, b",
        "select e'x\\\\', b ~ select ?, b",
        "select U&'\\0041', b ~ select U&?, b",
        "select $$x ' y$$, b ~ select ?, b",
        "select $a$x $$ y$a$, b ~ select ?, b",
        "select a$b$c, d ~ select a$b$c, d",
        "select 1, 1.5, .5, 1e9, 0x1F, 1_000, a1 ~ select ?, ?, ?, ?, ?, ?, a1",
        "select a /* x /* y */ z */ + b ~ select a ? + b",
        "select \"x 'y' 1\", b ~ select \"x 'y' 1\", b",
        "select \"x\"\"1\", 'z' ~ select \"x\"\"1\", ?",
        "select 'not closed, b ~ select ?",
        "select /* not closed, b ~ select ?",
        "select $q$not closed $$, b ~ select ?",
        "select 'perhaps \\' , b, 'c' ~ select ?",
        "select grin, é1, 'é' ~ select grin, é1, ?"
      })
  @DisplayName("P11: constants and comments are hidden, whatever form they have")
  void constantsAndCommentsAreHidden(String text, String shown) {
    assertThat(whole(text)).isEqualTo(shown);
  }

  @Test
  void aLineCommentEndsWithItsLine() {
    String text = "select a -- secret 'x\nfrom b";
    assertThat(whole(text)).isEqualTo("select a ? from b");
    int line = text.indexOf("from");
    assertThat(SqlText.of(text).excerpt(line, line, text.length(), 40, 80)).isEqualTo("from b");
  }

  @Test
  void aLineWithinAConstantShowsThatItIsOne() {
    String text = "select 'a\nsecret\nb', c";
    int second = text.indexOf("secret");
    assertThat(SqlText.of(text).excerpt(second, second + 3, second + 6, 40, 80)).isEqualTo("?");
  }

  @Test
  void anExcerptIsCutBetweenWordsAndNeverWithinACharacter() {
    String text = "aaaa bbbb cccc dddd";
    assertThat(SqlText.of(text).excerpt(0, 10, text.length(), 7, 11)).isEqualTo("bbbb cccc");
    String grins = "\uD83D\uDE00".repeat(50);
    assertThat(SqlText.of(grins).excerpt(0, 50, grins.length(), 9, 21))
        .isNotEmpty()
        .matches("(\uD83D\uDE00)+");
    assertThat(SqlText.of("").excerpt(0, 0, 0, 40, 80)).isEmpty();
  }

  @Test
  void callsAreNamesInFrontOfParentheses() {
    assertThat(
            SqlText.of(
                    "select Count(*), app.\"My \"\"F\" (1), pg_catalog . now(), 'x(1)', -- y(2)\n"
                        + "\"Odd\"(z) from t where a in (1)")
                .calls())
        .containsExactly(
            new Call(7, List.of("count")),
            new Call(17, List.of("app", "My \"F")),
            new Call(35, List.of("pg_catalog", "now")),
            new Call(71, List.of("Odd")),
            new Call(95, List.of("in")));
  }

  @Test
  void textsThatAreLongOrDeepAreNoTrouble() {
    assertThat(SqlText.of("\"" + "\"\"".repeat(200_000) + "(").calls()).hasSizeLessThan(2);
    assertThat(SqlText.of("a".repeat(300_000) + "(").calls()).isEmpty();
    assertThat(SqlText.of("/*".repeat(100_000)).calls()).isEmpty();
    assertThat(SqlText.of("f(".repeat(50_000)).calls()).hasSize(50_000);
  }
}
