package io.fulmar.spi;

import io.fulmar.Action;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The sync that a destination is checked for.
 *
 * @param sync its name
 * @param actions what it will ask of the destination
 * @param key the names of the key's columns, as the destination gets them
 * @param columns what the destination gets of a row, in this order; empty if the model could not be
 *     described, so that nothing can be said of columns
 */
public record CheckContext(
    String sync, Set<Action> actions, List<String> key, List<Column> columns) {
  /** Copies the collections. */
  public CheckContext {
    Objects.requireNonNull(sync, "sync");
    checkNoNull("actions", actions);
    actions = Set.copyOf(actions);
    checkNoNull("key", key);
    key = List.copyOf(key);
    checkNoNull("columns", columns);
    columns = List.copyOf(columns);
  }

  private static void checkNoNull(String what, Collection<?> all) {
    Objects.requireNonNull(all, what);
    all.forEach(each -> Objects.requireNonNull(each, what));
  }

  /**
   * A column that the destination gets.
   *
   * @param name its name
   * @param type PostgreSQL's name of its type, as {@code format_type} gives it without modifiers;
   *     null if the mapping makes its values
   */
  public record Column(String name, @Nullable String type) {
    /** Checks that there is a name. */
    public Column {
      Objects.requireNonNull(name, "name");
    }
  }
}
