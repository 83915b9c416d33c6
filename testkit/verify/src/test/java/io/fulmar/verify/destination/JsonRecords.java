package io.fulmar.verify.destination;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fulmar.internal.type.JavaValue;
import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Objects of JSON as records of texts, by a parser that is not the writer and keeps every digit.
 */
final class JsonRecords {
  private JsonRecords() {}

  static ObjectMapper reader() {
    return JsonMapper.builder()
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
        .build();
  }

  /** Every member but the id. */
  static Map<String, @Nullable String> texts(JsonNode row) {
    Map<String, @Nullable String> texts = new LinkedHashMap<>();
    row.properties()
        .forEach(
            member -> {
              if (!member.getKey().equals("id")) {
                texts.put(member.getKey(), text(member.getValue()));
              }
            });
    return texts;
  }

  private static @Nullable String text(JsonNode value) {
    if (value.isNull()) {
      return null;
    }
    return value.isNumber() ? value.decimalValue().toPlainString() : value.asText();
  }

  /**
   * How JSON has a value: what is no number there is what PostgreSQL prints, a timestamp has a T.
   */
  static String form(Object value) {
    String text = JavaValue.text(value);
    if (value instanceof OffsetDateTime timestamp && timestamp.getYear() > 0) {
      return text.replace(' ', 'T').replace("+00", "Z");
    }
    boolean isNumber = value instanceof Number number && Double.isFinite(number.doubleValue());
    return isNumber ? new BigDecimal(text).toPlainString() : text;
  }
}
