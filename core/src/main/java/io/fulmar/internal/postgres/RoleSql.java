package io.fulmar.internal.postgres;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlScript;
import io.fulmar.internal.sql.SqlTemplate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The SQL that makes a role which may read some tables and nothing else, for people to run. */
public final class RoleSql {
  private static final SqlTemplate ROLE = resource("role.sql", "role", "database", "schemas");
  private static final SqlTemplate TABLES = resource("role-tables.sql", "tables", "role");
  private static final SqlTemplate SCHEMAS = resource("role-schemas.sql", "schemas", "role");

  private static final String NAME = "(\"(?:[^\"]|\"\")+\"|[^\".*\\s][^\".*]*)";
  private static final Pattern TABLE = Pattern.compile(NAME + "\\.(?:(\\*)|" + NAME + ")");

  private RoleSql() {}

  /**
   * The statements, one after the other.
   *
   * @param role its name, as the catalog has it
   * @param database what it may connect to, as the catalog has it
   * @param tables each {@code schema.table} or {@code schema.*}, as SQL writes names
   * @throws IllegalArgumentException if something is no such name
   */
  public static String of(String role, String database, List<String> tables) {
    Set<String> schemas = new LinkedHashSet<>();
    Set<String> whole = new LinkedHashSet<>();
    Set<List<String>> single = new LinkedHashSet<>();
    for (String table : tables) {
      Matcher match = TABLE.matcher(table);
      if (!match.matches()) {
        throw new IllegalArgumentException(
            "a table must be \"schema.table\" or \"schema.*\", with quotes as in SQL");
      }
      String schema = name(match.group(1));
      schemas.add(schema);
      if (match.group(2) != null) {
        whole.add(schema);
      } else {
        single.add(List.of(schema, name(match.group(3))));
      }
    }
    single.removeIf(table -> whole.contains(table.get(0)));
    Identifier to = Identifier.of(role);
    StringBuilder sql = new StringBuilder();
    append(
        sql,
        ROLE.with("role", to)
            .with("database", Identifier.of(database))
            .with("schemas", Identifier.all(List.copyOf(schemas))));
    if (!single.isEmpty()) {
      List<Identifier> names =
          single.stream().map(table -> Identifier.of(table.get(0), table.get(1))).toList();
      append(sql, TABLES.with("tables", names).with("role", to));
    }
    if (!whole.isEmpty()) {
      append(sql, SCHEMAS.with("schemas", Identifier.all(List.copyOf(whole))).with("role", to));
    }
    return sql.toString();
  }

  /** As PostgreSQL reads a name: without quotes it is in lower case. */
  private static String name(String sql) {
    return sql.startsWith("\"")
        ? sql.substring(1, sql.length() - 1).replace("\"\"", "\"")
        : sql.strip().toLowerCase(Locale.ROOT);
  }

  private static void append(StringBuilder sql, SqlTemplate filled) {
    sql.append(SqlScript.text(filled));
  }

  private static SqlTemplate resource(String name, String... tokens) {
    return SqlScript.read(name, RoleSql.class.getResourceAsStream(name), tokens);
  }
}
