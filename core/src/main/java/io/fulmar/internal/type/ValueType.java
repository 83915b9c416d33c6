package io.fulmar.internal.type;

import io.fulmar.SpecialValue;

/**
 * What PostgreSQL's text of a value means in Java: the type of a column, or of an element, bound or
 * attribute inside one. Immutable and threadsafe.
 */
public sealed interface ValueType
    permits ScalarType, ArrayType, RangeType, MultirangeType, CompositeType {

  /** The Java class of the values that are not special. */
  Class<?> javaType();

  /** Reads a text that the server printed under the settings of a session of ours. */
  Object parse(String text);

  /** Appends what {@link TypeCode} reads again. */
  void encode(StringBuilder code);

  /**
   * The Java value of a text, or a {@link SpecialValue} where this type has none. A text that is
   * not of this type's form is one too: the text can always be delivered.
   */
  default Object value(String text) {
    try {
      return parse(text);
    } catch (RuntimeException e) {
      return new SpecialValue(text);
    }
  }
}
