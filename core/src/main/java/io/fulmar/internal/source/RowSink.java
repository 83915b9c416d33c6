package io.fulmar.internal.source;

import java.io.IOException;

/** Takes the rows of a model, one after the other. */
@FunctionalInterface
public interface RowSink {
  /**
   * One row. The arrays are used again for the next one.
   *
   * @param buffer holds the fields as PostgreSQL sent them: a length of four bytes, -1 for NULL,
   *     and the value
   * @param from where the first field begins
   * @param to where the last one ends
   * @param fields for each field where its value begins and how long it is, -1 for NULL
   */
  void row(byte[] buffer, int from, int to, int[] fields) throws IOException;
}
