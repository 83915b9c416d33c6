package io.fulmar;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * <tr><td>bigint</td><td>{@link Long}</td></tr>
 * <tr><td>real</td><td>{@link Float}</td></tr>
 * <tr><td>double precision</td><td>{@link Double}</td></tr>
 * <tr><td>numeric</td><td>{@link java.math.BigDecimal}, scale kept</td></tr>
 * <tr><td>text, varchar, char, name, json, enums</td><td>{@link String}</td></tr>
 * <tr><td>bytea</td><td>{@code byte[]}, a fresh copy</td></tr>
 * <tr><td>date</td><td>{@link java.time.LocalDate}</td></tr>
 * <tr><td>time</td><td>{@link java.time.LocalTime}</td></tr>
 * <tr><td>time with time zone</td><td>{@link java.time.OffsetTime}</td></tr>
 * <tr><td>timestamp</td><td>{@link java.time.LocalDateTime}</td></tr>
 * <tr><td>timestamp with time zone</td><td>{@link java.time.OffsetDateTime} in UTC</td></tr>
 * <tr><td>uuid</td><td>{@link java.util.UUID}</td></tr>
 * <tr><td>anything else (jsonb, arrays, ranges, interval, inet ...)</td><td>{@link String}: PostgreSQL's text</td></tr>
 * </table>
 *
 * <p>A value that Java's type cannot hold (an infinite date, a numeric NaN, 24:00) is a {@link
 * SpecialValue}. Constants and computed columns of a {@link Mapping} are of these types too. {@code
 * toString()} names the columns and shows no values.
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
   * The value of a column as PostgreSQL's text ({@code value::text} with ISO dates, time zone UTC),
   * which keeps every digit.
   *
   * @param column a name out of {@link #columns}
   * @throws IllegalArgumentException if there is no such column
   */
  @Nullable String text(String column);

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
   * narrowed if no digit is lost; {@code Optional} is not supported, a nullable column needs a
   * component of a reference type. Columns without a component are left out.
   *
   * @param type the record class; its canonical constructor must be accessible
   * @param <R> the record type
   * @throws IllegalArgumentException if a component has no column, or its value does not fit; the
   *     message names the component and the types, not the value
   */
  default <R extends Record> R as(Class<R> type) {
    return io.fulmar.internal.row.RecordBinder.bind(this, type);
  }
}
