package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows of two tenants, and a model that reads those of the tenant that a setting names. */
@DisplayName("A model has settings, which its SQL reads")
class ModelSettingTest extends SourceFixture {
  private static final String MODEL =
      "select id, name from item where tenant = current_setting('app.tenant')";

  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table item (id int primary key, tenant text, name text)",
        "insert into item values (1, 'a', 'x'), (2, 'b', 'y'), (3, 'it''s; --', 'z')");
  }

  private Sync sync(Model model) {
    return Sync.builder("crm").model(model).to(destination).guardChanges(0, 0).build();
  }

  private static Model ofTenant(String tenant) {
    return Model.query("rows", MODEL).key("id").setting("app.tenant", tenant);
  }

  @Test
  void theModelReadsWhatIsSet() {
    assertThat(sent(run(sync(ofTenant("a"))).throwIfFailed())).containsExactly("ADDED 1");
  }

  @Test
  void aValueIsBound() {
    assertThat(sent(run(sync(ofTenant("it's; --"))).throwIfFailed())).containsExactly("ADDED 3");
  }

  @Test
  void withoutTheSettingTheModelIsRefused() {
    assertThatThrownBy(() -> run(sync(Model.query("rows", MODEL).key("id"))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("unrecognized configuration parameter \"app.tenant\"");
  }

  @Test
  @DisplayName("P7: another value is another definition")
  void anotherValueIsAnotherDefinition() throws SQLException {
    Model all =
        Model.query("rows", "select id, name || current_setting('app.suffix') as n from item")
            .key("id");
    assertThat(run(sync(all.setting("app.suffix", "1"))).throwIfFailed().total().planned())
        .isEqualTo(3);

    SyncReport report = run(sync(all.setting("app.suffix", "2")));

    assertThat(report.status()).isEqualTo(RunStatus.HELD);
    assertThat(report.problem())
        .hasValueSatisfying(text -> assertThat(text).contains("settings").doesNotContain("app."));
  }

  @Test
  @DisplayName("P11: a value is in no message and no text")
  void aValueIsShownNowhere() {
    Model model = ofTenant("canary-5d1");
    assertThat(model.toString()).isEqualTo("Model[rows, key id]");
    assertThat(sync(model).toString()).doesNotContain("canary");
    Model plain = Model.query("rows", "select 1 as id").key("id");
    try (SyncEngine engine = open(sourceBuilder().poolSize(1).build())) {
      engine.preview(plain); // the proof loads PL/pgSQL, which has settings of its own
      assertThatThrownBy(
              () -> engine.preview(plain.setting("plpgsql.extra_warnings", "canary-5d1")))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "Cannot use the model rows: its setting plpgsql.extra_warnings cannot be set"
                  + " (sqlstate=22023). Choose a name that no extension has taken, and a value that"
                  + " it takes. [model=rows]")
          .hasNoCause();
    }
  }

  @Test
  void aSettingEndsWithItsTransaction() {
    try (SyncEngine engine = open(sourceBuilder().poolSize(1).build())) {
      assertThat(engine.preview(ofTenant("a")).rows()).hasSize(1);
      Model next =
          Model.query("next", "select coalesce(current_setting('app.tenant', true), '') as id")
              .key("id");
      assertThat(texts(engine.preview(next).rows().get(0))).containsExactly("");
    }
  }

  @Test
  @DisplayName("behind a pooler that pools by transaction, models of several tenants do not mix")
  void tenantsDoNotMixBehindPooler() throws Exception {
    try (PgBouncer pooler =
        PgBouncer.before(database).poolMode(PgBouncer.PoolMode.TRANSACTION).start()) {
      Source pooled = sourceBuilder().port(pooler.port()).build();
      try (SyncEngine engine = open(pooled)) {
        for (int i = 0; i < 6; i++) {
          String tenant = i % 2 == 0 ? "a" : "b";
          assertThat(engine.preview(ofTenant(tenant)).rows())
              .extracting(row -> row.text("id"))
              .containsExactly(i % 2 == 0 ? "1" : "2");
        }
        assertThat(
                engine
                    .preview(
                        Model.query(
                                "next",
                                "select coalesce(current_setting('app.tenant', true), '') as id")
                            .key("id"))
                    .rows())
            .extracting(row -> row.text("id"))
            .containsExactly("");
      }
    }
  }

  @Test
  void policiesOfRowSecurityReadIt() throws SQLException {
    database.execute(
        "drop role if exists tenants",
        "create role tenants login",
        "grant select on item to tenants",
        "alter table item enable row level security",
        "create policy own on item using (tenant = current_setting('app.tenant'))");
    Model model = Model.table("rows", "public", "item").columns("id").key("id");
    try (SyncEngine engine = open(sourceBuilder().user("tenants").build())) {
      assertThat(engine.preview(model.setting("App.Tenant", "b").allowRowSecurity()).rows())
          .extracting(row -> row.text("id"))
          .containsExactly("2");
    } finally {
      database.execute("drop owned by tenants", "drop role tenants");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tenant",
        "search_path",
        "fulmar.model",
        "FULMAR.key_0",
        "app.",
        ".tenant",
        "app..t",
        "app.ten ant",
        "app.tenant'",
        "app.tenant\0",
        "äpp.tenant",
        "1app.tenant",
        "app.1"
      })
  void namesThatAreNotCustomOnesAreRefused(String name) {
    Model model = Model.query("rows", "select 1 as id").key("id");
    assertThatThrownBy(() -> model.setting(name, "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the name of a setting must be at most 63 of A-Z a-z 0-9 _ $ with a dot between, as in"
                + " app.tenant, and not begin with fulmar.");
  }

  @Test
  void valuesThatPostgresqlCannotHoldAreRefused() {
    Model model = Model.query("rows", "select 1 as id").key("id");
    assertThatThrownBy(() -> model.setting("app.t", "canary\0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the value of the setting app.t must be 0 to 8192 bytes that PostgreSQL can hold, holds"
                + " the character 0");
    assertThatThrownBy(() -> model.setting("app.t", "é".repeat(4097)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the value of the setting app.t must be 0 to 8192 bytes that PostgreSQL can hold, is"
                + " 8194 bytes");
    Model set = model.setting("app.t", "");
    assertThat(set.settings()).containsExactly(java.util.Map.entry("app.t", ""));
    assertThatThrownBy(() -> set.setting("APP.T", "y"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the setting APP.T was given before");
    assertThat(model.settings()).isEmpty();
    Model full = model;
    for (String name : numbers(100)) {
      full = full.setting(name, "x");
    }
    Model last = full;
    assertThatThrownBy(() -> last.setting("app.t", "x"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a model takes at most 100 settings");
  }

  private static List<String> numbers(int to) {
    return java.util.stream.IntStream.range(0, to).mapToObj(i -> "app.n" + i).toList();
  }
}
