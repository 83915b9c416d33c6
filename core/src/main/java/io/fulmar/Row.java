package io.fulmar;

import io.fulmar.internal.row.Conversion;
import io.fulmar.internal.row.RecordBinder;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The selected columns of one key, in the order of the model or of the {@link Mapping}. Immutable
 * and threadsafe.
 *
 * <p>{@link #value} gives these Java types; NULL is {@code null}:
 *
 * <table>
 * <caption>PostgreSQL types and their Java types</caption>
 * <tr><th>PostgreSQL</th><th>Java</th></tr>
 * <tr><td>boolean</td><td>{@link Boolean}</td></tr>
 * <tr><td>smallint, integer</td><td>{@link Integer}</td></tr>
 * <tr><td>bigint, oid</td><td>{@link Long}</td></tr>
 * <tr><td>real</td><td>{@link Float}</td></tr>
 * <tr><td>double precision</td><td>{@link Double}</td></tr>
 * <tr><td>numeric</td><td>{@link java.math.BigDecimal}, scale kept</td></tr>
 * <tr><td>money</td><td>{@link java.math.BigDecimal}, two digits after the point</td></tr>
 * <tr><td>text, varchar, char, name, "char", citext, enums</td><td>{@link String}</td></tr>
 * <tr><td>json, jsonb, jsonpath, xml</td><td>{@link String}</td></tr>
 * <tr><td>bytea</td><td>{@code byte[]}, a fresh copy</td></tr>
 * <tr><td>bit, bit varying</td><td>{@link String} of the digits 0 and 1</td></tr>
 * <tr><td>date</td><td>{@link java.time.LocalDate}</td></tr>
 * <tr><td>time</td><td>{@link java.time.LocalTime}</td></tr>
 * <tr><td>time with time zone</td><td>{@link java.time.OffsetTime}</td></tr>
 * <tr><td>timestamp</td><td>{@link java.time.LocalDateTime}</td></tr>
 * <tr><td>timestamp with time zone</td><td>{@link java.time.OffsetDateTime} in UTC</td></tr>
 * <tr><td>interval</td><td>{@link Interval}</td></tr>
 * <tr><td>uuid</td><td>{@link java.util.UUID}</td></tr>
 * <tr><td>inet, cidr, macaddr, macaddr8</td><td>{@link String}</td></tr>
 * <tr><td>point, line, lseg, box, path, polygon, circle</td><td>{@link String}</td></tr>
 * <tr><td>tsvector, tsquery</td><td>{@link String}</td></tr>
 * <tr><td>arrays</td><td>{@link List} of the elements, nested if there are several dimensions</td></tr>
 * <tr><td>ranges</td><td>{@link Range} of the bounds</td></tr>
 * <tr><td>multiranges</td><td>{@link List} of {@link Range}</td></tr>
 * <tr><td>composite types, rows of a table</td><td>{@link Map} from attribute names to values, in order</td></tr>
 * <tr><td>hstore</td><td>{@link Map} from {@link String} to {@link String}, which may be null</td></tr>
 * <tr><td>domains</td><td>as the type below</td></tr>
 * <tr><td>anything else (regclass, pg_lsn, ltree ...)</td><td>{@link String}: its text, as {@link ModelPreview.Column#givenAsText} says</td></tr>
 * </table>
 *
 * <p>Lists and maps are unmodifiable and may hold nulls. What is inside of them, and the bounds of
 * ranges, follow the same table. A value that Java's type cannot hold (an infinite date, a numeric
 * NaN, 24:00, an array whose indexes do not begin at 1) is a {@link SpecialValue}, also there. Two
 * types are special in PostgreSQL itself: {@code money} counts in the unit of {@code lc_monetary},
 * which Fulmar sets to C, two digits after the point; and a {@code record} without a name keeps the
 * types of its columns to itself, so it is given as text.
 *
 * <p>{@link #text} never depends on this table. The other accessors give one Java type each, {@code
 * null} for NULL, and refuse what does not fit without loss, a {@link SpecialValue} included.
 *
 * <p>Constants and computed columns of a {@link Mapping} are of these types too. There, a list
 * becomes an array and a map of texts an hstore, unless they are values of a row, which stay what
 * they were. {@code toString()} names the columns and shows no values.
 */
public interface Row {

  /** The column names, in order; unmodifiable. */
  List<String> columns();

  /**
   * The value of a column as its documented Java type.
   *
   * @param column a name out of {@link #columns}
   * @throws IllegalArgumentException if there is no such column
   */
  @Nullable Object value(String column);

  /**
   * The value of a column as PostgreSQL's text, which keeps every digit: what {@code psql} prints
   * with DateStyle ISO, IntervalStyle postgres, time zone UTC and lc_monetary C, but for {@code
   * true} and {@code false} in place of {@code t} and {@code f}.
   *
   * @param column a name out of {@link #columns}
   * @throws IllegalArgumentException if there is no such column
   */
  @Nullable String text(String column);

  /**
   * The value of a column as one Java type: the documented one, another number that holds the same
   * digits, an {@link Instant} for a timestamp with time zone, or a record for a composite.
   *
   * @param column a name out of {@link #columns}
   * @param type the class, of a primitive type too
   * @param <T> the type
   * @return null for NULL, also if the type is primitive
   * @throws IllegalArgumentException if there is no such column, or its value is of another type or
   *     a {@link SpecialValue}; the message names the types, not the value
   */
  default <T> @Nullable T value(String column, Class<T> type) {
    return Conversion.value(this, column, Objects.requireNonNull(type, "type"));
  }

  /**
   * The value of a column of text, json, an enum and the like; see {@link #value(String, Class)}.
   */
  default @Nullable String string(String column) {
    return value(column, String.class);
  }

  /** The value of a column of type boolean; see {@link #value(String, Class)}. */
  default @Nullable Boolean bool(String column) {
    return value(column, Boolean.class);
  }

  /** The value of a column of numbers, if it is an int; see {@link #value(String, Class)}. */
  default @Nullable Integer intValue(String column) {
    return value(column, Integer.class);
  }

  /** The value of a column of numbers, if it is a long; see {@link #value(String, Class)}. */
  default @Nullable Long longValue(String column) {
    return value(column, Long.class);
  }

  /** The value of a column of numbers; see {@link #value(String, Class)}. */
  default @Nullable BigDecimal decimal(String column) {
    return value(column, BigDecimal.class);
  }

  /** The value of a column of type date; see {@link #value(String, Class)}. */
  default @Nullable LocalDate localDate(String column) {
    return value(column, LocalDate.class);
  }

  /** The value of a timestamp with time zone; see {@link #value(String, Class)}. */
  default @Nullable Instant instant(String column) {
    return value(column, Instant.class);
  }

  /**
   * The value of an array of one dimension, or of a multirange; see {@link #value(String, Class)}.
   *
   * @param column a name out of {@link #columns}
   * @param element the class of the elements, for each of which the same holds
   * @param <T> the type of the elements
   * @return unmodifiable, may hold nulls; null for NULL
   * @throws IllegalArgumentException if there is no such column, or its value is no list of these;
   *     the message names the types, not the value
   */
  default <T> @Nullable List<@Nullable T> list(String column, Class<T> element) {
    return Conversion.list(this, column, Objects.requireNonNull(element, "element"));
  }

  /** All columns with their values, in order; unmodifiable, may hold nulls. */
  default Map<String, @Nullable Object> asMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    for (String column : columns()) {
      map.put(column, value(column));
    }
    return Collections.unmodifiableMap(map);
  }

  /**
   * This row as a record, component by component: a component takes the column of its name, or of
   * its name in snake_case ({@code orderCount} from {@code order_count}). Numbers are widened or
   * narrowed if no digit is lost, as in {@link #value(String, Class)}; a component may be a {@code
   * List<T>} or {@code Range<T>}, whose {@code T} is held to the same, or for a composite another
   * record. {@code Optional} is not supported, a nullable column needs a component of a reference
   * type. Columns without a component are left out.
   *
   * @param type the record class; its canonical constructor must be accessible
   * @param <R> the record type
   * @throws IllegalArgumentException if a component has no column, or its value does not fit; the
   *     message names the component and the types, not the value
   */
  default <R extends Record> R as(Class<R> type) {
    return RecordBinder.bind(this, type);
  }
}
