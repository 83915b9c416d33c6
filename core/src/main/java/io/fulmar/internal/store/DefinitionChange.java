package io.fulmar.internal.store;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the definition of a sync differs from the one that was folded last.
 *
 * @param parts what differs, in words; empty for nothing, and before the first fold
 * @param usedBefore when this definition was folded last, if another has been folded since; null if
 *     never
 */
public record DefinitionChange(List<String> parts, @Nullable Instant usedBefore) {
  /** The definition is the same, or the first. */
  public static final DefinitionChange NONE = new DefinitionChange(List.of(), null);

  /** Copies the list. */
  public DefinitionChange {
    parts = List.copyOf(parts);
  }

  /** Whether anything differs. */
  public boolean isChanged() {
    return !parts.isEmpty();
  }
}
