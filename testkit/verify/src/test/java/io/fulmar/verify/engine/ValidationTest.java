package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.ModelValidation.Finding;
import io.fulmar.ModelValidation.Position;
import io.fulmar.ModelValidation.Severity;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A table of three rows, and models over it that have something wrong. */
@DisplayName("Validation says what is wrong with a model, and where in its text")
class ValidationTest extends SourceFixture {
  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create table item (id int primary key, name text, price float8)",
        "insert into item values (1, 'canary', 1), (2, 'b', 2), (3, null, 0)");
  }

  private ModelValidation validate(Model model) {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      return engine.validate(model);
    }
  }

  private ModelValidation validate(String sql) {
    return validate(Model.query("items", sql).key("id"));
  }

  private static Position position(ModelValidation validation) {
    assertThat(validation.findings()).isNotEmpty();
    Position position = validation.findings().get(0).position();
    assertThat(position).as("%s", validation.findings().get(0)).isNotNull();
    return position;
  }

  @Test
  void aGoodModelHasColumnsAndNoFindings() {
    ModelValidation validation = validate("select name, id from item");

    assertThat(validation)
        .isEqualTo(
            new ModelValidation(
                "items",
                List.of(
                    new ModelPreview.Column(
                        "name", "text", ModelPreview.Role.VALUE, String.class, false),
                    new ModelPreview.Column(
                        "id", "integer", ModelPreview.Role.KEY, Integer.class, false)),
                List.of("id"),
                List.of()));
    assertThat(validation.isUsable()).isTrue();
    assertThat(validation.throwIfRefused()).isSameAs(validation);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "select id, nam from item | 1 | 12",
        "select id,\\n  nam from item | 2 | 3",
        "select id,\\r\\n  nam\\r\\nfrom item | 2 | 3",
        "select id,\\r  nam from item | 2 | 3",
        "\\n\\n\\nselect id, nam from item | 4 | 12",
        "select '\uD83D\uDE00\uD83D\uDE00' as \"\uD83D\uDE00\", id, nam from item | 1 | 25",
        "/* \uD83D\uDE00 é 中\\n*/ select id,\\n\\tnam from item | 3 | 2",
        "select id form item | 1 | 16",
        "select id from item where | 1 | 26",
        "select id from item where\\n\\n\\n; | 1 | 26",
        "select id from itm | 1 | 16",
        "select id, lowr(name) as l from item | 1 | 12",
        "select id, name + 1 as n from item | 1 | 17",
        "select id, name from item order by nam;;; | 1 | 36",
        "with a as (select 1 as id)\\nselect id, nix from a -- end | 2 | 12",
        "select id, ? as a from item | 1 | 14",
        "select id from item where name = 'x' and nam = 'y' | 1 | 42"
      })
  @DisplayName("The place is that in the application's own text")
  void thePlaceIsThatInTheTextOfTheApplication(String escaped, int line, int column) {
    String sql = escaped.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t");

    Position position = position(validate(sql));

    assertThat(position.line()).isEqualTo(line);
    assertThat(position.column()).isEqualTo(column);
  }

  @Test
  void aRunAndAPreviewNameTheSamePlace() {
    String message =
        "Cannot use the model rows: column \"nam\" does not exist (line 2, column 3). Look at the"
            + " names of the columns (sqlstate=42703). [";
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      assertThatThrownBy(
              () -> engine.run(sync("select id,\n  nam from item", "id").build()).throwIfFailed())
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(message);
      assertThatThrownBy(
              () -> engine.preview(Model.query("rows", "select id,\n  nam from item").key("id")))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(message);
      assertThatThrownBy(
              () ->
                  engine
                      .validate(Model.query("rows", "select id,\n  nam from item").key("id"))
                      .throwIfRefused())
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(message + "model=rows]");
    }
  }

  @Test
  @DisplayName("P11: an excerpt shows no constants")
  void anExcerptShowsNoConstants() {
    assertThat(
            position(
                    validate(
                        "select id, 'canary' as a, E'can\\'ary' as b, $x$can'ary$x$ as c, 12.5 as d,"
                            + " /* canary */ nam\nfrom item"))
                .excerpt())
        .isEqualTo("id, ? as a, ? as b, ? as c, ? as d, ? nam");
    assertThat(position(validate("select id, nam, 'canary\\' as a from item")).excerpt())
        .isEqualTo("select id, nam, ?");
    assertThat(position(validate("select id, nam, 'canary")).excerpt()).doesNotContain("canary");
    assertThat(position(validate("select id, nam from item")).excerpt())
        .isEqualTo("select id, nam from item");
  }

  @Test
  void theRemedyFitsTheError() {
    assertThat(validate("select id, lowr(name) as l from item").findings())
        .extracting(Finding::text)
        .containsExactly(
            "function lowr(text) does not exist (line 1, column 12). Look at the names and types of what"
                + " it refers to (sqlstate=42883).");
    assertThat(validate("delete from item returning id").findings())
        .extracting(Finding::remedy)
        .singleElement()
        .asString()
        .startsWith("It must be one statement that returns rows and writes nothing");
    assertThat(validate("select id, 1 / 0 as x from item").findings())
        .extracting(Finding::text)
        .allMatch(text -> text.startsWith("a value "));
  }

  @Test
  void anErrorWithinAFunctionHasNoPlaceInTheText() throws SQLException {
    database.execute(
        "create function broken() returns int language sql as 'select 1'",
        "create or replace function broken() returns int language plpgsql immutable as"
            + " 'begin execute ''selec 1''; return 1; end'");

    Finding finding = validate("select broken() as id").findings().get(0);

    assertThat(finding.severity()).isEqualTo(Severity.ERROR);
    assertThat(finding.position()).isNull();
  }

  @Test
  void theConditionOfATableHasItsOwnLines() {
    Model model =
        Model.table("items", "public", "item")
            .columns("id", "name")
            .where("name <> 'x'\n  and nam = 'canary'")
            .key("id");

    Position position = position(validate(model));

    assertThat(position).isEqualTo(new Position(2, 7, "and nam = ?"));
  }

  @Test
  void allThatIsWrongWithColumnsIsFound() {
    ModelValidation validation =
        validate(
            Model.query("items", "select price, name, name, price from item").key("id", "nix"));

    assertThat(validation.isUsable()).isFalse();
    assertThat(validation.findings())
        .extracting(Finding::fact)
        .containsExactly(
            "it returns the column \"name\" twice",
            "it returns the column \"price\" twice",
            "it does not return the key column \"id\" but price, name",
            "it does not return the key column \"nix\" but price, name");
  }

  @Test
  void allKeysThatCannotBeOneAreFound() {
    ModelValidation validation =
        validate(
            Model.query("items", "select id, price, now() - now() as i from item")
                .key("price", "i"));

    assertThat(validation.columns()).hasSize(3);
    assertThat(validation.findings()).extracting(Finding::severity).containsOnly(Severity.ERROR);
    assertThat(validation.findings())
        .extracting(Finding::fact)
        .containsExactly(
            "the key column \"price\" of type double precision has no one image per value",
            "the key column \"i\" of type interval has no one image per value");
  }

  @Test
  @DisplayName("G-11: columns that are another in each read, and volatile functions, are warnings")
  void whatIsAnotherInEachReadIsAWarning() throws SQLException {
    database.execute(
        "create function counts() returns int language sql volatile as 'select 1'",
        "create view noisy as select id, counts() as c from item",
        "create schema other",
        "create function other.\"Odd Name\"() returns int language plpgsql as 'begin return 1; end'");

    ModelValidation validation =
        validate(
            "select id, now() as at,\n random() as r, other.\"Odd Name\"() as o, 'counts()' as t from noisy");

    assertThat(validation.isUsable()).isTrue();
    assertThat(validation.findings()).extracting(Finding::severity).containsOnly(Severity.WARNING);
    assertThat(validation.findings())
        .extracting(Finding::fact)
        .containsExactly(
            "its column \"at\" is another in each read",
            "its column \"r\" is another in each read",
            "it calls Odd Name(), which is VOLATILE",
            "it calls random(), which is VOLATILE");
    assertThat(validation.findings().get(2).position())
        .isEqualTo(
            new Position(2, 17, "random() as r, other.\"Odd Name\"() as o, ? as t from noisy"));
    assertThat(validation.findings().get(3).position())
        .extracting(Position::line, Position::column)
        .containsExactly(2, 2);
  }

  @Test
  @DisplayName("G-11: a volatile function behind a view is found, and has no place in the text")
  void aVolatileFunctionBehindAViewIsFound() throws SQLException {
    database.execute(
        "create function counts() returns int language plpgsql volatile as 'begin return 1; end'",
        "create view noisy as select id, counts() as c from item");

    ModelValidation validation = validate(Model.table("items", "public", "noisy").key("id"));

    assertThat(validation.findings())
        .extracting(Finding::text)
        .containsExactly(
            "it calls counts(), which is VOLATILE. If its result is another in each read, its rows"
                + " change in every run, and if it writes, the run fails: leave it out, or declare"
                + " it STABLE if it is.");
  }

  @Test
  void anExpressionThatFailsForARowIsAnErrorWithoutItsValue() {
    ModelValidation validation = validate("select id, name::int as n from item");

    assertThat(validation.isUsable()).isFalse();
    assertThat(validation.findings())
        .extracting(Finding::text)
        .containsExactly(
            "a value of its first rows could not be computed (sqlstate=22P02). Mend the model or the"
                + " row.");
    assertThat(validation.toString()).doesNotContain("canary");
  }

  @Test
  void aModelThatWritesIsAnError() throws SQLException {
    database.execute(
        "create function writes() returns int language sql as 'update item set id = id returning 1'");

    assertThat(validate("select writes() as id").findings())
        .extracting(Finding::text)
        .startsWith(
            "it writes as soon as its rows are read (sqlstate=25006). Make it a plain query.");
  }

  @Test
  void aMissingGrantIsNoFindingButAnError() throws SQLException {
    database.execute("drop role if exists validates", "create role validates login");
    try (SyncEngine engine = StandardEngine.on(sourceBuilder().user("validates").build(), state)) {
      assertThatThrownBy(
              () -> engine.validate(Model.query("items", "select id from item").key("id")))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("permission denied for table item");
    } finally {
      database.execute("drop role validates");
    }
  }
}
