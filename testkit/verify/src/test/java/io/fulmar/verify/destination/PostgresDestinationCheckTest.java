package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model in one schema and tables in another, and what the check of a sync says of them before
 * anything is sent. What it says to do is done, and then it passes and so does the run.
 */
class PostgresDestinationCheckTest {
  private static TestPostgres postgres;

  @TempDir Path state;

  private TableFixture fixture;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.own();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void createModel() throws SQLException {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run(
        "create schema source",
        "create table source.customer (id int primary key, email text, since date)",
        "insert into source.customer values (1, 'a@example.org', '2020-01-01')");
  }

  private Sync sync(PostgresDestination destination) {
    return Sync.builder("crm")
        .model(Model.query("rows", "select id, email, since from source.customer").key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE)
        .build();
  }

  private CheckReport check(PostgresDestination destination) {
    try (SyncEngine engine = StandardEngine.on(fixture.source().build(), state)) {
      return engine.check(sync(destination));
    }
  }

  private void assertRuns(PostgresDestination destination) {
    try (SyncEngine engine = StandardEngine.on(fixture.source().build(), state)) {
      assertThat(engine.run(sync(destination)).throwIfFailed().total().accepted()).isEqualTo(1);
    }
  }

  private static CheckReport.Step step(CheckReport report, String name) {
    return report.steps().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  private static List<String> ofDestination(CheckReport report) {
    return report.steps().stream()
        .filter(step -> step.name().startsWith("destination "))
        .map(step -> step.name().replace("destination ", "") + " " + step.verdict())
        .toList();
  }

  @Test
  void aTableThatFitsPassesAndNothingIsWritten() throws SQLException {
    fixture.run("create table target (id bigint primary key, email text, since date)");
    CheckReport report = check(fixture.into("target").build()).throwIfFailed();
    assertThat(ofDestination(report))
        .containsExactly(
            "network PASSED", "credentials PASSED", "table PASSED", "privileges PASSED");
    assertThat(step(report, "destination table").found())
        .containsExactly("\"public\".\"target\", 3 columns");
    assertThat(fixture.rows("select count(*) from target")).containsExactly("0");
    assertRuns(fixture.into("target").build());
  }

  @Test
  void aTableThatIsMissingIsGivenAsSqlWithTheTypesOfTheModel() throws SQLException {
    PostgresDestination target = fixture.into("target").sequenceColumn("fulmar_sequence").build();
    CheckReport report = check(target);
    assertThat(step(report, "destination table").found()).containsExactly("there is no such table");
    String remedy = step(report, "destination table").remedies().get(0);
    assertThat(remedy)
        .endsWith(
            "create table \"public\".\"target\" (\"id\" integer, \"email\" text, \"since\" date,"
                + " \"fulmar_sequence\" bigint, primary key (\"id\"))");
    fixture.run(remedy.substring(remedy.indexOf("/*")));
    report = check(target);
    assertThat(step(report, "destination table").found())
        .anyMatch(fact -> fact.contains("for the tombstones of deleted keys"));
    remedy = step(report, "destination table").remedies().get(0);
    fixture.run(remedy.substring(remedy.indexOf("/*")));
    check(target).throwIfFailed();
    assertRuns(target);
  }

  @Test
  void aTableThatTheFirstBatchMakesIsNoFailure() throws SQLException {
    Map<String, String> types = new LinkedHashMap<>();
    types.put("id", "int");
    types.put("email", "text");
    CheckReport report = check(fixture.into("target").createTableIfMissing(types).build());
    assertThat(step(report, "destination table").found())
        .contains("createTableIfMissing(...) has no type for [\"since\"]");
    types.put("since", "date");
    PostgresDestination target = fixture.into("target").createTableIfMissing(types).build();
    check(target).throwIfFailed();
    assertThat(fixture.rows("select to_regclass('target')")).containsExactly("null");
    assertRuns(target);
  }

  @Test
  void allThatIsWrongWithATableIsSaidAtOnce() throws SQLException {
    fixture.run(
        """
        create table target (
          id bigint, since date generated always as ('2020-01-01'::date) stored,
          region text not null)""");
    CheckReport.Step step = step(check(fixture.into("target").build()), "destination table");
    assertThat(step.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(step.found())
        .containsExactly(
            "the table has no column \"email\"",
            "the table makes the values of column \"since\" itself",
            "column \"region\" is NOT NULL, has no default and is not in the model",
            "there is no unique constraint or index on exactly the key columns \"id\" (valid, not"
                + " deferrable, not partial)",
            "\"public\".\"target\", 3 columns");
    assertThat(step.remedies()).hasSize(4);
  }

  @Test
  void aColumnOfAnotherTypeIsAWarning() throws SQLException {
    fixture.run("create table target (id smallint primary key, email int, since text)");
    CheckReport report = check(fixture.into("target").build()).throwIfFailed();
    assertThat(step(report, "destination table").verdict()).isEqualTo(Verdict.WARNING);
    assertThat(step(report, "destination table").found())
        .contains(
            "the column \"id\" is smallint, and the model gives integer: what does not fit is rejected",
            "the column \"email\" is integer, and the model gives text: what does not fit is rejected")
        .hasSize(3);
  }

  @Test
  void eachGrantThatIsMissingIsNamedAndWithThemAllTheRunPasses() throws SQLException {
    String database = fixture.database().name();
    fixture.run(
        "create schema closed",
        "create table closed.target (id int primary key, email text, since date, s bigint)",
        "create table closed.target_fulmar_tombstones (id int primary key,"
            + " fulmar_sequence bigint not null, fulmar_deleted_at timestamptz not null)",
        "create role \"lean writer\" login",
        "revoke all on database \"" + database + "\" from public",
        "grant connect on database \"" + database + "\" to \"lean writer\"");
    try {
      Source writer = fixture.source().user("lean writer").build();
      PostgresDestination target =
          PostgresDestination.builder(writer).table("closed", "target").sequenceColumn("s").build();
      List<String> remedies = step(check(target), "destination privileges").remedies();
      assertThat(remedies)
          .containsExactly(
              "grant temporary on database \"" + database + "\" to \"lean writer\"",
              "grant usage on schema \"closed\" to \"lean writer\"",
              "grant select, insert, update, delete on \"closed\".\"target\" to \"lean writer\"",
              "grant select, insert, update, delete on \"closed\".\"target_fulmar_tombstones\" to"
                  + " \"lean writer\"");
      for (String missing : remedies) {
        List<String> others = new ArrayList<>(remedies);
        others.remove(missing);
        fixture.run(others.toArray(String[]::new));
        assertThat(step(check(target), "destination privileges").remedies())
            .containsExactly(missing);
        for (String other : others) {
          fixture.run(other.replaceFirst("grant", "revoke").replace(" to \"lean", " from \"lean"));
        }
      }
      fixture.run(remedies.toArray(String[]::new));
      check(target).throwIfFailed();
      assertRuns(target);
    } finally {
      fixture.run("drop owned by \"lean writer\"", "drop role \"lean writer\"");
    }
  }

  @Test
  void aServerThatIsNotThereDoesNotHideTheRest() {
    Source nowhere = fixture.source().port(1).build();
    PostgresDestination target =
        PostgresDestination.builder(nowhere).table("public", "target").build();
    CheckReport report = check(target);
    assertThat(ofDestination(report))
        .containsExactly(
            "network FAILED", "credentials SKIPPED", "table SKIPPED", "privileges SKIPPED");
    assertThat(step(report, "model").verdict()).isEqualTo(Verdict.PASSED);
  }
}
