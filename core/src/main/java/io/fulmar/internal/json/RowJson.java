package io.fulmar.internal.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.fulmar.ConfigurationException;
import io.fulmar.JsonNumbers;
import io.fulmar.Row;
import io.fulmar.internal.type.JavaValue;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows as JSON objects: booleans, numbers, lists and maps as JSON has them, timestamps in
 * the form of RFC 3339, everything else as the string that PostgreSQL prints. Immutable and
 * threadsafe.
 */
public final class RowJson {
  private static final int DEEPEST = 10_000;
  private static final long LAST_SAFE_INTEGER = (1L << 53) - 1;

  private final JsonFactory factory =
      JsonFactory.builder()
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DEEPEST)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .streamWriteConstraints(
              StreamWriteConstraints.builder().maxNestingDepth(DEEPEST + 10).build())
          .build();
  private final JsonNumbers numbers;
  private final Set<String> jsonColumns;

  /**
   * A way to write rows.
   *
   * @param numbers how numbers are written
   * @param jsonColumns the columns whose text is JSON and goes in as such
   */
  public RowJson(JsonNumbers numbers, Set<String> jsonColumns) {
    this.numbers = numbers;
    this.jsonColumns = Set.copyOf(jsonColumns);
  }

  /**
   * Refuses to go on without jackson-core.
   *
   * @param what the destination that needs it
   */
  public static void requireJackson(String what) {
    try {
      Class.forName(
          "com.fasterxml.jackson.core.JsonFactory", false, RowJson.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new ConfigurationException(
          "Cannot make "
              + what
              + ": jackson-core is missing. Add com.fasterxml.jackson.core:jackson-core, 2.18 or later, to the application; on the module path, --add-modules com.fasterxml.jackson.core as well.");
    }
  }

  /** Begins to write JSON in UTF-8. */
  public JsonGenerator generator(OutputStream out) throws IOException {
    return factory.createGenerator(out);
  }

  /** Reads JSON; bounded only by what is given. */
  public JsonParser parser(String json) throws IOException {
    return factory.createParser(json);
  }

  /**
   * Writes a row as an object.
   *
   * @throws NoFormException if a value has no form; what was written so far is of no use
   */
  public void write(JsonGenerator out, Row row) throws IOException, NoFormException {
    out.writeStartObject();
    writeMembers(out, row);
    out.writeEndObject();
  }

  /** Writes the columns of a row as members of the object that was begun. */
  public void writeMembers(JsonGenerator out, Row row) throws IOException, NoFormException {
    for (String column : row.columns()) {
      out.writeFieldName(column);
      Object value = row.value(column);
      if (value == null) {
        out.writeNull();
      } else if (jsonColumns.contains(column)) {
        embed(out, column, row.text(column));
      } else if (!isWritten(out, column, value)) {
        string(out, column, row.text(column));
      }
    }
  }

  /** Writes a value that JSON has a form for; false, and nothing is written, if it has not. */
  private boolean isWritten(JsonGenerator out, String column, Object value)
      throws IOException, NoFormException {
    if (value instanceof String text) {
      string(out, column, text);
    } else if (value instanceof Boolean truth) {
      out.writeBoolean(truth);
    } else if (value instanceof Number number) {
      number(out, number);
    } else if (value instanceof LocalDateTime timestamp) {
      string(out, column, rfc3339(timestamp.toLocalDate(), JavaValue.text(timestamp)));
    } else if (value instanceof OffsetDateTime timestamp) {
      string(out, column, rfc3339(timestamp.toLocalDate(), JavaValue.text(timestamp)));
    } else if (value instanceof List<?> list) {
      out.writeStartArray();
      for (Object element : list) {
        element(out, column, element);
      }
      out.writeEndArray();
    } else if (value instanceof Map<?, ?> map) {
      out.writeStartObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.writeFieldName(whole(column, String.valueOf(entry.getKey())));
        element(out, column, entry.getValue());
      }
      out.writeEndObject();
    } else {
      return false;
    }
    return true;
  }

  private void element(JsonGenerator out, String column, @Nullable Object value)
      throws IOException, NoFormException {
    if (value == null) {
      out.writeNull();
    } else if (!isWritten(out, column, value)) {
      string(out, column, JavaValue.text(value));
    }
  }

  private void number(JsonGenerator out, Number number) throws IOException {
    boolean hasForm =
        !(number instanceof Double || number instanceof Float)
            || Double.isFinite(number.doubleValue());
    if (!hasForm || (numbers == JsonNumbers.SAFE && !isSafe(number))) {
      out.writeString(JavaValue.text(number));
    } else if (number instanceof Long whole) {
      out.writeNumber(whole.longValue()); // most numbers are whole, and need no text on the way
    } else if (number instanceof Integer whole) {
      out.writeNumber(whole.intValue());
    } else {
      out.writeNumber(JavaValue.text(number));
    }
  }

  private static boolean isSafe(Number number) {
    if (number instanceof Long whole) {
      return Math.abs(whole) <= LAST_SAFE_INTEGER && whole != Long.MIN_VALUE;
    } else if (number instanceof BigInteger whole) {
      return whole.bitLength() <= 53;
    } else if (number instanceof BigDecimal decimal) {
      double near = decimal.doubleValue();
      boolean isWhole = decimal.stripTrailingZeros().scale() <= 0;
      return isWhole
          ? Math.abs(near) <= LAST_SAFE_INTEGER
          : Double.isFinite(near) && new BigDecimal(Double.toString(near)).compareTo(decimal) == 0;
    }
    return true;
  }

  /** PostgreSQL's text with a T, and Z for UTC; years that RFC 3339 has not stay as they are. */
  private static String rfc3339(LocalDate date, String text) {
    if (date.getYear() < 1 || date.getYear() > 9999) {
      return text;
    }
    String zoned = text.endsWith("+00") ? text.substring(0, text.length() - 3) + "Z" : text;
    return zoned.replace(' ', 'T');
  }

  private static void string(JsonGenerator out, String column, @Nullable String text)
      throws IOException, NoFormException {
    if (text == null) {
      out.writeNull();
    } else {
      out.writeString(whole(column, text));
    }
  }

  /** A text without half of a surrogate pair, which readers make all kinds of things of. */
  private static String whole(String column, String text) throws NoFormException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean isPair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!isPair) {
          throw new NoFormException("column " + column + " holds half a surrogate pair");
        }
        i++;
      }
    }
    return text;
  }

  /** JSON within JSON, token by token: a line stays a line, and a text that is no JSON out. */
  private void embed(JsonGenerator out, String column, @Nullable String json)
      throws IOException, NoFormException {
    try (JsonParser parser = factory.createParser(String.valueOf(json))) {
      JsonToken token = parser.nextToken();
      if (token == null) {
        throw new NoFormException("column " + column + " is not JSON");
      }
      for (; token != null; token = parser.nextToken()) {
        copy(parser, token, out, column);
      }
    } catch (JsonProcessingException e) {
      // Its message quotes the text.
      throw new NoFormException("column " + column + " is not JSON");
    }
  }

  private static void copy(JsonParser parser, JsonToken token, JsonGenerator out, String column)
      throws IOException, NoFormException {
    switch (token) {
      case START_OBJECT -> out.writeStartObject();
      case END_OBJECT -> out.writeEndObject();
      case START_ARRAY -> out.writeStartArray();
      case END_ARRAY -> out.writeEndArray();
      case FIELD_NAME -> out.writeFieldName(whole(column, parser.currentName()));
      case VALUE_STRING -> out.writeString(whole(column, parser.getText()));
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> out.writeNumber(parser.getText());
      case VALUE_TRUE -> out.writeBoolean(true);
      case VALUE_FALSE -> out.writeBoolean(false);
      case VALUE_NULL -> out.writeNull();
      default -> throw new NoFormException("column " + column + " is not JSON");
    }
  }
}
