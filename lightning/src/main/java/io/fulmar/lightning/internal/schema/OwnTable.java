package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.ColumnDefinition;
import io.fulmar.internal.sql.ColumnDefinition.Rule;
import io.fulmar.internal.sql.CommentText;
import io.fulmar.internal.sql.Identifier;
import java.util.ArrayList;
import java.util.List;

/**
 * A table that Fulmar makes: what it is made as is also what it is held to before each use.
 * Immutable.
 *
 * @param schema where it is
 * @param name its name there
 * @param columns in their order
 * @param keys the primary key first, then other sets of columns that are unique
 * @param what the comment on it, behind who made it
 */
public record OwnTable(
    String schema,
    String name,
    List<ColumnDefinition> columns,
    List<List<String>> keys,
    String what) {

  /** Copies the lists. */
  public OwnTable {
    columns = List.copyOf(columns);
    keys = keys.stream().map(List::copyOf).toList();
    if (keys.isEmpty()) {
      throw new IllegalArgumentException(
          "a table must have a primary key: publications of all tables forbid changes without one");
    }
  }

  /**
   * Begins a table.
   *
   * @param schema where it is
   * @param name its name there
   * @param what the comment on it, behind who made it
   */
  public static Builder table(String schema, String name, String what) {
    return new Builder(schema, name, what);
  }

  /** The quoted name. */
  public Identifier identifier() {
    return Identifier.of(schema, name);
  }

  CommentText comment(int format) {
    return Comments.text(format, what);
  }

  /** Each column as the catalog is asked for it. */
  List<String> expected() {
    List<String> key = keys.get(0).stream().map(column -> Identifier.of(column).sql()).toList();
    List<String> expected = new ArrayList<>();
    for (ColumnDefinition column : columns) {
      boolean implied =
          key.contains(column.name().sql())
              && (column.rule() == Rule.NONE || column.rule() == Rule.BYTEWISE);
      expected.add(implied ? column.sql() + " not null" : column.sql());
    }
    return expected;
  }

  /** Collects the columns of a table. Not threadsafe. */
  public static final class Builder {
    private final String schema;
    private final String name;
    private final String what;
    private final List<ColumnDefinition> columns = new ArrayList<>();
    private final List<List<String>> keys = new ArrayList<>();

    private Builder(String schema, String name, String what) {
      this.schema = schema;
      this.name = name;
      this.what = what;
    }

    /** The next column. */
    public Builder column(String column, String type, Rule rule) {
      columns.add(new ColumnDefinition(Identifier.of(column), type, rule));
      return this;
    }

    /** The next columns, all of one type and without a rule. */
    public Builder columns(String type, String... names) {
      for (String column : names) {
        column(column, type, Rule.NONE);
      }
      return this;
    }

    /** Columns that are unique; the first ones are the primary key. */
    public Builder key(String... names) {
      keys.add(List.of(names));
      return this;
    }

    Builder key(List<String> names) {
      keys.add(names);
      return this;
    }

    /** The table. */
    public OwnTable build() {
      return new OwnTable(schema, name, columns, keys, what);
    }
  }
}
