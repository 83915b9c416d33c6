package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Manifests of one made-up project, one of each version from 6 to 12, with the fields that dbt has
 * renamed and added in between; in each the same models, and from version 9 on one with versions of
 * its own.
 */
@DisplayName("A model may be one of dbt's, out of its manifest")
class DbtModelTest {
  @TempDir Path folder;

  private Path manifest(int version) throws IOException {
    String name = "manifest-v" + version + ".json";
    Path file = folder.resolve(name);
    try (InputStream in = DbtModelTest.class.getResourceAsStream("dbt/" + name)) {
      Files.write(file, Objects.requireNonNull(in, name).readAllBytes());
    }
    return file;
  }

  private void assertRefused(int version, String wanted, String fact) throws IOException {
    Path file = manifest(version);
    assertThatThrownBy(() -> Model.dbt(file, wanted))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot read the dbt model %s from %s: %s [model=%s]", wanted, file, fact, wanted);
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 7, 8, 9, 10, 11, 12})
  void relationsOfEachMaterializationAreFound(int version) throws IOException {
    Path file = manifest(version);
    for (String name : List.of("customers", "events", "stored", "parsed", "countries")) {
      Model model = Model.dbt(file, name).key("id");
      assertThat(model.name()).isEqualTo(name);
      assertThat(model.table()).isEqualTo(new ModelTable("shop", "app", name, List.of(), null));
      assertThat(model.sql()).endsWith("select * from \"app\".\"" + name + '"');
    }
    assertThat(Model.dbt(file, "customers_history").key("id").table())
        .isEqualTo(new ModelTable("shop", "snapshots", "customers_history", List.of(), null));
    assertThat(Model.dbt(file, "orders").key("id").sql())
        .endsWith("select * from \"sales\".\"Order \"\"s\"");
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 7, 8, 9, 10, 11, 12})
  void compiledSqlIsFound(int version) throws IOException {
    Path file = manifest(version);
    Model model = Model.dbtQuery(file, "staged").key("id");
    assertThat(model.name()).isEqualTo("staged");
    assertThat(model.sql()).isEqualTo("select id, name from \"shop\".\"app\".\"raw_staged\"");
    assertThat(model.table()).isNull();
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 9, 12})
  void whatDbtDidNotQuoteIsFoldedAsPostgresqlDoes(int version) throws IOException {
    Path file = manifest(version);
    assertThat(Model.dbt(file, "folded").key("id").table())
        .isEqualTo(new ModelTable("shop", "app", "folded", List.of(), null));
    assertThat(Model.dbt(file, "unquoted").key("id").table())
        .isEqualTo(new ModelTable("shop", "app", "Un Quoted", List.of(), null));
  }

  @Test
  void columnsAndConditionOfATableCanBeChosen() throws IOException {
    Model model =
        Model.dbt(manifest(12), "model.shop.customers")
            .columns("id", "name")
            .where("id > 7")
            .key("id");
    assertThat(model.table())
        .isEqualTo(new ModelTable("shop", "app", "customers", List.of("id", "name"), "id > 7"));
  }

  @ParameterizedTest
  @CsvSource({"9", "10", "11", "12"})
  void theNameOfAModelWithVersionsMeansTheLatest(int version) throws IOException {
    Path file = manifest(version);
    Model latest = Model.dbt(file, "accounts").key("id");
    assertThat(latest.name()).isEqualTo("accounts.v2");
    assertThat(latest.sql()).contains("\"accounts_v2\"");
    Model first = Model.dbt(file, "model.shop.accounts.v1").key("id");
    assertThat(first.name()).isEqualTo("accounts.v1");
    assertThat(first.sql()).contains("\"accounts_v1\"");
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 7, 8, 9, 10, 11, 12})
  void whatHasNoRelationIsRefusedWithTheReason(int version) throws IOException {
    assertRefused(
        version,
        "staged",
        "model.shop.staged is ephemeral, so dbt makes no relation of it. Materialize it as a view,"
            + " or take its SQL by Model.dbtQuery.");
    assertRefused(
        version,
        "old",
        "model.shop.old is disabled, so dbt makes no relation of it. Enable it and let dbt run, or"
            + " name another.");
    assertRefused(
        version,
        "model.shop.old",
        "model.shop.old is disabled, so dbt makes no relation of it. Enable it and let dbt run, or"
            + " name another.");
    assertRefused(
        version,
        "twice",
        "twice is the name of several models. Name one by its unique id: model.crm.twice,"
            + " model.shop.twice.");
    assertRefused(
        version,
        "custmers",
        "it has no model, seed or snapshot custmers. Look at its name, or give its unique id. Nearest"
            + " is customers.");
    assertRefused(
        version,
        "model.shop.custmers",
        "it has no model, seed or snapshot model.shop.custmers. Look at its name, or give its unique"
            + " id. Nearest is model.shop.customers.");
    assertRefused(
        version,
        "nothing at all like it",
        "it has no model, seed or snapshot nothing at all like it. Look at its name, or give its"
            + " unique id.");
    assertRefused(
        version,
        "test.shop.not_null_customers_id",
        "test.shop.not_null_customers_id is a test, from which no rows come. Name a model, a seed or a"
            + " snapshot.");
    assertThat(Model.dbt(manifest(version), "model.crm.twice").key("id").sql()).contains("\"crm\"");
  }

  @Test
  void whatHasNoSqlIsRefusedWithTheReason() throws IOException {
    Path file = manifest(12);
    assertThatThrownBy(() -> Model.dbtQuery(file, "parsed"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "model.shop.parsed is not compiled. Let dbt compile the project, which parsing does not.");
    assertThatThrownBy(() -> Model.dbtQuery(file, "countries"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("seed.shop.countries is a seed, which has no SQL.");
    assertThatThrownBy(() -> Model.dbtQuery(file, "forecast"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("model.shop.forecast is written in Python, so it has no SQL.");
  }

  private void assertFileRefused(String content, String fact) throws IOException {
    Path file = folder.resolve("other.json");
    Files.writeString(file, content, StandardCharsets.UTF_8);
    assertThatThrownBy(() -> Model.dbt(file, "customers"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(fact)
        .hasMessageNotContaining("canary");
  }

  @Test
  void filesThatAreNoManifestAreRefused() throws IOException {
    String unknown = "it does not say which version of dbt's schema it has, so it is no manifest.";
    assertFileRefused("{}", unknown);
    assertFileRefused("{\"metadata\": {\"dbt_schema_version\": 12}, \"nodes\": [1]}", unknown);
    assertFileRefused(
        "{\"metadata\": {\"dbt_schema_version\": \"https://schemas.getdbt.com/dbt/catalog/v1.json\"}}",
        unknown);
    for (int version : List.of(1, 5, 13, 19, 21)) {
      assertFileRefused(
          "{\"metadata\": {\"dbt_schema_version\": \"https://schemas.getdbt.com/dbt/manifest/v"
              + version
              + ".json\"}}",
          "its version is " + version + ", and known are 6 to 12.");
    }
    for (String text :
        List.of("", "canary", "[]", "{\"nodes\": {\"canary\": {", "{\"nodes\": tru canary")) {
      assertFileRefused(text, "it cannot be read as JSON (");
    }
    Path missing = folder.resolve("missing.json");
    assertThatThrownBy(() -> Model.dbt(missing, "customers"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot read the dbt model customers from %s: it does not exist. Let dbt compile or run the"
                + " project, and look at the path. [model=customers]",
            missing);
  }

  @Test
  void fieldsOfUnknownShapeAreSkipped() throws IOException {
    Path file = folder.resolve("odd.json");
    Files.writeString(
        file,
        """
        {"nodes": {"model.a.b": {"name": "b", "resource_type": "model", "schema": "s", "alias": "t",
            "relation_name": ["x"], "config": [], "version": null, "later": {"name": [{"name": "z"}]}},
          "model.a.c": 7},
         "disabled": [[], {"unique_id": "model.a.d", "name": "d", "resource_type": "model"}],
         "metadata": {"env": {"dbt_schema_version": "x"},
           "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v20.json"}}
        """);
    assertThat(Model.dbt(file, "b").key("id").table())
        .isEqualTo(new ModelTable(null, "s", "t", List.of(), null));
    assertThatThrownBy(() -> Model.dbt(file, "d"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("model.a.d is disabled");
  }

  @Test
  void aRelationThatPostgresqlCannotHaveIsRefused() throws IOException {
    Path file = folder.resolve("long.json");
    Files.writeString(
        file,
        """
        {"nodes": {"model.a.b": {"name": "b", "resource_type": "model", "relation_name": "s.%s"}},
         "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}}
        """
            .formatted("x".repeat(64)));
    assertThatThrownBy(() -> Model.dbt(file, "b"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "the relation of model.a.b cannot be one of PostgreSQL (name must be 1 to 63 bytes");
  }
}
