package io.fulmar.internal.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JSON document as maps, lists and texts, to be asked by pointers (RFC 6901). Numbers and
 * booleans are their text.
 */
public final class JsonTree {
  private static final int DEEPEST = 100;

  private JsonTree() {}

  /**
   * Reads a document.
   *
   * @throws IOException if it is none, or nested more deeply than 100; the message quotes nothing
   */
  public static @Nullable Object parse(String json, RowJson reader) throws IOException {
    try (JsonParser parser = reader.parser(json)) {
      Object value = value(parser, parser.nextToken(), 0);
      if (parser.nextToken() != null) {
        throw new IOException("the answer is more than one JSON document");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new IOException("the answer is not JSON");
    }
  }

  private static @Nullable Object value(JsonParser parser, @Nullable JsonToken token, int depth)
      throws IOException {
    if (token == null || depth > DEEPEST) {
      throw new IOException("the answer is empty, cut off or nested too deeply");
    }
    switch (token) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          map.put(name, value(parser, parser.nextToken(), depth + 1));
        }
        return map;
      }
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        for (JsonToken next = parser.nextToken();
            next != JsonToken.END_ARRAY;
            next = parser.nextToken()) {
          list.add(value(parser, next, depth + 1));
        }
        return list;
      }
      case VALUE_NULL -> {
        return null;
      }
      default -> {
        return parser.getText();
      }
    }
  }

  /** What a pointer leads to; null for nothing, or for null. */
  public static @Nullable Object at(@Nullable Object root, String pointer) {
    Object here = root;
    if (pointer.isEmpty()) {
      return here;
    }
    for (String part : pointer.substring(1).split("/", -1)) {
      String name = part.replace("~1", "/").replace("~0", "~");
      if (here instanceof Map<?, ?> map) {
        here = map.get(name);
      } else if (here instanceof List<?> list && name.matches("[0-9]{1,9}")) {
        int position = Integer.parseInt(name);
        here = position < list.size() ? list.get(position) : null;
      } else {
        return null;
      }
    }
    return here;
  }
}
