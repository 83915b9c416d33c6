package io.fulmar.internal.sql;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text with tokens such as <code>{target}</code>, and what some of them take. Immutable. */
final class SqlTokens {
  private static final Pattern TOKEN = Pattern.compile("\\{([a-z_]+)}");

  private final String text;
  private final Set<String> tokens;
  private final Map<String, String> values;

  private SqlTokens(String text, Set<String> tokens, Map<String, String> values) {
    this.text = text;
    this.tokens = tokens;
    this.values = values;
  }

  /**
   * A text none of whose tokens is filled.
   *
   * @throws IllegalArgumentException if text and tokens do not agree
   */
  static SqlTokens of(String text, String... tokens) {
    Set<String> found = new LinkedHashSet<>();
    TOKEN.matcher(text).results().forEach(match -> found.add(match.group(1)));
    if (!found.equals(Set.of(tokens))) {
      throw new IllegalArgumentException(
          "tokens are named " + Set.of(tokens) + " and used " + found + ": " + text);
    }
    if (TOKEN.matcher(text).replaceAll("").matches("(?s).*[{}].*")) {
      throw new IllegalArgumentException("a brace that belongs to no token: " + text);
    }
    return new SqlTokens(text, Set.copyOf(found), Map.of());
  }

  Set<String> names() {
    return tokens;
  }

  /**
   * This text with one token filled by a list, with commas between.
   *
   * @throws IllegalArgumentException if there is no such token, it is filled already, or the list
   *     is empty
   */
  SqlTokens with(String token, List<? extends SqlPart> parts) {
    if (!tokens.contains(token) || values.containsKey(token) || parts.isEmpty()) {
      throw new IllegalArgumentException(
          "{" + token + "} is unknown, filled already, or given nothing: " + text);
    }
    Map<String, String> more = new HashMap<>(values);
    more.put(token, parts.stream().map(SqlPart::sql).collect(Collectors.joining(", ")));
    return new SqlTokens(text, tokens, Map.copyOf(more));
  }

  /**
   * The whole text.
   *
   * @throws IllegalStateException if a token has not been filled
   */
  String filled() {
    if (values.size() < tokens.size()) {
      throw new IllegalStateException("filled is only " + values.keySet() + ": " + text);
    }
    return TOKEN
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(values.getOrDefault(match.group(1), "")));
  }
}
