package io.fulmar.internal.destination;

import io.fulmar.Row;
import java.sql.SQLException;
import java.util.List;
import org.postgresql.copy.CopyIn;
import org.postgresql.util.ByteStreamWriter;

/** Lets a benchmark of another package drive {@link CopyLines}: of a batch of new rows. */
public final class LinesOfRows {
  private final List<String> columns;
  private final Sink sink = new Sink();
  private CopyLines lines = CopyLines.sentOnce();

  /** Lines of these columns. */
  public LinesOfRows(List<String> columns) {
    this.columns = columns;
  }

  /** Begins a batch. */
  public void begin() {
    lines = CopyLines.sentOnce();
  }

  /** Adds a line. */
  public void add(Row row) throws SQLException {
    for (String column : columns) {
      lines.value(row.text(column));
    }
    lines.end();
    lines.sendPieces(sink);
  }

  /** Ends the batch; how many bytes were sent in all. */
  public long end() throws SQLException {
    lines.sendRest(sink);
    return sink.endCopy();
  }

  /** Counts what would be sent, and nothing else. */
  private static final class Sink implements CopyIn {
    private long bytes;

    @Override
    public void writeToCopy(byte[] buffer, int from, int length) {
      bytes += length;
    }

    @Override
    public void writeToCopy(ByteStreamWriter from) {
      throw new UnsupportedOperationException("lines are sent as bytes");
    }

    @Override
    public void flushCopy() {}

    @Override
    public long endCopy() {
      return bytes;
    }

    @Override
    public int getFieldCount() {
      return 0;
    }

    @Override
    public int getFormat() {
      return 0;
    }

    @Override
    public int getFieldFormat(int field) {
      return 0;
    }

    @Override
    public boolean isActive() {
      return true;
    }

    @Override
    public void cancelCopy() {}

    @Override
    public long getHandledRowCount() {
      return 0;
    }
  }
}
