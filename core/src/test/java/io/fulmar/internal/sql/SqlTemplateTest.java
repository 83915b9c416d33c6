package io.fulmar.internal.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens take quoted names; what could be an accident or an attack is refused. */
class SqlTemplateTest {

  @Test
  @DisplayName("P10: identifiers are always quoted")
  void namesAreQuotedAndJoined() {
    SqlTemplate template =
        SqlTemplate.of(
            """
            /* fulmar: take */
            select {columns} from {table} where {key} = ?""",
            "columns",
            "key",
            "table");
    assertThat(
            template
                .with("table", Identifier.of("public", "we\"ird"))
                .with("columns", Identifier.all("t", List.of("select", "$1 \\")))
                .with("key", Identifier.of("ID"))
                .sql())
        .isEqualTo(
            """
            /* fulmar: take */
            select "t"."select", "t"."$1 \\" from "public"."we""ird" where "ID" = ?""");
  }

  @Test
  void fragmentStandsInAStatementAsItIs() {
    SqlFragment fragment =
        SqlFragment.of("({left}) = ({right})", "left", "right")
            .with("left", Identifier.all("a", List.of("k0", "k1")))
            .with("right", ColumnExpression.number(-1));
    assertThat(
            SqlTemplate.of("/* fulmar: find */\nselect {place} where {key}", "place", "key")
                .with("place", ColumnExpression.place(7, 12))
                .with("key", fragment)
                .sql())
        .isEqualTo(
            "/* fulmar: find */\nselect '(7,12)'::pg_catalog.tid where (\"a\".\"k0\", \"a\".\"k1\") = ('-1'::pg_catalog.int8)");
    SqlFragment half = SqlFragment.of("{left} and {right}", "left", "right");
    assertThatIllegalStateException().isThrownBy(half.with("left", fragment)::sql);
    assertThatIllegalArgumentException().isThrownBy(() -> SqlFragment.of("{left}", "right"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select 1",
        "/* fulmar: one */ select 1",
        "/* fulmar: one */\nselect {other}",
        "/* fulmar: one */\nselect {table}, {other}",
        "/* fulmar: one */\nselect {table}, '{}'",
        "/* fulmar: one */\nselect 1"
      })
  void textThatDoesNotFitItsTokensIsRefused(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> SqlTemplate.of(text, "table"));
  }

  @Test
  void tokenIsFilledOnceAndWithSomething() {
    SqlTemplate template = SqlTemplate.of("/* fulmar: all */\ntable {table}", "table");
    Identifier name = Identifier.of("a");
    assertThatIllegalStateException().isThrownBy(template::sql);
    assertThatIllegalArgumentException().isThrownBy(() -> template.with("tabel", name));
    assertThatIllegalArgumentException().isThrownBy(() -> template.with("table", List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> template.with("table", name).with("table", name));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a\0b", "0123456789012345678901234567890123456789012345678901234567890123"})
  void nameThatPostgresqlWouldChangeIsRefused(String name) {
    assertThatIllegalArgumentException().isThrownBy(() -> Identifier.of(name));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bigint",
        "numeric(10, 2)",
        "double precision",
        "character varying(20)",
        "timestamp(3) with time zone",
        "timestamp with time zone",
        "text[]",
        "app.\"Mo\"\"od\"[][3]"
      })
  void typeIsTaken(String type) {
    assertThat(new ColumnDefinition(Identifier.of("c"), type).sql()).isEqualTo("\"c\" " + type);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "int default 1",
        "int)",
        "int; drop table a",
        "int--",
        "int/**/",
        "a.b.c",
        "int,b"
      })
  void whatIsNoTypeIsRefused(String type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ColumnDefinition(Identifier.of("c"), type));
  }
}
