package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelValidation;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Two customers in memory, and what a test gets wrong about them. */
@DisplayName("P11: a source in memory says what it does not take")
class InMemorySourceTest {
  private final InMemorySource shop = InMemorySource.create();
  private final InMemorySource.Rows customers =
      shop.model("customers")
          .column("id", "bigint")
          .column("email", "varchar(5)")
          .column("visits", "smallint")
          .row(1L, "a@x", 1)
          .row(2, null, null);

  @Test
  void rowsArePutReplacedAndRemoved() {
    assertThat(shop.model("customers")).isSameAs(customers);
    customers.put(2L, "b@x", 0).put(3L, "c@x", 0).row(3L, "d@x", 0);
    assertThat(customers.size()).isEqualTo(4);
    customers.put(3L, "e@x", 0).remove(1L);
    assertThat(customers.size()).isEqualTo(2);
    customers.replaceAll(List.of(Arrays.asList(9L, null, null)));
    assertThat(customers).hasToString("Rows[customers [id, email, visits], 1 rows]");
    assertThat(customers.clear().size()).isZero();
    assertThat(shop).hasToString("InMemorySource[customers]");
  }

  @Test
  void keyMayHaveSeveralColumns() {
    customers.key("visits", "id").row(1L, "z@x", 7).remove(1, 1L);
    assertThat(customers.size()).isEqualTo(2);
    assertThatThrownBy(() -> customers.remove(1L))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot remove a row: 1 values were given, and its key has 2. Give the columns of the key in its order, or name them by key(...). [model=customers]");
    assertThatThrownBy(() -> customers.key("nobody"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot name the column nobody: there is none but [id, email, visits]. Declare it by column(name, type) before. [model=customers]");
  }

  @Test
  void rowThatIsNotThereIsNotRemoved() {
    assertThatThrownBy(() -> customers.remove(99L))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot remove a row: there is none of that key. Look at the key. [model=customers]");
  }

  @Test
  void valuesOfOtherTypesAreRefusedWithoutTheValue() {
    refused(
        "the value for email, a character varying, is a java.util.Date. Give a java.lang.String",
        3L,
        new Date(0),
        1);
    refused(
        "the value for email, a character varying, has more characters than the column takes. Give a java.lang.String",
        3L,
        "a@x.org",
        1);
    refused(
        "the value for email, a character varying, holds the character 0. Give a java.lang.String",
        3L,
        "\0",
        1);
    refused(
        "the value for visits, a smallint, is beyond what a smallint holds. Give a java.lang.Integer",
        3L,
        "a",
        40_000);
    refused(
        "the value for id, a bigint, is a java.math.BigDecimal. Give a java.lang.Long or java.lang.Integer",
        BigDecimal.ONE,
        "a",
        1);
    refused(
        "1 values were given, and the columns are [id, email, visits]. Give one value for each column, null for NULL",
        3L);
    assertThat(customers.size()).isEqualTo(2);
  }

  private void refused(String why, Object... row) {
    assertThatThrownBy(() -> customers.row(row))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot take a row: " + why + ". [model=customers]");
  }

  @Test
  void numbersAndDocumentsThatPostgresRefusesAreRefused() {
    InMemorySource.Rows rows =
        shop.model("things").column("n", "numeric(4, 2)").column("d", "jsonb");
    for (Object[] row :
        new Object[][] {
          {new BigDecimal("99.995"), "1"},
          {BigDecimal.ONE, "{a: 1}"},
          {BigDecimal.ONE, "\"\\u0000\""}
        }) {
      assertThatThrownBy(() -> rows.row(row)).isInstanceOf(IllegalArgumentException.class);
    }
    rows.row(new BigDecimal("99.994"), "{\"a\": 01}".replace("01", "1"));
  }

  @Test
  void columnsAreDeclaredOnceAndFirst() {
    assertThatThrownBy(() -> customers.column("plan", "text"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot declare the column plan: there are rows already. Declare the columns first. [model=customers]");
    InMemorySource.Rows rows = shop.model("orders").column("id", "bigint");
    assertThatThrownBy(() -> rows.column("id", "bigint"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot declare the column id: the name is empty or taken. Choose another name. [model=orders]");
    assertThatThrownBy(() -> rows.column("tags", "text[]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot declare the column tags: type must be one that is kept in memory, is text[]. Take one of smallint, integer, bigint, numeric, real, double precision, boolean, text, varchar, char, uuid, date, time, timestamp, timestamptz, bytea, json, jsonb; or test with a database: TestPostgres. [model=orders]");
    for (String type :
        List.of("varchar(0)", "numeric(0)", "int(3)", "timestamp(3)", "text(2)", "")) {
      assertThatThrownBy(() -> rows.column("x", type)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void modelThatDoesNotFitIsRefusedInTheWordsOfTheEngines() {
    modelRefused(
        Model.query("custmers", "select 1").key("id"),
        "Cannot use the model custmers: the source in memory has no model of that name but customers. Give it its columns and rows by InMemorySource.model(\"custmers\"). [sync=crm run=");
    modelRefused(
        Model.query("customers", "select 1").key("Id"),
        "Cannot use the model customers: it does not return the key column \"Id\" but id, email, visits. Select it, in exactly this spelling. [sync=crm run=");
    modelRefused(
        Model.table("customers", "app", "customer").columns("id", "plan").key("id"),
        "Cannot use the model customers: it selects the column \"plan\", and in memory it has id, email, visits. Declare it by column(name, type), in exactly this spelling. [sync=crm run=");
    shop.model("ratios").column("r", "float8");
    modelRefused(
        Model.query("ratios", "select 1").key("r"),
        "Cannot use the model ratios: the key column \"r\" of type double precision has no one image per value. Write \"r\"::numeric as \"r\" in the model. [sync=crm run=");
    shop.model("nothing");
    modelRefused(
        Model.query("nothing", "select 1").key("id"),
        "Cannot use the model nothing: it returns no columns. Declare them by column(name, type). [sync=crm run=");
  }

  private void modelRefused(Model model, String message) {
    try (SyncEngine engine = InMemoryEngine.on(shop)) {
      Sync sync = Sync.builder("crm").model(model).to(RecordingDestination.of("crm")).build();
      assertThatThrownBy(() -> engine.run(sync).throwIfFailed())
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(message);
      ModelValidation validation = engine.validate(model);
      assertThat(validation.isUsable()).isFalse();
      String finding = validation.findings().get(0).text();
      assertThat(message).contains(finding);
    }
  }

  @Test
  void columnsOfATableAreThoseThatItChooses() {
    try (SyncEngine engine = InMemoryEngine.on(shop)) {
      Model model = Model.table("customers", "app", "customer").columns("email", "id").key("id");
      assertThat(engine.preview(model).rows().get(0).columns()).containsExactly("email", "id");
    }
  }

  @Test
  void failuresAreAskedForInForm() {
    assertThatThrownBy(() -> shop.failNext("57p01"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sqlState must be five digits or capital letters");
    assertThatThrownBy(() -> shop.failNext(0, "57P01"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("times must be 1 to 1000, is 0");
  }
}
