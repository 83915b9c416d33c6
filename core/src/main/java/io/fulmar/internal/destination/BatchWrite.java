package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.TableDestinationSql;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Writes one batch within a transaction that others begin and end: stage by COPY, then one
 * statement for all. Where a row is to blame for either, back to the savepoint and on with the
 * halves, so that the good rows pass and each bad one is alone with its error.
 */
final class BatchWrite {
  private final Connection connection;
  private final Layout layout;
  private final List<Change> changes;
  private final @Nullable String sequence;
  private final String write;
  private final CopyLines lines;
  private final Delivery.Builder delivery = Delivery.acceptedExcept();

  /** Where the last bad value was found: the next one is likely there, too. */
  private @Nullable String suspect;

  BatchWrite(Connection connection, Layout layout, Batch batch, @Nullable String sequence) {
    this.connection = connection;
    this.layout = layout;
    this.changes = batch.changes();
    this.sequence = sequence;
    this.write = layout.write();
    this.lines = new CopyLines(changes.size());
  }

  /** Applies what can be applied; an error that is no row's fault comes out. */
  Delivery apply() throws SQLException {
    for (int i = 0; i < changes.size(); i++) {
      encode(i);
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute(layout.sql(TableDestinationSql.CREATE_STAGE));
    }
    stage(0, changes.size());
    write(0, changes.size());
    return delivery.build();
  }

  private void encode(int i) {
    Change change = changes.get(i);
    if (!layout.fits(layout.action(), change)) {
      throw new IllegalArgumentException("the rows of a batch must have the same columns");
    }
    lines.value(Integer.toString(i));
    for (String column : layout.columns()) {
      lines.value(layout.value(change, column));
    }
    if (sequence != null) {
      lines.value(Long.toString(change.sequence()));
    }
    if (!lines.end()) {
      delivery.rejected(change, "22021", "A text holds half a surrogate pair.");
    }
  }

  /** Copies the rows to the stage, but those that it refuses. */
  private void stage(int from, int to) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      copy(layout.copy(), lines, from, to);
      connection.releaseSavepoint(before);
    } catch (SQLException e) {
      rollBack(before, e);
      if (to - from == 1) {
        reject(from, e, badColumn(from));
      } else {
        int middle = (from + to) >>> 1;
        stage(from, middle);
        stage(middle, to);
      }
    }
  }

  /** Writes the staged rows of a range to the table, but those that it refuses. */
  private void write(int from, int to) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      List<Change> skipped = moved(from, to);
      connection.releaseSavepoint(before);
      skipped.forEach(delivery::skipped);
    } catch (SQLException e) {
      rollBack(before, e);
      if (to - from == 1) {
        reject(from, e, null);
      } else {
        int middle = (from + to) >>> 1;
        write(from, middle);
        write(middle, to);
      }
    }
  }

  private List<Change> moved(int from, int to) throws SQLException {
    List<Change> skipped = new ArrayList<>();
    try (PreparedStatement statement = ranged(write, from, to)) {
      if (statement.execute() && layout.action() != Action.CLEAR) {
        try (ResultSet positions = statement.getResultSet()) {
          while (positions.next()) {
            skipped.add(changes.get(positions.getInt(1)));
          }
        }
      }
    }
    if (layout.leavesTombstones()) {
      String leave = layout.sql(TableDestinationSql.LEAVE_TOMBSTONES);
      try (PreparedStatement statement = ranged(leave, from, to)) {
        statement.executeUpdate();
      }
    }
    return skipped;
  }

  private PreparedStatement ranged(String sql, int from, int to) throws SQLException {
    PreparedStatement statement = OneShot.prepare(connection, sql);
    statement.setInt(1, from);
    statement.setInt(2, to - 1);
    return statement;
  }

  private void rollBack(Savepoint before, SQLException error) throws SQLException {
    if (!SqlStates.isOfRow(error)) {
      throw error;
    }
    undo(before);
  }

  /** A savepoint outlives its rollback; thousands inside one another make all that follows slow. */
  private void undo(Savepoint before) throws SQLException {
    connection.rollback(before);
    connection.releaseSavepoint(before);
  }

  private void reject(int i, SQLException error, @Nullable String column) {
    delivery.rejected(changes.get(i), SqlStates.code(error), Failure.ofRow(error, column));
  }

  private void copy(String sql, CopyLines source, int from, int to) throws SQLException {
    CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
    try {
      source.send(copy, from, to);
      copy.endCopy();
    } finally {
      if (copy.isActive()) {
        copy.cancelCopy();
      }
    }
  }

  /** The column whose value the stage does not take; the server tells it in prose only. */
  private @Nullable String badColumn(int i) throws SQLException {
    if (suspect != null && isBad(i, suspect)) {
      return suspect;
    }
    for (String column : layout.columns()) {
      if (isBad(i, column)) {
        suspect = column;
        return column;
      }
    }
    return null;
  }

  private boolean isBad(int i, String column) throws SQLException {
    CopyLines line = new CopyLines(1);
    line.value(Integer.toString(i));
    line.value(layout.value(changes.get(i), column));
    line.end();
    Savepoint before = connection.setSavepoint();
    try {
      copy(layout.copyOnly(column), line, 0, 1);
      undo(before);
      return false;
    } catch (SQLException e) {
      rollBack(before, e);
      return true;
    }
  }
}
