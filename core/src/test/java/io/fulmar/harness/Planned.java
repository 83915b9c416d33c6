package io.fulmar.harness;

import io.fulmar.internal.store.PlanRequest.Kind;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a plan saw, and what it was made for.
 *
 * @param kind what was asked
 * @param contents what the source held for each key that was looked at; {@link
 *     Reference5a#AMBIGUOUS} for several rows
 * @param mapping of the model
 * @param rows how many rows were looked at
 * @param keys the only keys that were looked at; null for all
 * @param definition of the sync, in words
 */
record Planned(
    Kind kind,
    Map<String, String> contents,
    int mapping,
    int rows,
    @Nullable Set<String> keys,
    String definition) {
  Planned {
    contents = Map.copyOf(contents);
    keys = keys == null ? null : Set.copyOf(keys);
  }

  /** Whether a key was looked at. */
  boolean isAbout(String key) {
    return keys == null || keys.contains(key);
  }

  /** The rows that have a key of their own. */
  Map<String, String> valid() {
    Map<String, String> valid = new TreeMap<>(contents);
    valid.values().removeIf(Reference5a.AMBIGUOUS::equals);
    return valid;
  }
}
