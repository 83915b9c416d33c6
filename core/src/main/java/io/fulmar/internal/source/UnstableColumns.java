package io.fulmar.internal.source;

import io.fulmar.ModelPreview;
import io.fulmar.Row;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Tells which columns are another in each read; see {@link ModelPreview#unstable}. */
public final class UnstableColumns {
  /** Fewer keys prove nothing: an update between the reads looks the same. */
  private static final int FEWEST_KEYS = 2;

  /** A preview with as many rows may not be the whole model. */
  private static final int PREVIEW_ROWS = 100;

  private UnstableColumns() {}

  /** Compares two previews of a model with this key. */
  public static List<String> between(List<String> key, ModelPreview first, ModelPreview second) {
    if (!first.columns().equals(second.columns())) {
      return List.of(); // the schema changed between the reads
    }
    List<String> columns = first.columns().stream().map(ModelPreview.Column::name).toList();
    Map<List<String>, Row> before = byKey(key, first.rows());
    Map<List<String>, Row> after = byKey(key, second.rows());
    Set<List<String>> common = new HashSet<>(before.keySet());
    common.retainAll(after.keySet());
    if (common.size() >= FEWEST_KEYS) {
      return columns.stream()
          .filter(
              column ->
                  common.stream()
                      .noneMatch(
                          k -> Objects.equals(text(before, k, column), text(after, k, column))))
          .toList();
    }
    if (common.isEmpty() && isWhole(first) && isWhole(second)) {
      return columns.stream()
          .filter(key::contains)
          .filter(
              column -> {
                Set<String> values = texts(column, first.rows());
                values.retainAll(texts(column, second.rows()));
                return values.isEmpty();
              })
          .toList();
    }
    return List.of();
  }

  private static boolean isWhole(ModelPreview preview) {
    int rows = preview.rows().size();
    return rows >= FEWEST_KEYS && rows < PREVIEW_ROWS;
  }

  /** The rows whose key occurs once. */
  private static Map<List<String>, Row> byKey(List<String> key, List<Row> rows) {
    Map<List<String>, Row> result = new LinkedHashMap<>();
    Set<List<String>> twice = new HashSet<>();
    for (Row row : rows) {
      List<String> texts = new ArrayList<>();
      key.forEach(column -> texts.add(String.valueOf(row.text(column))));
      if (result.put(texts, row) != null) {
        twice.add(texts);
      }
    }
    result.keySet().removeAll(twice);
    return result;
  }

  private static @Nullable String text(
      Map<List<String>, Row> rows, List<String> key, String column) {
    Row row = rows.get(key);
    return row == null ? null : row.text(column);
  }

  private static Set<String> texts(String column, List<Row> rows) {
    return rows.stream()
        .map(row -> String.valueOf(row.text(column)))
        .collect(Collectors.toCollection(HashSet::new));
  }
}
