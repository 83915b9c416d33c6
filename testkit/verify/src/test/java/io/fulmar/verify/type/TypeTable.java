package io.fulmar.verify.type;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.verify.type.TypeValues.Type;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A table {@code every_type} with a column for each type that a test needs at once. */
final class TypeTable {
  /** Whose text follows the version of the server, or what else is in the database. */
  private static final Set<String> VARYING = Set.of("xid", "cid", "tid");

  private TypeTable() {}

  /**
   * Makes the types and a table with {@code rows} values of each, as far as there are so many.
   * Types whose values cannot be written down are left out, and the rows of the catalog's tables.
   *
   * @param database in which it is made
   * @param rows how many
   * @param since a major version; values that only later ones have are left out
   * @return the names of the types, in the order of the columns {@code c0}, {@code c1} ...
   */
  static List<String> create(TestDatabase database, int rows, int since) throws SQLException {
    database.execute(TypeValues.OWN_TYPES);
    List<Type> types = new ArrayList<>();
    TypeValues values;
    try (Connection connection = database.connect()) {
      values = TypeValues.read(connection, since);
    }
    for (Type type : values.types()) {
      if (!type.ofCatalog()
          && !type.name().startsWith("cstring")
          && !VARYING.contains(type.name())
          && values.canBeWritten(type)
          && !values.of(type).isEmpty()) {
        types.add(type);
      }
    }
    List<String> columns = new ArrayList<>(List.of("id int primary key"));
    for (int i = 0; i < types.size(); i++) {
      columns.add("c%d %s".formatted(i, types.get(i).name()));
    }
    List<String> sql = new ArrayList<>();
    sql.add("create table every_type (%s)".formatted(String.join(", ", columns)));
    for (int row = 0; row < rows; row++) {
      List<String> line = new ArrayList<>(List.of(Integer.toString(row)));
      for (Type type : types) {
        List<String> of = values.of(type);
        line.add(of.get(Math.min(row, of.size() - 1)));
      }
      sql.add("insert into every_type values (%s)".formatted(String.join(", ", line)));
    }
    database.execute(sql.toArray(String[]::new));
    return types.stream().map(Type::name).toList();
  }
}
