package io.fulmar.internal.type;

import java.util.AbstractMap;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A map out of PostgreSQL, in its order. Unmodifiable. */
final class TextedMap extends AbstractMap<String, @Nullable Object> implements Texted {
  private final Map<String, @Nullable Object> entries;
  private final String text;

  /** The map is not copied and must not change. */
  TextedMap(Map<String, @Nullable Object> entries, String text) {
    this.entries = Collections.unmodifiableMap(entries);
    this.text = text;
  }

  @Override
  public Set<Map.Entry<String, @Nullable Object>> entrySet() {
    return entries.entrySet();
  }

  @Override
  public @Nullable Object get(@Nullable Object key) {
    return entries.get(key);
  }

  @Override
  public boolean containsKey(@Nullable Object key) {
    return entries.containsKey(key);
  }

  @Override
  public String text() {
    return text;
  }
}
