package io.fulmar.testkit.internal.memory;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one model at one moment. Immutable, if nobody writes into the bytes.
 *
 * @param columns in the order of the model
 * @param rows each with the bytes of its values, in the order of the columns; null for NULL
 */
public record MemoryTable(List<Column> columns, List<List<byte @Nullable []>> rows) {
  /**
   * A column.
   *
   * @param name as messages show it
   * @param type what it holds
   */
  public record Column(String name, MemoryType type) {}
}
