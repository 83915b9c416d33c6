package io.fulmar;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;

/**
 * A named query with a key: the rows that a sync compares and delivers. Immutable, without
 * resources.
 *
 * <pre>{@code
 * Model customers = Model.query("customers", "select id, email, plan from app.customer").key("id");
 * }</pre>
 *
 * <p>The query is one statement that returns rows, without parameters. Every column that it returns
 * takes part in the comparison, unless a {@link Mapping} leaves it out, so it should return what
 * the destination uses and nothing that differs in each run ({@code now()}).
 */
public final class Model {
  private final String name;
  private final String sql;
  private final List<String> key;

  private Model(String name, String sql, List<String> key) {
    this.name = name;
    this.sql = sql;
    this.key = List.copyOf(key);
  }

  /**
   * Begins a model that is a query; {@link Query#key} completes it.
   *
   * @param name for logs and reports
   * @param sql one {@code select}, {@code values}, {@code table} or {@code with} statement; a
   *     trailing semicolon is allowed. It is proven to be one row-returning statement before it
   *     runs
   */
  public static Query query(String name, String sql) {
    Checks.name("model", name);
    Objects.requireNonNull(sql, "sql");
    if (sql.isBlank()) {
      throw new IllegalArgumentException("sql must not be blank");
    }
    return new Query(name, sql);
  }

  /** A query that has no key yet. */
  public static final class Query {
    private final String name;
    private final String sql;

    private Query(String name, String sql) {
      this.name = name;
      this.sql = sql;
    }

    /**
     * Names the columns that identify a row, as the query returns them. Together they must be
     * unique and not NULL; rows that break this are reported and not sent.
     *
     * @param first a column of the result, in its exact spelling
     * @param more further columns
     */
    public Model key(String first, String... more) {
      List<String> key = new ArrayList<>();
      key.add(Checks.column("first", first));
      for (String column : Objects.requireNonNull(more, "more")) {
        key.add(Checks.column("more", column));
      }
      if (new LinkedHashSet<>(key).size() != key.size()) {
        throw new IllegalArgumentException(
            "the key names a column twice: " + String.join(", ", key));
      }
      return new Model(name, sql, key);
    }
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** The text of the query, as given. */
  public String sql() {
    return sql;
  }

  /** The key columns. */
  public List<String> key() {
    return key;
  }

  @Override
  public String toString() {
    return "Model[" + name + ", key " + String.join(", ", key) + "]";
  }
}
