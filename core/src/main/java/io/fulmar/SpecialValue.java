package io.fulmar;

import java.util.Objects;

/**
 * A PostgreSQL value for which the documented Java type has no counterpart: {@code infinity} dates,
 * timestamps and intervals, {@code NaN} and infinities of {@code numeric}, the time {@code
 * 24:00:00}, an array whose indexes do not begin at 1. Such values occur inside arrays, ranges and
 * composites too. Immutable.
 *
 * @param text PostgreSQL's text of the value, for example {@code "infinity"}
 */
public record SpecialValue(String text) {
  /** Checks that the text is there. */
  public SpecialValue {
    Objects.requireNonNull(text, "text");
  }

  /** Names the type and keeps the value out of logs. */
  @Override
  public String toString() {
    return "SpecialValue";
  }
}
