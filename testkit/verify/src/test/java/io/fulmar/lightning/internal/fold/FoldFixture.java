package io.fulmar.lightning.internal.fold;

import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.postgresql.PGConnection;

/**
 * A database in which a sync with the number 1 has its tables, made as the engine makes them; plans
 * and states are written by hand. The model has an integer key {@code id}, the text {@code email}
 * and the text {@code plan}; fields stand in the order of the names.
 */
public final class FoldFixture implements AutoCloseable {
  public static final String SYNC = "crm";
  public static final long MEMORY = 64L << 20;
  public static final String ABOUT = "[sync=crm run=9]";
  public static final Schemas SCHEMAS = Schemas.DEFAULT;
  public static final SyncTables TABLES = SCHEMAS.tables(1);
  public static final Shape ROW =
      Shape.of(
          List.of("id", "email", "plan"),
          List.of(ColumnKind.INT4, ColumnKind.TEXT, ColumnKind.TEXT),
          List.of(1, 0, 2));
  public static final Remembered EMAIL =
      new Remembered(Shape.of(List.of("email"), List.of(ColumnKind.TEXT), List.of(0)), List.of(0));
  public static final Remembered PLAN =
      new Remembered(Shape.of(List.of("plan"), List.of(ColumnKind.TEXT), List.of(0)), List.of(2));

  private static final String PLAN_COLUMNS =
      """
      position int8, operation text, effects int4, k0 int8, hash int8, oversize bool, again bool,
      attempts int4, first_at int8, planned_by int8, planned_as text, change_id uuid,
      hold_kind text, hold_unsure bool, hold_version int8, until int8, known bool, f0 text, f1 int4,
      f2 text""";

  private static final String FIRST_PLAN_COLUMNS =
      "position int8, k0 int8, hash int8, oversize bool, f0 text, f1 int4, f2 text";

  public final TestDatabase place;
  public final Source source;
  public final Database database;

  public FoldFixture(TestServer postgres) throws SQLException {
    this(postgres.createDatabase());
  }

  public FoldFixture(TestDatabase place) throws SQLException {
    this.place = place;
    place.execute("create schema fulmar_planner", "create schema fulmar_audit");
    source = Source.of(place.dataSource());
    database = new Database(source, "fulmar", Duration.ofMinutes(1));
    try (Transaction transaction = begin()) {
      Provision provision = new Provision(SCHEMAS);
      provision.ensure(transaction.connection(), ABOUT);
      provision.createSync(
          transaction.connection(),
          TABLES,
          SYNC,
          StateColumns.of(columns(Remembered.NOTHING, false)));
      transaction.commit();
    }
  }

  public Transaction begin() throws SQLException {
    return database.begin("fulmar test", ABOUT);
  }

  public static PlanHead.Columns columns(Remembered remembered, boolean previous) {
    return new PlanHead.Columns(
        "id integer",
        ROW,
        Shape.of(List.of("id"), List.of(ColumnKind.INT4), List.of(0)),
        new StoredKey(List.of(ColumnKind.INT8)),
        remembered,
        previous);
  }

  /** Of a plan where nothing is remembered. */
  public static PlanHead.Columns firstColumns() {
    PlanHead.Columns columns = columns(Remembered.NOTHING, false);
    return new PlanHead.Columns(
        columns.key(),
        columns.row(),
        columns.keyRow(),
        columns.stored(),
        columns.remembered(),
        false,
        true);
  }

  public static PlanHead head(PlanHead.Columns columns, long total, long effects) {
    return head(columns, total, effects, ChangeSet.Way.READ);
  }

  public static PlanHead head(
      PlanHead.Columns columns, long total, long effects, ChangeSet.Way way) {
    return new PlanHead(
        SYNC,
        9,
        total + effects == 0 ? PlanHead.NO_TABLE : 0,
        new PlanTerms(
            1, "memory:1", SyncMode.UPSERT, Removal.DELETE, PlanRequest.Kind.RUN, "", Map.of(), 0),
        Extent.WHOLE,
        DefinitionChange.NONE,
        new ServerIdentity(Instant.EPOCH, "", 0, 0, 0),
        columns,
        new PlanHead.Counts(
            total,
            0,
            IntStream.range(0, Operation.values().length)
                .mapToObj(i -> i == 0 ? total : 0L)
                .toList(),
            0,
            0,
            0,
            0,
            effects,
            List.of()),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        way,
        null,
        "");
  }

  /** Makes the plan table; rows are lines of the text form of COPY, in their order. */
  public void plan(String moreColumns, List<String> rows) throws SQLException {
    planOf(PLAN_COLUMNS + moreColumns, rows);
  }

  /** Makes the table of a plan where nothing is remembered. */
  public void firstPlan(List<String> rows) throws SQLException {
    planOf(FIRST_PLAN_COLUMNS, rows);
  }

  private void planOf(String columns, List<String> rows) throws SQLException {
    place.execute(
        "drop table if exists fulmar_planner.s1_plan_0",
        "create table fulmar_planner.s1_plan_0 (" + columns + ")");
    copy("fulmar_planner.s1_plan_0", rows);
  }

  /** Makes the state, of whatever generation. */
  public void state(int generation, String moreColumns, List<String> rows) throws SQLException {
    place.execute(
        "drop view if exists fulmar_planner.state_of_crm",
        "drop table if exists fulmar_planner.s1_state_0",
        "drop table if exists fulmar_planner.s1_state_1",
        "create table fulmar_planner.s1_state_%s (k0 int8 primary key, hash int8 not null, gone_since int8 %s)"
            .formatted(generation, moreColumns));
    copy("fulmar_planner.s1_state_" + generation, rows);
  }

  public void holds(List<String> rows) throws SQLException {
    place.execute("truncate fulmar_planner.s1_holds");
    copy("fulmar_planner.s1_holds", rows);
  }

  /** Columns: id, run, first_position, end_position, kind, unsure, until, code, message. */
  public void ledger(List<String> rows) throws SQLException {
    place.execute("truncate fulmar_planner.s1_ledger");
    copy("fulmar_planner.s1_ledger", rows);
  }

  private void copy(String table, List<String> rows) throws SQLException {
    byte[] lines = String.join("\n", rows).getBytes(StandardCharsets.UTF_8);
    try (Connection connection = place.connect()) {
      connection
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy " + table + " from stdin", new ByteArrayInputStream(lines));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Makes something of each row. */
  public interface Reader<T> {
    T read(ResultSet row) throws SQLException;
  }

  public <T> List<T> list(String sql, Reader<T> reader) throws SQLException {
    try (Connection connection = place.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<T> list = new ArrayList<>();
      while (rows.next()) {
        list.add(reader.read(rows));
      }
      return list;
    }
  }

  /** The rows of a query, their columns with a space between. */
  public List<String> lines(String sql) throws SQLException {
    return list(
        sql,
        row -> {
          List<String> values = new ArrayList<>();
          for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
            values.add(String.valueOf(row.getString(i)));
          }
          return String.join(" ", values);
        });
  }

  @Override
  public void close() throws SQLException {
    database.close();
    place.drop();
  }
}
