package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.change;
import static io.fulmar.verify.destination.TableFixture.rejection;
import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.PostgresDestination;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;

/**
 * Holds a table {@code orders} with one rule of each kind, and shows that a row that breaks one is
 * rejected alone and without its values, and that everything else that goes wrong says whether
 * something was applied, and what to do.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class PostgresDestinationErrorTest {
  private static final String SECRET = "S3cr3t";

  private static TestPostgres postgres;

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
  void createTable() throws SQLException {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run(
        "create table customers (id text primary key)",
        "insert into customers values ('C1')",
        "create type mood as enum ('good')",
        "create domain short as text check (length(value) < 5) not null",
        """
        create table orders (
          id bigint primary key,
          customer text constraint belongs references customers deferrable initially deferred,
          code varchar(6) constraint code_once unique,
          amount numeric(6, 2) constraint positive check (amount > 0),
          note text not null default '',
          mood mood,
          short short default '',
          day date,
          small smallint,
          doc jsonb)""",
        """
        create function refuse() returns trigger language plpgsql as $$
        begin
          if new.note = 'S3cr3t refuse' then raise exception 'no %', new.note; end if;
          if new.note = 'S3cr3t custom' then
            raise exception 'no %', new.note using errcode = 'ACME1', detail = new.note;
          end if;
          if new.note = 'S3cr3t zero' then new.small = 1 / 0; end if;
          return new;
        end $$""",
        "create trigger refuse before insert or update on orders for each row execute function refuse()",
        "insert into orders (id, code) values (1, 'taken')");
  }

  private Destination orders() {
    return fixture.into("orders").build();
  }

  private long good() throws SQLException {
    return Long.parseLong(fixture.rows("select count(*) from orders where note = 'good'").get(0));
  }

  @ParameterizedTest
  @DisplayName("P11: a rejection names the rule and no value")
  @CsvSource(
      delimiter = '|',
      nullValues = "NULL",
      textBlock =
          """
          customer | S3cr3t        | 23503 | A foreign key is violated (constraint belongs, table orders).
          code     | taken         | 23505 | A unique key is violated: another row has the same values (constraint code_once, table orders).
          code     | S3cr3t S3cr3t | 22001 | A value is too long (column code).
          amount   | -1            | 23514 | A check constraint is violated (constraint positive, table orders).
          amount   | 123456.78     | 22003 | A number is out of range (column amount).
          note     | NULL          | 23502 | A column that must not be NULL is (column note, table orders).
          mood     | S3cr3t        | 22P02 | A value has not the form that its type needs (column mood).
          short    | S3cr3t        | 23514 | A check constraint is violated (column short, constraint short_check, type short).
          short    | NULL          | 23502 | A column that must not be NULL is (column short, type short).
          day      | S3cr3t        | 22007 | A value has not the form that its type needs (column day).
          day      | 2024-02-30    | 22008 | A date or time is out of range (column day).
          small    | S3cr3t        | 22P02 | A value has not the form that its type needs (column small).
          small    | 32768         | 22003 | A number is out of range (column small).
          doc      | {"S3cr3t"}    | 22P02 | A value has not the form that its type needs (column doc).
          doc      | "\\u0000"     | 22P05 | A character has no form in the encoding of the database (column doc).
          note     | S3cr3t refuse | P0001 | A trigger or function of the database refuses the row.
          note     | S3cr3t custom | ACME1 | A trigger or function of the database refuses the row.
          note     | S3cr3t zero   | 22012 | A value does not fit.
          """)
  void badRowIsRejectedAndTheOthersPass(String column, String text, String code, String message)
      throws Exception {
    Change[] changes = new Change[7];
    for (int i = 0; i < changes.length; i++) {
      Map<String, String> row = new LinkedHashMap<>();
      row.put("id", Integer.toString(i + 10));
      row.put("note", "good");
      row.put("short", "ok");
      row.putIfAbsent(column, null);
      if (i == 3) {
        row.put(column, text);
      }
      changes[i] =
          change(
              1,
              row.entrySet().stream()
                  .flatMap(entry -> Stream.of(entry.getKey(), entry.getValue()))
                  .toArray(String[]::new));
    }
    Delivery delivery = write(orders(), Action.UPSERT, changes);
    assertThat(verdicts(delivery, changes))
        .containsExactly(
            "accepted", "accepted", "accepted", code, "accepted", "accepted", "accepted");
    assertThat(rejection(delivery).message()).isEqualTo(message).doesNotContain(SECRET);
    assertThat(rejection(delivery).retry()).isEqualTo(Verdict.Retry.NEXT_RUN);
    assertThat(fixture.rows("select string_agg(id::text, ' ' order by id) from orders"))
        .containsExactly("1 10 11 12 14 15 16");
  }

  @ParameterizedTest
  @DisplayName("P3: every good row passes, wherever the bad one stands")
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8})
  void badRowIsFoundAtAnyPlace(int place) throws Exception {
    for (String bad : List.of("x", "99999")) {
      fixture.run("delete from orders");
      Change[] changes =
          IntStream.range(0, 9)
              .mapToObj(
                  i -> change(1, "id", "" + i, "note", "good", "small", i == place ? bad : "" + i))
              .toArray(Change[]::new);
      List<String> verdicts = verdicts(write(orders(), Action.INSERT, changes), changes);
      assertThat(verdicts.remove(place)).startsWith("22");
      assertThat(verdicts).containsOnly("accepted").hasSize(8);
      assertThat(good()).isEqualTo(8);
    }
  }

  @Test
  void badRowsOfSeveralKindsAreRejectedAmongMany() throws Exception {
    Change[] changes =
        IntStream.range(0, 300)
            .mapToObj(
                i ->
                    change(
                        1,
                        "id",
                        "" + i,
                        "note",
                        i % 50 == 7 ? null : "good",
                        "amount",
                        i % 60 == 13 ? "x" : i % 40 == 9 ? "-1" : "1",
                        "code",
                        i == 200 ? "100" : "" + i))
            .toArray(Change[]::new);
    List<String> verdicts = verdicts(write(orders(), Action.UPSERT, changes), changes);
    for (int i = 0; i < changes.length; i++) {
      assertThat(verdicts.get(i))
          .as("row " + i)
          .isEqualTo(
              i % 60 == 13
                  ? "22P02"
                  : i % 50 == 7
                      ? "23502"
                      : i % 40 == 9 ? "23514" : i == 200 ? "23505" : "accepted");
    }
    assertThat(good()).isEqualTo(verdicts.stream().filter("accepted"::equals).count());
  }

  @Test
  void deleteThatAForeignKeyForbidsIsRejectedAlone() throws Exception {
    fixture.run("insert into customers values ('C2')", "update orders set customer = 'C1'");
    Change[] changes = {change(1, "id", "C1"), change(1, "id", "C2")};
    Delivery delivery = write(fixture.into("customers").build(), Action.DELETE, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("23503", "accepted");
    assertThat(fixture.rows("select id from customers")).containsExactly("C1");
  }

  @Test
  void textThatIsNoUnicodeIsRejected() throws Exception {
    Change[] changes = {
      change(1, "id", "5", "note", "half \ud83e"),
      change(1, "id", "6", "note", "zero \0"),
      change(1, "id", "7", "note", "good")
    };
    assertThat(verdicts(write(orders(), Action.UPSERT, changes), changes))
        .containsExactly("22021", "22021", "accepted");
    assertThat(good()).isEqualTo(1);
  }

  private static void assertStopped(
      Destination destination, Action action, String code, String message, Change... changes) {
    assertThatThrownBy(() -> write(destination, action, changes))
        .asInstanceOf(InstanceOfAssertFactories.type(StopRunException.class))
        .satisfies(e -> assertThat(e.code()).isEqualTo(code))
        .satisfies(e -> assertThat(e).hasMessage(message));
  }

  @Test
  void missingTableIsSaidWithTheSqlThatMakesIt() {
    assertStopped(
        fixture.into("nowhere").sequenceColumn("seq").build(),
        Action.UPSERT,
        "42P01",
        """
        Cannot write to "public"."nowhere": there is no such table. \
        Use createTableIfMissing(...), or run, with the types that fit: /* fulmar: create table */
        create table "public"."nowhere" ("id" text, "na""me" text, "seq" bigint, primary key ("id")).""",
        change(1, "id", "1", "na\"me", SECRET));
  }

  @Test
  void missingColumnIsSaidWithTheSqlThatMakesIt() {
    assertStopped(
        orders(),
        Action.UPDATE,
        "42703",
        "Cannot write to \"public\".\"orders\": the table has no column \"a\", \"B\"."
            + " Leave it out of the model, or run, with the type that fits:"
            + " alter table \"public\".\"orders\" add column \"a\" <type>, add column \"B\" <type>.",
        change(1, "id", "1", "a", SECRET, "B", SECRET));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "create index on loose (id)",
        "create unique index on loose (id) where id > 0",
        "create unique index on loose ((id + 1))",
        "create unique index on loose (id, name)",
        "alter table loose add unique (id) deferrable"
      })
  void missingUniqueConstraintIsSaidWithTheSqlThatMakesIt(String index) throws Exception {
    fixture.run("create table loose (id bigint, name text)", index);
    for (Action action : List.of(Action.INSERT, Action.UPSERT)) {
      assertStopped(
          fixture.into("loose").build(),
          action,
          "42P10",
          """
          Cannot write to "public"."loose": there is no unique constraint or index on exactly the \
          key columns "id" (valid, not deferrable, not partial). Run: /* fulmar: add unique key */
          alter table "public"."loose" add unique ("id").""",
          change(1, "id", "1", "name", "x"));
    }
    assertThat(
            verdicts(
                write(
                    fixture.into("loose").build(),
                    Action.UPDATE,
                    change(1, "id", "1", "name", "x")),
                change(1, "id", "1")))
        .containsExactly("skipped");
  }

  @Test
  void uniqueIndexWithFurtherColumnsIncludedWillDo() throws Exception {
    fixture.run(
        "create table loose (id bigint, name text)",
        "create unique index on loose (id) include (name)");
    write(fixture.into("loose").build(), Action.UPSERT, change(1, "id", "1", "name", "x"));
    assertThat(fixture.rows("select * from loose")).containsExactly("1|x");
  }

  @Test
  void columnThatNeedsAValueIsSaidOnceAndNotByEachRow() throws Exception {
    fixture.run("create table strict (id bigint primary key, name text not null)");
    assertStopped(
        fixture.into("strict").build(),
        Action.UPSERT,
        "23502",
        "Cannot write to \"public\".\"strict\": column \"name\" is NOT NULL, has no default and is"
            + " not in the model. Add it to the model, or give it a default.",
        change(1, "id", "1"));
    assertStopped(
        fixture.into("strict").build(),
        Action.CLEAR,
        "23502",
        "Cannot clear rows of \"public\".\"strict\": column \"name\" is NOT NULL."
            + " Name the columns to clear with clearColumns(...), or drop the NOT NULL.",
        change(1, "id", "1"));
  }

  @Test
  void generatedColumnIsRefused() throws Exception {
    fixture.run(
        "create table made (id bigint primary key, twice bigint generated always as (id * 2) stored)");
    assertStopped(
        fixture.into("made").build(),
        Action.UPSERT,
        "428C9",
        "Cannot write to \"public\".\"made\": the table makes the values of column \"twice\" itself."
            + " Leave it out of the model, or make it an ordinary column.",
        change(1, "id", "1", "twice", "2"));
  }

  @Test
  void missingPrivilegeIsSaidWithTheGrants() throws Exception {
    fixture.run("create role poor_" + fixture.database().name() + " login");
    String role = "poor_" + fixture.database().name();
    Destination destination =
        PostgresDestination.builder(fixture.source().user(role).build())
            .table("public", "orders")
            .build();
    assertStopped(
        destination,
        Action.UPSERT,
        "42501",
        "Cannot write to \"public\".\"orders\": the role lacks a privilege. Run what is missing of:"
            + " grant usage on schema \"public\" to \"%1$s\";".formatted(role)
            + " grant select, insert, update, delete on \"public\".\"orders\" to \"%1$s\";"
                .formatted(role)
            + " grant temporary on database \"%s\" to \"%s\". [sqlstate=42501]"
                .formatted(fixture.database().name(), role),
        change(1, "id", "1", "note", SECRET));
  }

  @Test
  @DisplayName("P11: a refused log-in shows no password")
  void logInThatIsRefusedStopsTheRun() {
    Source.Builder source = fixture.source().password(Secret.of(SECRET)).allowWeakAuthentication();
    assertStopped(
        PostgresDestination.builder(source.user("nobody").build()).table("a", "b").build(),
        Action.UPSERT,
        "28000",
        "Cannot write to \"a\".\"b\": the log-in was refused."
            + " Check user, password and pg_hba.conf. [sqlstate=28000]",
        change(1, "id", "1"));
    assertStopped(
        PostgresDestination.builder(source.user("postgres").database("nowhere").build())
            .table("a", "b")
            .build(),
        Action.UPSERT,
        "3D000",
        "Cannot write to \"a\".\"b\": there is no such database. Check database(...). [sqlstate=3D000]",
        change(1, "id", "1"));
  }

  @Test
  @DisplayName("S-01: a server without TLS stops the run, instead of being asked again and again")
  void serverWithoutTlsStopsTheRun() {
    Source verified =
        Source.builder()
            .host(fixture.database().host())
            .port(fixture.database().port())
            .database(fixture.database().name())
            .user(fixture.database().user())
            .build();
    assertStopped(
        PostgresDestination.builder(verified).table("a", "b").build(),
        Action.UPSERT,
        "08004",
        "Cannot write to \"a\".\"b\": %s:%d offers no encryption."
                .formatted(fixture.database().host(), fixture.database().port())
            + " Switch ssl on in the server, or look for what stands between: it may have taken the"
            + " offer out. Only if nobody can listen: withoutTls(). [sqlstate=08004]",
        change(1, "id", "1"));
  }

  @Test
  void twoKeysThatAreOneInTheTableStopTheRun() throws Exception {
    fixture.run(
        "create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "create table folded (id text collate folded primary key, n int)");
    assertStopped(
        fixture.into("folded").build(),
        Action.UPSERT,
        "21000",
        "Cannot write to \"public\".\"folded\": two keys of a batch are one key of the table. Give"
            + " the key columns of the table the types and collations of the source."
            + " [sqlstate=21000]",
        change(1, "id", "a", "n", "1"),
        change(1, "id", "A", "n", "2"));
    assertThat(fixture.rows("select * from folded")).isEmpty();
  }

  @Test
  void serverThatIsAwayHasAppliedNothing() {
    Source source = fixture.source().port(1).build();
    assertThatThrownBy(
            () ->
                write(
                    PostgresDestination.builder(source).table("a", "b").build(),
                    Action.UPSERT,
                    change(1, "id", "1")))
        .isInstanceOf(NotAppliedException.class)
        .hasMessage(
            "Cannot write to \"a\".\"b\": the server cannot be reached, or ended the connection"
                + " before COMMIT. Look into the server's log. [sqlstate=08001]");
  }

  @Test
  void lockAndStatementTimeoutHaveAppliedNothing() throws Exception {
    try (Connection other = fixture.database().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("update orders set day = '2024-01-01' where id = 1");
      for (String[] expected :
          new String[][] {
            {"55P03", "a lock was not had within the lock timeout"},
            {"57014", "a statement was cancelled or reached the statement timeout"}
          }) {
        Source.Builder source = fixture.source();
        if (expected[0].equals("55P03")) {
          source.lockTimeout(Duration.ofMillis(100));
        } else {
          source.statementTimeout(Duration.ofSeconds(1));
        }
        try (Writer writer =
            PostgresDestination.builder(source.build())
                .table("public", "orders")
                .build()
                .open(TableFixture.RUN)) {
          Change[] changes = {
            change(1, "id", "7", "note", "good"), change(1, "id", "1", "note", SECRET)
          };
          assertThatThrownBy(() -> write(writer, Action.UPSERT, changes))
              .isInstanceOf(NotAppliedException.class)
              .hasNoCause()
              .hasMessageStartingWith("Cannot write to \"public\".\"orders\": " + expected[1] + ".")
              .hasMessageEndingWith("[sqlstate=" + expected[0] + "]");
          write(writer, Action.UPDATE, change(1, "id", "8", "note", "x"));
        }
        assertThat(good()).isZero();
      }
    }
  }

  @Test
  @DisplayName(
      "J-04: no statement outlives the deadline of its call, whatever the role's timeout is")
  void statementDoesNotOutliveTheDeadlineOfItsCall() throws Exception {
    RunContext hurried = new RunContext("crm", 7, 1, Duration.ofMillis(1_500));
    String user = Identifier.of(fixture.database().user()).sql();
    for (String ofRole : new String[] {"0", "'2h'", "'300ms'"}) {
      for (Duration ofSource : new Duration[] {Duration.ZERO, Duration.ofHours(1)}) {
        fixture.run(
            "alter role %s in database %s set statement_timeout = %s"
                .formatted(user, Identifier.of(fixture.database().name()).sql(), ofRole));
        Source source = fixture.source().statementTimeout(ofSource).build();
        fixture.run(
            "drop table if exists seen",
            "create table seen (id text primary key, note text)",
            """
            create or replace function look() returns trigger language plpgsql as
            $$ begin new.note := current_setting('statement_timeout'); return new; end $$""",
            "create trigger look before insert on seen for each row execute function look()");
        try (Writer writer =
            PostgresDestination.builder(source).table("public", "seen").build().open(hurried)) {
          write(writer, Action.UPSERT, change(1, "id", "1", "note", "x"));
        }
        boolean ofRoleCounts = ofSource.isZero() && ofRole.equals("'300ms'");
        assertThat(fixture.rows("select note from seen"))
            .as("role %s, source %s", ofRole, ofSource)
            .containsExactly(ofRoleCounts ? "300ms" : "1200ms");
      }
    }
    fixture.run(
        "alter role %s in database %s reset statement_timeout"
            .formatted(user, Identifier.of(fixture.database().name()).sql()));
  }

  @Test
  @DisplayName("P1: a connection lost before COMMIT has applied nothing, and the writer goes on")
  void writerGoesOnAfterItsBackendWasKilled() throws Exception {
    try (Writer writer = orders().open(TableFixture.RUN);
        Connection other = fixture.database().connect();
        Statement statement = other.createStatement()) {
      Change[] changes = {
        change(1, "id", "7", "note", "good"), change(1, "id", "1", "note", "good")
      };
      write(writer, Action.UPDATE, change(1, "id", "9", "note", "x"));
      other.setAutoCommit(false);
      statement.execute("select from orders where id = 1 for update");
      FutureTask<Delivery> call = new FutureTask<>(() -> write(writer, Action.UPSERT, changes));
      Thread thread = new Thread(call);
      thread.start();
      fixture.until(
          "1",
          "select count(*) from pg_stat_activity where application_name = 'fulmar crm 7' and wait_event_type = 'Lock'");
      fixture.rows(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fulmar crm 7'");
      assertThatThrownBy(call::get)
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOf(NotAppliedException.class)
          .hasMessageContaining("ended the connection before COMMIT");
      thread.join();
      other.rollback();
      assertThat(good()).isZero();

      fixture.rows(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fulmar crm 7'");
      assertThat(verdicts(write(writer, Action.UPSERT, changes), changes))
          .containsExactly("accepted", "accepted");
      assertThat(good()).isEqualTo(2);
    }
  }

  @Test
  @DisplayName("P1: a connection lost in COMMIT leaves the outcome unknown")
  void connectionLostInCommitIsUnknown() throws Exception {
    // COMMIT waits for a standby that never comes, although the server's default is not to wait.
    try (TestPostgres server =
        TestPostgres.builder().parameter("synchronous_standby_names", "ghost").start()) {
      TableFixture remote = new TableFixture(server.createDatabase());
      remote.run("create table t (id int primary key)");
      try (Writer writer = remote.into("t").build().open(TableFixture.RUN)) {
        FutureTask<Delivery> call =
            new FutureTask<>(() -> write(writer, Action.UPSERT, change(1, "id", "1")));
        Thread thread = new Thread(call);
        thread.start();
        remote.until(
            "1",
            "select count(*) from pg_stat_activity where application_name = 'fulmar crm 7' and wait_event = 'SyncRep'");
        remote.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fulmar crm 7'");
        assertThatThrownBy(call::get)
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOf(PSQLException.class);
        thread.join();
      }
      assertThat(remote.rows("select id from t")).containsExactly("1");
    }
  }

  @Test
  void tableThatChangesUnderTheWriterIsLookedAtAgain() throws Exception {
    fixture.run("create table moving (id bigint primary key, name text)");
    try (Writer writer = fixture.into("moving").build().open(TableFixture.RUN)) {
      Change change = change(1, "id", "1", "name", "x");
      write(writer, Action.UPSERT, change);
      fixture.run("alter table moving drop column name");
      assertThatThrownBy(() -> write(writer, Action.UPSERT, change))
          .isInstanceOf(StopRunException.class)
          .hasMessageEndingWith("[sqlstate=42703]");
      fixture.run("alter table moving add column name int");
      assertThat(verdicts(write(writer, Action.UPSERT, change), change)).containsExactly("22P02");
    }
  }
}
