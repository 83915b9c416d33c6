package io.fulmar.internal.type;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Composite types and the rows of tables (PostgreSQL manual, 8.16.6): maps from the names of the
 * attributes to their values, in order.
 *
 * @param names of the attributes
 * @param types of the attributes
 */
public record CompositeType(List<String> names, List<ValueType> types) implements ValueType {
  /** Copies the lists. */
  public CompositeType {
    names = List.copyOf(names);
    types = List.copyOf(types);
  }

  @Override
  public Class<?> javaType() {
    return Map.class;
  }

  @Override
  public Object parse(String text) {
    TextCursor cursor = new TextCursor(text);
    Map<String, @Nullable Object> attributes = new LinkedHashMap<>();
    cursor.expect("(");
    for (int i = 0; i < names.size(); i++) {
      if (i > 0) {
        cursor.expect(",");
      }
      boolean isNull = cursor.peek() == ',' || cursor.peek() == ')';
      attributes.put(names.get(i), isNull ? null : types.get(i).value(cursor.token(',', ')')));
    }
    cursor.expect(")");
    cursor.expectEnd();
    return new TextedMap(attributes, text);
  }

  @Override
  public void encode(StringBuilder code) {
    code.append('<').append(names.size()).append(':');
    for (int i = 0; i < names.size(); i++) {
      code.append(names.get(i).length()).append(':').append(names.get(i));
      types.get(i).encode(code);
    }
  }
}
