package io.fulmar.internal.type;

import java.util.ArrayList;
import java.util.List;

/**
 * A {@link ValueType} as a short text, for files: {@code TEXT;}, {@code [,INTEGER;} an array,
 * {@code (DATE;} a range, <code>{(DATE;</code> a multirange, {@code <1:2:idLONG;} a composite of
 * one attribute, whose name has two characters. Not threadsafe.
 */
public final class TypeCode {
  private final String code;
  private int at;

  private TypeCode(String code) {
    this.code = code;
  }

  /** The code of a type. */
  public static String of(ValueType type) {
    StringBuilder code = new StringBuilder();
    type.encode(code);
    return code.toString();
  }

  /**
   * The type of a code.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static ValueType parse(String code) {
    try {
      TypeCode parser = new TypeCode(code);
      ValueType type = parser.next();
      if (parser.at == code.length()) {
        return type;
      }
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("the code of a type is cut off", e);
    }
    throw new IllegalArgumentException("the code of a type has more after it");
  }

  private ValueType next() {
    switch (code.charAt(at)) {
      case '[' -> {
        at += 2;
        char delimiter = code.charAt(at - 1);
        return new ArrayType(next(), delimiter);
      }
      case '(' -> {
        at++;
        return new RangeType(next());
      }
      case '{' -> {
        at++;
        if (next() instanceof RangeType range) {
          return new MultirangeType(range);
        }
        throw new IllegalArgumentException("the code of a multirange names no range");
      }
      case '<' -> {
        at++;
        return composite();
      }
      default -> {
        return ScalarType.valueOf(upTo(';'));
      }
    }
  }

  private CompositeType composite() {
    int count = Integer.parseInt(upTo(':'));
    List<String> names = new ArrayList<>();
    List<ValueType> types = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = Integer.parseInt(upTo(':'));
      names.add(code.substring(at, at + length));
      at += length;
      types.add(next());
    }
    return new CompositeType(names, types);
  }

  /** What stands before the next such character, which is stepped over. */
  private String upTo(char end) {
    int start = at;
    while (code.charAt(at) != end) {
      at++;
    }
    return code.substring(start, at++);
  }
}
