package io.fulmar.internal.type;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Multiranges (PostgreSQL manual, 8.17.5): lists of ranges, none of them empty.
 *
 * @param range the type of the ranges
 */
public record MultirangeType(RangeType range) implements ValueType {
  @Override
  public Class<?> javaType() {
    return List.class;
  }

  @Override
  public Object parse(String text) {
    TextCursor cursor = new TextCursor(text);
    List<@Nullable Object> ranges = new ArrayList<>();
    cursor.expect("{");
    if (!cursor.skip('}')) {
      do {
        ranges.add(range.next(cursor));
      } while (cursor.skip(','));
      cursor.expect("}");
    }
    cursor.expectEnd();
    return new TextedList(ranges, text);
  }

  @Override
  public void encode(StringBuilder code) {
    code.append('{');
    range.encode(code);
  }
}
