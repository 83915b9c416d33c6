package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.hash.HashSql;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import java.util.ArrayList;
import java.util.List;

/**
 * How values are kept in our tables: in types of PostgreSQL's own alone, so that no table of ours
 * stands in the way of {@code drop type}, {@code alter type} or {@code drop extension}.
 */
public final class StoredForm {
  /**
   * Most bytes of a key: an entry of an index takes 2,704, with what goes along with each column.
   */
  public static final int MAX_KEY_BYTES = 2_000;

  private StoredForm() {}

  /**
   * How a key column is kept, and read out of our tables.
   *
   * @param kind how it is read out of the model
   * @throws IllegalArgumentException if such a column is no key
   */
  public static ColumnKind ofKey(ColumnKind kind) {
    return switch (kind) {
      case INT2, INT4, INT8 -> ColumnKind.INT8;
      case TEXT, BPCHAR, ENUM -> ColumnKind.TEXT;
      case NUMERIC, BOOL, BYTEA, UUID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ -> kind;
      case INET, CIDR, MACADDR, MACADDR8 -> kind;
      case FLOAT4, FLOAT8, JSON, TIMETZ, OTHER ->
          throw new IllegalArgumentException("Cannot keep a key: " + kind + " is no key");
    };
  }

  /**
   * The type in which a value that is no key is kept, as PostgreSQL writes it: {@code bigint}. It
   * is read out of our tables as it is read out of the model: an enum, a json and what is read as
   * text have one image with their text.
   *
   * @param kind how it is read
   */
  public static String type(ColumnKind kind) {
    return switch (kind) {
      case BOOL -> "boolean";
      case INT2 -> "smallint";
      case INT4 -> "integer";
      case INT8 -> "bigint";
      case FLOAT4 -> "real";
      case FLOAT8 -> "double precision";
      case NUMERIC -> "numeric";
      case TEXT, JSON, ENUM, OTHER -> "text";
      case BPCHAR -> "bpchar";
      case BYTEA -> "bytea";
      case DATE -> "date";
      case TIME -> "time without time zone";
      case TIMETZ -> "time with time zone";
      case TIMESTAMP -> "timestamp without time zone";
      case TIMESTAMPTZ -> "timestamp with time zone";
      case UUID -> "uuid";
      case INET -> "inet";
      case CIDR -> "cidr";
      case MACADDR -> "macaddr";
      case MACADDR8 -> "macaddr8";
    };
  }

  /**
   * The value of a key column as it is kept: in a normal form.
   *
   * @param kind how it is read out of the model
   * @param column the column
   */
  public static SqlPart key(ColumnKind kind, SqlPart column) {
    return switch (kind) {
      case NUMERIC -> FormSql.TRIMMED.with("value", column);
      case ENUM -> value(kind, column);
      // As text, a char(n) has no trailing blanks.
      default -> value(ofKey(kind), column);
    };
  }

  /** Whether the size of such a key column has no limit of its own that would do. */
  static boolean isMeasured(ColumnKind kind) {
    return switch (kind) {
      case TEXT, BPCHAR, BYTEA, NUMERIC -> true;
      default -> false;
    };
  }

  /**
   * The bytes of a key as it is kept, as far as they are measured.
   *
   * @param kinds how its columns are read out of the model; one of them is measured
   * @param columns the columns
   */
  static SqlPart keyBytes(List<ColumnKind> kinds, List<? extends SqlPart> columns) {
    List<SqlPart> bytes = new ArrayList<>();
    for (int i = 0; i < kinds.size(); i++) {
      if (isMeasured(kinds.get(i))) {
        SqlPart stored = key(kinds.get(i), columns.get(i));
        bytes.add(
            (kinds.get(i) == ColumnKind.NUMERIC ? FormSql.SIZE : FormSql.OCTETS)
                .with("value", stored));
      }
    }
    return Parts.sum(bytes);
  }

  /**
   * Whether {@link #isTooLarge} can hold of some key.
   *
   * @param kinds how its columns are read out of the model
   */
  public static boolean canBeTooLarge(List<ColumnKind> kinds) {
    return kinds.stream().anyMatch(StoredForm::isMeasured);
  }

  /**
   * Whether a key has no place in our tables for its size; no column of it is NULL.
   *
   * @param kinds how its columns are read out of the model
   * @param columns the columns
   */
  public static SqlPart isTooLarge(List<ColumnKind> kinds, List<? extends SqlPart> columns) {
    return canBeTooLarge(kinds)
        ? FormSql.BEYOND
            .with("bytes", keyBytes(kinds, columns))
            .with("limit", Parts.number(MAX_KEY_BYTES))
        : DiffSql.FALSE;
  }

  /**
   * A value as it is kept.
   *
   * @param kind how it is read
   * @param column the column
   */
  public static SqlPart value(ColumnKind kind, SqlPart column) {
    return switch (kind) {
      case TEXT, JSON, OTHER -> FormSql.TEXT.with("value", column);
      case ENUM -> HashSql.LABEL.with("value", column);
      case BPCHAR -> FormSql.BPCHAR.with("value", column);
      default -> FormSql.CAST.with("value", column).with("type", Identifier.of(name(kind)));
    };
  }

  /** The name of a type in the catalog. */
  private static String name(ColumnKind kind) {
    return switch (kind) {
      case BOOL -> "bool";
      case INT2 -> "int2";
      case INT4 -> "int4";
      case INT8 -> "int8";
      case FLOAT4 -> "float4";
      case FLOAT8 -> "float8";
      case TIME -> "time";
      case TIMETZ -> "timetz";
      case TIMESTAMP -> "timestamp";
      case TIMESTAMPTZ -> "timestamptz";
      default -> type(kind);
    };
  }
}
