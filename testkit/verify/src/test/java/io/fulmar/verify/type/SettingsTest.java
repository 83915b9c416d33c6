package io.fulmar.verify.type;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.InvalidRow;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fault.ForkedJvm;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What does not count as a change of a row: settings of its role, of the JVM that reads it, and the
 * version of the server. The database holds a table with a column of every type and four rows.
 */
@DisplayName("P9: with a column of every type")
class SettingsTest {
  private static final int ROUNDS = 5;
  private static final int ROWS = 4;

  /** Settings that output functions heed, and others that might matter. */
  private static final Map<String, List<String>> SETTINGS =
      Map.ofEntries(
          Map.entry("TimeZone", List.of("UTC", "Pacific/Chatham", "America/St_Johns")),
          Map.entry("DateStyle", List.of("ISO, DMY", "SQL, DMY", "German", "Postgres, YMD")),
          Map.entry("IntervalStyle", List.of("iso_8601", "sql_standard", "postgres_verbose")),
          Map.entry("bytea_output", List.of("escape", "hex")),
          Map.entry("extra_float_digits", List.of("-15", "0", "3")),
          Map.entry("lc_monetary", List.of("C.UTF-8", "POSIX")),
          Map.entry("lc_numeric", List.of("C.UTF-8", "POSIX")),
          Map.entry("lc_time", List.of("C.UTF-8", "POSIX")),
          Map.entry("quote_all_identifiers", List.of("on", "off")),
          Map.entry("xmloption", List.of("document", "content")),
          Map.entry("xmlbinary", List.of("hex", "base64")),
          Map.entry("standard_conforming_strings", List.of("on", "off")),
          Map.entry("array_nulls", List.of("on", "off")),
          Map.entry("client_encoding", List.of("LATIN1", "UTF8")),
          Map.entry(
              "default_text_search_config", List.of("pg_catalog.german", "pg_catalog.simple")),
          Map.entry("default_transaction_isolation", List.of("serializable", "read committed")),
          Map.entry("max_parallel_workers_per_gather", List.of("0", "4")),
          Map.entry("enable_seqscan", List.of("on", "off")),
          Map.entry("jit", List.of("on", "off")));

  private static TestPostgres postgres;
  private static TestDatabase database;
  private static List<String> types;

  @TempDir Path state;

  @BeforeAll
  static void createTable() throws Exception {
    postgres = TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();
    database = postgres.createDatabase();
    types = TypeTable.create(database, ROWS, postgres.majorVersion());
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  private static Source source(TestDatabase of, String user) {
    return Source.builder()
        .host(of.host())
        .port(of.port())
        .database(of.name())
        .user(user)
        .withoutTls()
        .build();
  }

  private static Sync sync(RecordingDestination destination) {
    Model model = Model.query("types", "select * from every_type").key("id");
    return Sync.builder("types").model(model).to(destination).build();
  }

  private SyncReport run(EngineUnderTest tested, Source source, Sync sync) {
    try (SyncEngine engine = tested.on(source, state)) {
      return engine.run(sync);
    }
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("G-03: settings of the role, whatever they are together, change nothing")
  void settingsOfTheRoleChangeNothing(EngineUnderTest tested) throws Exception {
    String role = "settings_" + tested.name().toLowerCase(Locale.ROOT);
    database.execute("create role " + role + " login", "grant select on every_type to " + role);
    tested.prepare(database, role);
    Source source = source(database, role);
    RecordingDestination destination = RecordingDestination.of("test:settings");
    Sync sync = sync(destination);
    assertThat(run(tested, source, sync).throwIfFailed().total().accepted()).isEqualTo(ROWS);
    List<String> texts = texts(destination);

    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.printf("SettingsTest, %s, %d types: seed %d%n", tested, types.size(), seed);
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      List<String> chosen = new ArrayList<>();
      for (Map.Entry<String, List<String>> setting : SETTINGS.entrySet()) {
        List<String> all = setting.getValue();
        chosen.add(setting.getKey() + " = '" + all.get(random.nextInt(all.size())) + "'");
      }
      for (String setting : chosen) {
        database.execute("alter role " + role + " set " + quotedList(setting));
      }
      SyncReport report = run(tested, source, sync);
      assertThat(report.status()).as("%s", chosen).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(report.total().planned()).as("%s", chosen).isZero();
    }
    try (SyncEngine engine = tested.on(source, state)) {
      engine.forget(sync);
    }
    RecordingDestination again = RecordingDestination.of("test:settings");
    run(tested, source, sync(again)).throwIfFailed();
    assertThat(texts(again)).as("under the last settings the same text").isEqualTo(texts);
  }

  /** {@code DateStyle = 'SQL, DMY'} is a list of two words. */
  private static String quotedList(String setting) {
    return setting.startsWith("DateStyle") ? setting.replace("'", "") : setting;
  }

  private static List<String> texts(RecordingDestination destination) {
    List<String> texts = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      io.fulmar.Row of = destination.contents().get(List.of(Integer.toString(row)));
      of.columns().forEach(column -> texts.add(column + "=" + of.text(column)));
    }
    return texts;
  }

  @Test
  @DisplayName("G-04: language, calendar, digits, time zone and charset of the JVM change nothing")
  void settingsOfTheJvmChangeNothing() throws Exception {
    database.execute("create table copied (like every_type including indexes)");
    Path output = state.resolve("output");
    List<String> expected =
        LocaleRuns.run(LocaleRuns.arguments(database, state, output).toArray(String[]::new));
    assertThat(expected)
        .hasSize(ROWS + 3)
        .endsWith("planned " + ROWS, "the next run: null", "table " + ROWS);

    List<List<String>> jvms =
        List.of(
            jvm("tr", "TR", "", "Pacific/Chatham", "ISO-8859-1"),
            jvm("ar", "EG", "", "America/St_Johns", "UTF-16"),
            jvm("th", "TH", "TH", "Asia/Bangkok", "US-ASCII"));
    for (List<String> options : jvms) {
      ForkedJvm.End end = fork(options, state, output);
      assertThat(end.exit()).as(end.output()).isZero();
      assertThat(Files.readAllLines(output))
          .as("%s", options)
          .containsExactly("planned 0", "the next run: null", "table 0");
    }
    fork(jvms.get(1), state.resolve("fresh"), output);
    assertThat(Files.readAllLines(output)).as("a first run").isEqualTo(expected);
  }

  private static List<String> jvm(
      String language, String country, String variant, String zone, String charset) {
    return List.of(
        "-Duser.language=" + language,
        "-Duser.country=" + country,
        "-Duser.variant=" + variant,
        "-Duser.timezone=" + zone,
        "-Dfile.encoding=" + charset);
  }

  private ForkedJvm.End fork(List<String> options, Path of, Path output) throws Exception {
    return ForkedJvm.run(
        state.resolve("log"),
        options,
        LocaleRuns.class,
        LocaleRuns.arguments(database, of, output));
  }

  @Test
  @DisplayName("G-15: another major version has the same rows under the same hashes")
  void anotherMajorVersionHasTheSameHashes() throws Exception {
    RecordingDestination destination = RecordingDestination.of("test:upgrade");
    int last = 18;
    try (TestPostgres oldest = TestPostgres.builder().majorVersion(14).start();
        TestPostgres newest =
            TestPostgres.builder()
                .majorVersion(last)
                .parameter("timezone", "America/St_Johns")
                .start()) {
      TestDatabase before = oldest.createDatabase();
      TestDatabase after = newest.createDatabase();
      List<String> of14 = TypeTable.create(before, ROWS, 14);
      List<String> of18 = TypeTable.create(after, ROWS, 14);
      assertThat(of18).containsAll(of14);
      // The columns of the newest in the order of the oldest, under the same names.
      List<String> columns = new ArrayList<>(List.of("id"));
      for (int i = 0; i < of14.size(); i++) {
        columns.add("c%d as d%d".formatted(of18.indexOf(of14.get(i)), i));
      }
      after.execute(
          "create view shown as select " + String.join(", ", columns) + " from every_type");
      List<String> own = new ArrayList<>(List.of("id"));
      for (int i = 0; i < of14.size(); i++) {
        own.add("c%d as d%d".formatted(i, i));
      }
      before.execute("create view shown as select " + String.join(", ", own) + " from every_type");
      Model model = Model.query("types", "select * from shown").key("id");
      Sync sync = Sync.builder("types").model(model).to(destination).build();
      assertThat(
              run(EngineUnderTest.STANDARD, source(before, before.user()), sync)
                  .throwIfFailed()
                  .total()
                  .accepted())
          .isEqualTo(ROWS);

      SyncReport upgraded = run(EngineUnderTest.STANDARD, source(after, after.user()), sync);

      assertThat(upgraded.changeSet().rows()).isEqualTo(ROWS);
      assertThat(upgraded.changeSet().invalidRows()).extracting(InvalidRow::reason).isEmpty();
      assertThat(upgraded.total().planned()).as("of %d types", of14.size()).isZero();
      System.out.printf("SettingsTest, from 14 to %d: %d types%n", last, of14.size());
    }
  }
}
