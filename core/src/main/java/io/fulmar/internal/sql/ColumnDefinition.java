package io.fulmar.internal.sql;

import java.util.regex.Pattern;

/**
 * A column as {@code create table} wants it: quoted name, type, and what else holds for it.
 * Immutable.
 *
 * @param name the quoted name
 * @param type a type and nothing else: {@code bigint}, {@code numeric(10, 2)}, {@code app."Mood"[]}
 * @param rule what else holds
 */
public record ColumnDefinition(Identifier name, String type, Rule rule) implements SqlPart {
  private static final Pattern WORD =
      Pattern.compile("\"(?:[^\"\0]|\"\")+\"|[\\p{L}_][\\p{L}0-9_$]*");
  private static final Pattern TYPE =
      Pattern.compile(
          "(?:%1$s)(?:\\.(?:%1$s))?(?: (?:precision|varying|(?:with|without) time zone))?"
                  .formatted(WORD.pattern())
              + "(?:\\s?\\(\\s*[0-9]+(?:\\s*,\\s*-?[0-9]+)?\\s*\\))?"
              + "(?: (?:with|without) time zone)?(?:\\[[0-9]*\\])*");

  /** What can hold for a column besides its type. */
  public enum Rule {
    /** Nothing. */
    NONE(""),
    /** It is never NULL. */
    NOT_NULL(" not null"),
    /** Text that is compared by its bytes, so that no update of the system changes its order. */
    BYTEWISE(" collate pg_catalog.\"C\""),
    /** The server numbers the rows. */
    NUMBERED(" not null generated always as identity");

    private final String sql;

    Rule(String sql) {
      this.sql = sql;
    }
  }

  /** Checks that the type is a type, so that no other SQL comes in by it. */
  public ColumnDefinition {
    if (!TYPE.matcher(type).matches()) {
      throw new IllegalArgumentException(
          "'"
              + type
              + "' is not a type as PostgreSQL writes it, such as numeric(10,2) or app.mood");
    }
  }

  /** A column of which nothing else is said. */
  public ColumnDefinition(Identifier name, String type) {
    this(name, type, Rule.NONE);
  }

  @Override
  public String sql() {
    return name.sql() + " " + type + rule.sql;
  }
}
