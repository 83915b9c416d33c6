package io.fulmar.lightning.internal.delta;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.plan.StoredForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/**
 * How keys of a table are found by keys of ours, and the other way round, so that the index of the
 * one that is looked into can be used. Nothing is cast to a type of the application, since that may
 * fail: an old key of ours need not be a value of it any more. Immutable.
 */
final class DeltaKey {
  private static final Identifier C = Identifier.of("pg_catalog", "C");
  private static final SqlFragment COLLATED =
      SqlFragment.of("{value} collate {collation}", "value", "collation");
  private static final SqlFragment TEXT = SqlFragment.of("{value}::pg_catalog.text", "value");
  private static final SqlFragment CAST = SqlFragment.of("{value}::{type}", "value", "type");
  private static final SqlFragment NAMED = SqlFragment.of("{value} as {name}", "value", "name");
  private static final SqlFragment BPCHAR = SqlFragment.of("{value}::pg_catalog.bpchar", "value");

  /**
   * A column of the key.
   *
   * @param name in the table
   * @param kind how it is read
   * @param collation its collation; that of C if it has none
   */
  record Column(String name, ColumnKind kind, Identifier collation) {}

  private final List<Column> columns;

  DeltaKey(List<Column> columns) {
    this.columns = List.copyOf(columns);
  }

  /** The columns of the table, to be compared with {@link #ours}. */
  List<SqlPart> table() {
    List<SqlPart> parts = new ArrayList<>();
    for (Column column : columns) {
      Identifier name = Identifier.told("fulmar_table", column.name());
      parts.add(
          switch (column.kind()) {
            case TEXT -> TEXT.with("value", name);
            case ENUM -> StoredForm.key(column.kind(), name);
            case BPCHAR -> BPCHAR.with("value", name);
            default -> name;
          });
    }
    return parts;
  }

  /** Our columns, in a form under which an index of the table finds them. */
  List<SqlPart> ours(String alias) {
    List<SqlPart> parts = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      Column column = columns.get(i);
      Identifier name = Identifier.of(alias, "k" + i);
      parts.add(
          switch (column.kind()) {
            case TEXT -> collated(name, column.collation());
            case BPCHAR -> collated(BPCHAR.with("value", name), column.collation());
            default -> name;
          });
    }
    return parts;
  }

  /** The columns of the table, in a form under which an index of ours finds them. */
  List<SqlPart> stored() {
    List<SqlPart> parts = new ArrayList<>();
    for (Column column : columns) {
      Identifier name = Identifier.told("fulmar_table", column.name());
      parts.add(
          switch (column.kind()) {
            case TEXT, BPCHAR -> collated(TEXT.with("value", name), C);
            case ENUM -> StoredForm.key(column.kind(), name);
            default -> name;
          });
    }
    return parts;
  }

  /** Our columns of many keys as one text each. */
  List<SqlPart> listed() {
    return eachColumn(
        (i, name) ->
            DeltaSql.LISTED
                .with("column", Identifier.of("fulmar_state", name))
                .with("name", Identifier.of(name)));
  }

  /** Keeps {@link #listed} for {@link #unlisted}. */
  List<SqlPart> kept() {
    return eachColumn(
        (i, name) ->
            DeltaSql.KEPT
                .with("place", ColumnExpression.number(i))
                .with("name", Identifier.of("fulmar_gone", name)));
  }

  /** The texts that were kept, one in each row. */
  List<SqlPart> unlisted() {
    return eachColumn((i, name) -> DeltaSql.UNLISTED.with("place", ColumnExpression.number(i)));
  }

  /** Columns of {@code fulmar_text} as ours. */
  List<SqlPart> ofTexts() {
    return eachColumn(
        (i, name) -> {
          ColumnKind kind = StoredForm.ofKey(columns.get(i).kind());
          SqlPart value =
              CAST.with("value", Identifier.of("fulmar_text", name)).with("type", type(kind));
          return NAMED
              .with("value", kind == ColumnKind.TEXT ? collated(value, C) : value)
              .with("name", Identifier.of(name));
        });
  }

  /** The names of our columns. */
  List<SqlPart> names() {
    return eachColumn((i, name) -> Identifier.of(name));
  }

  private List<SqlPart> eachColumn(BiFunction<Integer, String, SqlPart> part) {
    List<SqlPart> parts = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      parts.add(part.apply(i, "k" + i));
    }
    return parts;
  }

  /** Of the kinds in which we keep keys, PostgreSQL's own names. */
  private static Identifier type(ColumnKind kind) {
    return Identifier.of("pg_catalog", kind.name().toLowerCase(Locale.ROOT));
  }

  /** Our columns as they are. */
  List<Identifier> plain(String alias) {
    List<Identifier> names = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      names.add(Identifier.of(alias, "k" + i));
    }
    return names;
  }

  private static SqlPart collated(SqlPart value, Identifier collation) {
    return COLLATED.with("value", value).with("collation", collation);
  }
}
