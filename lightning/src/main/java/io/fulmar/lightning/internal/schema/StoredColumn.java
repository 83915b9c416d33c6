package io.fulmar.lightning.internal.schema;

/**
 * A column of a model as our tables keep it. Immutable.
 *
 * @param name what the model calls it
 * @param type a type of PostgreSQL's own, as it writes types: {@code bigint}, {@code text}
 */
public record StoredColumn(String name, String type) {
  /** Whether it is compared under a collation. */
  boolean isText() {
    return type.equals("text");
  }
}
