package io.fulmar.verify.bench.compare;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/** Lightning, its state in the database. */
class LightningContender extends FulmarContender {
  private static final String SIZE =
      """
      select coalesce(sum(pg_total_relation_size(c.oid)), 0),
             coalesce(sum(pg_relation_size(c.oid)) filter (where relname like 's%\\_state\\_%'), 0)
      from pg_class as c join pg_namespace as n on n.oid = relnamespace
      where relkind = 'r' and nspname in ('fulmar_planner', 'fulmar_audit')
      """;

  private final TestDatabase database;

  LightningContender(Shape shape, Model model, TestDatabase database) throws SQLException {
    super(shape, model);
    this.database = database;
    database.execute(
        "create schema if not exists fulmar_planner", "create schema if not exists fulmar_audit");
  }

  @Override
  SyncEngine open(Source source) {
    return LightningEngine.builder(source).fullDiffEvery(Duration.ofDays(1)).build();
  }

  @Override
  public StateSize state() throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(SIZE)) {
      row.next();
      return new StateSize(row.getDouble(1), row.getDouble(2));
    }
  }

  @Override
  public void forget() throws SQLException {
    try (SyncEngine engine = LightningEngine.on(database.source().build())) {
      engine.forget(sync(new Tally(false)));
    }
  }
}
