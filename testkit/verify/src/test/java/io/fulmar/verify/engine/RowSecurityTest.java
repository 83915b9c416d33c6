package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelValidation.Finding;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A table of three rows under row security, of which a policy shows one; read by a role that the
 * policy binds, by its owner, and by a role with BYPASSRLS.
 */
@BothEngines
@DisplayName("G-12: rows that row security hides are an error, unless that is allowed")
class RowSecurityTest extends SourceFixture {
  private static final String REFUSED =
      "Cannot use the model rows: query would be affected by row-level security policy for table"
          + " \"item\". Row security hides rows of it: let a role read that the policies do not bind"
          + " (BYPASSRLS), or call Model.allowRowSecurity() if what the role sees is all there is"
          + " (sqlstate=42501). [";

  @BeforeEach
  void createRoles() throws SQLException {
    database.execute(
        "create role g12_reader login",
        "create role g12_owner login",
        "create role g12_bypass login bypassrls",
        "create table item (id int primary key, name text)",
        "insert into item values (1, 'a'), (2, 'b'), (3, 'c')",
        "alter table item owner to g12_owner",
        "grant select on item to g12_reader, g12_bypass",
        "alter table item enable row level security");
    tested.prepare(database, "g12_reader", "g12_bypass", "g12_owner");
  }

  @AfterEach
  void dropRoles() throws SQLException {
    database.execute(
        "drop owned by g12_reader, g12_bypass, g12_owner cascade",
        "drop role g12_reader, g12_bypass, g12_owner");
  }

  private static Model model() {
    return Model.query("rows", "select id, name from item").key("id");
  }

  private int rowsFor(String role, Model model) {
    try (SyncEngine engine = open(sourceBuilder().user(role).build())) {
      return engine.preview(model).rows().size();
    }
  }

  private void assertRefusedFor(String role) {
    try (SyncEngine engine = open(sourceBuilder().user(role).build())) {
      assertThatThrownBy(() -> engine.preview(model()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(REFUSED);
      assertThatThrownBy(
              () -> engine.run(Sync.builder("crm").model(model()).to(destination).build()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(REFUSED);
      assertThat(engine.validate(model()).findings())
          .extracting(Finding::fact)
          .containsExactly(
              "query would be affected by row-level security policy for table \"item\"");
    }
    assertThat(destination.changes()).isEmpty();
  }

  @Test
  @DisplayName("G-12: row security without a policy, which hides every row, is an error")
  void noPolicyIsAnError() {
    assertRefusedFor("g12_reader");
    assertThat(rowsFor("g12_reader", model().allowRowSecurity())).isZero();
  }

  @Test
  @DisplayName("G-12: a policy by a setting is an error; allowed, it shows its rows")
  void aPolicyIsAnError() throws SQLException {
    database.execute("create policy own on item using (id = current_setting('app.item')::int)");
    assertRefusedFor("g12_reader");
    assertThat(rowsFor("g12_reader", model().allowRowSecurity().setting("app.item", "2")))
        .isEqualTo(1);
  }

  @Test
  @DisplayName("G-12: the owner and a role with BYPASSRLS read everything")
  void ownerAndBypassReadEverything() throws SQLException {
    database.execute("create policy own on item using (id = 1)");
    for (String role : List.of("g12_owner", "g12_bypass")) {
      assertThat(rowsFor(role, model())).as(role).isEqualTo(3);
      assertThat(rowsFor(role, model().allowRowSecurity())).as(role).isEqualTo(3);
    }
  }

  @Test
  @DisplayName("G-12: FORCE binds the owner too")
  void forceBindsTheOwner() throws SQLException {
    database.execute(
        "create policy own on item using (id = 1)", "alter table item force row level security");
    assertRefusedFor("g12_owner");
    assertThat(rowsFor("g12_owner", model().allowRowSecurity())).isEqualTo(1);
    assertThat(rowsFor("g12_bypass", model())).isEqualTo(3);
  }

  @Test
  @DisplayName(
      "G-12: a role whose sessions have row_security = off cannot read hidden rows as none")
  void theSettingOfTheRoleDoesNotMatter() throws SQLException {
    database.execute(
        "create policy own on item using (id = 1)", "alter role g12_reader set row_security = on");
    assertRefusedFor("g12_reader");
    database.execute("alter role g12_reader set row_security = off");
    assertThat(rowsFor("g12_reader", model().allowRowSecurity())).isEqualTo(1);
  }

  @Test
  @DisplayName("G-12: row security that comes later fails the run, and removes nothing")
  void rowSecurityThatComesLaterRemovesNothing() throws SQLException {
    database.execute("alter table item disable row level security");
    Sync sync =
        Sync.builder("crm")
            .model(model())
            .to(destination)
            .onRemoved(io.fulmar.Removal.DELETE)
            .build();
    io.fulmar.Source reader = sourceBuilder().user("g12_reader").build();
    assertThat(run(reader, sync).throwIfFailed().total().planned()).isEqualTo(3);

    database.execute(
        "alter table item enable row level security", "create policy own on item using (id = 1)");

    assertThatThrownBy(() -> run(reader, sync))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(REFUSED);
    database.execute("alter table item disable row level security");
    SyncReport report = run(reader, sync);
    assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.total().planned()).isZero();
  }
}
