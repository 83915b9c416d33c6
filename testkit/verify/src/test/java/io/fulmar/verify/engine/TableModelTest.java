package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelTable;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.verify.fixture.BothEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A table of three rows, and what else can be read by name over the same rows: a view, a
 * materialized view, a partitioned table, a foreign table.
 */
@BothEngines
@DisplayName("A model may be a table by name")
class TableModelTest extends SourceFixture {
  @BeforeEach
  void createTables() throws SQLException {
    database.execute(
        "create schema app",
        "create table app.item (id int primary key, name text, price numeric)",
        "insert into app.item values (1, 'a', 1.50), (2, 'b', 2), (3, null, null)",
        "create view app.view as select * from app.item",
        "create materialized view app.stored as select * from app.item",
        "create table app.parts (id int primary key, name text, price numeric) partition by range (id)",
        "create table app.part1 partition of app.parts for values from (0) to (2)",
        "create table app.part2 partition of app.parts for values from (2) to (9)",
        "insert into app.parts select * from app.item",
        "create table app.parent (id int, name text, price numeric)",
        "create table app.child (more int) inherits (app.parent)",
        "insert into app.parent select * from app.item where id = 1",
        "insert into app.child select *, 7 from app.item where id > 1");
  }

  private List<List<String>> rows(Model model) {
    try (SyncEngine engine = open()) {
      return engine.preview(model).rows().stream()
          .map(SourceFixture::texts)
          .sorted((a, b) -> a.get(0).compareTo(b.get(0)))
          .toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"item", "view", "stored", "parts", "parent"})
  @DisplayName("G-13: tables, views, materialized, partitioned and inherited tables are read whole")
  void whatHasRowsIsReadByName(String table) {
    assertThat(rows(Model.table("items", "app", table).key("id")))
        .containsExactly(
            List.of("1", "a", "1.50"), List.of("2", "b", "2"), List.of("3", "null", "null"));
  }

  @Test
  void chosenColumnsAndRowsAreRead() {
    Model model =
        Model.table("items", "app", "item")
            .columns("price", "id")
            .where("name is not null -- (")
            .key("id");

    assertThat(rows(model)).containsExactly(List.of("1.50", "1"), List.of("2", "2"));
    assertThat(model.table())
        .isEqualTo(
            new ModelTable(null, "app", "item", List.of("price", "id"), "name is not null -- ("));
  }

  @Test
  void aRowThatNoLongerFulfilsTheConditionIsRemoved() throws SQLException {
    Model model = Model.table("items", "app", "item").where("name is not null").key("id");
    Sync sync =
        Sync.builder("crm")
            .model(model)
            .to(destination)
            .onRemoved(io.fulmar.Removal.DELETE)
            .build();
    assertThat(sent(run(sync).throwIfFailed())).containsExactly("ADDED 1", "ADDED 2");

    database.execute("update app.item set name = null where id = 1");

    assertThat(sent(run(sync).throwIfFailed())).containsExactly("REMOVED 1");
  }

  @Test
  void columnsComeInTheOrderOfTheTable() {
    try (SyncEngine engine = open()) {
      assertThat(engine.preview(Model.table("items", "app", "item").key("id")).columns())
          .extracting(ModelPreview.Column::name)
          .containsExactly("id", "name", "price");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "true) or (true",
        "true) union all select 9, 'x', 9 from app.item where (true",
        "true) limit (1",
        "true) for update of item nowait; select (1",
        "true); drop table app.item; select (true",
        "true; select 1",
        "(true",
        "true)",
        "true ]",
        "[true",
        "true) or id = any (array[1] || array[2",
        "true /* ",
        "true) -- ",
        "$$",
        "id",
        "exists (delete from app.item returning 1)",
        "order by id",
        "id = 1 limit 1"
      })
  @DisplayName("H-01: a condition that is more than a condition is refused")
  void whatIsMoreThanAConditionIsRefused(String condition) throws SQLException {
    Model model = Model.table("items", "app", "item").where(condition).key("id");

    assertThatThrownBy(() -> rows(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("Cannot use the model items: ");
    assertThat(query("select count(*) from app.item")).isEqualTo("3");
  }

  @Test
  void aConditionThatClosesWhatItOpensIsOne() {
    for (String condition :
        List.of(
            "(id = 1) or (id = 2)",
            "id = any (array[1, 2])",
            "name in ('a', ')b;--') or (name = 'b' /* ) ; */)",
            "exists (select from app.part1 p where p.id = item.id) or id = 2",
            "id < 3\n-- )")) {
      assertThat(rows(Model.table("items", "app", "item").where(condition).key("id")))
          .as(condition)
          .hasSize(2);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select",
        "we\"ird",
        "a.b",
        "\"; drop table app.item; --",
        "pg_class",
        "{table}",
        "?",
        "two\nlines",
        "grin \uD83D\uDE00",
        "\u202Eright to left",
        "'quote",
        "back\\slash",
        "ÄÖ",
        "--",
        " "
      })
  @DisplayName("H-05: names of schemas, tables and columns are quoted, whatever they hold")
  void namesAreQuoted(String name) throws SQLException {
    String quoted = '"' + name.replace("\"", "\"\"") + '"';
    String schema = name.startsWith("pg_") ? "\"app\"" : quoted;
    database.execute(
        "create schema if not exists " + schema,
        "create table " + schema + "." + quoted + " (" + quoted + " int, other int)",
        "insert into " + schema + "." + quoted + " values (7, 1)");

    Model model =
        Model.table("items", name.startsWith("pg_") ? "app" : name, name)
            .columns(name, "other")
            .where("other = 1")
            .key(name);

    assertThat(rows(model)).containsExactly(List.of("7", "1"));
  }

  @Test
  @DisplayName("H-05: names that PostgreSQL cannot have are refused where they are written")
  void namesThatCannotBeAreRefused() {
    String long64 = "a".repeat(64);
    String bytes64 = "é".repeat(32);
    for (String name : List.of("", long64, bytes64, "a\0b")) {
      assertThatThrownBy(() -> Model.table("items", name, "item"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "schema must be 1 to 63 bytes without the character 0, is %d bytes",
              name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
      assertThatThrownBy(() -> Model.table("items", "app", name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("name must be 1 to 63 bytes");
      assertThatThrownBy(() -> Model.table("items", "app", "item").columns("id", name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("a column must be 1 to 63 bytes");
    }
    assertThatThrownBy(() -> Model.table("items", "app\uD800", "item"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("schema holds half a surrogate pair");
    assertThatThrownBy(() -> Model.table("items", "app", "item").columns("id", "id"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the columns name one twice: id");
    assertThatThrownBy(() -> Model.table("items", "app", "item").where(" "))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("condition must not be blank");
  }

  @Test
  void whatIsCalledTwiceIsRefused() {
    Model.Table chosen = Model.table("items", "app", "item").columns("id").where("id > 1");
    assertThatThrownBy(() -> chosen.columns("name"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("columns(...) was called before");
    assertThatThrownBy(() -> chosen.where("id > 2"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("where(...) was called before");
  }

  @Test
  void aTableThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> rows(Model.table("items", "app", "Item").key("id")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot use the model items: relation \"app.Item\" does not exist. ");
    assertThatThrownBy(
            () -> rows(Model.table("items", "app", "item").columns("id", "nam").key("id")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("Cannot use the model items: column \"nam\" does not exist. ");
  }

  private Path manifest(String of) throws IOException {
    return Files.writeString(
        state.resolve("manifest.json"),
        """
        {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
         "nodes": {
          "model.shop.item": {"name": "item", "resource_type": "model", "schema": "app",
            "relation_name": "\\"%1$s\\".\\"app\\".\\"view\\"",
            "compiled_code": "select id, name from app.item -- of dbt"}}}
        """
            .formatted(of));
  }

  @Test
  void whatDbtMadeIsRead() throws IOException {
    Path manifest = manifest(database.name());

    assertThat(rows(Model.dbt(manifest, "item").key("id")))
        .containsExactly(
            List.of("1", "a", "1.50"), List.of("2", "b", "2"), List.of("3", "null", "null"));
    assertThat(rows(Model.dbtQuery(manifest, "item").key("id")))
        .containsExactly(List.of("1", "a"), List.of("2", "b"), List.of("3", "null"));
  }

  @Test
  void whatDbtMadeInAnotherDatabaseIsRefused() throws IOException {
    Model model = Model.dbt(manifest("staging"), "item").key("id");

    assertThatThrownBy(() -> rows(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot use the model item: it reads the database \"staging\", and the source is \"%s\"."
                + " Take the manifest that dbt made for this database, or name the table by"
                + " Model.table. [model=item]",
            database.name());
  }
}
