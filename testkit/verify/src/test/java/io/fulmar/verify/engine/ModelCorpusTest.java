package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Operation;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.RecordingDestination;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Hostile and odd models, read by a superuser, so that nothing but the engine stands between them
 * and the tables: each gives the same keys as when it is sent to the server as it is, or is refused
 * before it runs. The corpus is in {@code models.txt}; a third of it works.
 */
@DisplayName("P10: a model is proven to be one row-returning statement before it runs (H-01)")
class ModelCorpusTest extends SourceFixture {
  private static final Duration WATCHDOG = Duration.ofSeconds(20);
  private static final Pattern REFUSAL =
      Pattern.compile("(?s)Cannot use the model m\\d+: .+\\. .+\\. \\[.*]");
  private static final Pattern CHARACTER = Pattern.compile("<U\\+([0-9A-F]{4})>");

  /** Everything that a model could have changed, as one text. */
  private static final String FINGERPRINT =
      """
      select concat_ws(' ',
        (select md5(string_agg(v::text, ',' order by id)) from victim v),
        (select md5(string_agg(concat_ws('|', oid, relname, relacl, relnatts, relowner), ',' order by oid)) from pg_class
          where relnamespace = 'public'::regnamespace),
        (select count(*) from pg_class where relname = 'stolen'),
        (select count(*) from pg_proc),
        (select md5(string_agg(concat_ws('|', nspname, nspacl), ',' order by oid)) from pg_namespace
          where nspname !~ '^pg_(toast_)?temp'),
        (select md5(string_agg(concat_ws('|', rolname, rolsuper), ',' order by oid)) from pg_roles),
        (select count(*) from pg_database where datname = 'stolen'),
        (select count(*) from pg_db_role_setting where setrole <> 0),
        (select count(*) from pg_extension),
        (select count(*) from pg_description where objoid = 'victim'::regclass),
        (select count(*) from pg_prepared_xacts),
        (select count(*) from pg_locks where locktype = 'advisory'),
        (select count(*) from pg_ls_dir('.') f where f = 'stolen'),
        (select count(*) from pg_file_settings where sourcefile like '%auto.conf'))
      """;

  private record Case(boolean works, String title, String sql) {}

  @BeforeEach
  void createVictims() throws SQLException {
    database.execute(
        "create table victim (id int primary key, name text, doc jsonb, tags text[])",
        """
        insert into victim values
          (1, 'a', '{"a": 1}', '{x,y}'), (2, 'b', '{"b": [1, 2]}', '{}'), (3, null, null, null)
        """,
        "create view victim_view as select * from victim",
        "create procedure wipe() language sql as 'delete from victim'");
  }

  @Test
  void theCorpusHoldsEnoughOfBothKinds() throws IOException {
    List<Case> corpus = corpus("models.txt");
    assertThat(corpus).hasSizeGreaterThan(200);
    assertThat(corpus).extracting(Case::title).doesNotHaveDuplicates();
    assertThat(corpus).filteredOn(Case::works).hasSizeGreaterThan(80);
    assertThat(corpus).filteredOn(one -> !one.works()).hasSizeGreaterThan(120);
  }

  @Test
  void theFingerprintSeesWhatAModelCouldDo() throws SQLException {
    String before = query(FINGERPRINT);
    for (String sql :
        List.of(
            "update victim set name = 'x' where id = 1",
            "create table stolen (id int)",
            "grant select on victim to public",
            "comment on table victim is 'x'",
            "create function more() returns int language sql as 'select 1'")) {
      database.execute(sql);
      assertThat(query(FINGERPRINT)).as(sql).isNotEqualTo(before);
      before = query(FINGERPRINT);
    }
  }

  @Test
  void eachModelWorksAsInPsqlOrIsRefused() throws Exception {
    play(corpus("models.txt"));
  }

  @Test
  @Tag("soak")
  @DisplayName("P10: a server without XML refuses and takes the same models")
  void eachModelIsTreatedTheSameWithoutXml() throws Exception {
    database.execute(
        "alter function pg_catalog.query_to_xmlschema(text, boolean, boolean, text) rename to with_xml",
        """
        create function pg_catalog.query_to_xmlschema(text, boolean, boolean, text) returns xml
        language plpgsql as $$
        begin
          raise exception 'unsupported XML feature' using errcode = 'feature_not_supported';
        end $$
        """);
    assertThatThrownBy(() -> query("select query_to_xmlschema('select 1', true, false, '')"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("unsupported XML feature");
    play(corpus("models.txt"));
  }

  @Test
  @DisplayName("P10: backslashes in plain strings hide nothing (standard_conforming_strings off)")
  void backslashesAreReadAsTheServerReadsThem() throws Exception {
    database.execute(
        "do $$ begin execute format('alter database %I set standard_conforming_strings = off', current_database()); end $$");
    assertThat(query("show standard_conforming_strings")).isEqualTo("off");
    play(corpus("models-backslash.txt"));
  }

  @Test
  void longAndUnprintableTextsWorkOrAreRefused() throws Exception {
    play(
        List.of(
            new Case(false, "NUL", "select id from victim\0"),
            new Case(
                false, "NUL in a string", "select id, 'a\0; drop table victim' as a from victim"),
            new Case(
                true, "long comment", "select id from victim /* " + "; ".repeat(500_000) + "*/"),
            new Case(
                true, "long string", "select id, '" + "; ".repeat(500_000) + "' as a from victim"),
            new Case(
                true,
                "long list",
                "select id from victim where id in (" + "1,".repeat(10_000) + "2)"),
            new Case(
                false,
                "deep parentheses",
                "select " + "(".repeat(100_000) + "1" + ")".repeat(100_000)),
            new Case(false, "many columns", "select 1 as id" + ", 1 as a".repeat(2_000))));
  }

  @Test
  void anEmptyTextIsRefusedWhereItIsWritten() {
    for (String sql : List.of("", " ", "\n\t ")) {
      assertThatThrownBy(() -> Model.query("rows", sql))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("sql must not be blank");
    }
  }

  @Test
  void whatAModelSetsDoesNotReachTheNextOne() throws SQLException {
    try (SyncEngine engine =
        StandardEngine.on(sourceBuilder().poolSize(1).build(), state.resolve("settings"))) {
      engine.preview(
          Model.query(
                  "first",
                  "select 1 as id, set_config('fulmar_test.leak', 'leaked', false) as a,"
                      + " set_config('search_path', 'nowhere', false) as b,"
                      + " pg_advisory_lock(42)::text as c")
              .key("id"));
      ModelPreview second =
          engine.preview(
              Model.query(
                      "second",
                      "select 1 as id, coalesce(current_setting('fulmar_test.leak', true), '') as a,"
                          + " current_setting('search_path') as b,"
                          + " (select count(*) from pg_locks where locktype = 'advisory'"
                          + " and pid = pg_backend_pid()) as c")
                  .key("id"));
      assertThat(texts(second.rows().get(0))).containsExactly("1", "", "\"$user\", public", "0");
      awaitQuery("select count(*) from pg_locks where locktype = 'advisory'", "0");
    }
  }

  private void play(List<Case> corpus) throws Exception {
    String before = query(FINGERPRINT);
    SoftAssertions soft = new SoftAssertions();
    Source source = sourceBuilder().poolSize(2).build();
    try (SyncEngine engine = StandardEngine.on(source, state.resolve("corpus"))) {
      engine.preview(Model.query("first", "select 1 as id").key("id")); // connects
      int number = 0;
      for (Case one : corpus) {
        Model model = Model.query("m" + ++number, one.sql()).key("id");
        Throwable failed =
            catchThrowable(
                () ->
                    assertTimeoutPreemptively(
                        WATCHDOG,
                        () -> {
                          if (one.works()) {
                            assertWorks(engine, model);
                          } else {
                            assertRefused(engine, model);
                          }
                        }));
        if (failed != null) {
          soft.fail(
              "%s: %s%n%s",
              one.works() ? "works" : "refused",
              one.title(),
              failed.getMessage() + (failed.getCause() == null ? "" : " <- " + failed.getCause()));
        }
        before = assertUnchanged(soft, one, before);
      }
    }
    soft.assertAll();
  }

  /** A session that was ended holds its locks for a moment more. What there is now. */
  private String assertUnchanged(SoftAssertions soft, Case one, String before) throws SQLException {
    if (before.equals(query(FINGERPRINT))) {
      return before;
    }
    Throwable changed = catchThrowable(() -> awaitQuery(FINGERPRINT, before));
    if (changed == null) {
      return before;
    }
    soft.fail("changed by: " + one.title(), changed);
    return query(FINGERPRINT);
  }

  private void assertWorks(SyncEngine engine, Model model) throws SQLException {
    List<String> expected = keysAsSent(model.sql());
    List<String> previewed =
        engine.preview(model).rows().stream().map(row -> row.text("id")).sorted().toList();
    assertThat(previewed).isEqualTo(expected);
    RecordingDestination got = RecordingDestination.of("test:" + model.name());
    SyncReport report =
        engine.run(Sync.builder(model.name()).model(model).to(got).build()).throwIfFailed();
    assertThat(report.counts(Operation.ADDED).accepted()).isEqualTo(expected.size());
    assertThat(got.changes(report.run()).stream().map(change -> change.key().text("id")).sorted())
        .isEqualTo(expected);
  }

  private static void assertRefused(SyncEngine engine, Model model) {
    ModelValidation validation = engine.validate(model);
    assertThat(validation.isUsable()).isFalse();
    assertThat(validation.findings())
        .allSatisfy(
            finding -> assertThat(finding.severity()).isEqualTo(ModelValidation.Severity.ERROR));
    assertThatThrownBy(() -> engine.preview(model))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(REFUSAL);
    RecordingDestination got = RecordingDestination.of("test:" + model.name());
    Sync sync = Sync.builder(model.name()).model(model).to(got).build();
    assertThatThrownBy(() -> engine.run(sync))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(REFUSAL);
  }

  /** The keys that the server gives for the text as it is, in a transaction that is undone. */
  private List<String> keysAsSent(String sql) throws SQLException {
    List<String> keys = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.setEscapeProcessing(false);
      try (ResultSet rows = statement.executeQuery(sql)) {
        while (rows.next()) {
          keys.add(rows.getString("id"));
        }
      }
      connection.rollback();
    }
    return keys.stream().sorted().toList();
  }

  private static List<Case> corpus(String resource) throws IOException {
    String text;
    try (InputStream in = ModelCorpusTest.class.getResourceAsStream(resource)) {
      text =
          new String(Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
    }
    List<Case> corpus = new ArrayList<>();
    String[] blocks = text.split("(?m)^--- ");
    for (int i = 1; i < blocks.length; i++) {
      int end = blocks[i].indexOf('\n');
      String[] head = blocks[i].substring(0, end).split(": ", 2);
      assertThat(head[0]).isIn("works", "refused");
      String sql =
          CHARACTER
              .matcher(blocks[i].substring(end + 1).replaceFirst("\n$", ""))
              .replaceAll(match -> Character.toString(Integer.parseInt(match.group(1), 16)));
      corpus.add(new Case("works".equals(head[0]), head[1], sql));
    }
    return corpus;
  }
}
