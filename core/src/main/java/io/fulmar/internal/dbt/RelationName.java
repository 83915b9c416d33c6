package io.fulmar.internal.dbt;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A relation as dbt writes it in SQL: {@code "shop"."app"."customers"}, or without quotes. */
final class RelationName {
  private static final Pattern PART = Pattern.compile("\"((?:[^\"]|\"\")++)\"|([^\".\\s]++)");

  private RelationName() {}

  /**
   * The names of which it consists, as PostgreSQL knows them: without quotes, they are folded to
   * lower case.
   *
   * @return two or three names; null if it is something else
   */
  static @Nullable List<String> parts(String relation) {
    List<String> parts = new ArrayList<>();
    Matcher part = PART.matcher(relation);
    int at = 0;
    while (part.region(at, relation.length()).lookingAt()) {
      String quoted = part.group(1);
      parts.add(
          quoted != null ? quoted.replace("\"\"", "\"") : part.group(2).toLowerCase(Locale.ROOT));
      at = part.end();
      if (at == relation.length()) {
        return parts.size() == 2 || parts.size() == 3 ? parts : null;
      }
      if (relation.charAt(at) != '.') {
        return null;
      }
      at++;
    }
    return null;
  }
}
