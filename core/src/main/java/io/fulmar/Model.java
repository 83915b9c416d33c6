package io.fulmar;

import io.fulmar.internal.dbt.Manifest;
import io.fulmar.internal.source.ModelFile;
import io.fulmar.internal.source.TableSql;
import io.fulmar.internal.type.JavaValue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A named query or table with a key: the rows that a sync compares and delivers. Immutable, without
 * resources: what is read from a file is read once, when the model is made.
 *
 * <pre>{@code
 * Model customers = Model.query("customers", "select id, email, plan from app.customer").key("id");
 * Model orders = Model.table("orders", "app", "order").where("state <> 'draft'").key("id");
 * }</pre>
 *
 * <p>Every column that comes out takes part in the comparison, unless a {@link Mapping} leaves it
 * out, so there should be what the destination uses and nothing that differs in each run ({@code
 * now()}). {@link SyncEngine#validate} says what is wrong with a model, and where.
 */
public final class Model {
  private static final Pattern SETTING =
      Pattern.compile("[A-Za-z_][A-Za-z0-9_$]*(?:\\.[A-Za-z_][A-Za-z0-9_$]*)+");
  private static final int MAX_SETTING_NAME = 63;
  private static final int MAX_SETTINGS = 100;
  private static final int MAX_SETTING_VALUE = 8_192;
  private static final String OURS = "fulmar.";

  private final String name;
  private final String sql;
  private final List<String> key;
  private final @Nullable ModelTable table;
  private final Map<String, String> settings;
  private final RowSecurity rowSecurity;

  /** What to do about rows that the source hides from the role. */
  private enum RowSecurity {
    REFUSED,
    ALLOWED
  }

  private Model(
      String name,
      String sql,
      List<String> key,
      @Nullable ModelTable table,
      Map<String, String> settings,
      RowSecurity rowSecurity) {
    this.name = name;
    this.sql = sql;
    this.key = List.copyOf(key);
    this.table = table;
    this.settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    this.rowSecurity = rowSecurity;
  }

  private static Model of(
      String name, String sql, @Nullable ModelTable table, String first, String... more) {
    List<String> key = new ArrayList<>();
    key.add(Checks.column("first", first));
    for (String column : Objects.requireNonNull(more, "more")) {
      key.add(Checks.column("more", column));
    }
    if (new LinkedHashSet<>(key).size() != key.size()) {
      throw new IllegalArgumentException("the key names a column twice: " + String.join(", ", key));
    }
    return new Model(name, sql, key, table, Map.of(), RowSecurity.REFUSED);
  }

  /**
   * Begins a model that is a query; {@link Query#key} completes it.
   *
   * @param name for logs and reports
   * @param sql one {@code select}, {@code values}, {@code table} or {@code with} statement, without
   *     parameters; a trailing semicolon is allowed. It is proven to be one row-returning statement
   *     before it runs
   */
  public static Query query(String name, String sql) {
    Checks.name("model", name);
    Objects.requireNonNull(sql, "sql");
    if (sql.isBlank()) {
      throw new IllegalArgumentException("sql must not be blank");
    }
    return new Query(name, sql);
  }

  /**
   * Begins a model that is the query in a file, as {@link #query} does with its text. The file is
   * read now, and not again.
   *
   * @param name for logs and reports
   * @param file at most 1,000,000 bytes of UTF-8; a byte order mark is left out
   * @throws ConfigurationException if the file cannot be read, or is not UTF-8
   */
  public static Query queryFile(String name, Path file) throws ConfigurationException {
    Checks.name("model", name);
    return query(name, ModelFile.read(name, Objects.requireNonNull(file, "file")));
  }

  /**
   * Begins a model that is the query in a resource of the class path, as {@link #query} does with
   * its text.
   *
   * @param name for logs and reports
   * @param beside a class of the application, whose class loader finds the resource; if it is in a
   *     named module, that module must open the package to {@code io.fulmar.core}
   * @param resource as {@link Class#getResourceAsStream} takes it: {@code customers.sql} in the
   *     package of the class, or {@code /sql/customers.sql}; at most 1,000,000 bytes of UTF-8, and
   *     a byte order mark is left out
   * @throws ConfigurationException if the resource is not found or cannot be read, or is not UTF-8
   */
  public static Query queryResource(String name, Class<?> beside, String resource)
      throws ConfigurationException {
    Checks.name("model", name);
    Objects.requireNonNull(beside, "beside");
    Objects.requireNonNull(resource, "resource");
    return query(name, ModelFile.read(name, beside, resource));
  }

  /**
   * Begins a model that is a table, view, materialized view, foreign table or partitioned table;
   * {@link Table#key} completes it. All its columns are read, in the order of the table, unless
   * {@link Table#columns} chooses. Names are quoted, so they are in the spelling that the database
   * has: {@code customer} and {@code Customer} are two tables.
   *
   * @param name for logs and reports
   * @param schema the schema, 1 to 63 bytes
   * @param table the table in it, 1 to 63 bytes
   * @throws IllegalArgumentException if a name cannot be one in PostgreSQL
   */
  public static Table table(String name, String schema, String table) {
    Checks.name("model", name);
    Objects.requireNonNull(schema, "schema");
    Objects.requireNonNull(table, "table");
    return new Table(name, new ModelTable(null, schema, table, List.of(), null));
  }

  /**
   * Begins a model that is the table, view, materialized view, snapshot or seed that dbt made of
   * one of its models; {@link Table#key} completes it. Its name is that of the dbt model. The
   * manifest is read now, and not again, so a project that was compiled anew takes a new model.
   *
   * <pre>{@code
   * Model customers = Model.dbt(Path.of("target/manifest.json"), "customers").key("id");
   * }</pre>
   *
   * <p>Needs jackson-core, 2.18 or later, which Fulmar does not bring.
   *
   * @param manifest dbt's {@code target/manifest.json}, of version 6 to 12 (dbt 1.2 to 1.11); it
   *     must have been written for the database of the source
   * @param nameOrUniqueId the name of a model, seed or snapshot, of which the latest version is
   *     taken, or its unique id: {@code model.shop.customers}
   * @throws ConfigurationException if the manifest cannot be read, jackson-core is missing, or
   *     there is no such relation: the model is missing, disabled or ephemeral, or several have the
   *     name
   * @throws IllegalArgumentException if the name of the dbt model cannot be that of a model
   */
  public static Table dbt(Path manifest, String nameOrUniqueId) throws ConfigurationException {
    Objects.requireNonNull(manifest, "manifest");
    Objects.requireNonNull(nameOrUniqueId, "nameOrUniqueId");
    Map.Entry<String, ModelTable> found = Manifest.relation(manifest, nameOrUniqueId);
    Checks.name("model", found.getKey());
    return new Table(found.getKey(), found.getValue());
  }

  /**
   * Begins a model that is the SQL to which dbt compiled one of its models, as {@link #query} does
   * with its text. For what dbt keeps nowhere; {@link #dbt} reads what it made.
   *
   * @param manifest as {@link #dbt} takes it, of a project that was compiled and not only parsed
   * @param nameOrUniqueId as {@link #dbt} takes it
   * @throws ConfigurationException if the manifest cannot be read, jackson-core is missing, or
   *     there is no SQL: the model is missing, disabled or not compiled, or several have the name
   * @throws IllegalArgumentException if the name of the dbt model cannot be that of a model
   */
  public static Query dbtQuery(Path manifest, String nameOrUniqueId) throws ConfigurationException {
    Objects.requireNonNull(manifest, "manifest");
    Objects.requireNonNull(nameOrUniqueId, "nameOrUniqueId");
    Map.Entry<String, String> found = Manifest.compiled(manifest, nameOrUniqueId);
    return query(found.getKey(), found.getValue());
  }

  /** A query that has no key yet. Immutable. */
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
      return of(name, sql, null, first, more);
    }
  }

  /** A table that has no key yet. Immutable: each call gives another one. */
  public static final class Table {
    private final String name;
    private final ModelTable table;

    private Table(String name, ModelTable table) {
      this.name = name;
      this.table = table;
    }

    /**
     * Chooses the columns that are read; without this call, all are.
     *
     * @param first a column, in its exact spelling; the key's must be among them
     * @param more further columns, each once
     * @throws IllegalArgumentException if a name cannot be one in PostgreSQL, or one occurs twice
     * @throws IllegalStateException if columns were chosen before
     */
    public Table columns(String first, String... more) {
      Objects.requireNonNull(first, "first");
      Objects.requireNonNull(more, "more");
      if (!table.columns().isEmpty()) {
        throw new IllegalStateException("columns(...) was called before");
      }
      List<String> columns = new ArrayList<>();
      columns.add(first);
      for (String column : more) {
        columns.add(Objects.requireNonNull(column, "more"));
      }
      return new Table(
          name,
          new ModelTable(
              table.database(), table.schema(), table.name(), columns, table.condition()));
    }

    /**
     * Reads only rows that fulfil a condition. A row that no longer does is removed from the model.
     *
     * @param condition what stands behind {@code where} in SQL: {@code "deleted_at is null"}; it is
     *     proven to be one condition and nothing else before it runs
     * @throws IllegalArgumentException if it is blank
     * @throws IllegalStateException if there is a condition already; put {@code and} between them
     */
    public Table where(String condition) {
      Objects.requireNonNull(condition, "condition");
      if (table.condition() != null) {
        throw new IllegalStateException("where(...) was called before");
      }
      return new Table(
          name,
          new ModelTable(
              table.database(), table.schema(), table.name(), table.columns(), condition));
    }

    /**
     * Names the columns that identify a row. Together they must be unique and not NULL; rows that
     * break this are reported and not sent.
     *
     * @param first a column, in its exact spelling
     * @param more further columns
     */
    public Model key(String first, String... more) {
      return of(name, TableSql.select(table), table, first, more);
    }
  }

  /**
   * This model with a setting that its SQL reads: {@code current_setting('app.tenant')}. It is set
   * before the text is proven and run, for that transaction alone, so also behind a pooler; what
   * policies of row security read is set in the same way. A setting is part of the definition of a
   * sync: with another value, the guard of {@link Sync.Builder#guardChanges} looks at the next run.
   * PostgreSQL may remember the name, with an empty value, until the connection is closed.
   *
   * @param name of a parameter that is not PostgreSQL's own: letters, digits, {@code _} and {@code
   *     $} with a dot between, at most 63, not beginning with {@code fulmar.}; upper and lower case
   *     are the same
   * @param value what it is set to, 0 to 8,192 bytes; not shown in logs and messages
   * @throws IllegalArgumentException if there cannot be such a parameter or value
   * @throws IllegalStateException if the model has this setting already, or 100 others
   */
  public Model setting(String name, String value) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
    String lower = name.toLowerCase(Locale.ROOT);
    if (!SETTING.matcher(name).matches()
        || name.length() > MAX_SETTING_NAME
        || lower.startsWith(OURS)) {
      throw new IllegalArgumentException(
          "the name of a setting must be at most "
              + MAX_SETTING_NAME
              + " of A-Z a-z 0-9 _ $ with a dot between, as in app.tenant, and not begin with "
              + OURS);
    }
    int bytes = value.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
    String objection = JavaValue.objection(value);
    if (bytes > MAX_SETTING_VALUE || objection != null) {
      throw new IllegalArgumentException(
          "the value of the setting "
              + name
              + " must be 0 to "
              + MAX_SETTING_VALUE
              + " bytes that PostgreSQL can hold, "
              + (objection != null ? objection : "is " + bytes + " bytes"));
    }
    Map<String, String> more = new TreeMap<>(settings);
    if (more.put(lower, value) != null) {
      throw new IllegalStateException("the setting " + name + " was given before");
    }
    if (more.size() > MAX_SETTINGS) {
      throw new IllegalStateException("a model takes at most " + MAX_SETTINGS + " settings");
    }
    return new Model(this.name, sql, key, table, more, rowSecurity);
  }

  /**
   * This model, of which the rows that row security lets the role see are all there are. Without
   * this call a policy that would hide rows from the role is an error (PostgreSQL manual, 5.9),
   * since a row that becomes hidden counts as removed.
   */
  public Model allowRowSecurity() {
    return new Model(name, sql, key, table, settings, RowSecurity.ALLOWED);
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** The text of the query, as given; of a table, the query that reads it. */
  public String sql() {
    return sql;
  }

  /** The table that is read; null if the model is a query. */
  public @Nullable ModelTable table() {
    return table;
  }

  /** The key columns. */
  public List<String> key() {
    return key;
  }

  /** The settings by their names in lower case; values may be personal. */
  public Map<String, String> settings() {
    return settings;
  }

  /** Whether {@link #allowRowSecurity} was called; <b>default</b> false. */
  public boolean isRowSecurityAllowed() {
    return rowSecurity == RowSecurity.ALLOWED;
  }

  @Override
  public String toString() {
    return OneLine.of("Model[" + name + ", key " + String.join(", ", key) + "]");
  }
}
