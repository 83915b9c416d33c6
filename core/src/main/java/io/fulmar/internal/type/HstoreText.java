package io.fulmar.internal.type;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The text of hstore (PostgreSQL manual, F.18): {@code "a"=>"1", "b"=>NULL}. No state. */
final class HstoreText {
  private HstoreText() {}

  static Object value(String text) {
    TextCursor cursor = new TextCursor(text);
    Map<String, @Nullable Object> pairs = new LinkedHashMap<>();
    while (!cursor.atEnd()) {
      if (!pairs.isEmpty()) {
        cursor.expect(", ");
      }
      String key = cursor.quoted();
      cursor.expect("=>");
      if (cursor.peek() == '"') {
        pairs.put(key, cursor.quoted());
      } else {
        cursor.expect("NULL");
        pairs.put(key, null);
      }
    }
    return new TextedMap(pairs, text);
  }

  static String text(Map<?, ?> pairs) {
    StringBuilder out = new StringBuilder();
    pairs.forEach(
        (key, value) -> {
          append(out.append(out.length() == 0 ? "" : ", "), (String) key);
          out.append("=>");
          if (value == null) {
            out.append("NULL");
          } else {
            append(out, (String) value);
          }
        });
    return out.toString();
  }

  private static void append(StringBuilder out, String text) {
    out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
  }
}
