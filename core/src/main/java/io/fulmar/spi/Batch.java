package io.fulmar.spi;

import io.fulmar.Action;
import io.fulmar.Change;
import java.util.List;
import java.util.Objects;

/**
 * What a destination gets in one call. Immutable, and may be kept.
 *
 * @param action what to do, the same for all changes
 * @param changes the changes, each with another key; never empty
 */
public record Batch(Action action, List<Change> changes) {
  /** Copies the changes. */
  public Batch {
    Objects.requireNonNull(action, "action");
    for (Change change : Objects.requireNonNull(changes, "changes")) {
      Objects.requireNonNull(change, "changes");
    }
    changes = List.copyOf(changes);
    if (changes.isEmpty()) {
      throw new IllegalArgumentException("a batch needs at least one change");
    }
  }

  /** How many changes there are. */
  public int size() {
    return changes.size();
  }
}
