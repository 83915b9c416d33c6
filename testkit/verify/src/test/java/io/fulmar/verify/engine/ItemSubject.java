package io.fulmar.verify.engine;

import io.fulmar.Model;
import io.fulmar.harness.RunnerSubject;
import io.fulmar.harness.SourceRow;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** The rows of an {@link ItemTable}, and the runner over the store of some engine. */
abstract class ItemSubject extends RunnerSubject {
  private final ItemTable table;
  private final Connection connection;

  ItemSubject(ItemTable table) {
    this.table = table;
    try {
      connection = table.database().connect();
      connection.setAutoCommit(false);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
    source(List.of());
  }

  final ItemTable table() {
    return table;
  }

  @Override
  public final Model model(int mapping) {
    String sql = mapping == 0 ? "select * from item" : "select *, 1 as one from item";
    return Model.query("items", sql).key("k");
  }

  @Override
  public final void source(List<SourceRow> rows) {
    try (Statement delete = connection.createStatement();
        PreparedStatement insert =
            connection.prepareStatement("insert into item (k, v) values (?, ?)")) {
      delete.execute("delete from item");
      for (SourceRow row : rows) {
        insert.setString(1, row.key());
        insert.setString(2, row.content());
        insert.addBatch();
      }
      insert.executeBatch();
      connection.commit();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    super.close();
    try {
      connection.close();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
