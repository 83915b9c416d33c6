package io.fulmar.lightning.internal.log;

import io.fulmar.internal.row.Shape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.internal.plan.PlanHead;
import java.util.ArrayList;
import java.util.List;

/**
 * How a plan's columns become {@code row_id} and {@code fields}. In {@code fields}, numbers and
 * booleans are JSON's, NaN and the infinities are text, and everything else is the text that
 * PostgreSQL prints; json and jsonb too, so that no value can be one that JSON cannot hold. Not
 * threadsafe.
 */
final class LogColumns {
  private static final int MOST_PAIRS = 50;

  private final PlanHead.Columns columns;
  private final SyncLogs logs;
  private final List<String> names = new ArrayList<>();
  private final SqlPart fields;

  LogColumns(PlanHead.Columns columns, SyncLogs logs) {
    this.columns = columns;
    this.logs = logs;
    this.fields = logs.fields() == SyncLogs.Fields.NONE ? LogColumnSql.NOTHING : known();
  }

  /** The expression for {@code row_id}. */
  SqlPart rowId() {
    List<SqlFragment> texts = new ArrayList<>();
    for (int i = 0; i < columns.stored().kinds().size(); i++) {
      texts.add(text(columns.stored().kinds().get(i), Identifier.of("p", "k" + i)));
    }
    SqlFragment text =
        texts.size() == 1 ? texts.get(0) : LogColumnSql.KEY_ARRAY.with("texts", texts);
    boolean bounded = columns.stored().kinds().stream().noneMatch(LogColumns::mayBeLong);
    return bounded ? text : LogColumnSql.BOUNDED.with("text", text);
  }

  private static boolean mayBeLong(ColumnKind kind) {
    return switch (kind) {
      case TEXT, BYTEA, NUMERIC -> true;
      case BOOL, INT2, INT4, INT8, UUID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ -> false;
      case INET, CIDR, MACADDR, MACADDR8 -> false;
      case FLOAT4, FLOAT8, JSON, BPCHAR, TIMETZ, ENUM, OTHER ->
          throw new IllegalArgumentException("no key is kept as " + kind);
    };
  }

  /** The expression for {@code fields}. */
  SqlPart fields() {
    return fields;
  }

  /** What {@link #fields} binds, in its order. */
  List<String> names() {
    return names;
  }

  private SqlPart known() {
    // In the order in which the names stand in the statement.
    SqlPart removed = key();
    if (columns.previous() && !columns.remembered().isEmpty()) {
      SqlPart remembered = object(columns.remembered().shape(), "p");
      removed =
          LogColumnSql.BOTH
              .with("first", removed)
              .with("second", LogColumnSql.IF_VALUED.with("object", remembered));
    }
    SqlPart key = key();
    SqlPart row = object(columns.row(), "f");
    return LogColumnSql.FIELDS.with("removed", removed).with("key", key).with("row", row);
  }

  private SqlPart key() {
    List<String> keyNames = columns.keyRow().names();
    List<SqlPart> pairs = new ArrayList<>();
    for (int i = 0; i < keyNames.size(); i++) {
      pair(pairs, keyNames.get(i), columns.stored().kinds().get(i), "k" + i);
    }
    return object(pairs);
  }

  private SqlPart object(Shape shape, String prefix) {
    List<SqlPart> pairs = new ArrayList<>();
    for (int i = 0; i < shape.names().size(); i++) {
      pair(pairs, shape.names().get(i), shape.kinds().get(i), prefix + shape.fields().get(i));
    }
    return object(pairs);
  }

  private void pair(List<SqlPart> pairs, String name, ColumnKind kind, String column) {
    if (logs.fields() == SyncLogs.Fields.ALL || logs.columns().contains(name)) {
      names.add(name);
      pairs.add(LogColumnSql.PAIR.with("value", value(kind, Identifier.of("p", column))));
    }
  }

  private static SqlPart object(List<SqlPart> pairs) {
    SqlPart object = LogColumnSql.EMPTY;
    for (int from = 0; from < pairs.size(); from += MOST_PAIRS) {
      List<SqlPart> some = pairs.subList(from, Math.min(pairs.size(), from + MOST_PAIRS));
      SqlPart next = LogColumnSql.OBJECT.with("pairs", some);
      object = from == 0 ? next : LogColumnSql.BOTH.with("first", object).with("second", next);
    }
    return object;
  }

  /** JSON would print moments in a form of its own. */
  private static SqlFragment value(ColumnKind kind, Identifier column) {
    return switch (kind) {
      case DATE, TIMESTAMP, TIMESTAMPTZ -> LogColumnSql.TEXT.with("column", column);
      case BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC ->
          LogColumnSql.PLAIN.with("column", column);
      case TEXT, JSON, ENUM, OTHER, BPCHAR, BYTEA, UUID, TIME, TIMETZ ->
          LogColumnSql.PLAIN.with("column", column);
      case INET, CIDR, MACADDR, MACADDR8 -> LogColumnSql.PLAIN.with("column", column);
    };
  }

  /** The text that the rest of the API gives for a column of a key. */
  private static SqlFragment text(ColumnKind kind, Identifier column) {
    return kind == ColumnKind.INET
        ? LogColumnSql.ADDRESS.with("column", column)
        : LogColumnSql.TEXT.with("column", column);
  }
}
