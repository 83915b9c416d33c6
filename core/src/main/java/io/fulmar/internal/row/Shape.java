package io.fulmar.internal.row;

import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ScalarType;
import io.fulmar.internal.type.ValueType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Names, types and places of the columns of rows. Immutable.
 *
 * @param names in the order of the model
 * @param kinds how each is read, in the order of the model
 * @param types what the text of each means that is read as text, in the order of the model
 * @param fields where each column stands in the image of a row
 * @param index the position of each name
 */
public record Shape(
    List<String> names,
    List<ColumnKind> kinds,
    List<ValueType> types,
    List<Integer> fields,
    Map<String, Integer> index) {
  /** A shape with columns at these fields; what is read as text is given as text. */
  public static Shape of(List<String> names, List<ColumnKind> kinds, List<Integer> fields) {
    return of(names, kinds, kinds.stream().<ValueType>map(ScalarType::of).toList(), fields);
  }

  /** A shape with columns at these fields. */
  public static Shape of(
      List<String> names, List<ColumnKind> kinds, List<ValueType> types, List<Integer> fields) {
    Map<String, Integer> index = new HashMap<>();
    for (int i = 0; i < names.size(); i++) {
      index.put(names.get(i), i);
    }
    return new Shape(
        List.copyOf(names),
        List.copyOf(kinds),
        List.copyOf(types),
        List.copyOf(fields),
        Map.copyOf(index));
  }

  /** The position of a column; refused with the names that there are. */
  public int position(String column) {
    Integer position = index.get(column);
    if (position == null) {
      throw new IllegalArgumentException("there is no column " + column + "; there are " + names);
    }
    return position;
  }
}
