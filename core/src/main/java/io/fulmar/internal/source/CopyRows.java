package io.fulmar.internal.source;

import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.RowImage;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Takes the stream of a binary {@code COPY} apart (PostgreSQL manual, COPY, "Binary Format"), one
 * row in memory at a time. Values come in their canonical form. Used by one thread.
 */
public final class CopyRows {
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

  /**
   * A stream that begins.
   *
   * @param kinds of the fields; there may be more fields
   * @param fieldCount how many fields a row has
   * @param sink takes the rows
   */
  public CopyRows(List<ColumnKind> kinds, int fieldCount, RowSink sink) {
    this.sink = sink;
    this.fieldCount = fieldCount;
    this.fields = new int[2 * fieldCount];
    this.kinds = kinds.toArray(ColumnKind[]::new);
    this.floats =
        IntStream.range(0, kinds.size())
            .filter(i -> RowImage.mayNeedCanonicalising(kinds.get(i)))
            .toArray();
  }

  /** Whether the trailer has come: no end of a stream is the end of its rows without it. */
  public boolean isComplete() {
    return trailerSeen;
  }

  /** How many rows have come. */
  public long rows() {
    return rows;
  }

  /**
   * Takes the next piece, with the end of a row or not.
   *
   * @throws SQLException if no server would send it
   * @throws IOException if the sink threw it
   */
  public void take(byte[] chunk) throws IOException, SQLException {
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
