package io.fulmar.lightning.internal.schema;

import io.fulmar.StateException;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.Identifier;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What lies in a schema under our names, seen by one query. Whatever Fulmar did not make, or what
 * would act on its rows besides it, is refused: it is neither altered nor written. Immutable.
 */
final class Inspection {
  private static final int MOST_SHOWN = 3;

  private final String schema;
  private final String role;
  private final boolean exists;
  private final List<String> lacking;
  private final Map<String, Found> found;

  private Inspection(
      String schema, String role, boolean exists, List<String> lacking, Map<String, Found> found) {
    this.schema = schema;
    this.role = role;
    this.exists = exists;
    this.lacking = lacking;
    this.found = found;
  }

  /** Something that has one of our names. */
  private record Found(
      String kind,
      String persistence,
      String owner,
      @Nullable String comment,
      List<String> columns,
      List<Fault> strange) {}

  /** Looks at some names, and at the schema if there are none. */
  static Inspection read(Connection connection, String schema, List<String> names)
      throws SQLException {
    String role = "";
    boolean exists = false;
    List<String> lacking = new ArrayList<>();
    Map<String, Found> found = new LinkedHashMap<>();
    try (PreparedStatement statement = OneShot.prepare(connection, InspectionSql.INSPECT.sql())) {
      Object[] asked = names.isEmpty() ? new Object[] {""} : names.toArray(); // nothing has no name
      statement.setArray(1, connection.createArrayOf("text", asked));
      statement.setString(2, schema);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          role = rows.getString(2);
          exists = rows.getBoolean(3);
          lacking.clear();
          if (!rows.getBoolean(4)) {
            lacking.add("usage");
          }
          if (!rows.getBoolean(5)) {
            lacking.add("create");
          }
          if (rows.getBoolean(6)) {
            found.put(rows.getString(1), found(rows));
          }
        }
      }
    }
    return new Inspection(schema, role, exists, List.copyOf(lacking), found);
  }

  private static Found found(ResultSet rows) throws SQLException {
    List<Fault> strange = new ArrayList<>();
    for (Object row : elements(rows.getArray(12))) {
      Object[] pair = (Object[]) row;
      strange.add(new Fault("it has " + pair[0], "Run: " + pair[1]));
    }
    List<String> columns = new ArrayList<>();
    for (Object column : elements(rows.getArray(11))) {
      columns.add((String) column);
    }
    return new Found(
        rows.getString(7),
        rows.getString(8),
        rows.getString(9),
        rows.getString(10),
        columns,
        strange);
  }

  private static Object[] elements(Array array) throws SQLException {
    Object[] elements = (Object[]) array.getArray();
    array.free();
    return elements;
  }

  /** Whether there is something of that name. */
  boolean has(String name) {
    return found.containsKey(name);
  }

  /** The format that the comment on a table tells; 0 if it tells none. */
  int format(String name) {
    Found table = found.get(name);
    return table == null ? 0 : Comments.format(table.comment());
  }

  /** What is wrong with the schema itself. */
  List<Fault> ofSchema() {
    Identifier name = Identifier.of(schema);
    Identifier user = Identifier.of(role);
    if (!exists) {
      return List.of(
          new Fault(
              "there is no schema " + name,
              "Run, as owner of the database or superuser: create schema %s; grant usage, create on schema %s to %s"
                  .formatted(name, name, user)));
    }
    if (lacking.isEmpty()) {
      return List.of();
    }
    String privileges = String.join(", ", lacking);
    return List.of(
        new Fault(
            "%s lacks %s on schema %s".formatted(user, privileges, name),
            "Run, as owner or superuser: grant %s on schema %s to %s"
                .formatted(privileges, name, user)));
  }

  /** What is wrong with a table that should be as it was made; nothing if there is none. */
  List<Fault> of(OwnTable table) {
    Found there = found.get(table.name());
    if (there == null) {
      return List.of();
    }
    List<Fault> faults = new ArrayList<>(ofAny(table.name(), "r"));
    if (faults.isEmpty() && !there.columns().equals(table.expected())) {
      faults.add(
          new Fault(
              "the columns of %s are not those that it was made with".formatted(table.identifier()),
              "Undo what was altered: it had " + String.join(", ", table.expected())));
    }
    return faults;
  }

  /**
   * What is wrong with something that may have any columns; nothing if there is none.
   *
   * @param kind as {@code pg_class.relkind} has it
   */
  List<Fault> ofAny(String name, String kind) {
    Found there = found.get(name);
    if (there == null) {
      return List.of();
    }
    Identifier identifier = Identifier.of(schema, name);
    String away = "Move it out of the schema, or give Fulmar a schema that it shares with nobody";
    if (!there.owner().equals(role)) {
      return List.of(
          new Fault(
              "%s belongs to %s, and not to %s"
                  .formatted(identifier, Identifier.of(there.owner()), Identifier.of(role)),
              "%s; if it is Fulmar's, connect as the role that ran it before, or run: alter table %s owner to %s"
                  .formatted(away, identifier, Identifier.of(role))));
    }
    if (!there.kind().equals(kind) || Comments.format(there.comment()) == 0) {
      return List.of(new Fault(identifier + " is nothing that Fulmar has made", away));
    }
    List<Fault> faults = new ArrayList<>();
    if (there.persistence().equals("u")) {
      faults.add(
          new Fault(
              identifier + " is unlogged, so that a crash empties it",
              "Run: alter table %s set logged".formatted(identifier)));
    }
    for (Fault strange : there.strange()) {
      faults.add(new Fault("%s: %s".formatted(identifier, strange.fact()), strange.remedy()));
    }
    return faults;
  }

  /** Does nothing if there are no faults. */
  static void refuse(String doing, List<Fault> faults, String about) {
    if (faults.isEmpty()) {
      return;
    }
    int shown = Math.min(faults.size(), MOST_SHOWN);
    String more = faults.size() > shown ? ", and %s more".formatted(faults.size() - shown) : "";
    String facts = faults.stream().limit(shown).map(Fault::fact).collect(Collectors.joining("; "));
    String remedies =
        faults.stream()
            .limit(shown)
            .map(Fault::remedy)
            .distinct()
            .collect(Collectors.joining(". "));
    throw new StateException(
        "Cannot %s: %s%s. %s. %s".formatted(doing, facts, more, remedies, about).strip());
  }
}
