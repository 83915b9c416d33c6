package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.Identifier;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The views of one sync, in which the columns of the key have the names that the model gives them:
 * {@code state_of_crm} and {@code holds_of_crm}. A table that a view shows cannot be dropped, so
 * whoever replaces the state drops the view of it first and makes it anew after, in one
 * transaction. Immutable.
 */
public final class SyncViews {
  static final String STATUS = "fulmar_status";
  static final String RUNS = "fulmar_runs";

  /** The names of the views over all syncs. */
  static final List<String> SHARED = List.of(STATUS, RUNS);

  private static final int MAX_BYTES = 63;
  private static final List<String> OF_HOLDS =
      List.of(
          "kind",
          "planned_as",
          "attempts",
          "first_attempt_at",
          "first_planned_by_run",
          "is_unsure",
          "code",
          "message",
          "call_may_act_until");

  private final SyncTables tables;
  private final String sync;

  /**
   * The views of a sync.
   *
   * @param sync its name
   */
  public SyncViews(SyncTables tables, String sync) {
    this.tables = tables;
    this.sync = sync;
  }

  /** The name of the view of the state, without the schema. */
  public String stateName() {
    return name("state_of_");
  }

  /** The name of the view of the holds, without the schema. */
  public String holdsName() {
    return name("holds_of_");
  }

  /** The view of the state. */
  public Identifier state() {
    return tables.schemas().of(stateName());
  }

  private Identifier holds() {
    return tables.schemas().of(holdsName());
  }

  List<String> names() {
    return List.of(stateName(), holdsName());
  }

  /** No name of a sync has a tilde, so that one that was cut is no other's. */
  private String name(String prefix) {
    String whole = prefix + sync;
    if (whole.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES) {
      return whole;
    }
    String end = "~" + tables.slot();
    return whole.substring(0, MAX_BYTES - end.length()) + end; // names of syncs are ASCII
  }

  /**
   * Makes the view of the state; there must be none.
   *
   * @param generation of the state that it shows
   */
  public void createState(Connection connection, int generation, SyncColumns columns)
      throws SQLException {
    List<String> names = new ArrayList<>();
    List<Identifier> from = new ArrayList<>();
    keys(columns, names, from);
    for (StoredColumn column : columns.remembered()) {
      from.add(Identifier.of("t", "r" + (names.size() - columns.key().size())));
      names.add(column.name());
    }
    names.add("gone_since");
    List<Identifier> unique = unique(names);
    Identifier view = tables.schemas().of(stateName());
    execute(
        connection,
        ViewSql.STATE
            .with("view", view)
            .with("names", unique.subList(0, unique.size() - 1))
            .with("gone", unique.get(unique.size() - 1))
            .with("columns", from)
            .with("table", tables.state(generation))
            .sql());
    comment(
        connection, view, "sync %s: the keys that the destination has accepted".formatted(sync));
  }

  /** Makes the view of the holds; there must be none. */
  public void createHolds(Connection connection, SyncColumns columns) throws SQLException {
    List<String> names = new ArrayList<>();
    List<Identifier> from = new ArrayList<>();
    keys(columns, names, from);
    names.addAll(OF_HOLDS);
    List<Identifier> unique = unique(names);
    Identifier view = tables.schemas().of(holdsName());
    execute(
        connection,
        ViewSql.HOLDS
            .with("view", view)
            .with("names", unique.subList(0, from.size()))
            .with("rest", unique.subList(from.size(), unique.size()))
            .with("columns", from)
            .with("table", tables.holds())
            .sql());
    comment(connection, view, "sync %s: what was not accepted, and why".formatted(sync));
  }

  /** Drops the view of the state, so that its table can be dropped. */
  public void dropState(Connection connection) throws SQLException {
    drop(connection, stateName());
  }

  /** Drops both views. */
  public void drop(Connection connection) throws SQLException {
    drop(connection, stateName());
    drop(connection, holdsName());
  }

  /**
   * Drops the views and makes them under another name of the sync; who may read them, still may.
   *
   * @param other the views under the other name
   * @param generation of the state; null if there is none
   */
  void rename(
      Connection connection, SyncViews other, SyncColumns columns, @Nullable Integer generation)
      throws SQLException {
    Readers ofState = Readers.of(connection, state());
    Readers ofHolds = Readers.of(connection, holds());
    drop(connection);
    other.createHolds(connection, columns);
    ofHolds.mayRead(connection, other.holds());
    if (generation != null) {
      other.createState(connection, generation, columns);
      ofState.mayRead(connection, other.state());
    }
  }

  private void drop(Connection connection, String name) throws SQLException {
    execute(connection, ViewSql.DROP.with("view", tables.schemas().of(name)).sql());
  }

  private static void keys(SyncColumns columns, List<String> names, List<Identifier> from) {
    for (StoredColumn column : columns.key()) {
      from.add(Identifier.of("t", "k" + names.size()));
      names.add(column.name());
    }
  }

  /** Names as they are, or with a number if another column has it. */
  private static List<Identifier> unique(List<String> names) {
    Set<String> taken = new LinkedHashSet<>();
    for (String name : names) {
      String free = name;
      for (int number = 2; !taken.add(free); number++) {
        String end = "_" + number;
        int length = name.length();
        while (name.substring(0, length).getBytes(StandardCharsets.UTF_8).length
                > MAX_BYTES - end.length()
            || Character.isHighSurrogate(name.charAt(length - 1))) {
          length--;
        }
        free = name.substring(0, length) + end;
      }
    }
    return taken.stream().map(Identifier::told).toList();
  }

  /** Makes the views over all syncs. */
  static void createShared(Connection connection, Schemas schemas) throws SQLException {
    Identifier status = schemas.of(STATUS);
    execute(
        connection,
        ViewSql.STATUS
            .with("view", status)
            .with("syncs", schemas.syncs())
            .with("leases", schemas.leases())
            .sql());
    comment(connection, status, "how each sync is");
    Identifier runs = schemas.of(RUNS);
    execute(
        connection,
        ViewSql.RUNS
            .with("view", runs)
            .with("syncs", schemas.syncs())
            .with("leases", schemas.leases())
            .sql());
    comment(connection, runs, "the runs that are going on");
  }

  /** Drops the views over all syncs. */
  static void dropShared(Connection connection, Schemas schemas) throws SQLException {
    for (String view : SHARED) {
      execute(connection, ViewSql.DROP.with("view", schemas.of(view)).sql());
    }
  }

  private static void comment(Connection connection, Identifier view, String what)
      throws SQLException {
    execute(
        connection,
        ViewSql.COMMENT
            .with("view", view)
            .with("comment", Comments.text(Provision.FORMAT, what))
            .sql());
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, sql)) {
      statement.execute();
    }
  }
}
