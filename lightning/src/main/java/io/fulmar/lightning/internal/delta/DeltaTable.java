package io.fulmar.lightning.internal.delta;

import io.fulmar.ModelTable;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlPart;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the catalogs say of a table that is a model: whether its rows tell when they were written,
 * and what must be as it was.
 */
final class DeltaTable {
  private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_]{1,63}");

  private final Connection connection;
  private final ModelTable table;
  private final List<String> key;
  private final List<String> used;
  private final ModelShape shape;

  private long oid;
  private String kind = "";
  private String version = "";
  private long oldest;
  private long next;
  private @Nullable Shape found;

  /** What must be as it was. */
  private record Shape(
      String partitions,
      long unreadable,
      boolean complete,
      String columns,
      String types,
      @Nullable String unsteadyType) {}

  DeltaTable(Connection connection, ModelTable table, ModelShape shape) {
    this.connection = connection;
    this.table = table;
    this.shape = shape;
    this.key = names(shape, shape.keyPositions());
    this.used = names(shape, shape.used());
  }

  private static List<String> names(ModelShape shape, List<Integer> positions) {
    return positions.stream().map(i -> shape.columns().get(i).name()).toList();
  }

  /** Reads the catalogs; the first thing that speaks against a delta scan, null for none. */
  @Nullable String refusal() throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, DeltaSql.TABLE.sql())) {
      Array keyNames = connection.createArrayOf("text", key.toArray());
      statement.setArray(1, keyNames);
      statement.setArray(2, keyNames);
      statement.setString(3, table.schema());
      statement.setString(4, table.name());
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return "the table was made after the run began";
        }
        String refusal = refusal(row);
        if (refusal != null) {
          return refusal;
        }
      }
    }
    Shape now = shape();
    found = now;
    if (now.unreadable() > 0) {
      return "a partition is no heap table";
    }
    if (!now.complete()) {
      return "a partition was made after the run began";
    }
    String type = now.unsteadyType();
    if (type != null) {
      return "the text of a type of its columns may change without a row being written"
          + (PLAIN_NAME.matcher(type).matches() ? ": " + type : "");
    }
    return null;
  }

  private @Nullable String refusal(ResultSet row) throws SQLException {
    oid = row.getLong(1);
    kind = row.getString(2);
    version = row.getString(10);
    oldest = row.getLong(11);
    next = row.getLong(12);
    boolean partitioned = kind.equals("p");
    if (!partitioned && !kind.equals("r")) {
      return "the model is neither an ordinary nor a partitioned table";
    }
    if (row.getString(3).equals("t")) {
      return "the table is temporary";
    }
    if (!partitioned && !row.getString(4).equals("heap")) {
      return "the access method of the table is not heap";
    }
    if (row.getBoolean(5)) {
      return "the table has row security";
    }
    if (!row.getBoolean(6)) {
      return "the role may not select all columns of the table";
    }
    if (!partitioned && row.getBoolean(7)) {
      return "other tables inherit from the table";
    }
    if (!row.getBoolean(8)) {
      return "no unique index proves the key";
    }
    return row.getBoolean(9) ? null : "a column of the key may be NULL";
  }

  private Shape shape() throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, DeltaSql.SHAPE.sql())) {
      statement.setLong(1, oid);
      statement.setLong(2, oid);
      statement.setArray(3, connection.createArrayOf("text", used.toArray()));
      statement.setLong(4, used.size());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new Shape(
            row.getString(1),
            row.getLong(2),
            row.getBoolean(3),
            row.getString(4),
            row.getString(5),
            row.getString(6));
      }
    }
  }

  /** Whether its rows are in other tables, so that a place alone does not tell which is meant. */
  boolean isPartitioned() {
    return kind.equals("p");
  }

  /** Its name as PostgreSQL reads it. */
  String name() {
    return identifier().sql();
  }

  private Identifier identifier() {
    return Identifier.of(table.schema(), table.name());
  }

  /** The table as it is scanned. */
  SqlPart scanned() {
    return isPartitioned() ? identifier() : DeltaSql.ONLY.with("table", identifier());
  }

  /** How its keys are found. */
  DeltaKey key() throws SQLException {
    List<DeltaKey.Column> columns = new ArrayList<>();
    try (PreparedStatement statement = OneShot.prepare(connection, DeltaSql.COLLATIONS.sql())) {
      statement.setArray(1, connection.createArrayOf("text", key.toArray()));
      statement.setLong(2, oid);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          int i = columns.size();
          columns.add(
              new DeltaKey.Column(
                  key.get(i),
                  shape.columns().get(shape.keyPositions().get(i)).kind(),
                  Identifier.told(row.getString(1), row.getString(2))));
        }
      }
    }
    return new DeltaKey(columns);
  }

  /** The number of the table. */
  String number() {
    return Long.toString(oid);
  }

  /** The version of the server. */
  String version() {
    return version;
  }

  /** The oldest transaction that is not over in the snapshot. */
  long oldest() {
    return oldest;
  }

  /** The first transaction that has not begun in the snapshot. */
  long next() {
    return next;
  }

  /** A digest of the table and its partitions. */
  String partitions() {
    return shapeFound().partitions();
  }

  /** A digest of the columns that are used. */
  String columns() {
    return shapeFound().columns();
  }

  /** A digest of the types behind them. */
  String types() {
    return shapeFound().types();
  }

  private Shape shapeFound() {
    Shape shapeNow = found;
    if (shapeNow == null) {
      throw new IllegalStateException("the catalogs have not been read");
    }
    return shapeNow;
  }
}
