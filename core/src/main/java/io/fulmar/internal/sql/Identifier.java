package io.fulmar.internal.sql;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A name in a statement, always quoted (PostgreSQL manual, section 4.1.1), perhaps with the name
 * before the dot. Immutable.
 */
public final class Identifier implements SqlPart {
  private static final int MAX_BYTES = 63;

  private final String sql;

  private Identifier(String sql) {
    this.sql = sql;
  }

  /**
   * A name, or several with dots between: {@code of("public", "order")} is {@code
   * "public"."order"}.
   *
   * @param parts each 1 to 63 bytes in UTF-8, without the character 0
   * @throws IllegalArgumentException if a name is empty, too long (PostgreSQL would cut it off) or
   *     holds the character 0
   */
  public static Identifier of(String... parts) {
    for (String part : parts) {
      check("a name", part);
    }
    return quoted(parts);
  }

  /**
   * A name that the server has told, so that it is none too long: in the encoding of its database,
   * it may have fewer bytes than in UTF-8.
   *
   * @param parts as in {@link #of}
   */
  public static Identifier told(String... parts) {
    return quoted(parts);
  }

  private static Identifier quoted(String... parts) {
    return new Identifier(
        Arrays.stream(parts)
            .map(part -> '"' + part.replace("\"", "\"\"") + '"')
            .collect(Collectors.joining(".")));
  }

  /**
   * Does nothing for a name that an identifier can be made of.
   *
   * @param what what it is called in the message
   * @param name the name
   * @throws IllegalArgumentException as {@link #of}
   */
  public static void check(String what, String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > MAX_BYTES || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "%s must be 1 to %s bytes without the character 0, is %s bytes"
              .formatted(what, MAX_BYTES, bytes));
    }
  }

  /** One identifier for each name. */
  public static List<Identifier> all(List<String> names) {
    return names.stream().map(Identifier::of).toList();
  }

  /** One identifier for each name, each behind a table or alias. */
  public static List<Identifier> all(String before, List<String> names) {
    return names.stream().map(name -> of(before, name)).toList();
  }

  /** One identifier for each column that the server has told, each behind a table or alias. */
  public static List<Identifier> allTold(String before, List<String> names) {
    return names.stream().map(name -> told(before, name)).toList();
  }

  /** The quoted text. */
  @Override
  public String sql() {
    return sql;
  }

  @Override
  public String toString() {
    return sql;
  }
}
