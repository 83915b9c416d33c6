package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.SyncEngine;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A table of three rows and models over it, some of which are another in each read. */
@DisplayName("A preview names the columns that are another in each read (G-11)")
class VolatileModelTest extends SourceFixture {
  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table item (id int primary key, name text)",
        "insert into item values (1, 'a'), (2, 'b'), (3, null)");
  }

  private ModelPreview preview(String sql, String key, String... more) {
    try (SyncEngine engine = open(sourceBuilder().poolSize(1).build())) {
      return engine.preview(Model.query("items", sql).key(key, more));
    }
  }

  @Test
  void columnsOfTheClockAndOfChanceAreNamedInTheOrderOfTheModel() {
    ModelPreview preview =
        preview(
            "select random() as z, id, now() as a, name, gen_random_uuid() as u, current_date as d from item",
            "id");
    assertThat(preview.unstable()).containsExactly("z", "a", "u");
    assertThat(preview.rows()).hasSize(3);
  }

  @Test
  void stableModelsGiveAnEmptyList() {
    assertThat(preview("select id, name, null as n from item", "id").unstable()).isEmpty();
    assertThat(preview("select id from item where false", "id").unstable()).isEmpty();
    assertThat(preview("select i as id from generate_series(1, 500) i", "id").unstable()).isEmpty();
  }

  @Test
  void aColumnThatDiffersForSomeKeysOnlyIsNotNamed() {
    assertThat(
            preview("select id, case when id <> 2 then random() end as r from item", "id")
                .unstable())
        .isEmpty();
  }

  @Test
  void oneKeyProvesNothing() {
    assertThat(preview("select id, now() as a from item where id = 1", "id").unstable()).isEmpty();
  }

  @Test
  void aKeyOfChanceIsNamed() {
    assertThat(preview("select gen_random_uuid() as k, name from item", "k").unstable())
        .containsExactly("k");
    assertThat(preview("select id, now() as at, name from item", "id", "at").unstable())
        .containsExactly("at");
  }

  @Test
  void duplicateKeysAreLeftOut() {
    assertThat(
            preview("select i.id, random() as r from item i, generate_series(1, 2)", "id")
                .unstable())
        .isEmpty();
    assertThat(
            preview("select id, now() as a from item union all select 1, now()", "id").unstable())
        .containsExactly("a");
  }

  @Test
  void theListIsACopy() {
    List<String> unstable = new ArrayList<>(List.of("a"));
    ModelPreview preview = new ModelPreview(List.of(), List.of(), unstable);
    unstable.clear();
    assertThat(preview.unstable()).containsExactly("a");
  }
}
