package io.fulmar.internal.source;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelTable;
import io.fulmar.ModelValidation;
import io.fulmar.ModelValidation.Finding;
import io.fulmar.ModelValidation.Severity;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.KeyImage;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Proves that a model is one row-returning statement, without running it, and finds out what it
 * returns.
 */
public final class Describer {
  private static final int SMALL = 16_000;
  private static final int SMALL_KEY = ModelShape.MAX_KEY_BYTES / 4;
  private static final int MAX_COLUMNS = 1_600;

  private final SourceSession session;
  private final Model model;
  private final ModelText text;
  private final List<Finding> errors = new ArrayList<>();
  private final List<String> baseTypes = new ArrayList<>();
  private List<ModelShape.Column> columns = List.of();

  /** What the server is asked, for the place of an error in it. */
  private String statement = "";

  private Describer(SourceSession session, Model model) {
    this.session = session;
    this.model = model;
    this.text = ModelText.of(model);
    session.reads(model);
  }

  /** Ends the work on a model that has errors. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused() {
      super(null, null, false, false);
    }
  }

  /**
   * Proves and describes a model.
   *
   * @throws ConfigurationException if it is refused; says why and what to write instead
   * @throws io.fulmar.SourceException if the server cannot be asked
   */
  public static ModelShape describe(SourceSession session, Model model) {
    Describer describer = new Describer(session, model);
    try {
      return describer.shapeOrErrors();
    } catch (Refused e) {
      throw new ConfigurationException(
          "Cannot use the model %s: %s %s"
              .formatted(model.name(), describer.errors.get(0).text(), session.about()));
    }
  }

  /**
   * Proves a model and looks for whatever an application should know of it, without reading a row.
   *
   * @throws io.fulmar.SourceException if the server cannot be asked
   */
  public static ModelValidation validate(SourceSession session, Model model) {
    Describer describer = new Describer(session, model);
    try {
      ModelShape shape = describer.shapeOrErrors();
      return new ModelValidation(
          model.name(), shape.preview(), model.key(), describer.warnings(shape));
    } catch (Refused e) {
      return new ModelValidation(model.name(), describer.preview(), model.key(), describer.errors);
    } catch (SQLException e) {
      throw session.failed("validate the model " + model.name(), e);
    }
  }

  private ModelShape shapeOrErrors() throws Refused {
    try {
      return shape();
    } catch (SQLException e) {
      refuse(e);
      throw new Refused();
    }
  }

  private ModelShape shape() throws SQLException, Refused {
    set();
    checkDatabase();
    prove(text.sent());
    proveCondition();
    QueryText query = QueryText.proven(text.sent());
    List<String> names = new ArrayList<>();
    List<Integer> precisions = new ArrayList<>();
    try (Statement plain = plainStatement();
        ResultSet result = plain.executeQuery(asked(SourceSql.COLUMNS.with("model", query)))) {
      ResultSetMetaData metaData = result.getMetaData();
      for (int i = 1; i <= metaData.getColumnCount(); i++) {
        names.add(metaData.getColumnLabel(i));
        precisions.add(metaData.getPrecision(i));
      }
    }
    checkNames(names);
    columns = columns(query, names, precisions);
    List<Integer> key = model.key().stream().map(names::indexOf).toList();
    checkKey(query, columns, key);
    return new ModelShape(query, columns, key);
  }

  private String asked(SqlTemplate template) {
    statement = template.sql();
    return statement;
  }

  /** What the model sets, and whether hidden rows are an error. */
  private void set() throws SQLException, Refused {
    set("row_security", model.isRowSecurityAllowed() ? "on" : "off");
    for (Map.Entry<String, String> setting : model.settings().entrySet()) {
      try {
        set(setting.getKey(), setting.getValue());
      } catch (SQLException e) {
        if (!SqlStates.isOfText(e)) {
          throw e;
        }
        refuse(
            "its setting %s cannot be set (sqlstate=%s)"
                .formatted(setting.getKey(), SqlStates.code(e)),
            "Choose a name that no extension has taken, and a value that it takes");
        throw new Refused();
      }
    }
  }

  private void set(String name, String value) throws SQLException {
    try (PreparedStatement set = session.prepare(SourceSql.SETTING.sql())) {
      set.setString(1, name);
      set.setString(2, value);
      set.executeQuery().close();
    }
  }

  private void checkDatabase() throws SQLException, Refused {
    ModelTable table = model.table();
    if (table == null || table.database() == null) {
      return;
    }
    try (Statement plain = plainStatement();
        ResultSet result = plain.executeQuery(SourceSql.DATABASE.sql())) {
      result.next();
      if (!table.database().equals(result.getString(1))) {
        refuse(
            "it reads the database %s, and the source is %s"
                .formatted(quoted(table.database()), quoted(result.getString(1))),
            "Take the manifest that dbt made for this database, or name the table by Model.table");
        throw new Refused();
      }
    }
  }

  /** A condition that closes the parentheses around it would be more than a condition. */
  private void proveCondition() throws SQLException, Refused {
    ModelTable table = model.table();
    String proof = table == null ? null : TableSql.conditionProof(table);
    if (proof == null) {
      return;
    }
    try {
      prove(proof);
    } catch (SQLException e) {
      if (!SqlStates.isOfText(e)) {
        throw e;
      }
      refuse(
          "its condition is not one condition",
          "Write what may stand in parentheses behind \"where\", each of its own opened and closed");
      throw new Refused();
    }
  }

  private void prove(String query) throws SQLException, Refused {
    if (query.indexOf('\0') >= 0) {
      refuse("its text holds the character 0", "Remove it");
      throw new Refused();
    }
    try (PreparedStatement set = session.prepare(SourceSql.PROOF_TEXT.sql())) {
      set.setString(1, query);
      set.executeQuery().close();
    }
    Savepoint savepoint = session.connection().setSavepoint();
    try (Statement proof = plainStatement()) {
      proof.execute(SourceSql.PROOF.sql());
      session.connection().releaseSavepoint(savepoint);
    } catch (SQLException e) {
      if (!SqlStates.mayBeWithoutPlpgsql(e)) {
        throw e;
      }
      session.connection().rollback(savepoint);
      proveWithoutPlpgsql();
    }
  }

  private void proveWithoutPlpgsql() throws SQLException {
    try (Statement proof = plainStatement()) {
      proof.executeQuery(SourceSql.PROOF_WITHOUT_PLPGSQL.sql()).close();
    }
  }

  /** A statement that takes the model's question marks and braces as they are. */
  private Statement plainStatement() throws SQLException {
    Statement statement = session.connection().createStatement();
    statement.setEscapeProcessing(false);
    return statement;
  }

  private void checkNames(List<String> names) throws Refused {
    if (names.isEmpty()) {
      refuse("it returns no columns", "Select at least the key");
    }
    if (names.size() > MAX_COLUMNS) {
      refuse("it returns " + names.size() + " columns", "Select at most " + MAX_COLUMNS);
    }
    Set<String> seen = new LinkedHashSet<>();
    Set<String> twice = new LinkedHashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        twice.add(name);
      }
    }
    for (String name : twice) {
      refuse(
          "it returns the column " + quoted(name) + " twice",
          "Give one of them another name with \"as\"");
    }
    for (String name : model.key()) {
      if (!seen.contains(name) && !seen.isEmpty()) {
        refuse(
            "it does not return the key column " + quoted(name) + " but " + String.join(", ", seen),
            "Select it, in exactly this spelling");
      }
    }
    if (!errors.isEmpty()) {
      throw new Refused();
    }
  }

  private List<ModelShape.Column> columns(
      QueryText query, List<String> names, List<Integer> precisions) throws SQLException, Refused {
    List<Identifier> aliases =
        IntStream.range(0, names.size()).mapToObj(i -> Identifier.of("c" + i)).toList();
    String sql =
        asked(
            SourceSql.TYPES
                .with("model", query)
                .with("columns", aliases)
                .with("types", aliases.stream().map(ColumnExpression::typeOf).toList()));
    List<ModelShape.Column> found = new ArrayList<>();
    List<Long> oids = new ArrayList<>();
    try (Statement plain = plainStatement();
        ResultSet result = plain.executeQuery(sql)) {
      while (result.next()) {
        int i = found.size();
        oids.add(result.getLong(3));
        ColumnKind kind = ColumnKind.of((int) result.getLong(3), result.getString(4).charAt(0));
        int limit = model.key().contains(names.get(i)) ? SMALL_KEY : SMALL;
        boolean bounded =
            switch (kind) {
              case TEXT, BPCHAR ->
                  (precisions.get(i) > 0 && precisions.get(i) <= limit)
                      || "name".equals(result.getString(6));
              case JSON, BYTEA, OTHER -> false;
              default -> true;
            };
        found.add(
            new ModelShape.Column(
                names.get(i), result.getString(2), kind, bounded, result.getString(5)));
        baseTypes.add(result.getString(6));
      }
    }
    if (found.size() != names.size()) {
      refuse("the types of its columns could not be found", "Report this with the query");
      throw new Refused();
    }
    return withValueTypes(found, oids);
  }

  /** Finds out what the texts of columns mean that are read as text. */
  private List<ModelShape.Column> withValueTypes(List<ModelShape.Column> of, List<Long> oids)
      throws SQLException {
    Set<Long> texts = new LinkedHashSet<>();
    for (int i = 0; i < of.size(); i++) {
      if (of.get(i).kind().readAsText()) {
        texts.add(oids.get(i));
      }
    }
    ValueTypes types = ValueTypes.read(session.connection(), texts);
    return IntStream.range(0, of.size())
        .mapToObj(
            i -> {
              ModelShape.Column column = of.get(i);
              return column.kind().readAsText() ? column.with(types.of(oids.get(i))) : column;
            })
        .toList();
  }

  private void checkKey(QueryText query, List<ModelShape.Column> of, List<Integer> key)
      throws SQLException, Refused {
    List<Integer> collated = new ArrayList<>();
    for (int i : key) {
      ModelShape.Column column = of.get(i);
      if (!KeyImage.allowed(column.kind())) {
        refuseKey(column, baseTypes.get(i), "has no one image per value");
      } else if (column.kind() == ColumnKind.TEXT || column.kind() == ColumnKind.BPCHAR) {
        collated.add(i);
      }
    }
    if (!collated.isEmpty()) {
      checkCollations(query, of, collated);
    }
    if (!errors.isEmpty()) {
      throw new Refused();
    }
  }

  private void checkCollations(QueryText query, List<ModelShape.Column> of, List<Integer> collated)
      throws SQLException {
    List<Identifier> aliases =
        IntStream.range(0, of.size()).mapToObj(i -> Identifier.of("c" + i)).toList();
    String sql =
        asked(
            SourceSql.COLLATIONS
                .with("model", query)
                .with("columns", aliases)
                .with(
                    "collations",
                    collated.stream()
                        .map(i -> ColumnExpression.collationOf(aliases.get(i)))
                        .toList()));
    try (Statement plain = plainStatement();
        ResultSet result = plain.executeQuery(sql)) {
      for (int i : collated) {
        result.next();
        if (result.getString(1) != null && !result.getBoolean(2)) {
          refuseKey(
              of.get(i),
              baseTypes.get(i),
              "has the collation "
                  + result.getString(1)
                  + ", under which different texts are equal");
        }
      }
    }
  }

  private void refuseKey(ModelShape.Column column, String baseType, String why) {
    String cast = KeyImage.castToWrite(column.kind(), baseType);
    String expression =
        cast.replaceFirst(
            "\\bx\\b", java.util.regex.Matcher.quoteReplacement(quoted(column.name())));
    refuse(
        "the key column %s of type %s %s".formatted(quoted(column.name()), column.type(), why),
        "Write %s as %s in the model".formatted(expression, quoted(column.name())));
  }

  private void refuse(String fact, String remedy) {
    errors.add(new Finding(Severity.ERROR, fact, remedy, null));
  }

  /**
   * What the server says about a model is the application's to mend, unless the server itself is in
   * trouble.
   */
  private void refuse(SQLException e) {
    if (!SqlStates.isOfText(e)) {
      throw session.failed("describe the model " + model.name(), e);
    }
    errors.add(
        new Finding(
            Severity.ERROR,
            SqlStates.fact(e),
            remedyOf(e) + " (sqlstate=" + SqlStates.code(e) + ")",
            text.position(e, statement)));
  }

  /** What lies in a schema that the role may not use is not there for it. */
  private String remedyOf(SQLException e) {
    boolean mayBeHidden =
        switch (SqlStates.trouble(e)) {
          case NO_TABLE, NO_OBJECT -> true;
          default -> false;
        };
    List<ModelGrants.Grant> grants = mayBeHidden ? session.grantsMissing(e) : List.of();
    return grants.isEmpty()
        ? remedy(e)
        : "The role may not use its schema. " + SourceSession.remedy(grants);
  }

  private static String remedy(SQLException e) {
    return switch (SqlStates.trouble(e)) {
      case ROW_SECURITY -> SqlStates.ROW_SECURITY_REMEDY;
      case NO_TABLE ->
          "Look at its name and at the search_path, or write its schema in front of it";
      case NO_COLUMN -> "Look at the names of the columns";
      case NO_OBJECT, WRONG_TYPE -> "Look at the names and types of what it refers to";
      case VALUE -> "Mend the expression, which fails whatever the rows are";
      case ENCODING ->
          "Its text has a character that the encoding of the database lacks: write it in another way";
      default -> "It must be one statement that returns rows and writes nothing";
    };
  }

  /** The columns, as far as they were found. */
  private List<ModelPreview.Column> preview() {
    List<Integer> key = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      if (model.key().contains(columns.get(i).name())) {
        key.add(i);
      }
    }
    return new ModelShape(QueryText.proven(text.sent()), columns, key).preview();
  }

  /** What a run does all the same. */
  private List<Finding> warnings(ModelShape shape) throws SQLException {
    Savepoint savepoint = session.connection().setSavepoint();
    try {
      return VolatileFunctions.warnings(
          session.connection(), text, asked(SourceSql.EXPLAIN.with("model", shape.query())));
    } catch (SQLException e) {
      if (!SqlStates.isOfText(e)) {
        throw e;
      }
      // It fails as soon as it is planned with its rows, which reading them tells.
      session.connection().rollback(savepoint);
      return List.of();
    }
  }

  private static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
