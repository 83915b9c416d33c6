package io.fulmar.internal.sql;

import java.util.regex.Pattern;

/**
 * A column as {@code create table} wants it: quoted name and type. Immutable.
 *
 * @param name the quoted name
 * @param type a type and nothing else: {@code bigint}, {@code numeric(10, 2)}, {@code app."Mood"[]}
 */
public record ColumnDefinition(Identifier name, String type) implements SqlPart {
  private static final Pattern WORD =
      Pattern.compile("\"(?:[^\"\0]|\"\")+\"|[\\p{L}_][\\p{L}0-9_$]*");
  private static final Pattern TYPE =
      Pattern.compile(
          "(?:%1$s)(?:\\.(?:%1$s))?(?: (?:precision|varying|(?:with|without) time zone))?"
                  .formatted(WORD.pattern())
              + "(?:\\s?\\(\\s*[0-9]+(?:\\s*,\\s*-?[0-9]+)?\\s*\\))?"
              + "(?: (?:with|without) time zone)?(?:\\[[0-9]*\\])*");

  /** Checks that the type is a type, so that no other SQL comes in by it. */
  public ColumnDefinition {
    if (!TYPE.matcher(type).matches()) {
      throw new IllegalArgumentException(
          "'"
              + type
              + "' is not a type as PostgreSQL writes it, such as numeric(10,2) or app.mood");
    }
  }

  @Override
  public String sql() {
    return name.sql() + " " + type;
  }
}
