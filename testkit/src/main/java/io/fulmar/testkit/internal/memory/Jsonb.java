package io.fulmar.testkit.internal.memory;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The text that PostgreSQL prints of a jsonb (manual, 8.14): keys once, by length and then by
 * bytes; numbers as a numeric; one blank after colons and commas.
 */
final class Jsonb {
  private static final int MOST_DEPTH = 1_000;
  private static final Comparator<String> BY_LENGTH_THEN_BYTES =
      Comparator.comparing(
          key -> key.getBytes(StandardCharsets.UTF_8),
          Comparator.<byte[]>comparingInt(bytes -> bytes.length)
              .thenComparing(Arrays::compareUnsigned));

  private final String text;
  private int at;
  private int depth;

  private Jsonb(String text) {
    this.text = text;
  }

  /** The text of a document; null if it is none. */
  static @Nullable String of(String document) {
    Jsonb reader = new Jsonb(document);
    try {
      String value = reader.value();
      reader.blanks();
      return reader.at == document.length() ? value : null;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return null;
    }
  }

  private String value() {
    blanks();
    if (++depth > MOST_DEPTH) {
      throw new IllegalArgumentException("too deep");
    }
    String value =
        switch (text.charAt(at)) {
          case '{' -> object();
          case '[' -> array();
          case '"' -> quoted(string());
          case 't' -> word("true");
          case 'f' -> word("false");
          case 'n' -> word("null");
          default -> number();
        };
    depth--;
    return value;
  }

  private String object() {
    Map<String, String> members = new TreeMap<>(BY_LENGTH_THEN_BYTES);
    at++;
    blanks();
    boolean more = text.charAt(at) != '}';
    while (more) {
      blanks();
      String key = string();
      blanks();
      expect(':');
      members.put(key, value());
      more = goesOn('}');
    }
    expect('}');
    List<String> parts = new ArrayList<>();
    members.forEach((key, member) -> parts.add(quoted(key) + ": " + member));
    return "{" + String.join(", ", parts) + "}";
  }

  private String array() {
    List<String> elements = new ArrayList<>();
    at++;
    blanks();
    boolean more = text.charAt(at) != ']';
    while (more) {
      elements.add(value());
      more = goesOn(']');
    }
    expect(']');
    return "[" + String.join(", ", elements) + "]";
  }

  /** Steps over a comma; false before the end. */
  private boolean goesOn(char end) {
    blanks();
    if (text.charAt(at) == end) {
      return false;
    }
    expect(',');
    return true;
  }

  private void blanks() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private void expect(char wanted) {
    if (text.charAt(at) != wanted) {
      throw new IllegalArgumentException("something else");
    }
    at++;
  }

  private String word(String word) {
    if (!text.startsWith(word, at)) {
      throw new IllegalArgumentException("no word");
    }
    at += word.length();
    return word;
  }

  private String number() {
    int start = at;
    if (text.charAt(at) == '-') {
      at++;
    }
    boolean zeroFirst = text.charAt(at) == '0';
    int whole = digits();
    if (whole > 1 && zeroFirst) {
      throw new IllegalArgumentException("a zero before the digits");
    }
    if (at < text.length() && text.charAt(at) == '.') {
      at++;
      digits();
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      at++;
      if (text.charAt(at) == '+' || text.charAt(at) == '-') {
        at++;
      }
      digits();
    }
    BigDecimal number = new BigDecimal(text.substring(start, at));
    if (Math.abs((long) number.scale()) > 100_000) {
      throw new IllegalArgumentException("more digits than a numeric");
    }
    return number.toPlainString();
  }

  private int digits() {
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (at == start) {
      throw new IllegalArgumentException("no digits");
    }
    return at - start;
  }

  private String string() {
    expect('"');
    StringBuilder out = new StringBuilder();
    while (text.charAt(at) != '"') {
      char c = text.charAt(at++);
      if (c < ' ') {
        throw new IllegalArgumentException("a control character");
      }
      out.append(c == '\\' ? escaped() : c);
    }
    at++;
    return out.toString();
  }

  private char escaped() {
    char c = text.charAt(at++);
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        char code = (char) HexFormat.fromHexDigits(text, at, at + 4);
        at += 4;
        if (code == 0) {
          throw new IllegalArgumentException("the character 0");
        }
        yield code;
      }
      default -> throw new IllegalArgumentException("no escape");
    };
  }

  private static String quoted(String string) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ') {
            out.append("\\u").append(HexFormat.of().toHexDigits(c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }
}
