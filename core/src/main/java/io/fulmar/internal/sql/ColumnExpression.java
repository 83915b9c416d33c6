package io.fulmar.internal.sql;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a select list or an array holds, made of quoted names. Immutable. */
public final class ColumnExpression implements SqlPart {
  /** 2^40: more than any row has. */
  private static final String KEY_TOO_LONG = "1099511627776::pg_catalog.int8";

  private final String sql;

  private ColumnExpression(String sql) {
    this.sql = sql;
  }

  /** All columns of a table, in its order. */
  public static ColumnExpression all() {
    return new ColumnExpression("*");
  }

  /** The column as it is. */
  public static ColumnExpression plain(Identifier column) {
    return new ColumnExpression(column.sql());
  }

  /** A number of ours. */
  public static ColumnExpression number(long value) {
    return new ColumnExpression("'%s'::pg_catalog.int8".formatted(value));
  }

  /** The number of a transaction, of which the lower 32 bits count. */
  public static ColumnExpression transaction(long number) {
    return new ColumnExpression("'%s'::pg_catalog.xid".formatted(number & 0xffff_ffffL));
  }

  /** The place of a row in a table. */
  public static ColumnExpression place(long block, int line) {
    return new ColumnExpression("'(%s,%s)'::pg_catalog.tid".formatted(block, line));
  }

  /** The column as its text, under its own name. */
  public static ColumnExpression text(Identifier column, Identifier name) {
    return new ColumnExpression("%s::pg_catalog.text as %s".formatted(column.sql(), name.sql()));
  }

  /**
   * The column, which is text, as a value of a type.
   *
   * @param type as {@code format_type} gives it, so that it is quoted where it must be
   */
  public static ColumnExpression cast(Identifier column, String type) {
    return new ColumnExpression("%s::%s".formatted(column.sql(), whole(type)));
  }

  /** As {@link #cast}, and then the text of that value. */
  public static ColumnExpression castToText(Identifier column, String type) {
    return new ColumnExpression("%s::%s::pg_catalog.text".formatted(column.sql(), whole(type)));
  }

  /** Without a length, character is character(1). */
  private static String whole(String type) {
    return type.equals("character") ? "pg_catalog.bpchar" : type;
  }

  /** The texts of one column of keys, which a setting holds, one in each row. */
  public static ColumnExpression keyTexts(int column) {
    return new ColumnExpression(
        "pg_catalog.unnest(pg_catalog.current_setting('fulmar.key_%s')::pg_catalog.text[])"
            .formatted(column));
  }

  /** The type of the column, as an oid. */
  public static ColumnExpression typeOf(Identifier column) {
    return new ColumnExpression("pg_catalog.pg_typeof(%s)::pg_catalog.oid".formatted(column.sql()));
  }

  /** The collation of the column, as an oid. */
  public static ColumnExpression collationOf(Identifier column) {
    return new ColumnExpression(
        "pg_catalog.to_regcollation(pg_catalog.pg_collation_for(%s))::pg_catalog.oid"
            .formatted(column.sql()));
  }

  /**
   * The bytes of some columns together, under a name.
   *
   * @param plain measured as they are
   * @param asText measured as text
   * @param keys of these; one that is longer than its limit makes the row as large as can be
   * @param keyLimit most bytes of a key column
   * @param name of the sum
   */
  public static ColumnExpression bytes(
      List<Identifier> plain,
      List<Identifier> asText,
      List<Identifier> keys,
      long keyLimit,
      Identifier name) {
    Stream<String> lengths =
        Stream.concat(
                plain.stream().map(Identifier::sql),
                asText.stream().map(c -> c.sql() + "::pg_catalog.text"))
            .map(
                "coalesce(pg_catalog.octet_length(%s)::pg_catalog.int8, 0::pg_catalog.int8)"
                    ::formatted);
    Stream<String> tooLong =
        keys.stream()
            .map(
                c ->
                    "case when pg_catalog.octet_length(%s) operator(pg_catalog.>) %s then %s else 0::pg_catalog.int8 end"
                        .formatted(c.sql(), keyLimit, KEY_TOO_LONG));
    return new ColumnExpression(
        Stream.concat(lengths, tooLong).collect(Collectors.joining(" operator(pg_catalog.+) "))
            + " as "
            + name.sql());
  }

  /** The column, or NULL if it alone is larger than a limit. */
  public static ColumnExpression alone(Identifier column, long limit) {
    return new ColumnExpression(
        "case when pg_catalog.octet_length(%s) operator(pg_catalog.<=) %s then %s end"
            .formatted(column.sql(), limit, column.sql()));
  }

  /** The column, or NULL if a row has more bytes than a limit. */
  public static ColumnExpression within(Identifier column, Identifier bytes, long limit) {
    return new ColumnExpression(
        "case when %s operator(pg_catalog.<=) %s::pg_catalog.int8 then %s end"
            .formatted(bytes.sql(), limit, column.sql()));
  }

  /**
   * What stands for some columns if a row has more bytes than a limit, NULL otherwise. Begins with
   * {@code k} if a key column is longer than its limit.
   */
  public static ColumnExpression digestBeyond(
      List<Identifier> columns, Identifier bytes, long limit) {
    String digests =
        columns.stream()
            .map(c -> "coalesce(pg_catalog.md5(%s), '-')".formatted(c.sql()))
            .collect(Collectors.joining(" operator(pg_catalog.||) "));
    return new ColumnExpression(
        "case when %s operator(pg_catalog.>) %s::pg_catalog.int8 then case when %s operator(pg_catalog.>=) %s then 'k' else 'r' end operator(pg_catalog.||) %s end"
            .formatted(bytes.sql(), limit, bytes.sql(), KEY_TOO_LONG, digests));
  }

  /** What stands for a column that alone is larger than a limit, NULL otherwise. */
  public static ColumnExpression digestAlone(Identifier column, long limit) {
    return new ColumnExpression(
        "case when pg_catalog.octet_length(%1$s) operator(pg_catalog.>) %2$s then 'r' operator(pg_catalog.||) pg_catalog.md5(%1$s) end"
            .formatted(column.sql(), limit));
  }

  /** What stands for a column of a key that alone is larger than a limit, NULL otherwise. */
  public static ColumnExpression digestOfKeyAlone(Identifier column, long limit) {
    return new ColumnExpression(
        "case when pg_catalog.octet_length(%1$s) operator(pg_catalog.>) %2$s then 'k' operator(pg_catalog.||) pg_catalog.md5(%1$s) end"
            .formatted(column.sql(), limit));
  }

  @Override
  public String sql() {
    return sql;
  }
}
