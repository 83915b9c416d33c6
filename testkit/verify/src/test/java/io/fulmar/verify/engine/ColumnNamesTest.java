package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Column names of every kind: a model works with them, or is refused by name. */
@BothEngines
@DisplayName("G-08: column names")
class ColumnNamesTest extends SourceFixture {

  private static List<String> names() {
    return List.of(
        "select",
        "we\"ird",
        "two\nlines",
        "tab\t",
        " ",
        " leading and trailing ",
        "\u0001",
        "grin \uD83D\uDE00",
        "é",
        "e\u0301",
        "a".repeat(63),
        "é".repeat(31),
        "?column?",
        "what?",
        "$1",
        "{brace}",
        "{model}",
        "{d '2020-01-01'}",
        "c0",
        "c1",
        "fulmar_bytes",
        "fulmar_model",
        "fulmar_row",
        "ID",
        "ctid",
        "tableoid",
        "a.b",
        "a,b",
        "semi;colon",
        "--",
        "/*",
        "*",
        "back\\slash",
        "single'quote",
        "%s",
        "null",
        "public",
        "\u202Eright to left",
        "__proto__");
  }

  @Test
  @DisplayName("G-08: names of any form work, as value and as key")
  void namesOfAnyFormWork() throws SQLException {
    List<String> names = names();
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      columns.add("'x" + i + "'::text as \"" + names.get(i).replace("\"", "\"\"") + '"');
    }
    String sql = "select 1 as id, null::text as other, " + String.join(", ", columns);

    SyncReport asValues = run(sync(sql, "id").build()).throwIfFailed();
    Row row = destination.changes(asValues.run()).get(0).row();
    for (int i = 0; i < names.size(); i++) {
      assertThat(row.value(names.get(i))).isEqualTo("x" + i);
      assertThat(row.asMap()).containsEntry(names.get(i), "x" + i);
    }

    for (int from = 0; from < names.size(); from += 20) {
      String[] key = names.subList(from, Math.min(names.size(), from + 20)).toArray(String[]::new);
      Sync keyed =
          Sync.builder("keyed-" + from)
              .model(Model.query("rows", sql).key("id", key))
              .to(destination)
              .build();
      Row keyRow = destination.changes(run(keyed).throwIfFailed().run()).get(0).key();
      for (int i = 0; i < key.length; i++) {
        assertThat(keyRow.value(key[i])).isEqualTo("x" + (from + i));
      }
      assertThat(run(keyed).throwIfFailed().total().planned()).isZero();
    }
  }

  @Test
  @DisplayName("G-07: Lightning takes a key of 32 columns, and says so when there are more")
  void keyOfMoreColumnsThanAnIndexTakesIsRefused() throws SQLException {
    String columns =
        IntStream.range(0, 33).mapToObj(i -> i + " as k" + i).collect(Collectors.joining(", "));
    String[] key = IntStream.range(1, 33).mapToObj(i -> "k" + i).toArray(String[]::new);
    Sync wide = sync("select " + columns, "k0", key).build();
    Sync widest =
        Sync.builder("widest")
            .model(Model.query("rows", "select " + columns).key("k0", Arrays.copyOf(key, 31)))
            .to(destination)
            .build();

    if (tested == EngineUnderTest.STANDARD) {
      run(wide).throwIfFailed();
    } else {
      assertThatThrownBy(() -> run(wide))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(
              "Cannot run crm: the key of its model rows has 33 columns, and an index of PostgreSQL takes at most 32. Choose a key of fewer columns. [sync=crm ");
    }
    run(widest).throwIfFailed();
    assertThat(run(widest).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("G-08: names that differ in case alone are two columns")
  void namesThatDifferInCaseAreTwoColumns() {
    SyncReport report = run(sync("select 1 as id, 2 as \"Id\", 3 as \"ID\"", "Id").build());

    assertThat(destination.changes(report.run()).get(0).row().asMap())
        .containsEntry("id", 1)
        .containsEntry("Id", 2)
        .containsEntry("ID", 3);
    assertThat(sent(report)).containsExactly("ADDED 2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select 1 as id, 2 as \"we\"\"ird\", 3 as \"we\"\"ird\"",
        "select 1 as id, 2 as id",
        "select 1, 2",
        "select a.id, b.id from (select 1 as id) a, (select 2 as id) b",
        "select * from (select 1 as id) a, (select 2 as id) b",
        "select 1 as id, now(), now()"
      })
  @DisplayName("G-08: a name that occurs twice is refused by name")
  void nameThatOccursTwiceIsRefusedByName(String sql) {
    assertThatThrownBy(() -> run(sync(sql, "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "Cannot use the model rows: it returns the column \"(id|\\?column\\?|we\"\"ird|now)\""
                + " twice\\. Give one of them another name with \"as\"\\. \\[sync=crm run=\\d+]");
  }

  @Test
  @DisplayName("G-08: names that collide after truncation to 63 bytes are refused by name")
  void namesThatCollideAfterTruncationAreRefused() {
    String long1 = "a".repeat(63) + "1";
    String long2 = "a".repeat(63) + "2";

    assertThatThrownBy(
            () -> run(sync("select 1 as id, 2 as " + long1 + ", 3 as " + long2, "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it returns the column \"" + "a".repeat(63) + "\" twice");
  }

  @Test
  @DisplayName("G-08: a name above 63 bytes is known by what PostgreSQL makes of it")
  void longNameIsTruncated() {
    SyncReport report = run(sync("select 1 as id, 2 as " + "b".repeat(70), "id").build());

    assertThat(destination.changes(report.run()).get(0).row().columns())
        .containsExactly("id", "b".repeat(63));
    assertThatThrownBy(() -> run(sync("select 1 as " + "b".repeat(70), "b".repeat(70)).build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it does not return the key column");
  }

  @ParameterizedTest
  @ValueSource(strings = {"select", "select from pg_class", "select ; "})
  @DisplayName("G-08: a query without columns is refused")
  void queryWithoutColumnsIsRefused(String sql) {
    assertThatThrownBy(() -> run(sync(sql, "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot use the model rows: it returns no columns. Select at least the key. [");
  }

  @Test
  @DisplayName("G-08: an empty name cannot be written in SQL, and is refused")
  void emptyNameIsRefused() {
    assertThatThrownBy(() -> run(sync("select 1 as id, 2 as \"\"", "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("zero-length delimited identifier");
  }

  @ParameterizedTest
  @ValueSource(strings = {"i", "'text ' || i", "case when i % 2 = 0 then to_jsonb(i) end"})
  @DisplayName(
      "G-08: 1,600 columns work, of any type; with Lightning as many as fit beside its own")
  void asManyColumnsAsATableCanHaveWork(String value) throws SQLException {
    int most = tested.mostColumns();
    String columns =
        IntStream.range(1, most)
            .mapToObj(
                i -> value.replace("i %", i + " %").replaceAll("\\bi\\b", "" + i) + " as c" + i)
            .collect(Collectors.joining(", "));

    SyncReport report = run(sync("select 7 as id, " + columns, "id").build()).throwIfFailed();

    Row row = destination.changes(report.run()).get(0).row();
    int even = (most - 1) / 2 * 2;
    assertThat(row.columns()).hasSize(most);
    assertThat(String.valueOf(row.text("c" + even))).endsWith(Integer.toString(even));
    assertThat(run(sync("select 7 as id, " + columns, "id").build()).total().planned()).isZero();
  }

  @Test
  @DisplayName("G-08: more columns than PostgreSQL returns are refused")
  void moreColumnsThanPossibleAreRefused() {
    String columns = String.join(", ", Collections.nCopies(1700, "1"));

    assertThatThrownBy(() -> run(sync("select 7 as id, " + columns, "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("Cannot use the model rows: ")
        .hasMessageContaining("1664");
    List<String> nearly = IntStream.range(0, 1650).mapToObj(i -> i + " as c" + i).toList();
    assertThatThrownBy(
            () -> run(sync("select 7 as id, " + String.join(", ", nearly), "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it returns 1651 columns. Select at most 1600.");
  }
}
