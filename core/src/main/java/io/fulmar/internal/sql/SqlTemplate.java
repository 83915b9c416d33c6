package io.fulmar.internal.sql;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A statement with tokens such as <code>{target}</code> that take quoted names, one or a list;
 * values are bound as {@code ?}. Meant for constants: a mistake fails when their class loads.
 * Immutable.
 *
 * <p>The text begins with a comment that names the statement, so that it shows in {@code
 * pg_stat_statements}: {@code /* fulmar: count *}{@code /}, then a new line.
 *
 * <pre>{@code
 * static final SqlTemplate COUNT = SqlTemplate.of(TEXT, "target");
 *
 * String sql = COUNT.with("target", Identifier.of("public", "customers")).sql();
 * }</pre>
 */
public final class SqlTemplate {
  private static final Pattern NAMED = Pattern.compile("/\\* fulmar: [a-z -]+ \\*/\n(?s:.+)");

  private final SqlTokens tokens;

  private SqlTemplate(SqlTokens tokens) {
    this.tokens = tokens;
  }

  /**
   * A template.
   *
   * @param text begins with a comment that names the statement; braces stand for tokens only
   * @param tokens the names of the tokens
   * @throws IllegalArgumentException if the comment is missing, or text and tokens do not agree
   */
  public static SqlTemplate of(String text, String... tokens) {
    if (!NAMED.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "a statement begins with /* fulmar: name */ on a line of its own: " + text);
    }
    return new SqlTemplate(SqlTokens.of(text, tokens));
  }

  /** This template with one token filled. */
  public SqlTemplate with(String token, SqlPart part) {
    return with(token, List.of(part));
  }

  /**
   * This template with one token filled by a list, with commas between.
   *
   * @throws IllegalArgumentException if there is no such token, it is filled already, or the list
   *     is empty
   */
  public SqlTemplate with(String token, List<? extends SqlPart> parts) {
    return new SqlTemplate(tokens.with(token, parts));
  }

  /**
   * The statement with each token taken from a map that serves several templates, so may hold more.
   *
   * @throws IllegalArgumentException if the map has nothing for a token
   */
  public String sql(Map<String, ? extends List<? extends SqlPart>> parts) {
    SqlTemplate filled = this;
    for (String token : tokens.names()) {
      filled = filled.with(token, parts.containsKey(token) ? parts.get(token) : List.of());
    }
    return filled.sql();
  }

  /**
   * The statement.
   *
   * @throws IllegalStateException if a token has not been filled
   */
  public String sql() {
    return tokens.filled();
  }
}
