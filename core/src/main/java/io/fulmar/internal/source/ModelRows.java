package io.fulmar.internal.source;

import io.fulmar.SourceException;
import io.fulmar.internal.postgres.DriverFault;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.RowImage;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.postgresql.copy.CopyOut;

/**
 * Streams rows out of a binary {@code COPY} (PostgreSQL manual, COPY, "Binary Format"): one row in
 * memory at a time, no end of the stream taken for the end of the rows unless its trailer says so.
 */
public final class ModelRows {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final byte[] SIGNATURE = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0
  };
  private static final int HEADER = SIGNATURE.length + 8;
  private static final int TRAILER = -1;
  private static final byte[] EMPTY = {};

  private final RowSink sink;
  private final int fieldCount;
  private final int[] fields;
  private final int[] floats;
  private final ColumnKind[] kinds;
  private byte[] rest = EMPTY;
  private boolean headerSeen;
  private boolean trailerSeen;
  private long rows;

  private ModelRows(List<ColumnKind> kinds, int fieldCount, RowSink sink) {
    this.sink = sink;
    this.fieldCount = fieldCount;
    this.fields = new int[2 * fieldCount];
    this.kinds = kinds.toArray(ColumnKind[]::new);
    this.floats =
        java.util.stream.IntStream.range(0, kinds.size())
            .filter(i -> RowImage.mayNeedCanonicalising(kinds.get(i)))
            .toArray();
  }

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
    ModelRows reader = new ModelRows(kinds, fieldCount, sink);
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
    if (!reader.trailerSeen) {
      session.markBroken();
      throw new SourceException(
          "Cannot %s: the rows ended without their trailer. Run again. %s"
              .formatted(doing, session.about()),
          "08006",
          null);
    }
    return reader.rows;
  }

  private void take(byte[] chunk) throws IOException, SQLException {
    byte[] buffer = chunk;
    if (rest.length > 0) {
      buffer = Arrays.copyOf(rest, rest.length + chunk.length);
      System.arraycopy(chunk, 0, buffer, rest.length, chunk.length);
    }
    int at = headerSeen ? 0 : header(buffer);
    while (at >= 0 && at < buffer.length && !trailerSeen) {
      int end = row(buffer, at);
      if (end < 0) {
        break;
      }
      at = end;
    }
    if (at < 0) {
      rest = buffer;
    } else {
      rest =
          at == buffer.length || trailerSeen
              ? EMPTY
              : Arrays.copyOfRange(buffer, at, buffer.length);
    }
  }

  /** Where the first row begins, or -1 if the header is not whole. */
  private int header(byte[] buffer) throws SQLException {
    if (buffer.length < HEADER) {
      return -1;
    }
    if (!Arrays.equals(buffer, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length)) {
      throw new SQLException("the server did not send a binary COPY", "08P01");
    }
    int extension = (int) INT.get(buffer, SIGNATURE.length + 4);
    if (extension < 0 || buffer.length - HEADER < extension) {
      return -1;
    }
    headerSeen = true;
    return HEADER + extension;
  }

  /** Where the row ends, or -1 if it is not whole. */
  private int row(byte[] buffer, int start) throws IOException, SQLException {
    if (buffer.length - start < 2) {
      return -1;
    }
    int count = (short) ((buffer[start] << 8) | (buffer[start + 1] & 0xff));
    if (count == TRAILER) {
      trailerSeen = true;
      return start + 2;
    }
    if (count != fieldCount) {
      throw new SQLException(
          "a row has %s fields instead of %s".formatted(count, fieldCount), "08P01");
    }
    int at = start + 2;
    for (int i = 0; i < count; i++) {
      if (buffer.length - at < 4) {
        return -1;
      }
      int length = (int) INT.get(buffer, at);
      at += 4;
      fields[2 * i] = at;
      fields[2 * i + 1] = length;
      if (length > 0) {
        if (buffer.length - at < length) {
          return -1;
        }
        at += length;
      }
    }
    for (int i : floats) {
      if (fields[2 * i + 1] > 0) {
        RowImage.canonicalise(kinds[i], buffer, fields[2 * i], fields[2 * i + 1]);
      }
    }
    rows++;
    sink.row(buffer, start + 2, at, fields);
    return at;
  }
}
