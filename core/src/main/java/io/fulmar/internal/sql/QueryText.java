package io.fulmar.internal.sql;

/**
 * The text of a model's query, which stands in statements as it is, after the server has said that
 * it is one row-returning statement; or a condition of it, which is yet to be proven. Immutable.
 */
public final class QueryText implements SqlPart {
  private final String text;

  private QueryText(String text) {
    this.text = text;
  }

  /**
   * A query that has been proven to be one row-returning statement.
   *
   * @param text the query, without a semicolon at its end
   */
  public static QueryText proven(String text) {
    return new QueryText(text);
  }

  /**
   * What has not been proven, to be looked at and not run: without a semicolon it is one statement.
   *
   * @param text the query
   * @throws IllegalArgumentException if there is a semicolon in it
   */
  public static QueryText single(String text) {
    if (text.indexOf(';') >= 0) {
      throw new IllegalArgumentException("a text with a semicolon may be several statements");
    }
    return new QueryText(text);
  }

  /**
   * What an application gave as condition of a table. The text that it becomes part of is proven as
   * any model is, and besides, that the condition is nothing else.
   *
   * @param text the condition
   */
  public static QueryText condition(String text) {
    return new QueryText(text);
  }

  @Override
  public String sql() {
    return text;
  }
}
