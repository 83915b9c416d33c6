package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.FailureCodes;
import io.fulmar.Interval;
import io.fulmar.Mapping;
import io.fulmar.Operation;
import io.fulmar.PostgresDestination;
import io.fulmar.Range;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.SpecialValue;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import io.fulmar.verify.fixture.BothEngines;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What a mapping sends, and what it makes due. Before each test there are three persons, one with a
 * name that is no number.
 */
@BothEngines
class MappedRowsTest extends SourceFixture {
  private static final String MODEL = "select id, first, last, age, note from person";

  @BeforeEach
  void threePersons() throws SQLException {
    database.execute(
        "create table person (id bigint primary key, first text, last text, age text, note text)",
        """
        insert into person values
          (1, 'Ada', 'Lovelace', '36', 'a'), (2, 'Bob', 'Bemer', '84', 'b'),
          (3, 'Cyd', 'Charisse', 'unknown', 'c')
        """);
  }

  private static Mapping.Builder names() {
    return Mapping.builder()
        .column("id")
        .column("last", "surname")
        .constant("source", "shop")
        .compute("name", 1, List.of("first", "last"), MappedRowsTest::name);
  }

  private static Object name(Row row) {
    return row.value("first") + " " + row.value("last");
  }

  private Sync mapped(Mapping.Builder mapping) {
    return builder(mapping).guardReturn(Duration.ZERO).build();
  }

  private Sync.Builder builder(Mapping.Builder mapping) {
    return sync(MODEL, "id").mapping(mapping.build()).onRemoved(Removal.DELETE);
  }

  private List<String> run(Mapping.Builder mapping) {
    return sent(run(mapped(mapping)).throwIfFailed());
  }

  @Test
  void destinationGetsTheRowsOfTheMapping() {
    SyncReport report = run(mapped(names().runNumber("run").syncedAt("at"))).throwIfFailed();

    Change ada =
        destination.changes(report.run()).stream()
            .filter(change -> change.key().value("id").equals(1L))
            .findAny()
            .orElseThrow();
    assertThat(ada.row().columns()).containsExactly("id", "surname", "source", "name", "run", "at");
    assertThat(ada.row().value("surname")).isEqualTo("Lovelace");
    assertThat(ada.row().text("name")).isEqualTo("Ada Lovelace");
    assertThat(ada.row().value("source")).isEqualTo("shop");
    assertThat(ada.row().value("run")).isEqualTo(report.run());
    OffsetDateTime at = (OffsetDateTime) ada.row().value("at");
    assertThat(at).isNotNull();
    assertThat(at.getOffset()).isEqualTo(ZoneOffset.UTC);
    assertThat(at.toInstant()).isAfterOrEqualTo(report.startedAt().minusMillis(1));
    assertThat(destination.changes(report.run()))
        .as("the same moment in every row")
        .allMatch(change -> at.equals(change.row().value("at")));
  }

  @Test
  @DisplayName("P9: a change in a column that the sync does not use causes nothing")
  void unusedColumnChangesNothing() throws SQLException {
    assertThat(run(names())).hasSize(3);
    database.execute("update person set note = note || '!', age = '1'");
    assertThat(run(names())).isEmpty();
    database.execute("update person set first = 'Ava' where id = 1");
    assertThat(run(names())).containsExactly("CHANGED 1");
    database.execute(
        "alter table person drop column note", "alter table person add note numeric default 1");
    assertThat(run(names())).as("its type is not used either").isEmpty();
  }

  @Test
  void anotherMappingMakesEveryRowChanged() {
    run(names());
    List<UnaryOperator<Mapping.Builder>> others =
        List.of(
            mapping -> mapping.column("first"),
            mapping -> mapping.column("id", "again"),
            mapping -> mapping.constant("constant", 1),
            mapping -> mapping.constant("constant", 2),
            mapping -> mapping.compute("computed", 1, List.of("age"), row -> null),
            mapping -> mapping.compute("computed", 2, List.of("age"), row -> null),
            mapping -> mapping.compute("computed", 2, List.of("note"), row -> null),
            mapping -> mapping);
    for (UnaryOperator<Mapping.Builder> other : others) {
      assertThat(run(other.apply(names()))).containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 3");
      assertThat(run(other.apply(names()))).isEmpty();
    }
    Mapping.Builder other =
        Mapping.builder()
            .syncedAt("at")
            .compute("name", 1, List.of("last", "first"), row -> "another function")
            .constant("source", "shop")
            .column("last", "surname")
            .column("id");
    assertThat(run(other)).as("order and what is not compared").isEmpty();
    assertThat(sent(run(sync(MODEL, "id").guardReturn(Duration.ZERO).build())))
        .as("without a mapping")
        .hasSize(3);
  }

  @Test
  @DisplayName("P7: a mapping of the last day that comes back is held")
  void mappingThatComesBackIsHeld() {
    run(names());
    run(names().column("age"));
    SyncReport held = run(builder(names()).build());
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    assertThat(held.changeSet().guards())
        .singleElement()
        .asString()
        .startsWith("columns and mapping went back to what was used at ");
  }

  @Test
  @DisplayName("P7: a stored plan is stale under another mapping")
  void storedPlanIsStaleUnderAnotherMapping() {
    try (SyncEngine engine = open()) {
      String plan = engine.plan(mapped(names())).id();
      assertThatThrownBy(() -> engine.apply(mapped(names().constant("more", 1)), plan))
          .isInstanceOf(StateException.class)
          .hasMessageStartingWith(
              "Cannot apply plan %s of crm: the mapping has changed since it was made. Run or plan anew."
                  .formatted(plan));
      SyncReport applied = engine.apply(mapped(names().runNumber("run")), plan).throwIfFailed();
      assertThat(destination.changes(applied.run()))
          .hasSize(3)
          .allMatch(change -> Long.valueOf(applied.run()).equals(change.row().value("run")));
    }
  }

  @Test
  @DisplayName("P2: number and time of the run take no part; the change id stays when they change")
  void runNumberAndTimeTakeNoPart() {
    destination.varying("run", "at");
    destination.verdicts(
        change ->
            change.key().value("id").equals(2L)
                ? new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    Sync sync = mapped(names().runNumber("run").syncedAt("at"));
    SyncReport first = run(sync);
    SyncReport second = run(sync);

    assertThat(sent(second)).containsExactly("ADDED 2");
    Change again = destination.changes(second.run()).get(0);
    Change before =
        destination.changes(first.run()).stream()
            .filter(change -> change.key().value("id").equals(2L))
            .findAny()
            .orElseThrow();
    assertThat(again.changeId()).isEqualTo(before.changeId());
    assertThat(again.row().value("run")).isEqualTo(second.run());
    assertThat(before.row().value("run")).isEqualTo(first.run());
  }

  private static Mapping.Builder ages(int version, Mapping.Computation age) {
    return Mapping.builder().column("id").compute("age", version, List.of("age"), age);
  }

  private static Object strict(Row row) {
    return Integer.valueOf(String.valueOf(row.value("age")));
  }

  @Test
  @DisplayName(
      "P3: a row that cannot be computed is rejected with a code of ours, comes back, and is"
          + " repaired by its change")
  void rowThatCannotBeComputedComesBackUntilItChanges() throws SQLException {
    Mapping.Builder strict = ages(1, MappedRowsTest::strict);
    for (int run = 1; run <= 2; run++) {
      SyncReport report = run(mapped(strict));
      assertThat(report.status()).isEqualTo(RunStatus.WARNING);
      assertThat(report.failures())
          .containsExactly(
              new SyncReport.FailureGroup(
                  Operation.ADDED,
                  FailureCodes.COMPUTE_FAILED,
                  "the column age could not be computed: java.lang.NumberFormatException",
                  1));
      assertThat(sent(report))
          .isEqualTo(run == 1 ? List.of("ADDED 1", "ADDED 2") : List.<String>of());
    }
    database.execute("update person set age = '86' where id = 3");
    SyncReport repaired = run(mapped(strict)).throwIfFailed();
    assertThat(repaired.status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(repaired)).containsExactly("ADDED 3");
    assertThat(destination.changes(repaired.run()).get(0).row().value("age")).isEqualTo(86);
  }

  @Test
  @DisplayName("P3: a row that cannot be computed is repaired by another version of the function")
  void rowThatCannotBeComputedIsRepairedByAnotherVersion() {
    assertThat(run(mapped(ages(1, MappedRowsTest::strict))).total().failed()).isEqualTo(1);
    Mapping.Builder lenient =
        ages(2, row -> "unknown".equals(row.value("age")) ? null : strict(row));
    assertThat(run(lenient)).containsExactly("ADDED 3", "CHANGED 1", "CHANGED 2");
    assertThat(run(lenient)).isEmpty();
  }

  @Test
  @DisplayName("P11: a failing function shows no value anywhere")
  void failingFunctionShowsNoValue() {
    SyncReport report =
        run(
            mapped(
                ages(
                    1,
                    row -> {
                      throw new IllegalStateException("it is " + row.value("age"));
                    })));
    assertThat(report.failures())
        .extracting(SyncReport.FailureGroup::message)
        .containsExactly("the column age could not be computed: java.lang.IllegalStateException");
    assertThat(report.toString()).doesNotContain("unknown", "it is");
  }

  @Test
  void keyHasItsNewNameEverywhere() throws SQLException {
    Mapping.Builder mapping = Mapping.builder().column("first").column("id", "ExternalId");
    run(mapping);
    database.execute(
        "delete from person where id = 2", "update person set first = '' where id = 1");
    SyncReport report = run(mapped(mapping)).throwIfFailed();

    assertThat(sent(report)).containsExactly("CHANGED 1", "REMOVED 2");
    for (Change change : destination.changes(report.run())) {
      assertThat(change.key().columns()).containsExactly("ExternalId");
      assertThat(change.row().columns())
          .isEqualTo(
              change.operation() == Operation.REMOVED
                  ? List.of("ExternalId")
                  : List.of("first", "ExternalId"));
    }
    assertThat(destination.contents()).hasSize(2);
  }

  @Test
  void explanationComparesWhatTheMappingUses() throws SQLException {
    run(names());
    database.execute(
        "update person set note = 'other' where id = 1",
        "update person set first = 'B' where id = 2");
    try (SyncEngine engine = open()) {
      Explanation same = engine.explain(mapped(names()), 1);
      assertThat(same.accepted()).isEqualTo(Explanation.Accepted.THIS_VERSION);
      assertThat(same.next()).isNull();
      assertThat(same.row()).isNotNull();
      assertThat(same.row().columns()).containsExactly("id", "first", "last");
      assertThat(engine.explain(mapped(names()), 2).next()).isEqualTo(Operation.CHANGED);
      assertThat(engine.explain(mapped(names().column("age")), 1).next())
          .isEqualTo(Operation.CHANGED);
    }
  }

  @Test
  void columnThatTheModelDoesNotHaveIsRefused() {
    assertThatThrownBy(() -> run(mapped(names().column("frist"))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "Cannot run crm: its mapping uses the column \"frist\", which the model rows does not return\\. Nearest is \"first\"; it returns id, first, last, age, note\\. \\[sync=crm run=\\d+]");
    assertThat(destination.calls()).isEmpty();
  }

  @Test
  @DisplayName(
      "P3: a row that is too large for its mapping is rejected as one, unused columns aside")
  void onlyUsedColumnsCountForTheSizeOfARow() throws SQLException {
    database.execute("update person set note = repeat('x', 5000) where id = 1");
    Mapping.Builder withNote = names().column("note");
    SyncReport small = run(sync(MODEL, "id").mapping(names().build()).maxRowBytes(1_000).build());
    assertThat(small.total().accepted()).isEqualTo(3);
    SyncReport large = run(sync(MODEL, "id").mapping(withNote.build()).maxRowBytes(1_000).build());
    assertThat(large.total().accepted()).isEqualTo(2);
    assertThat(large.failures())
        .extracting(SyncReport.FailureGroup::code)
        .containsExactly(FailureCodes.ROW_TOO_LARGE);
  }

  @Test
  void postgresDestinationTakesMappedRows() throws SQLException {
    database.execute(
        """
        create table contact ("Id" bigint primary key, surname text, name text, source varchar(9),
          age numeric, born date, seen timestamptz, token bytea, run bigint, at timestamptz)
        """);
    Mapping mapping =
        Mapping.builder()
            .column("id", "Id")
            .column("last", "surname")
            .compute("name", 1, List.of("first", "last"), MappedRowsTest::name)
            .constant("source", "shop\tä\n\\")
            .compute("age", 1, List.of("id"), row -> new BigDecimal("1.50"))
            .compute("born", 1, List.of("id"), row -> LocalDate.of(-9, 1, 2))
            .constant("seen", OffsetDateTime.of(2026, 1, 2, 3, 4, 5, 6_000, ZoneOffset.ofHours(5)))
            .constant("token", new byte[] {0, -1})
            .runNumber("run")
            .syncedAt("at")
            .build();
    PostgresDestination contacts =
        PostgresDestination.builder(source()).table("public", "contact").build();
    Sync sync = sync(MODEL, "id").mapping(mapping).to(contacts).onRemoved(Removal.DELETE).build();
    SyncReport first = run(sync).throwIfFailed();
    database.execute(
        "delete from person where id = 2", "update person set last = 'X' where id = 3");
    SyncReport second = run(sync).throwIfFailed();

    assertThat(query("select count(*) from contact")).isEqualTo("2");
    assertThat(
            query(
                """
                select concat_ws('|', surname, name, source = E'shop\\tä\\n\\\\', age, born, token,
                  seen = '2026-01-01 22:04:05.000006+00', run, at <= clock_timestamp())
                from contact where "Id" = 1
                """))
        .isEqualTo("Lovelace|Ada Lovelace|t|1.50|0010-01-02 BC|\\x00ff|t|" + first.run() + "|t");
    assertThat(query("select name || ' ' || run from contact where \"Id\" = 3"))
        .isEqualTo("Cyd X " + second.run());
  }

  @Test
  @DisplayName("P12: the text of a constant is what PostgreSQL prints for its value")
  void textOfAConstantIsThatOfPostgres() throws SQLException {
    List<Constant> constants =
        List.of(
            new Constant("int8", Long.MIN_VALUE),
            new Constant("float4", 1.1f),
            new Constant("float4", Float.MIN_VALUE),
            new Constant("float8", 1e15),
            new Constant("float8", 123456789012345680.0),
            new Constant("float8", Double.NEGATIVE_INFINITY),
            new Constant("float8", -0.0),
            new Constant("numeric", new BigDecimal("1E+30")),
            new Constant("numeric", new BigDecimal("0.00")),
            new Constant("numeric", new BigDecimal("-1.50")),
            new Constant("bool", true),
            new Constant("date", LocalDate.of(-4713, 11, 24)),
            new Constant("date", LocalDate.of(5_874_897, 12, 31)),
            new Constant("date", new SpecialValue("-infinity")),
            new Constant("time", LocalTime.of(23, 59, 59, 999_999_999)),
            new Constant(
                "timetz", OffsetTime.of(1, 2, 3, 40_000_000, ZoneOffset.ofHoursMinutes(5, 45))),
            new Constant("timetz", OffsetTime.of(1, 2, 0, 0, ZoneOffset.ofTotalSeconds(-57_599))),
            new Constant("timestamp", LocalDateTime.of(-4712, 1, 1, 0, 0, 1)),
            new Constant("timestamp", LocalDateTime.of(294_276, 12, 31, 23, 59, 59, 999_999_000)),
            new Constant(
                "timestamptz", OffsetDateTime.of(2026, 7, 1, 0, 0, 0, 100, ZoneOffset.ofHours(9))),
            new Constant("uuid", UUID.fromString("123E4567-E89B-12D3-A456-426614174000")),
            new Constant("bytea", new byte[] {1, 2, -128}),
            new Constant("interval", new Interval(-14, 3, -1)),
            new Constant("interval", new Interval(13, -1, 3_600_000_000L)),
            new Constant("bool[]", List.of(List.of(true, false), List.of(false, true))),
            new Constant("int[]", Arrays.asList(1, null, -3)),
            new Constant("float8[]", List.of(0.1, Double.NaN, -0.0)),
            new Constant("bytea[]", List.of(new byte[] {1}, new byte[0])),
            new Constant("date[]", List.of(LocalDate.of(2026, 1, 5), new SpecialValue("infinity"))),
            new Constant(
                "text[]",
                List.of(
                    "", "NULL", "null", "a,b", "{}", "a\\b", "q\"", " x", "\t", "\u000b", "\u00a0",
                    "ü")),
            new Constant("int4range", new Range<>(1, 5, Range.Bounds.CLOSED_OPEN)),
            new Constant(
                "numrange", new Range<>(null, new BigDecimal("1.50"), Range.Bounds.OPEN_CLOSED)),
            new Constant(
                "tsrange",
                new Range<>(LocalDateTime.of(2026, 1, 5, 9, 5), null, Range.Bounds.CLOSED_OPEN)),
            new Constant("daterange", Range.empty()),
            new Constant(
                "int4range[]",
                List.of(Range.empty(), new Range<>(1, null, Range.Bounds.CLOSED_OPEN))),
            new Constant("textrange", new Range<>("a,\"\\", "b]", Range.Bounds.CLOSED)),
            new Constant("hstore", Map.of("k\"=>\\", "v, \\\"")),
            new Constant("hstore", Collections.singletonMap("k", null)));
    database.execute("create extension hstore", "create type textrange as range (subtype = text)");
    Mapping.Builder mapping = Mapping.builder();
    for (int i = 0; i < constants.size(); i++) {
      mapping.constant("c" + i, constants.get(i).value());
    }
    SyncReport report =
        run(Sync.builder("constants")
                .model(io.fulmar.Model.query("one", "select 1 as id").key("id"))
                .to(destination)
                .mapping(mapping.build())
                .build())
            .throwIfFailed();
    Row row = destination.changes(report.run()).get(0).row();
    for (int i = 0; i < constants.size(); i++) {
      String type = constants.get(i).type();
      String text = row.text("c" + i);
      String printed =
          type.equals("timestamptz")
              ? "select ('%s'::%s at time zone 'UTC')::text || '+00'"
              : "select '%s'::%s::text";
      assertThat(query(printed.formatted(text, type))).as(type).isEqualTo(text);
    }
  }

  /** A value, and the type of PostgreSQL that has such values. */
  private record Constant(String type, Object value) {}
}
