package io.fulmar;

import io.fulmar.internal.type.JavaValue;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL range (PostgreSQL manual, 8.17): the values between two bounds. Immutable if its
 * bounds are.
 *
 * <p>A bound that is a value of its type, {@code infinity} of a date say, is a {@link SpecialValue}
 * and something else than no bound. PostgreSQL gives ranges of whole numbers and dates with a lower
 * bound that belongs to them and an upper one that does not.
 *
 * @param lower null if there is none below, or the range is empty
 * @param upper null if there is none above, or the range is empty
 * @param bounds which of the two belong to the range; a bound that is missing does not
 * @param <T> the Java type of the bounds, see {@link Row}
 */
public record Range<T>(@Nullable T lower, @Nullable T upper, Bounds bounds) {

  /** Which bounds belong to a range, by the text that PostgreSQL's range functions take. */
  public enum Bounds {
    /** {@code ()}: neither. */
    OPEN,
    /** {@code [)}: the lower one. */
    CLOSED_OPEN,
    /** {@code (]}: the upper one. */
    OPEN_CLOSED,
    /** {@code []}: both. */
    CLOSED,
    /** {@code empty}: the range holds nothing and has no bounds. */
    EMPTY;

    /** Whether the lower bound belongs to the range. */
    public boolean includesLower() {
      return this == CLOSED_OPEN || this == CLOSED;
    }

    /** Whether the upper bound belongs to the range. */
    public boolean includesUpper() {
      return this == OPEN_CLOSED || this == CLOSED;
    }
  }

  /**
   * Checks that the bounds that belong to the range are there.
   *
   * @throws IllegalArgumentException if one is missing, or an empty range has one
   */
  public Range {
    Objects.requireNonNull(bounds, "bounds");
    if (bounds.includesLower() && lower == null || bounds.includesUpper() && upper == null) {
      throw new IllegalArgumentException("a bound that is missing cannot belong to a range");
    }
    if (bounds == Bounds.EMPTY && (lower != null || upper != null)) {
      throw new IllegalArgumentException("an empty range has no bounds");
    }
  }

  /**
   * The range that holds nothing.
   *
   * @param <T> any type
   */
  public static <T> Range<T> empty() {
    return new Range<>(null, null, Bounds.EMPTY);
  }

  /** Whether the range holds nothing. */
  public boolean isEmpty() {
    return bounds == Bounds.EMPTY;
  }

  /**
   * PostgreSQL's text of the range, {@code [2026-01-01,2026-02-01)}: the value itself, as with any
   * Java value.
   */
  @Override
  public String toString() {
    return JavaValue.text(this);
  }
}
