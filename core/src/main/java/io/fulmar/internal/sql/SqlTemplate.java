package io.fulmar.internal.sql;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

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
  private static final Pattern TOKEN = Pattern.compile("\\{([a-z_]+)}");

  private final String text;
  private final Set<String> tokens;
  private final Map<String, String> values;

  private SqlTemplate(String text, Set<String> tokens, Map<String, String> values) {
    this.text = text;
    this.tokens = tokens;
    this.values = values;
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
    Set<String> found = new LinkedHashSet<>();
    TOKEN.matcher(text).results().forEach(match -> found.add(match.group(1)));
    if (!found.equals(Set.of(tokens))) {
      throw new IllegalArgumentException(
          "tokens are named " + Set.of(tokens) + " and used " + found + ": " + text);
    }
    if (TOKEN.matcher(text).replaceAll("").matches("(?s).*[{}].*")) {
      throw new IllegalArgumentException("a brace that belongs to no token: " + text);
    }
    return new SqlTemplate(text, Set.copyOf(found), Map.of());
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
    if (!tokens.contains(token) || values.containsKey(token) || parts.isEmpty()) {
      throw new IllegalArgumentException(
          "{" + token + "} is unknown, filled already, or given nothing: " + text);
    }
    Map<String, String> more = new HashMap<>(values);
    more.put(token, parts.stream().map(SqlPart::sql).collect(Collectors.joining(", ")));
    return new SqlTemplate(text, tokens, Map.copyOf(more));
  }

  /**
   * The statement with each token taken from a map that serves several templates, so may hold more.
   *
   * @throws IllegalArgumentException if the map has nothing for a token
   */
  public String sql(Map<String, ? extends List<? extends SqlPart>> parts) {
    SqlTemplate filled = this;
    for (String token : tokens) {
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
    if (values.size() < tokens.size()) {
      throw new IllegalStateException("filled is only " + values.keySet() + ": " + text);
    }
    return TOKEN
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(values.getOrDefault(match.group(1), "")));
  }
}
