package io.fulmar.internal.sql;

/**
 * The text of a model's query, which stands in statements as it is. Only {@link #proven} makes one,
 * after the server has said that the text is one row-returning statement. Immutable.
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

  @Override
  public String sql() {
    return text;
  }
}
