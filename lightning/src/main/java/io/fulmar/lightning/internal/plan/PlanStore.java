package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.lightning.internal.database.TableLock;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The durable plans of a sync: a row with the head of each, and a table with its changes. All that
 * is done here is part of the transaction of the connection that is given, and is fenced by the
 * caller. Immutable.
 *
 * @param schemas where plans are
 * @param sync name of the sync
 * @param tables its tables
 */
public record PlanStore(Schemas schemas, String sync, SyncTables tables) {

  /**
   * The head of a plan; null if there is none.
   *
   * @param run its number
   * @throws DamagedException if it cannot be read
   */
  public @Nullable PlanHead read(Connection connection, long run)
      throws SQLException, DamagedException {
    try (PreparedStatement statement = prepare(connection, PlanStoreSql.READ, run);
        ResultSet result = statement.executeQuery()) {
      return result.next() ? PlanHead.decode(result.getBytes(1)) : null;
    }
  }

  /** Makes a plan count, or replaces its head. */
  public void write(Connection connection, PlanHead head) throws SQLException {
    try (PreparedStatement statement = prepare(connection, PlanStoreSql.WRITE, head.run())) {
      statement.setInt(3, head.place());
      statement.setLong(4, head.counts().total());
      statement.setBytes(5, head.encode());
      statement.setDouble(6, head.terms().madeAt() / 1000.0);
      statement.executeUpdate();
    }
  }

  /**
   * Makes the plans those of the sync under another name.
   *
   * @param name the other one
   * @throws DamagedException if one of them cannot be read
   */
  public void rename(Connection connection, String name) throws SQLException, DamagedException {
    PlanStore renamed = new PlanStore(schemas, name, tables);
    for (long run : places(connection).keySet()) {
      PlanHead head = read(connection, run);
      if (head != null) {
        renamed.write(connection, head.of(name));
        forget(connection, run);
      }
    }
  }

  /** Drops the head of a plan: the place of its changes, null if there was none. */
  private @Nullable Integer forget(Connection connection, long run) throws SQLException {
    try (PreparedStatement statement = prepare(connection, PlanStoreSql.DELETE, run);
        ResultSet result = statement.executeQuery()) {
      return result.next() ? result.getInt(1) : null;
    }
  }

  /**
   * Drops a plan and its changes. If somebody reads its table, a dump of the database perhaps, that
   * one stays until a later {@link #tidy}.
   *
   * @param run its number
   * @return whether there was one
   */
  public boolean delete(Connection connection, long run) throws SQLException {
    Integer place = forget(connection, run);
    if (place == null) {
      return false;
    }
    if (place != PlanHead.NO_TABLE) {
      dropIfFree(connection, tables.plan(place));
    }
    return true;
  }

  /**
   * Drops every plan but some, plan tables that belong to no plan, and what else is not needed.
   * What somebody reads stays until a later time.
   *
   * @param needed numbers of the runs whose plans stay
   * @param others names of tables that go, if they are there
   */
  public void tidy(Connection connection, Set<Long> needed, List<String> others)
      throws SQLException {
    Map<Long, Integer> places = places(connection);
    for (long run : places.keySet()) {
      if (!needed.contains(run)) {
        delete(connection, run);
      }
    }
    places.keySet().retainAll(needed);
    Set<String> unneeded = new HashSet<>(others);
    unneeded.addAll(names());
    places.values().stream()
        .filter(place -> place != PlanHead.NO_TABLE)
        .map(tables::planName)
        .forEach(unneeded::remove);
    for (String table : existing(connection, unneeded)) {
      dropIfFree(connection, schemas.of(table));
    }
  }

  /**
   * A place that no plan takes; whatever table is left there is dropped.
   *
   * @param taken places besides those of plans
   * @throws IllegalStateException if all places are taken
   */
  public int freePlace(Connection connection, int... taken) throws SQLException {
    Map<Long, Integer> places = places(connection);
    int[] untaken =
        IntStream.range(0, SyncTables.PLANS)
            .filter(i -> !places.containsValue(i))
            .filter(i -> Arrays.stream(taken).noneMatch(other -> other == i))
            .toArray();
    if (untaken.length == 0) {
      throw new IllegalStateException("every place for a plan is taken");
    }
    Set<String> existing = existing(connection, names());
    for (int place : untaken) {
      if (!existing.contains(tables.planName(place))
          || dropIfFree(connection, tables.plan(place))) {
        return place;
      }
    }
    drop(connection, tables.plan(untaken[0]));
    return untaken[0];
  }

  private static boolean dropIfFree(Connection connection, Identifier table) throws SQLException {
    boolean free = TableLock.isFree(connection, table);
    if (free) {
      drop(connection, table);
    }
    return free;
  }

  private static void drop(Connection connection, Identifier table) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(PlanStoreSql.DROP.with("table", table).sql());
    }
  }

  private List<String> names() {
    return IntStream.range(0, SyncTables.PLANS).mapToObj(tables::planName).toList();
  }

  private Map<Long, Integer> places(Connection connection) throws SQLException {
    Map<Long, Integer> places = new HashMap<>();
    try (PreparedStatement statement =
        OneShot.prepare(connection, PlanStoreSql.ALL.with("plans", schemas.plans()).sql())) {
      statement.setString(1, sync);
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          places.put(result.getLong(1), result.getInt(2));
        }
      }
    }
    return places;
  }

  /** Which of some tables are there. */
  private Set<String> existing(Connection connection, Collection<String> names)
      throws SQLException {
    Set<String> found = new HashSet<>();
    try (PreparedStatement statement = OneShot.prepare(connection, PlanStoreSql.EXISTING.sql())) {
      statement.setString(1, schemas.planner());
      statement.setArray(2, connection.createArrayOf("name", names.toArray()));
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          found.add(result.getString(1));
        }
      }
    }
    return found;
  }

  private PreparedStatement prepare(Connection connection, SqlTemplate template, long run)
      throws SQLException {
    PreparedStatement statement =
        OneShot.prepare(connection, template.with("plans", schemas.plans()).sql());
    try {
      statement.setString(1, sync);
      statement.setLong(2, run);
      return statement;
    } catch (SQLException e) {
      statement.close();
      throw e;
    }
  }
}
