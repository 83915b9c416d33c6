package io.fulmar.lightning.internal.schema;

import io.fulmar.StateException;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.ColumnDefinition.Rule;
import io.fulmar.internal.sql.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Our tables: made where they are missing, by however many processes at once, held to what they
 * were made as, brought to the format of this version, and dropped. It works in the caller's
 * transaction, which must be READ COMMITTED with {@code search_path} as {@code pg_catalog,
 * pg_temp}, and leaves the end of it to the caller. This class is threadsafe.
 */
public final class Provision {
  /** The format of the tables that this version makes. */
  public static final int FORMAT = 1;

  private final Schemas schemas;
  private final List<OwnTable> shared;
  private final int format;
  private final List<Migration> migrations;

  /** Tables in these schemas. */
  public Provision(Schemas schemas) {
    this(schemas, FORMAT, List.of());
  }

  Provision(Schemas schemas, int format, List<Migration> migrations) {
    this.schemas = schemas;
    this.shared = SharedTables.of(schemas);
    this.format = format;
    this.migrations = List.copyOf(migrations);
  }

  /**
   * Makes the tables that all syncs share, unless they are there, and looks at them otherwise.
   *
   * @param about the tail of messages: {@code [sync=crm run=1]}
   * @throws StateException if the schema is missing or not ours to write to, if what has our names
   *     is not what Fulmar made, or if a newer version made it
   */
  public void ensure(Connection connection, String about) throws SQLException {
    Inspection inspection = inspectShared(connection);
    refuse(ofShared(inspection), about);
    if (!isReady(inspection)) {
      lock(connection, schemas.planner());
      inspection = inspectShared(connection);
      refuse(ofShared(inspection), about);
      int there = inspection.format(SharedTables.SYNCS);
      if (there == 0) {
        begin(connection, about);
      } else if (there < format) {
        migrate(connection, there, about);
      } else if (!isReady(inspection)) {
        SyncViews.createShared(connection, schemas);
      }
    }
  }

  /**
   * What would make {@link #ensure(Connection, String)} refuse.
   *
   * @return nothing if all is well, also where there are no tables yet
   */
  public List<Fault> faults(Connection connection) throws SQLException {
    Inspection inspection = inspectShared(connection);
    List<Fault> faults = new ArrayList<>(ofShared(inspection));
    if (faults.isEmpty() && !inspection.has(SharedTables.SYNCS) && hasTablesOfSyncs(connection)) {
      faults.add(lost());
    }
    return faults;
  }

  /** Whether the registry of syncs has been made. */
  static boolean isThere(Connection connection, Schemas schemas) throws SQLException {
    return Inspection.read(connection, schemas.planner(), List.of(SharedTables.SYNCS))
        .has(SharedTables.SYNCS);
  }

  private Inspection inspectShared(Connection connection) throws SQLException {
    List<String> names = new ArrayList<>(shared.stream().map(OwnTable::name).toList());
    names.addAll(SyncViews.SHARED);
    return Inspection.read(connection, schemas.planner(), names);
  }

  /** Whether nothing is to be made or changed, given that nothing is wrong. */
  private boolean isReady(Inspection inspection) {
    return inspection.format(SharedTables.SYNCS) == format
        && SyncViews.SHARED.stream().allMatch(inspection::has);
  }

  private List<Fault> ofShared(Inspection inspection) {
    if (!inspection.ofSchema().isEmpty()) {
      return inspection.ofSchema();
    }
    int there = inspection.format(SharedTables.SYNCS);
    if (there > format) {
      return List.of(
          new Fault(
              "a newer version of Fulmar made the tables in %s (format %s, this version knows %s)"
                  .formatted(Identifier.of(schemas.planner()), there, format),
              "Use that version again"));
    }
    List<Fault> faults = new ArrayList<>();
    long found = 0;
    for (OwnTable table : shared) {
      found += inspection.has(table.name()) ? 1 : 0;
      // An older format has other columns.
      faults.addAll(there == format ? inspection.of(table) : inspection.ofAny(table.name(), "r"));
    }
    SyncViews.SHARED.forEach(view -> faults.addAll(inspection.ofAny(view, "v")));
    boolean partly = found > 0 && found < shared.size() && (there == format || there == 0);
    if (faults.isEmpty() && partly) {
      faults.add(lost());
    }
    return faults;
  }

  private static void refuse(List<Fault> faults, String about) {
    Inspection.refuse("use the planner schema", faults, about);
  }

  private void begin(Connection connection, String about) throws SQLException {
    if (hasTablesOfSyncs(connection)) {
      refuse(List.of(lost()), about);
    }
    for (OwnTable table : shared) {
      create(connection, table);
    }
    SyncViews.createShared(connection, schemas);
  }

  private boolean hasTablesOfSyncs(Connection connection) throws SQLException {
    try (PreparedStatement statement =
        OneShot.prepare(connection, SchemaSql.TABLES_OF_SYNCS.sql())) {
      statement.setString(1, schemas.planner());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1) > 0;
      }
    }
  }

  private Fault lost() {
    return new Fault(
        "of the tables that all syncs share, fulmar_syncs among them, some are gone from %s, and others of Fulmar's tables are there"
            .formatted(Identifier.of(schemas.planner())),
        "Bring them back from a backup; or drop all that is left in the schema, and initialise each sync as BASELINE if its destination holds the present rows");
  }

  private void migrate(Connection connection, int from, String about) throws SQLException {
    execute(connection, SchemaSql.LOCK_LEASES.with("leases", schemas.leases()).sql());
    try (Statement statement = connection.createStatement();
        ResultSet live =
            statement.executeQuery(SchemaSql.LIVE_LEASE.with("leases", schemas.leases()).sql())) {
      if (live.next()) {
        throw new StateException(
            "Cannot bring the tables in %s to format %s: an older version of Fulmar runs %s. Wait until it has ended, or until %s if it has died. %s"
                .formatted(
                    Identifier.of(schemas.planner()),
                    format,
                    live.getString(1),
                    live.getString(2),
                    about)
                .strip());
      }
    }
    SyncViews.dropShared(connection, schemas); // a column that a view shows cannot be altered
    for (int at = from; at < format; at++) {
      int step = at;
      Migration migration =
          migrations.stream()
              .filter(m -> m.from() == step)
              .findFirst()
              .orElseThrow(() -> new IllegalStateException("nothing leads on from format " + step));
      for (String sql : migration.statements().apply(schemas)) {
        execute(connection, sql);
      }
    }
    for (OwnTable table : shared) {
      comment(connection, table);
    }
    SyncViews.createShared(connection, schemas);
  }

  /**
   * Makes tables, such as those of the logs, unless they are there, and looks at them otherwise.
   *
   * @param tables all in one schema
   * @param about the tail of messages: {@code [sync=crm run=1]}
   * @return whether a table was made
   * @throws StateException as in {@link #ensure(Connection, String)}
   */
  public boolean ensure(Connection connection, List<OwnTable> tables, String about)
      throws SQLException {
    String schema = tables.get(0).schema();
    List<OwnTable> missing = missing(connection, schema, tables, about);
    if (!missing.isEmpty()) {
      lock(connection, schema);
      missing = missing(connection, schema, tables, about);
    }
    for (OwnTable table : missing) {
      create(connection, table);
    }
    return !missing.isEmpty();
  }

  private static List<OwnTable> missing(
      Connection connection, String schema, List<OwnTable> tables, String about)
      throws SQLException {
    Inspection inspection = inspect(connection, schema, tables);
    Inspection.refuse("use the schema " + Identifier.of(schema), of(inspection, tables), about);
    return tables.stream().filter(table -> !inspection.has(table.name())).toList();
  }

  private static List<Fault> of(Inspection inspection, List<OwnTable> tables) {
    List<Fault> faults = new ArrayList<>(inspection.ofSchema());
    tables.forEach(table -> faults.addAll(inspection.of(table)));
    return faults;
  }

  /**
   * What would make {@link #ensure(Connection, List, String)} refuse.
   *
   * @param schema where the tables are
   */
  static List<Fault> faults(Connection connection, String schema, List<OwnTable> tables)
      throws SQLException {
    return of(inspect(connection, schema, tables), tables);
  }

  /**
   * Makes what a sync has from the start: its holds, with their view, and its ledger. Its state
   * comes with its first fold, its plans with each plan.
   *
   * @param sync its name
   */
  public void createSync(Connection connection, SyncTables tables, String sync, SyncColumns columns)
      throws SQLException {
    create(connection, holds(tables, sync, columns));
    create(connection, ledger(tables, sync));
    new SyncViews(tables, sync).createHolds(connection, columns);
  }

  private OwnTable holds(SyncTables tables, String sync, SyncColumns columns) {
    OwnTable.Builder table =
        OwnTable.table(schemas.planner(), tables.holdsName(), Comments.holds(sync));
    List<String> key = new ArrayList<>();
    for (StoredColumn column : columns.key()) {
      String name = "k" + key.size();
      table.column(name, column.type(), column.isText() ? Rule.BYTEWISE : Rule.NONE);
      key.add(name);
    }
    return table
        .columns("text", "kind")
        .columns("bigint", "version")
        .columns("integer", "attempts")
        .columns("bigint", "first_at", "planned_by")
        .columns("text", "planned_as")
        .columns("uuid", "change_id")
        .columns("boolean", "unsure")
        .columns("text", "code", "message")
        .columns("bigint", "until")
        .key(key)
        .build();
  }

  private OwnTable ledger(SyncTables tables, String sync) {
    return OwnTable.table(schemas.planner(), tables.ledgerName(), Comments.ledger(sync))
        .column("id", "bigint", Rule.NUMBERED)
        .columns("bigint", "run", "first_position", "end_position")
        .columns("text", "kind")
        .columns("boolean", "unsure")
        .columns("bigint", "until")
        .columns("text", "code", "message")
        .key("id")
        .build();
  }

  /**
   * Looks at the tables of a sync before they are written to.
   *
   * @throws StateException if one of them is not what Fulmar made
   */
  public void requireOurs(Connection connection, SyncTables tables, String about)
      throws SQLException {
    Inspection.refuse("use the tables of the sync", faults(connection, tables), about);
  }

  /**
   * Looks whether somebody else has a name that a sync which begins will need: its first plan would
   * drop a table that is in its place, and its first fold would fail for a view.
   *
   * @param sync its name
   * @throws StateException if so
   */
  public void requireFree(Connection connection, SyncTables tables, String sync, String about)
      throws SQLException {
    inspectOurs(
        connection,
        names(tables),
        new SyncViews(tables, sync),
        "make the tables of the sync",
        about);
  }

  /** What would make {@link #requireOurs} refuse. */
  List<Fault> faults(Connection connection, SyncTables tables) throws SQLException {
    Inspection inspection = Inspection.read(connection, schemas.planner(), names(tables));
    List<Fault> faults = new ArrayList<>();
    names(tables).forEach(name -> faults.addAll(inspection.ofAny(name, "r")));
    return faults;
  }

  /**
   * Gives what a sync has its new name: comments and views.
   *
   * @param from the name that it had
   * @param to the name that it gets
   * @param columns of its tables; null if it has none but those of plans
   * @param generation of its state; null if it has none
   */
  public void rename(
      Connection connection,
      SyncTables tables,
      String from,
      String to,
      @Nullable SyncColumns columns,
      @Nullable Integer generation)
      throws SQLException {
    Inspection inspection = Inspection.read(connection, schemas.planner(), names(tables));
    for (int state = 0; state < 2; state++) {
      if (inspection.has(tables.stateName(state))) {
        execute(connection, Comments.onState(tables, state, to));
      }
    }
    for (int place = 0; place < SyncTables.PLANS; place++) {
      if (inspection.has(tables.planName(place))) {
        execute(connection, Comments.onPlan(tables, place, to));
      }
    }
    if (columns != null) {
      SyncViews renamed = new SyncViews(tables, to);
      new SyncViews(tables, from).rename(connection, renamed, columns, generation);
      execute(connection, Comments.onHolds(tables, to));
      execute(connection, Comments.onLedger(tables, to));
    }
  }

  /**
   * Drops whatever a sync has in the planner schema, besides its rows in the tables that all share.
   *
   * @param sync its name
   * @throws StateException if something that has a name of ours is not what Fulmar made
   */
  public void dropSync(Connection connection, SyncTables tables, String sync, String about)
      throws SQLException {
    drop(connection, names(tables), new SyncViews(tables, sync), about);
  }

  /**
   * Drops what is remembered of keys, and what became of changes: all that {@link #dropSync} drops
   * but the plans. {@link #createSync} begins anew.
   *
   * @param sync its name
   * @throws StateException if something that has a name of ours is not what Fulmar made
   */
  public void dropMemory(Connection connection, SyncTables tables, String sync, String about)
      throws SQLException {
    drop(connection, namesOfMemory(tables), new SyncViews(tables, sync), about);
  }

  private void drop(Connection connection, List<String> names, SyncViews views, String about)
      throws SQLException {
    Inspection inspection =
        inspectOurs(connection, names, views, "drop the tables of the sync", about);
    views.drop(connection);
    List<Identifier> there = names.stream().filter(inspection::has).map(schemas::of).toList();
    if (!there.isEmpty()) {
      execute(connection, SchemaSql.DROP.with("tables", there).sql());
    }
  }

  /** What has these names, or those of the views; refuses whatever Fulmar has not made. */
  private Inspection inspectOurs(
      Connection connection, List<String> names, SyncViews views, String doing, String about)
      throws SQLException {
    List<String> all = new ArrayList<>(names);
    all.addAll(views.names());
    Inspection inspection = Inspection.read(connection, schemas.planner(), all);
    List<Fault> faults = new ArrayList<>();
    names.forEach(name -> faults.addAll(inspection.ofAny(name, "r")));
    views.names().forEach(name -> faults.addAll(inspection.ofAny(name, "v")));
    Inspection.refuse(doing, faults, about);
    return inspection;
  }

  private static List<String> names(SyncTables tables) {
    List<String> names = new ArrayList<>(namesOfMemory(tables));
    IntStream.range(0, SyncTables.PLANS).forEach(place -> names.add(tables.planName(place)));
    return names;
  }

  private static List<String> namesOfMemory(SyncTables tables) {
    List<String> names = new ArrayList<>();
    IntStream.range(0, 2).forEach(generation -> names.add(tables.stateName(generation)));
    names.add(tables.holdsName());
    names.add(tables.ledgerName());
    return names;
  }

  private static Inspection inspect(Connection connection, String schema, List<OwnTable> tables)
      throws SQLException {
    return Inspection.read(connection, schema, tables.stream().map(OwnTable::name).toList());
  }

  private static void lock(Connection connection, String schema) throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, SchemaSql.LOCK.sql())) {
      statement.setString(1, schema);
      statement.executeQuery().close();
    }
  }

  private void create(Connection connection, OwnTable table) throws SQLException {
    execute(
        connection,
        SchemaSql.CREATE
            .with("table", table.identifier())
            .with("columns", table.columns())
            .with("key", Identifier.all(table.keys().get(0)))
            .sql());
    for (List<String> key : table.keys().subList(1, table.keys().size())) {
      execute(
          connection,
          SchemaSql.ADD_KEY
              .with("table", table.identifier())
              .with("key", Identifier.all(key))
              .sql());
    }
    comment(connection, table);
  }

  private void comment(Connection connection, OwnTable table) throws SQLException {
    execute(
        connection,
        SchemaSql.COMMENT
            .with("table", table.identifier())
            .with("comment", table.comment(format))
            .sql());
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, sql)) {
      statement.execute();
    }
  }
}
