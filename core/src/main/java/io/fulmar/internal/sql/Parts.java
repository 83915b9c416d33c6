package io.fulmar.internal.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Puts expressions together. Operators and functions are named with their schema: the search path
 * is the model's.
 */
public final class Parts {
  private static final SqlFragment AND = SqlFragment.of("{left} and {right}", "left", "right");
  private static final SqlFragment OR = SqlFragment.of("{left} or {right}", "left", "right");
  private static final SqlFragment XOR =
      SqlFragment.of("({left} operator(pg_catalog.#) {right})", "left", "right");
  private static final SqlFragment SUM =
      SqlFragment.of("({left} operator(pg_catalog.+) {right})", "left", "right");
  private static final SqlFragment SAME =
      SqlFragment.of("{left} operator(pg_catalog.=) {right}", "left", "right");
  private static final SqlFragment NAMED = SqlFragment.of("{value} as {name}", "name", "value");
  private static final SqlFragment IS_NULL = SqlFragment.of("{value} is null", "value");
  private static final SqlFragment IS_NOT_NULL = SqlFragment.of("{value} is not null", "value");
  private static final SqlFragment COALESCE = SqlFragment.of("coalesce({values})", "values");

  private Parts() {}

  /** All of some conditions. */
  public static SqlPart all(List<? extends SqlPart> conditions) {
    return joined(AND, conditions);
  }

  /** Any of some conditions. */
  public static SqlPart any(List<? extends SqlPart> conditions) {
    return joined(OR, conditions);
  }

  /** Some hashes as one. */
  public static SqlPart xor(List<? extends SqlPart> hashes) {
    return joined(XOR, hashes);
  }

  /** Some numbers as one. */
  public static SqlPart sum(List<? extends SqlPart> numbers) {
    return joined(SUM, numbers);
  }

  /** Whether expressions are equal in pairs, under PostgreSQL's own operators. */
  public static SqlPart same(List<? extends SqlPart> left, List<? extends SqlPart> right) {
    return all(
        IntStream.range(0, left.size())
            .mapToObj(i -> SAME.with("left", left.get(i)).with("right", right.get(i)))
            .toList());
  }

  /** Whether one of some values is NULL. */
  public static SqlPart anyNull(List<? extends SqlPart> values) {
    return any(values.stream().map(value -> IS_NULL.with("value", value)).toList());
  }

  /** Whether none of some values is NULL. */
  public static SqlPart noneNull(List<? extends SqlPart> values) {
    return all(values.stream().map(value -> IS_NOT_NULL.with("value", value)).toList());
  }

  /** The first of some values that is not NULL. */
  public static SqlPart coalesce(SqlPart... values) {
    return COALESCE.with("values", List.of(values));
  }

  /** An expression under a name. */
  public static SqlPart named(SqlPart value, Identifier name) {
    return NAMED.with("value", value).with("name", name);
  }

  /** Expressions under names. */
  public static List<SqlPart> named(List<? extends SqlPart> values, List<Identifier> names) {
    return IntStream.range(0, values.size())
        .mapToObj(i -> named(values.get(i), names.get(i)))
        .toList();
  }

  /** A number of ours. */
  public static SqlPart number(long value) {
    return ColumnExpression.number(value);
  }

  /** Names with a number: {@code k0, k1 ...}. */
  public static List<Identifier> numbered(String letter, int count) {
    return IntStream.range(0, count).mapToObj(i -> Identifier.of(letter + i)).toList();
  }

  /** Names with a number, behind a table or alias. */
  public static List<Identifier> numbered(String before, String letter, int count) {
    return IntStream.range(0, count).mapToObj(i -> Identifier.of(before, letter + i)).toList();
  }

  /** Halves at a time, so that a thousand columns are not a thousand levels deep. */
  private static SqlPart joined(SqlFragment pair, List<? extends SqlPart> parts) {
    List<SqlPart> left = new ArrayList<>(parts);
    while (left.size() > 1) {
      List<SqlPart> next = new ArrayList<>();
      for (int i = 0; i + 1 < left.size(); i += 2) {
        next.add(pair.with("left", left.get(i)).with("right", left.get(i + 1)));
      }
      if (left.size() % 2 == 1) {
        next.add(left.get(left.size() - 1));
      }
      left = next;
    }
    return left.get(0);
  }
}
