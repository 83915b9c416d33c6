package io.fulmar.internal.type;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** A list out of PostgreSQL. Unmodifiable. */
final class TextedList extends AbstractList<@Nullable Object> implements RandomAccess, Texted {
  private final List<@Nullable Object> elements;
  private final String text;

  /** The list is not copied and must not change. */
  TextedList(List<@Nullable Object> elements, String text) {
    this.elements = elements;
    this.text = text;
  }

  @Override
  public @Nullable Object get(int index) {
    return elements.get(index);
  }

  @Override
  public int size() {
    return elements.size();
  }

  @Override
  public String text() {
    return text;
  }
}
