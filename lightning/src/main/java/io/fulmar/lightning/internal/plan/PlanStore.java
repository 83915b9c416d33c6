package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.row.DamagedException;
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
      dropIfFree(connection, place);
    }
    return true;
  }

  /**
   * Drops every plan but some, and plan tables that belong to no plan.
   *
   * @param needed numbers of the runs whose plans stay
   */
  public void tidy(Connection connection, Set<Long> needed) throws SQLException {
    Map<Long, Integer> places = places(connection);
    for (long run : places.keySet()) {
      if (!needed.contains(run)) {
        delete(connection, run);
      }
    }
    places.keySet().retainAll(needed);
    Set<Integer> free = new HashSet<>(existing(connection));
    free.removeAll(places.values());
    for (int place : free) {
      dropIfFree(connection, place);
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
    Set<Integer> existing = existing(connection);
    for (int place : untaken) {
      if (!existing.contains(place) || dropIfFree(connection, place)) {
        return place;
      }
    }
    drop(connection, untaken[0]);
    return untaken[0];
  }

  private boolean dropIfFree(Connection connection, int place) throws SQLException {
    boolean free = TableLock.isFree(connection, tables.plan(place));
    if (free) {
      drop(connection, place);
    }
    return free;
  }

  private void drop(Connection connection, int place) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(PlanStoreSql.DROP.with("plan", tables.plan(place)).sql());
    }
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

  private Set<Integer> existing(Connection connection) throws SQLException {
    List<String> names = IntStream.range(0, SyncTables.PLANS).mapToObj(tables::planName).toList();
    Set<Integer> found = new HashSet<>();
    try (PreparedStatement statement = OneShot.prepare(connection, PlanStoreSql.EXISTING.sql())) {
      statement.setString(1, schemas.planner());
      statement.setArray(2, connection.createArrayOf("name", names.toArray()));
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          found.add(names.indexOf(result.getString(1)));
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
