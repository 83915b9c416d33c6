package io.fulmar.lightning.internal.plan;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.StoredColumn;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A database with our schemas, and the planning of one sync in it, each plan in a transaction of
 * its own. What a fold would do is done by {@link #takeAll}: everything planned was accepted.
 */
final class PlanFixture implements AutoCloseable {
  static final long RUN = 1_700_000_000_000L;
  static final long NOW = 1_800_000_000_000L;

  final TestDatabase database;
  final Schemas schemas = Schemas.DEFAULT;
  final SyncRecord record = new SyncRecord();
  final SyncTables tables = schemas.tables(1);
  private final Database connections;

  PlanFixture(TestServer server) throws SQLException {
    database = server.createDatabase();
    database.execute("create schema fulmar_planner", "create schema fulmar_audit");
    connections = new Database(source(database.user()), "fulmar test", Duration.ofMinutes(1));
    record.sync = "crm";
    record.slot = 1;
    record.incarnation = "incarnation";
    record.secret = "secret";
    record.destination = "test:crm";
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("set local search_path = pg_catalog, pg_temp");
      new Provision(schemas).ensure(connection, "[sync=crm]");
      connection.commit();
    }
  }

  private Source source(String role) {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(role)
        .withoutTls()
        .build();
  }

  static Sync.Builder sync(Model model) {
    return Sync.builder("crm").model(model).to(RecordingDestination.of("test:crm"));
  }

  static Sync sync(String query, String key, String... more) {
    return sync(Model.query("rows", query).key(key, more)).build();
  }

  /** Makes the table of holds, for a key of these types. */
  void holds(String... types) throws SQLException {
    List<StoredColumn> key = new ArrayList<>();
    for (String type : types) {
      key.add(new StoredColumn("key", type));
    }
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("set local search_path = pg_catalog, pg_temp");
      new Provision(schemas).createSync(connection, tables, "crm", new SyncColumns(key, List.of()));
      connection.commit();
    }
  }

  /** Plans and commits. */
  PlanHead plan(Sync sync, PlanRequest request) throws SQLException {
    return plan(sync, request, PlanSettings.DEFAULT);
  }

  PlanHead plan(Sync sync) throws SQLException {
    return plan(sync, PlanRequest.RUN);
  }

  PlanHead plan(Sync sync, PlanRequest request, PlanSettings settings) throws SQLException {
    return plan(connections, sync, request, settings);
  }

  /** Plans as another role. */
  PlanHead as(String role, Sync sync) throws SQLException {
    try (Database others = new Database(source(role), "fulmar test", Duration.ofMinutes(1))) {
      return plan(others, sync, PlanRequest.RUN, PlanSettings.DEFAULT);
    }
  }

  private PlanHead plan(Database from, Sync sync, PlanRequest request, PlanSettings settings)
      throws SQLException {
    try (SourceSession session =
        SourceSession.open(
            from.connections(),
            from.source(),
            "fulmar crm 1",
            "[sync=crm run=1]",
            new Cancellation(),
            Access.write(Duration.ofMinutes(1)))) {
      PlanHead head =
          new Planning(
                  new SessionStatements(session, sync.model().name()),
                  schemas,
                  sync,
                  settings,
                  Duration.ZERO,
                  record,
                  RUN,
                  request,
                  DeltaTerms.Lock.NOT_TAKEN)
              .plan(NOW, rows -> {});
      session.commit();
      return head;
    } catch (SQLException e) {
      throw SqlStates.sourceException("plan", e, "[]");
    }
  }

  /** Takes a plan as accepted, as the first fold does. */
  void takeAll(PlanHead head) throws SQLException {
    String keys = String.join(", ", columns("k", head.columns().stored().kinds().size()));
    String kept =
        String.join(
            "", head.columns().remembered().fields().stream().map(field -> ", f" + field).toList());
    List<String> names = columns("r", head.columns().remembered().fields().size());
    String named = names.isEmpty() ? "" : ", " + String.join(", ", names);
    database.execute(
        "drop table if exists fulmar_planner.s1_state_0",
        "create table fulmar_planner.s1_state_0 (%s, hash, gone_since%s) as select %s, hash, null::int8%s from %s where operation <> 'REMOVED'"
            .formatted(keys, named, keys, kept, table(head)),
        "alter table fulmar_planner.s1_state_0 add primary key (%s)".formatted(keys));
    if (record.generation == null) {
      holds(head.columns().stored().types().toArray(String[]::new));
    }
    record.generation = 0;
    record.keys = Long.parseLong(one("select count(*) from fulmar_planner.s1_state_0"));
    record.live = record.keys;
    record.keySignature = head.columns().key();
    record.stateColumns = head.columns().stored().text();
    record.remembered =
        head.columns().remembered().isEmpty() ? null : head.columns().rememberedText();
    record.mode = head.terms().mode();
    record.removal = head.terms().removal();
  }

  /** A session in which a model can be described. */
  SourceSession session(Access access) {
    return SourceSession.open(
        connections.connections(),
        connections.source(),
        "fulmar crm",
        "[sync=crm]",
        new Cancellation(),
        access);
  }

  /** What is in a plan, for a FROM clause. */
  static String table(PlanHead head) {
    return head.rows(Schemas.DEFAULT.tables(1)).sql() + " as plan";
  }

  private static List<String> columns(String letter, int count) {
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      columns.add(letter + i);
    }
    return columns;
  }

  /** What is planned, in the order of the plan: {@code CHANGED 1}. */
  List<String> planned(PlanHead head) throws SQLException {
    return head.place() == PlanHead.NO_TABLE
        ? List.of()
        : all(
            "select operation || ' ' || k0 from %s where operation is not null order by position"
                .formatted(table(head)));
  }

  /** The first column of all rows. */
  List<String> all(String sql) throws SQLException {
    List<String> found = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        found.add(rows.getString(1));
      }
    }
    return found;
  }

  @Nullable String one(String sql) throws SQLException {
    List<String> found = all(sql);
    return found.isEmpty() ? null : found.get(0);
  }

  @Override
  public void close() throws SQLException {
    connections.close();
    database.drop();
  }
}
