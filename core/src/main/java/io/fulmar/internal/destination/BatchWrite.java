package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Row;
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
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Writes one batch within a transaction that others begin and end: straight by COPY if all rows are
 * new, else stage by COPY, then one statement for all. Where a row is to blame for either, back to
 * the savepoint and on with the halves, so that the good rows pass and each bad one is alone with
 * its error.
 */
final class BatchWrite {
  private final Connection connection;
  private final Layout layout;
  private final List<Change> changes;
  private final @Nullable String sequence;
  private final String write;
  private final Delivery.Builder delivery = Delivery.acceptedExcept();

  /** The rows that hold what is no text, so that they go nowhere. */
  private final BitSet withoutForm = new BitSet();

  /** Where the last bad value was found: the next one is likely there, too. */
  private @Nullable String suspect;

  BatchWrite(Connection connection, Layout layout, Batch batch, @Nullable String sequence) {
    this.connection = connection;
    this.layout = layout;
    this.changes = batch.changes();
    this.sequence = sequence;
    this.write = layout.write();
  }

  /** Applies what can be applied; an error that is no row's fault comes out. */
  Delivery apply(StraightCopy straight) throws SQLException {
    checkColumns();
    if (straight.isWorthATry(connection, layout, changes)) {
      if (isCopiedStraight()) {
        straight.worked();
        return delivery.build();
      }
      straight.failed();
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute(layout.sql(TableDestinationSql.CREATE_STAGE));
    }
    stageAll();
    write(0, changes.size());
    return delivery.build();
  }

  /** Rows of one run share the lists of their columns, so that one look is enough for most. */
  private void checkColumns() {
    List<String> keyColumns = null;
    List<String> rowColumns = null;
    for (Change change : changes) {
      if (change.key().columns() != keyColumns || change.row().columns() != rowColumns) {
        if (!layout.fits(layout.action(), change)) {
          throw new IllegalArgumentException("the rows of a batch must have the same columns");
        }
        keyColumns = change.key().columns();
        rowColumns = change.row().columns();
      }
    }
  }

  /** Copies all rows into the table; false, and nothing was done, if one of them is in the way. */
  private boolean isCopiedStraight() throws SQLException {
    CopyLines straight = CopyLines.sentOnce();
    Savepoint before = connection.setSavepoint();
    try {
      copyAll(layout.sql(TableDestinationSql.COPY_STRAIGHT), straight, i -> encode(straight, i));
      connection.releaseSavepoint(before);
      return true;
    } catch (SQLException e) {
      if (SqlStates.serverMessage(e) == null || SqlStates.isOfServer(e)) {
        throw e;
      }
      undo(before); // whatever it is, the stage finds out whose fault it is
      return false;
    }
  }

  private boolean encode(CopyLines into, int i) {
    Change change = changes.get(i);
    List<String> columns = layout.columns();
    int keyColumns = layout.key().size(); // which come first
    for (int c = 0; c < columns.size(); c++) {
      Row row = c < keyColumns ? change.key() : change.row();
      into.value(row.text(columns.get(c)));
    }
    if (sequence != null) {
      into.value(Long.toString(change.sequence()));
    }
    return into.end();
  }

  private boolean encodeWithPosition(CopyLines into, int i) {
    into.value(Integer.toString(i));
    return encode(into, i);
  }

  private interface Encoder {
    /** Adds a line for a row; false if the row holds what is no text. */
    boolean encode(int i);
  }

  /** Copies all rows while their lines are made; on return or not, all lines are made. */
  private void copyAll(String sql, CopyLines into, Encoder encoder) throws SQLException {
    int encoded = 0;
    try {
      CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
      try {
        while (encoded < changes.size()) {
          made(encoder, encoded++);
          into.sendPieces(copy);
        }
        into.sendRest(copy);
        copy.endCopy();
      } finally {
        if (copy.isActive()) {
          copy.cancelCopy();
        }
      }
    } finally {
      while (encoded < changes.size()) {
        made(encoder, encoded++);
      }
    }
  }

  private void made(Encoder encoder, int i) {
    if (!encoder.encode(i) && !withoutForm.get(i)) {
      withoutForm.set(i);
      delivery.rejected(changes.get(i), "22021", "A text holds half a surrogate pair.");
    }
  }

  /** Copies the rows to the stage, but those that it refuses. */
  private void stageAll() throws SQLException {
    CopyLines lines = CopyLines.kept(changes.size());
    Savepoint before = connection.setSavepoint();
    try {
      copyAll(layout.copy(), lines, i -> encodeWithPosition(lines, i));
      connection.releaseSavepoint(before);
    } catch (SQLException e) {
      rollBack(before, e);
      stageHalves(lines, 0, changes.size(), e);
    }
  }

  private void stage(CopyLines lines, int from, int to) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      copy(layout.copy(), lines, from, to);
      connection.releaseSavepoint(before);
    } catch (SQLException e) {
      rollBack(before, e);
      stageHalves(lines, from, to, e);
    }
  }

  private void stageHalves(CopyLines lines, int from, int to, SQLException error)
      throws SQLException {
    if (to - from == 1) {
      reject(from, error, badColumn(from));
    } else {
      int middle = (from + to) >>> 1;
      stage(lines, from, middle);
      stage(lines, middle, to);
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
    CopyLines line = CopyLines.kept(1);
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
