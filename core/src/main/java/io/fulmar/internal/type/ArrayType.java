package io.fulmar.internal.type;

import io.fulmar.SpecialValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Arrays (PostgreSQL manual, 8.15.6): lists, with lists in them if there is more than one
 * dimension. One whose indexes do not begin at 1 is special, since a list would lose them.
 *
 * @param element the type of the elements
 * @param delimiter what stands between them: a comma, or a semicolon between boxes
 */
public record ArrayType(ValueType element, char delimiter) implements ValueType {
  @Override
  public Class<?> javaType() {
    return List.class;
  }

  @Override
  public Object parse(String text) {
    if (text.startsWith("[")) {
      return new SpecialValue(text);
    }
    TextCursor cursor = new TextCursor(text);
    List<@Nullable Object> elements = elements(cursor);
    cursor.expectEnd();
    return new TextedList(elements, text);
  }

  private List<@Nullable Object> elements(TextCursor cursor) {
    cursor.expect("{");
    List<@Nullable Object> elements = new ArrayList<>();
    if (cursor.skip('}')) {
      return elements;
    }
    do {
      elements.add(element(cursor));
    } while (cursor.skip(delimiter));
    cursor.expect("}");
    return elements;
  }

  private @Nullable Object element(TextCursor cursor) {
    if (cursor.peek() == '{') {
      return Collections.unmodifiableList(elements(cursor));
    }
    if (cursor.peek() == '"') {
      return element.value(cursor.quoted());
    }
    String text = cursor.until(delimiter, '}');
    return text.equals("NULL") ? null : element.value(text);
  }

  @Override
  public void encode(StringBuilder code) {
    code.append('[').append(delimiter);
    element.encode(code);
  }
}
