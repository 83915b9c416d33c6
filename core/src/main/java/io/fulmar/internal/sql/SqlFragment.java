package io.fulmar.internal.sql;

import java.util.List;

/**
 * A part that several statements share, such as a condition or a subquery: text with tokens, as in
 * a {@link SqlTemplate}, without the name of a statement. Meant for constants: a mistake fails when
 * their class loads. Immutable.
 */
public final class SqlFragment implements SqlPart {
  private final SqlTokens tokens;

  private SqlFragment(SqlTokens tokens) {
    this.tokens = tokens;
  }

  /**
   * A fragment.
   *
   * @param text braces stand for tokens only
   * @param tokens the names of the tokens
   * @throws IllegalArgumentException if text and tokens do not agree
   */
  public static SqlFragment of(String text, String... tokens) {
    return new SqlFragment(SqlTokens.of(text, tokens));
  }

  /** This fragment with one token filled. */
  public SqlFragment with(String token, SqlPart part) {
    return with(token, List.of(part));
  }

  /**
   * This fragment with one token filled by a list, with commas between.
   *
   * @throws IllegalArgumentException if there is no such token, it is filled already, or the list
   *     is empty
   */
  public SqlFragment with(String token, List<? extends SqlPart> parts) {
    return new SqlFragment(tokens.with(token, parts));
  }

  /**
   * The text.
   *
   * @throws IllegalStateException if a token has not been filled
   */
  @Override
  public String sql() {
    return tokens.filled();
  }
}
