package io.fulmar.internal.type;

import io.fulmar.Range;
import org.jspecify.annotations.Nullable;

/**
 * Ranges (PostgreSQL manual, 8.17.5).
 *
 * @param bound the type of the bounds
 */
public record RangeType(ValueType bound) implements ValueType {
  @Override
  public Class<?> javaType() {
    return Range.class;
  }

  @Override
  public Object parse(String text) {
    if (text.equals("empty")) {
      return Range.empty();
    }
    TextCursor cursor = new TextCursor(text);
    Range<Object> range = next(cursor);
    cursor.expectEnd();
    return range;
  }

  /** The range that begins here and is not empty. */
  Range<Object> next(TextCursor cursor) {
    boolean lowerBelongs = cursor.skip('[');
    if (!lowerBelongs) {
      cursor.expect("(");
    }
    Object lower = bound(cursor, ',', ',');
    cursor.expect(",");
    Object upper = bound(cursor, ']', ')');
    boolean upperBelongs = cursor.skip(']');
    if (!upperBelongs) {
      cursor.expect(")");
    }
    return new Range<>(lower, upper, bounds(lowerBelongs, upperBelongs));
  }

  private @Nullable Object bound(TextCursor cursor, char end, char otherEnd) {
    boolean missing = cursor.peek() == end || cursor.peek() == otherEnd;
    return missing ? null : bound.value(cursor.token(end, otherEnd));
  }

  private static Range.Bounds bounds(boolean lowerBelongs, boolean upperBelongs) {
    if (lowerBelongs) {
      return upperBelongs ? Range.Bounds.CLOSED : Range.Bounds.CLOSED_OPEN;
    }
    return upperBelongs ? Range.Bounds.OPEN_CLOSED : Range.Bounds.OPEN;
  }

  @Override
  public void encode(StringBuilder code) {
    code.append('(');
    bound.encode(code);
  }
}
