package io.fulmar.internal.row;

import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ScalarType;
import io.fulmar.internal.type.TypeCode;
import io.fulmar.internal.type.ValueType;
import java.util.ArrayList;
import java.util.List;

/**
 * A column of a shape as it is written down, by whoever keeps rows for later.
 *
 * @param name of the column
 * @param type how it is read and, if that is as text, what the text means
 * @param field where it stands in the image of a row
 */
public record StoredColumn(String name, String type, int field) {
  /** The columns of a shape, in its order. */
  public static List<StoredColumn> of(Shape shape) {
    List<StoredColumn> columns = new ArrayList<>();
    for (int i = 0; i < shape.names().size(); i++) {
      columns.add(new StoredColumn(shape.names().get(i), type(shape, i), shape.fields().get(i)));
    }
    return columns;
  }

  private static String type(Shape shape, int i) {
    ColumnKind kind = shape.kinds().get(i);
    return kind.readAsText() ? kind.name() + ' ' + TypeCode.of(shape.types().get(i)) : kind.name();
  }

  /** The shape that has these columns. */
  public static Shape shape(List<StoredColumn> columns) {
    List<ColumnKind> kinds = new ArrayList<>();
    List<ValueType> types = new ArrayList<>();
    for (StoredColumn column : columns) {
      String type = column.type();
      int space = type.indexOf(' ');
      ColumnKind kind = ColumnKind.valueOf(space < 0 ? type : type.substring(0, space));
      kinds.add(kind);
      types.add(space < 0 ? ScalarType.of(kind) : TypeCode.parse(type.substring(space + 1)));
    }
    return Shape.of(
        columns.stream().map(StoredColumn::name).toList(),
        kinds,
        types,
        columns.stream().map(StoredColumn::field).toList());
  }
}
