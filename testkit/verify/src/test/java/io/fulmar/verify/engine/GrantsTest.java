package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A schema that nothing of is open to PUBLIC, with tables, a view of each kind, a function that is
 * called, one that reads for its caller, and a type; and a role that has exactly the grants that a
 * model of all of them takes. Each test takes some away.
 */
@DisplayName(
    "H-07: the check names exactly the grant that is missing, and warns of what is too much")
class GrantsTest extends SourceFixture {
  private static final String ROLE = "lean reader";

  private static final String QUALIFIED =
      """
      select c.id, c."E mail", "The App".tier(c.id) as tier, v.total, 'ok'::"The App".mood as mood
      from "The App"."Customer" c
      join "The App".orders o on o.customer = c.id
      join "The App".totals v on v.customer = c.id
      """;

  /** What the model takes, as SQL without "grant" and "to". */
  private static final List<String> GRANTS =
      List.of(
          "usage on schema \"The App\"",
          "select (id, \"E mail\") on \"The App\".\"Customer\"",
          "select on \"The App\".\"orders\"",
          "select on \"The App\".\"totals\"",
          "execute on function \"The App\".\"tier\"(who integer)");

  @BeforeEach
  void createRole() throws SQLException {
    database.execute(
        "create role \"lean reader\" login",
        "create schema \"The App\"",
        "create table \"The App\".\"Customer\" (id int primary key, \"E mail\" text, secret text)",
        "create table \"The App\".orders (id int primary key, customer int, amount int)",
        "create table \"The App\".id (x int)", // bears the name of a column
        "insert into \"The App\".\"Customer\" values (1, 'a@example.org', 'x')",
        "insert into \"The App\".orders values (10, 1, 5)",
        "create view \"The App\".totals as select customer, sum(amount) as total"
            + " from \"The App\".orders group by customer",
        "create type \"The App\".mood as enum ('ok')",
        "revoke usage on type \"The App\".mood from public",
        "create function \"The App\".tier(who int) returns int language sql stable as 'select who'",
        "create function \"The App\".amounts() returns bigint language plpgsql stable as"
            + " 'begin return (select sum(amount) from \"The App\".orders); end'",
        "revoke execute on all functions in schema \"The App\" from public",
        """
        do $$ begin
          execute format('revoke all on database %I from public', current_database());
          execute format('grant connect on database %I to "lean reader"', current_database());
        end $$""");
    for (String grant : GRANTS) {
      database.execute("grant " + grant + " to \"lean reader\"");
    }
  }

  @AfterEach
  void dropRole() throws SQLException {
    database.execute("drop owned by \"lean reader\"", "drop role \"lean reader\"");
  }

  private Source reader() {
    return sourceBuilder().user(ROLE).build();
  }

  private Sync syncOf(String model) {
    return Sync.builder("crm").model(Model.query("rows", model).key("id")).to(destination).build();
  }

  private CheckReport check(Sync sync) {
    return CheckTest.check(reader(), sync, state);
  }

  /** Everything that a check wants to be done. */
  private static List<String> remedies(CheckReport report) {
    List<String> remedies = new ArrayList<>();
    report.steps().stream()
        .filter(step -> !step.name().startsWith("state"))
        .forEach(step -> remedies.addAll(step.remedies()));
    return remedies;
  }

  private void assertRunFailsNaming(Sync sync, String grant) {
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThatThrownBy(() -> engine.run(sync).throwIfFailed())
          .isInstanceOf(FulmarException.class)
          .hasMessageMatching(
              "(?s).*Run, as owner or superuser: "
                  + Pattern.quote(grant)
                  + "( \\(sqlstate=42P01\\))?\\. \\[.*")
          .hasMessageContaining("sync=crm");
    }
  }

  @Test
  void withEachGrantTheCheckPassesAndHasNothingToSay() {
    CheckReport report = check(syncOf(QUALIFIED)).throwIfFailed();
    assertThat(remedies(report)).isEmpty();
    assertThat(CheckTest.step(report, "model").found()).containsExactly("5 columns, key id");
    assertThat(run(reader(), syncOf(QUALIFIED)).throwIfFailed().total().accepted()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void oneThatIsMissingIsNamedByCheckAndRun(int missing) throws SQLException {
    String privilege = GRANTS.get(missing);
    database.execute("revoke " + privilege + " from \"lean reader\"");
    // With no column left, the table is what the role lacks.
    String asked =
        privilege.startsWith("select (") ? "select on \"The App\".\"Customer\"" : privilege;
    String grant = "grant " + asked + " to \"lean reader\"";
    CheckReport report = check(syncOf(QUALIFIED));
    assertThat(remedies(report)).contains(grant).filteredOn(r -> r.startsWith("grant")).hasSize(1);
    assertThat(CheckTest.step(report, "privileges").verdict()).isEqualTo(Verdict.FAILED);
    assertThat(CheckTest.step(report, "privileges").found())
        .containsExactly("\"lean reader\" lacks " + asked);
    assertRunFailsNaming(syncOf(QUALIFIED), grant);
    database.execute(grant);
    check(syncOf(QUALIFIED)).throwIfFailed();
  }

  @Test
  void aColumnIsNamedAlone() throws SQLException {
    database.execute("revoke select (\"E mail\") on \"The App\".\"Customer\" from \"lean reader\"");
    String grant = "grant select (\"E mail\") on \"The App\".\"Customer\" to \"lean reader\"";
    assertThat(remedies(check(syncOf(QUALIFIED)))).containsExactly(grant);
    assertRunFailsNaming(syncOf(QUALIFIED), grant);
  }

  @Test
  void aStarAsksForEachColumn() {
    assertThat(remedies(check(syncOf("select * from \"The App\".\"Customer\""))))
        .containsExactly("grant select (secret) on \"The App\".\"Customer\" to \"lean reader\"");
    check(syncOf("select id, count(*) from \"The App\".\"Customer\" group by id")).throwIfFailed();
  }

  @Test
  void allThatAreMissingAreNamedAtOnce() throws SQLException {
    for (String grant : GRANTS) {
      database.execute("revoke " + grant + " from \"lean reader\"");
    }
    assertThat(remedies(check(syncOf(QUALIFIED))))
        .filteredOn(remedy -> remedy.startsWith("grant"))
        .containsExactlyInAnyOrder(
            "grant usage on schema \"The App\" to \"lean reader\"",
            "grant select on \"The App\".\"Customer\" to \"lean reader\"",
            "grant select on \"The App\".\"orders\" to \"lean reader\"",
            "grant select on \"The App\".\"totals\" to \"lean reader\"",
            "grant execute on function \"The App\".\"tier\"(who integer) to \"lean reader\"");
  }

  @Test
  void aSchemaOfTheSearchPathThatMayNotBeUsedIsNamedThoughItsTableSeemsNotToBeThere()
      throws SQLException {
    database.execute(
        "alter role \"lean reader\" set search_path = \"The App\"",
        "revoke usage on schema \"The App\" from \"lean reader\"");
    Sync sync = syncOf("select id from orders");
    String grant = "grant usage on schema \"The App\" to \"lean reader\"";
    assertThat(remedies(check(sync))).contains(grant);
    assertRunFailsNaming(sync, grant);
  }

  @Test
  void whatAFunctionOfTheModelLacksIsNamedByTheRun() throws SQLException {
    database.execute(
        "grant execute on function \"The App\".amounts() to \"lean reader\"",
        "revoke select on \"The App\".orders from \"lean reader\"");
    Sync sync = syncOf("select 1 as id, \"The App\".amounts() as amounts");
    String grant = "grant select on \"The App\".\"orders\" to \"lean reader\"";
    assertThat(CheckTest.step(check(sync), "first rows").found())
        .singleElement()
        .asString()
        .contains(grant);
    try (SyncEngine engine = StandardEngine.on(reader(), state)) {
      assertThat(engine.run(sync).problem()).hasValueSatisfying(t -> assertThat(t).contains(grant));
    }
  }

  @Test
  void aViewWhoseOwnerLacksAGrantNamesTheOwner() throws SQLException {
    database.execute(
        "create role \"view owner\"",
        "grant usage, create on schema \"The App\" to \"view owner\"",
        "create view \"The App\".broken as select id from \"The App\".\"Customer\"",
        "alter view \"The App\".broken owner to \"view owner\"",
        "grant select on \"The App\".broken to \"lean reader\"");
    try {
      assertThat(remedies(check(syncOf("select id from \"The App\".broken"))))
          .containsExactly("grant select on \"The App\".\"Customer\" to \"view owner\"");
    } finally {
      database.execute("drop owned by \"view owner\" cascade", "drop role \"view owner\"");
    }
  }

  @Test
  void connectIsNamedToo() throws SQLException {
    database.execute(
        """
        do $$ begin
          execute format('revoke connect on database %I from "lean reader"', current_database());
        end $$""");
    String grant = "grant connect on database \"%s\" to \"lean reader\"".formatted(database.name());
    CheckReport report = check(syncOf(QUALIFIED));
    assertThat(CheckTest.verdicts(report))
        .startsWith("network PASSED", "credentials FAILED", "list schemas and tables SKIPPED");
    assertThat(CheckTest.step(report, "credentials").remedies())
        .containsExactly("Run, as owner or superuser: " + grant);
    assertRunFailsNaming(syncOf(QUALIFIED), grant);
  }

  @Test
  void aTextOfSeveralStatementsIsNotLookedUpByTheServer() throws SQLException {
    database.execute("revoke select on \"The App\".orders from \"lean reader\"");
    Sync sync = syncOf("select id from \"The App\".orders where '; ' <> ''");
    assertThat(remedies(check(sync)))
        .containsExactly("grant select on \"The App\".\"orders\" to \"lean reader\"");
    Sync stacked = syncOf("select id from \"The App\".orders; drop table \"The App\".orders");
    assertThat(check(stacked).passed()).isFalse();
    assertThat(query("select count(*) from \"The App\".orders")).isEqualTo("1");
  }

  @ParameterizedTest
  @CsvSource({
    "createdb, alter role \"lean reader\" nocreatedb",
    "createrole, alter role \"lean reader\" nocreaterole",
    "replication, alter role \"lean reader\" noreplication",
    "bypassrls, alter role \"lean reader\" nobypassrls",
    "superuser, Use a role that may only read; Source.roleSql gives the SQL"
  })
  void anAttributeThatAReaderHasNoUseForIsAWarning(String attribute, String remedy)
      throws SQLException {
    database.execute("alter role \"lean reader\" " + attribute);
    CheckReport report = check(syncOf(QUALIFIED)).throwIfFailed();
    assertThat(CheckTest.step(report, "privileges").verdict()).isEqualTo(Verdict.WARNING);
    assertThat(CheckTest.step(report, "privileges").remedies()).containsExactly(remedy);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pg_execute_server_program",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_write_all_data",
        "pg_signal_backend"
      })
  void aPowerfulRoleIsAWarningHeldDirectlyOrThroughAnother(String power) throws SQLException {
    database.execute("grant " + power + " to \"lean reader\"");
    assertThat(CheckTest.step(check(null), "privileges").remedies())
        .containsExactly("revoke \"%s\" from \"lean reader\"".formatted(power));
    database.execute(
        "revoke " + power + " from \"lean reader\"",
        "create role \"some group\"",
        "grant " + power + " to \"some group\"",
        "grant \"some group\" to \"lean reader\"");
    try {
      CheckReport.Step step = CheckTest.step(check(null), "privileges");
      assertThat(step.found()).containsExactly("the role lean reader is a member of " + power);
      assertThat(step.remedies()).containsExactly("revoke \"some group\" from \"lean reader\"");
    } finally {
      database.execute("drop owned by \"some group\"", "drop role \"some group\"");
    }
  }

  @Test
  void writingToTheTablesOfTheModelAndOwningThemIsAWarning() throws SQLException {
    database.execute("grant insert, delete on \"The App\".orders to \"lean reader\"");
    CheckReport.Step step = CheckTest.step(check(syncOf(QUALIFIED)).throwIfFailed(), "privileges");
    assertThat(step.remedies())
        .containsExactly("revoke insert, delete on \"The App\".\"orders\" from \"lean reader\"");
    database.execute("alter table \"The App\".orders owner to \"lean reader\"");
    step = CheckTest.step(check(syncOf(QUALIFIED)).throwIfFailed(), "privileges");
    assertThat(step.found())
        .containsExactly(
            "the role \"lean reader\" owns \"The App\".\"orders\", and so may do anything with it");
    database.execute("alter table \"The App\".orders owner to postgres");
  }
}
