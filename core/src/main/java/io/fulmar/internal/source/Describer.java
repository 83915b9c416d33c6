package io.fulmar.internal.source;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.postgres.Trouble;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
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
  private final List<String> baseTypes = new ArrayList<>();

  private Describer(SourceSession session, Model model) {
    this.session = session;
    this.model = model;
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
      return describer.shape();
    } catch (SQLException e) {
      throw describer.refused(e);
    }
  }

  private ModelShape shape() throws SQLException {
    String text = withoutTerminator(model.sql());
    prove(text);
    QueryText query = QueryText.proven(text);
    List<String> names = new ArrayList<>();
    List<Integer> precisions = new ArrayList<>();
    try (Statement statement = plainStatement();
        ResultSet result = statement.executeQuery(SourceSql.COLUMNS.with("model", query).sql())) {
      ResultSetMetaData metaData = result.getMetaData();
      for (int i = 1; i <= metaData.getColumnCount(); i++) {
        names.add(metaData.getColumnLabel(i));
        precisions.add(metaData.getPrecision(i));
      }
    }
    checkNames(names);
    List<ModelShape.Column> columns = columns(query, names, precisions);
    List<Integer> key = model.key().stream().map(names::indexOf).toList();
    checkKey(query, columns, key);
    return new ModelShape(query, columns, key);
  }

  /** A semicolon at the very end means nothing; anywhere else the server sees it. */
  private static String withoutTerminator(String sql) {
    String text = sql.stripTrailing();
    while (text.endsWith(";")) {
      text = text.substring(0, text.length() - 1).stripTrailing();
    }
    return text;
  }

  private void prove(String text) throws SQLException {
    if (text.indexOf('\0') >= 0) {
      throw refused("its text holds the character 0", "Remove it");
    }
    try (PreparedStatement set =
        session.connection().prepareStatement(SourceSql.PROOF_TEXT.sql())) {
      set.setString(1, text);
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

  private void checkNames(List<String> names) {
    if (names.isEmpty()) {
      throw refused("it returns no columns", "Select at least the key");
    }
    if (names.size() > MAX_COLUMNS) {
      throw refused("it returns " + names.size() + " columns", "Select at most " + MAX_COLUMNS);
    }
    Set<String> seen = new LinkedHashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw refused(
            "it returns the column " + quoted(name) + " twice",
            "Give one of them another name with \"as\"");
      }
    }
    for (String name : model.key()) {
      if (!seen.contains(name)) {
        throw refused(
            "it does not return the key column " + quoted(name) + " but " + String.join(", ", seen),
            "Select it, in exactly this spelling");
      }
    }
  }

  private List<ModelShape.Column> columns(
      QueryText query, List<String> names, List<Integer> precisions) throws SQLException {
    List<Identifier> aliases =
        IntStream.range(0, names.size()).mapToObj(i -> Identifier.of("c" + i)).toList();
    String sql =
        SourceSql.TYPES
            .with("model", query)
            .with("columns", aliases)
            .with("types", aliases.stream().map(ColumnExpression::typeOf).toList())
            .sql();
    List<ModelShape.Column> columns = new ArrayList<>();
    List<Long> oids = new ArrayList<>();
    try (Statement statement = plainStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        int i = columns.size();
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
        columns.add(
            new ModelShape.Column(
                names.get(i), result.getString(2), kind, bounded, result.getString(5)));
        baseTypes.add(result.getString(6));
      }
    }
    if (columns.size() != names.size()) {
      throw refused("the types of its columns could not be found", "Report this with the query");
    }
    return withValueTypes(columns, oids);
  }

  /** Finds out what the texts of columns mean that are read as text. */
  private List<ModelShape.Column> withValueTypes(List<ModelShape.Column> columns, List<Long> oids)
      throws SQLException {
    Set<Long> asked = new LinkedHashSet<>();
    for (int i = 0; i < columns.size(); i++) {
      if (columns.get(i).kind().readAsText()) {
        asked.add(oids.get(i));
      }
    }
    ValueTypes types = ValueTypes.read(session.connection(), asked);
    return IntStream.range(0, columns.size())
        .mapToObj(
            i -> {
              ModelShape.Column column = columns.get(i);
              return column.kind().readAsText() ? column.with(types.of(oids.get(i))) : column;
            })
        .toList();
  }

  private void checkKey(QueryText query, List<ModelShape.Column> columns, List<Integer> key)
      throws SQLException {
    List<Integer> collated = new ArrayList<>();
    for (int i : key) {
      ModelShape.Column column = columns.get(i);
      if (!KeyImage.allowed(column.kind())) {
        throw refusedKey(column, baseTypes.get(i), "has no one image per value");
      }
      if (column.kind() == ColumnKind.TEXT || column.kind() == ColumnKind.BPCHAR) {
        collated.add(i);
      }
    }
    if (collated.isEmpty()) {
      return;
    }
    List<Identifier> aliases =
        IntStream.range(0, columns.size()).mapToObj(i -> Identifier.of("c" + i)).toList();
    String sql =
        SourceSql.COLLATIONS
            .with("model", query)
            .with("columns", aliases)
            .with(
                "collations",
                collated.stream().map(i -> ColumnExpression.collationOf(aliases.get(i))).toList())
            .sql();
    try (Statement statement = plainStatement();
        ResultSet result = statement.executeQuery(sql)) {
      for (int i : collated) {
        result.next();
        if (result.getString(1) != null && !result.getBoolean(2)) {
          throw refusedKey(
              columns.get(i),
              baseTypes.get(i),
              "has the collation "
                  + result.getString(1)
                  + ", under which different texts are equal");
        }
      }
    }
  }

  private ConfigurationException refusedKey(ModelShape.Column column, String baseType, String why) {
    String cast = KeyImage.castToWrite(column.kind(), baseType);
    String expression =
        cast.replaceFirst(
            "\\bx\\b", java.util.regex.Matcher.quoteReplacement(quoted(column.name())));
    return refused(
        "the key column %s of type %s %s".formatted(quoted(column.name()), column.type(), why),
        "Write %s as %s in the model".formatted(expression, quoted(column.name())));
  }

  private ConfigurationException refused(String fact, String remedy) {
    return new ConfigurationException(
        "Cannot use the model %s: %s. %s. %s"
            .formatted(model.name(), fact, remedy, session.about()));
  }

  /**
   * What the server says about a model is the application's to mend, unless the server itself is in
   * trouble.
   */
  private RuntimeException refused(SQLException e) {
    if (!SqlStates.isOfText(e)) {
      return session.failed("describe the model " + model.name(), e);
    }
    String remedy =
        SqlStates.trouble(e) == Trouble.VALUE
            ? "Mend the expression, which fails whatever the rows are"
            : "It must be one statement that returns rows and writes nothing";
    return refused(SqlStates.fact(e), remedy + " (sqlstate=" + SqlStates.code(e) + ")");
  }

  private static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
