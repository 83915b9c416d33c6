package io.fulmar.internal.mapping;

import io.fulmar.ConfigurationException;
import io.fulmar.Mapping;
import io.fulmar.Sync;
import io.fulmar.internal.source.ModelShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which columns of its model a sync reads and compares. */
public final class UsedColumns {
  private static final int MOST_SHOWN = 50;
  private static final int NEAR = 3;

  private UsedColumns() {}

  /**
   * The shape of a model, with the columns alone that a sync uses.
   *
   * @param shape all columns
   * @param about the tail of messages
   * @throws ConfigurationException if the model does not return a column that the sync uses
   */
  public static ModelShape of(ModelShape shape, Sync sync, String about) {
    Map<String, String> used = new LinkedHashMap<>();
    Mapping mapping = sync.mapping();
    if (mapping != null) {
      mapping
          .columns()
          .forEach(c -> c.inputs().forEach(input -> used.putIfAbsent(input, "its mapping uses")));
    }
    sync.remembered().forEach(column -> used.putIfAbsent(column, "it remembers"));
    List<String> names = shape.columns().stream().map(ModelShape.Column::name).toList();
    used.forEach(
        (column, why) -> {
          if (!names.contains(column)) {
            throw missing(column, why, names, sync, about);
          }
        });
    if (mapping == null) {
      return shape;
    }
    List<Integer> positions = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (used.containsKey(names.get(i)) || shape.keyPositions().contains(i)) {
        positions.add(i);
      }
    }
    return shape.using(positions);
  }

  private static ConfigurationException missing(
      String column, String why, List<String> names, Sync sync, String about) {
    String shown =
        String.join(", ", names.subList(0, Math.min(names.size(), MOST_SHOWN)))
            + (names.size() > MOST_SHOWN ? ", ..." : "");
    int nearest =
        names.stream().mapToInt(name -> EditDistance.between(column, name)).min().orElse(NEAR + 1);
    List<String> near =
        names.stream()
            .filter(name -> nearest <= NEAR && EditDistance.between(column, name) == nearest)
            .map(UsedColumns::quoted)
            .toList();
    return new ConfigurationException(
        "Cannot run %s: %s the column %s, which the model %s does not return. %s. %s"
            .formatted(
                sync.name(),
                why,
                quoted(column),
                sync.model().name(),
                near.isEmpty()
                    ? "It returns " + shown
                    : "Nearest is " + String.join(", ", near) + "; it returns " + shown,
                about));
  }

  private static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
