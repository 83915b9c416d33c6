package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumSet;
import java.util.Set;

/**
 * The least that a comparison inside the database can cost: the full join of the model with
 * Lightning's state by the key alone, which compares nothing.
 */
final class FloorContender extends LightningContender {
  private static final String STATE =
      """
      select concat('fulmar_planner.s', slot, '_state_', generation)
      from fulmar_planner.fulmar_syncs where sync = 'bench'
      """;

  private static final String FLOOR =
      """
      select count(*) from (select %1$s from (%2$s) as model) as m
      full join %3$s as s on s.k0 = m.%1$s
      """;

  private final Shape shape;
  private final String model;

  FloorContender(Shape shape, String model, TestDatabase database) throws SQLException {
    super(shape, query(shape, model), database);
    this.shape = shape;
    this.model = model;
  }

  @Override
  public Set<Scenario> scenarios() {
    return EnumSet.of(Scenario.UNCHANGED);
  }

  @Override
  public void sync(TestDatabase at, Tally tally) {
    try {
      tally.read(Connections.number(at, FLOOR.formatted(shape.number(), model, table(at))));
    } catch (SQLException e) {
      throw new IllegalStateException("the join failed", e);
    }
  }

  @Override
  public void first(TestDatabase at, Tally tally, long expected) {
    super.sync(at, tally);
  }

  private static String table(TestDatabase at) throws SQLException {
    try (Connection connection = at.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(STATE)) {
      row.next();
      return row.getString(1);
    }
  }

  @Override
  public String note() {
    return "";
  }
}
