package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.change;
import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Holds a table {@code customers} with rows 1 and 2, and shows what each action makes of a row that
 * is there and one that is not, and that any value and any name arrives as it was.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class PostgresDestinationTest {
  private static TestServer postgres;

  private TableFixture fixture;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void createTable() throws SQLException {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run(
        "create table customers (id bigint primary key, name text, n numeric)",
        "insert into customers values (1, 'Ada', 1.0), (2, 'Bob', 2)");
  }

  private List<String> customers() throws SQLException {
    return fixture.rows("select * from customers order by id");
  }

  @Test
  void upsertInsertsAndUpdates() throws Exception {
    Change[] changes = {
      change(1, "id", "3", "name", "Cy", "n", "3.10"), change(1, "id", "1", "name", null, "n", "1")
    };
    Delivery delivery = write(fixture.into("customers").build(), Action.UPSERT, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("accepted", "accepted");
    assertThat(customers()).containsExactly("1|null|1", "2|Bob|2", "3|Cy|3.10");
  }

  @Test
  void upsertLeavesOtherColumnsAlone() throws Exception {
    write(fixture.into("customers").build(), Action.UPSERT, change(1, "id", "1", "n", "9"));
    assertThat(customers()).containsExactly("1|Ada|9", "2|Bob|2");
  }

  @Test
  void insertSkipsWhatIsThere() throws Exception {
    Change[] changes = {change(1, "id", "1", "name", "Eve"), change(1, "id", "3", "name", "Cy")};
    Delivery delivery = write(fixture.into("customers").build(), Action.INSERT, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("skipped", "accepted");
    assertThat(customers()).containsExactly("1|Ada|1.0", "2|Bob|2", "3|Cy|null");
  }

  @Test
  void insertAcceptsWhatIsThereAsItWasToBe() throws Exception {
    Change[] changes = {
      change(1, "id", "1", "name", "Ada", "n", "1.0"),
      change(1, "id", "2", "name", "Bob", "n", "2.0")
    };
    Delivery delivery = write(fixture.into("customers").build(), Action.INSERT, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("accepted", "skipped");
  }

  @Test
  void updateSkipsWhatIsAbsent() throws Exception {
    Change[] changes = {change(1, "id", "3", "name", "Cy"), change(1, "id", "2", "name", "Ben")};
    Delivery delivery = write(fixture.into("customers").build(), Action.UPDATE, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("skipped", "accepted");
    assertThat(customers()).containsExactly("1|Ada|1.0", "2|Ben|2");
  }

  @Test
  void deleteAcceptsWhatIsAbsent() throws Exception {
    Change[] changes = {change(1, "id", "3"), change(1, "id", "2")};
    Delivery delivery = write(fixture.into("customers").build(), Action.DELETE, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("accepted", "accepted");
    assertThat(customers()).containsExactly("1|Ada|1.0");
  }

  @Test
  void clearEmptiesAllButTheKeyAndAcceptsWhatIsAbsent() throws Exception {
    Change[] changes = {change(1, "id", "3"), change(1, "id", "2")};
    Delivery delivery = write(fixture.into("customers").build(), Action.CLEAR, changes);
    assertThat(verdicts(delivery, changes)).containsExactly("accepted", "accepted");
    assertThat(customers()).containsExactly("1|Ada|1.0", "2|null|null");
  }

  @Test
  void clearEmptiesNamedColumnsOnly() throws Exception {
    fixture.run("alter table customers add column since date not null default '2020-01-01'");
    write(
        fixture.into("customers").clearColumns("name").build(), Action.CLEAR, change(1, "id", "1"));
    assertThat(customers()).containsExactly("1|null|1.0|2020-01-01", "2|Bob|2|2020-01-01");
  }

  @ParameterizedTest
  @EnumSource
  void rowOfKeyColumnsAloneIsWritten(Action action) throws Exception {
    fixture.run(
        "create table tags (a text, b int, primary key (b, a))",
        "insert into tags values ('x', 1)");
    Change[] changes = {change(1, 2, "a", "x", "b", "1"), change(1, 2, "a", "x", "b", "2")};
    Delivery delivery = write(fixture.into("tags").build(), action, changes);
    assertThat(verdicts(delivery, changes))
        .containsExactly("accepted", action == Action.UPDATE ? "skipped" : "accepted");
    assertThat(fixture.rows("select a, b from tags order by b"))
        .isEqualTo(
            switch (action) {
              case INSERT, UPSERT -> List.of("x|1", "x|2");
              case UPDATE, CLEAR -> List.of("x|1");
              case DELETE -> List.of();
            });
  }

  @Test
  void writerTakesActionsAndColumnsByTurns() throws Exception {
    try (Writer writer = fixture.into("customers").build().open(TableFixture.RUN)) {
      write(writer, Action.UPSERT, change(1, "id", "3", "name", "Cy"));
      write(writer, Action.DELETE, change(2, "id", "1"));
      write(writer, Action.UPSERT, change(3, "id", "3", "n", "3"));
      write(writer, Action.CLEAR, change(4, "id", "2"));
    }
    assertThat(customers()).containsExactly("2|null|null", "3|Cy|3");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "NULL",
      textBlock =
          """
          text        | '\\ \\N \\. \\t \\\\ \\x41'
          text        | ''
          text        | NULL
          text        | NULL_
          text        | '''; drop table v; -- $1 ? {key} "'
          text        | 'žluťoučký 🦭 العربية e\u0301 \uFEFF'
          varchar(3)  | 'a  '
          "char"      | 'x'
          bytea       | \\x00ff5c0a
          numeric     | NaN
          numeric     | -Infinity
          numeric     | 1.00000000000000000000000000000000000000000000000000
          float8      | 1.7976931348623157e+308
          float4      | NaN
          date        | infinity
          date        | 4713-01-01 BC
          date        | 5874897-12-31
          timestamp   | -infinity
          timestamp   | 2024-02-29 12:34:56.123456
          timestamptz | 2024-03-31 01:30:00.5+00
          timestamptz | 0044-03-15 12:00:00+00 BC
          timetz      | 24:00:00-15:59
          interval    | -1 years -2 mons +3 days -04:05:06.789
          text[]      | {NULL,"NULL","a\\"\\\\b,{}",""}
          int[]       | [0:1]={1,2}
          jsonb       | {"a": [1.00, "\\\\ \\" ü"], "b": null}
          json        | {"a":1,  "a":2}
          xml         | a<b/>c
          bit varying | 0101
          inet        | ::1/64
          int4range   | [1,5)
          uuid        | 00000000-0000-0000-0000-00000000000a
          mood        | 'so "so"'
          pair        | (1,"a ""b"", \\\\c")
          """)
  void everyValueArrivesAsItWas(String type, String text) throws Exception {
    fixture.run(
        "create type mood as enum ('so \"so\"')",
        "create type pair as (a int, b text)",
        "create table v (id int primary key, v " + type + ")",
        "alter role postgres in database "
            + fixture.database().name()
            + " set xmloption = document");
    write(fixture.into("v").build(), Action.UPSERT, change(1, "id", "1", "v", text));
    assertThat(fixture.rows("select v::text from v")).containsExactly(String.valueOf(text));
  }

  @Test
  void controlCharactersAndLongTextsArrive() throws Exception {
    String odd = "\t\r\n\b\f\u000b\u0001\\\n\\.\n\u007f\u2028";
    String text = (odd + "ü").repeat(200_000);
    write(fixture.into("customers").build(), Action.UPSERT, change(1, "id", "1", "name", text));
    assertThat(fixture.rows("select name from customers where id = 1")).containsExactly(text);
  }

  @Test
  @DisplayName("P10: identifiers are always quoted")
  void oddNamesAreTakenAsTheyAre() throws Exception {
    List<String> names =
        List.of(
            "we\"ird",
            "select",
            "Upper Case",
            "🦭",
            "a?b",
            "{key}",
            "$1",
            "it's",
            "a.b",
            "--",
            "\\n");
    fixture.run(
        "create schema \"S \"\"1\"\"; --\"",
        "create table \"S \"\"1\"\"; --\".\"or?der {key}\" ("
            + String.join(
                ", ", names.stream().map(n -> '"' + n.replace("\"", "\"\"") + "\" text").toList())
            + ", \"the?seq\" bigint, primary key (\"we\"\"ird\", \"a?b\"))");
    List<String> row = new ArrayList<>();
    for (String name :
        List.of(
            "we\"ird",
            "a?b",
            "select",
            "Upper Case",
            "🦭",
            "{key}",
            "$1",
            "it's",
            "a.b",
            "--",
            "\\n")) {
      row.add(name);
      row.add("<" + name + ">");
    }
    Map<String, String> types = new LinkedHashMap<>();
    names.forEach(name -> types.put(name, "text"));
    Destination destination =
        PostgresDestination.builder(fixture.source().build())
            .table("S \"1\"; --", "or?der {key}")
            .sequenceColumn("the?seq")
            .createTableIfMissing(types)
            .build();
    for (Action action : List.of(Action.UPSERT, Action.INSERT, Action.UPDATE)) {
      Change change = change(1, 2, row.toArray(String[]::new));
      assertThat(verdicts(write(destination, action, change), change)).containsExactly("accepted");
    }
    String all = String.join("|", names.stream().map(name -> "<" + name + ">").toList()) + "|1";
    assertThat(fixture.rows("select * from \"S \"\"1\"\"; --\".\"or?der {key}\""))
        .containsExactly(all);
    for (Action action : List.of(Action.CLEAR, Action.DELETE)) {
      write(destination, action, change(2, 2, row.subList(0, 4).toArray(String[]::new)));
    }
    assertThat(fixture.rows("select * from \"S \"\"1\"\"; --\".\"or?der {key}\"")).isEmpty();
    assertThat(destination.identity())
        .endsWith("/" + fixture.database().name() + "/\"S \"\"1\"\"; --\".\"or?der {key}\"");
  }

  @Test
  void settingsOfTheRoleDoNoHarm() throws Exception {
    String role = "alter role postgres in database " + fixture.database().name() + " set ";
    fixture.run(
        role + "DateStyle = 'SQL, DMY'",
        role + "TimeZone = 'Asia/Tokyo'",
        role + "bytea_output = 'escape'",
        role + "IntervalStyle = 'sql_standard'",
        role + "standard_conforming_strings = off",
        role + "default_transaction_read_only = on",
        role + "default_transaction_isolation = 'serializable'",
        role + "search_path = ''",
        "set transaction read write; create table public.t (id int primary key, d date, t timestamptz, i interval, b bytea, x text)");
    write(
        fixture.into("t").build(),
        Action.UPSERT,
        change(
            1,
            "id",
            "1",
            "d",
            "2024-02-03",
            "t",
            "2024-02-03 04:05:06",
            "i",
            "-1 days 02:03:00",
            "b",
            "\\x5c00",
            "x",
            "a\\b"));
    assertThat(
            fixture.rows(
                "select to_char(d, 'YYYY-MM-DD'), extract(epoch from t)::int8, extract(epoch from i)::int, encode(b, 'hex'), length(x) from public.t"))
        .containsExactly("2024-02-03|1706933106|-79020|5c00|3");
  }

  @Test
  void schemaBeforeThisOneAndTemporaryTablesDoNotShadowTheTable() throws Exception {
    fixture.run(
        "create schema other",
        "create table other.customers (id bigint primary key, name text)",
        "alter role postgres in database "
            + fixture.database().name()
            + " set search_path = other, public");
    write(fixture.into("customers").build(), Action.DELETE, change(1, "id", "1"));
    assertThat(fixture.rows("select id from public.customers")).containsExactly("2");
  }

  @Test
  void dataSourceGetsItsConnectionBackAsItWas() throws Exception {
    try (Connection only = fixture.database().connect()) {
      List<String> handle = new ArrayList<>();
      PGSimpleDataSource pool =
          new PGSimpleDataSource() {
            private static final long serialVersionUID = 1L;

            @Override
            public Connection getConnection() {
              handle.add("borrowed");
              return keptOpen(only, handle);
            }
          };
      String settings =
          "select string_agg(name || setting, ',' order by name) from pg_settings"
              + " where name <> 'application_name'";
      String before = ask(only, settings);
      only.setNetworkTimeout(Runnable::run, 100_000);
      Destination destination =
          PostgresDestination.builder(
                  Source.of(pool, Source.builder().lockTimeout(Duration.ofSeconds(1))))
              .table("public", "customers")
              .identity("warehouse")
              .build();
      try (Writer writer = destination.open(TableFixture.RUN)) {
        write(writer, Action.UPSERT, change(1, "id", "3", "name", "Cy"));
        write(writer, Action.UPSERT, change(1, "id", "4", "n", "no number"));
      }
      assertThat(handle).containsExactly("borrowed", "returned", "borrowed", "returned");
      assertThat(only.getAutoCommit()).isTrue();
      assertThat(only.getNetworkTimeout()).isEqualTo(100_000);
      assertThat(ask(only, settings)).isEqualTo(before);
      assertThat(ask(only, "select count(*) from pg_class where relname = 'fulmar_stage'"))
          .isEqualTo("0");
      assertThat(customers()).containsExactly("1|Ada|1.0", "2|Bob|2", "3|Cy|null");
    }
  }

  private static Connection keptOpen(Connection connection, List<String> handle) {
    return (Connection)
        Proxy.newProxyInstance(
            Connection.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                handle.add("returned");
                return null;
              }
              try {
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static String ask(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void dataSourceNeedsAnIdentity() {
    PostgresDestination.Builder builder =
        PostgresDestination.builder(Source.of(new PGSimpleDataSource())).table("public", "t");
    assertThatIllegalStateException()
        .isThrownBy(builder::build)
        .withMessage("identity(...) is missing: a data source does not say where it leads");
  }

  @Test
  @DisplayName("P11: identity holds no secret")
  void identityNamesServerDatabaseAndTable() {
    PostgresDestination destination = fixture.into("customers").build();
    assertThat(destination.type()).isEqualTo("postgresql");
    assertThat(destination.identity())
        .isEqualTo(
            "postgresql:%s:%d/%s/public.customers"
                .formatted(
                    fixture.database().host(),
                    fixture.database().port(),
                    fixture.database().name()));
    assertThat(destination.capabilities().maxRows()).isEqualTo(10_000);
    assertThat(destination.capabilities().maxBytes()).isEqualTo(16_777_216);
    assertThat(destination.capabilities().concurrency()).isEqualTo(4);
    assertThat(destination.capabilities().actions()).containsExactlyInAnyOrder(Action.values());
  }

  @Test
  void writerLeavesNoConnection() throws Exception {
    write(fixture.into("customers").build(), Action.DELETE, change(1, "id", "1"));
    fixture.until(
        "0", "select count(*) from pg_stat_activity where application_name = 'fulmar crm 7'");
  }

  /** All statements, those for creation included. */
  @ParameterizedTest
  @MethodSource("io.fulmar.testkit.TestPostgres#majorVersions")
  void everyStatementRunsOnEveryMajor(int majorVersion) throws Exception {
    TestServer server = SharedServer.of(majorVersion);
    TableFixture old = new TableFixture(server.createDatabase());
    Map<String, String> types = new LinkedHashMap<>();
    types.put("id", "bigint");
    types.put("name", "character varying(20)");
    for (String table : List.of("plain", "sequenced")) {
      PostgresDestination.Builder builder = old.into(table).createTableIfMissing(types);
      if (table.equals("sequenced")) {
        builder.sequenceColumn("seq");
      }
      try (Writer writer = builder.build().open(TableFixture.RUN)) {
        long sequence = 1;
        for (Action action :
            List.of(
                Action.INSERT,
                Action.UPSERT,
                Action.UPDATE,
                Action.CLEAR,
                Action.DELETE,
                Action.UPSERT)) {
          Change[] changes = {
            change(sequence, "id", "1", "name", "Ada " + sequence),
            change(sequence, "id", "2", "name", "x".repeat(action == Action.UPSERT ? 21 : 1))
          };
          sequence++;
          assertThat(verdicts(write(writer, action, changes), changes))
              .containsExactly("accepted", action == Action.UPSERT ? "22001" : "accepted");
        }
      }
      assertThat(old.rows("select * from " + table))
          .containsExactly(table.equals("plain") ? "1|Ada 6" : "1|Ada 6|6");
    }
  }
}
