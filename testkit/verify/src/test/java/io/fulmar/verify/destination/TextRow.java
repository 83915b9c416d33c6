package io.fulmar.verify.destination;

import io.fulmar.Row;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row made of texts, each column's value being its text. */
final class TextRow implements Row {
  private final Map<String, @Nullable String> texts = new LinkedHashMap<>();

  /** Names and values by turns. */
  static TextRow of(@Nullable String... namesAndTexts) {
    TextRow row = new TextRow();
    for (int i = 0; i < namesAndTexts.length; i += 2) {
      row.texts.put(String.valueOf(namesAndTexts[i]), namesAndTexts[i + 1]);
    }
    return row;
  }

  /** The first columns, as many as said. */
  TextRow first(int columns) {
    TextRow row = new TextRow();
    new ArrayList<>(texts.keySet())
        .subList(0, columns)
        .forEach(name -> row.texts.put(name, texts.get(name)));
    return row;
  }

  @Override
  public List<String> columns() {
    return List.copyOf(texts.keySet());
  }

  @Override
  public @Nullable Object value(String column) {
    return text(column);
  }

  @Override
  public @Nullable String text(String column) {
    if (!texts.containsKey(column)) {
      throw new IllegalArgumentException("no column " + column);
    }
    return texts.get(column);
  }
}
