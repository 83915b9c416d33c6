package io.fulmar.internal.source;

import io.fulmar.SourceException;
import io.fulmar.internal.postgres.DriverFault;
import io.fulmar.internal.type.ColumnKind;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import org.postgresql.copy.CopyOut;

/**
 * Streams the rows of a model out of a binary {@code COPY}: one row in memory at a time, no end of
 * the stream taken for the end of the rows unless its trailer says so.
 */
public final class ModelRows {
  private ModelRows() {}

  /**
   * Reads all rows of a statement.
   *
   * @param session the snapshot
   * @param copy a {@code copy ... to stdout (format binary)}
   * @param kinds of the fields; the statement may have one more
   * @param fieldCount how many fields a row has
   * @param sink takes the rows
   * @return how many rows there were
   * @throws SourceException if the server ends the stream early
   * @throws IOException if the sink threw it
   */
  public static long read(
      SourceSession session,
      String copy,
      List<ColumnKind> kinds,
      int fieldCount,
      String doing,
      RowSink sink)
      throws IOException {
    CopyRows reader = new CopyRows(kinds, fieldCount, sink);
    try {
      CopyOut out = session.driver().getCopyAPI().copyOut(copy);
      try {
        for (byte[] chunk = out.readFromCopy(); chunk != null; chunk = out.readFromCopy()) {
          reader.take(chunk);
          if (Thread.interrupted()) {
            Thread.currentThread().interrupt();
            throw new SQLException("the reading thread was interrupted", "57014");
          }
        }
      } finally {
        if (out.isActive()) {
          session.markBroken();
        }
      }
    } catch (SQLException e) {
      throw session.failed(doing, e);
    } catch (RuntimeException | Error e) {
      SQLException nonsense = DriverFault.of(e);
      if (nonsense == null) {
        throw e;
      }
      throw session.failed(doing, nonsense);
    }
    if (!reader.isComplete()) {
      session.markBroken();
      throw new SourceException(
          "Cannot %s: the rows ended without their trailer. Run again. %s"
              .formatted(doing, session.about()),
          "08006",
          null);
    }
    return reader.rows();
  }
}
