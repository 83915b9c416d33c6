package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.ColumnDefinition;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.TableDestinationSql;
import io.fulmar.spi.StopRunException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Holds the table against what a batch needs, creates what is missing if that was asked for, and
 * else says which SQL is missing. Runs in the transaction of the batch.
 */
final class TableCheck {
  private static final List<String> TOMBSTONE_COLUMNS =
      List.of("fulmar_sequence", "fulmar_deleted_at");

  private final TableTarget target;
  private final Connection connection;
  private final String what;

  TableCheck(TableTarget target, Connection connection) {
    this.target = target;
    this.connection = connection;
    this.what = "write to " + target.identifier();
  }

  /** The layout for batches like this one. */
  Layout layout(Action action, Change change) throws SQLException, StopRunException {
    TableShape shape = TableShape.read(connection, target.schema(), target.table());
    List<String> cleared =
        action == Action.CLEAR ? cleared(shape, change.key().columns()) : List.of();
    Layout layout = new Layout(target, action, change, cleared);
    if (!shape.exists()) {
      shape = createTable(layout, change);
    }
    checkColumns(shape, layout);
    checkKey(shape, layout);
    if (target.sequenceColumn() != null) {
      checkSequence(shape, layout, target.sequenceColumn());
      checkTombstones(layout);
    }
    return layout;
  }

  private TableShape createTable(Layout layout, Change change)
      throws SQLException, StopRunException {
    Map<String, String> types = target.columnTypes();
    if (types == null) {
      throw Failure.ofTable(
          "42P01",
          what,
          "there is no such table",
          "Use createTableIfMissing(...), or run, with the types that fit: "
              + createTable(layout, definitions(layout, change)));
    }
    List<String> untyped = new ArrayList<>(layout.columns());
    untyped.removeAll(types.keySet());
    if (!untyped.isEmpty()) {
      throw Failure.ofTable(
          "42703",
          "create " + target.identifier(),
          "createTableIfMissing(...) has no type for " + Identifier.all(untyped),
          "Add one");
    }
    List<ColumnDefinition> definitions = new ArrayList<>();
    types.forEach((name, type) -> definitions.add(new ColumnDefinition(Identifier.of(name), type)));
    if (target.sequenceColumn() != null && !types.containsKey(target.sequenceColumn())) {
      definitions.add(new ColumnDefinition(Identifier.of(target.sequenceColumn()), "bigint"));
    }
    createOnce(target.table(), createTable(layout, definitions));
    return TableShape.read(connection, target.schema(), target.table());
  }

  private String createTable(Layout layout, List<ColumnDefinition> definitions) {
    return TableDestinationSql.CREATE_TABLE
        .with("target", target.identifier())
        .with("definitions", definitions)
        .with("key", Identifier.all(layout.key()))
        .sql();
  }

  /** A proposal: the destination knows Java's types only. */
  private List<ColumnDefinition> definitions(Layout layout, Change change) {
    List<ColumnDefinition> definitions = new ArrayList<>();
    for (String column : layout.columns()) {
      Object value =
          layout.key().contains(column) ? change.key().value(column) : change.row().value(column);
      definitions.add(
          new ColumnDefinition(
              Identifier.of(column), value == null ? "text" : type(value.getClass())));
    }
    if (target.sequenceColumn() != null) {
      definitions.add(new ColumnDefinition(Identifier.of(target.sequenceColumn()), "bigint"));
    }
    return definitions;
  }

  private static String type(Class<?> type) {
    return switch (type.getSimpleName()) {
      case "Boolean" -> "boolean";
      case "Integer" -> "integer";
      case "Long" -> "bigint";
      case "Float" -> "real";
      case "Double" -> "double precision";
      case "BigDecimal" -> "numeric";
      case "byte[]" -> "bytea";
      case "LocalDate" -> "date";
      case "LocalTime" -> "time";
      case "OffsetTime" -> "time with time zone";
      case "LocalDateTime" -> "timestamp";
      case "OffsetDateTime" -> "timestamp with time zone";
      case "UUID" -> "uuid";
      default -> "text";
    };
  }

  /** One writer at a time looks and creates. */
  private void createOnce(String table, String sql) throws SQLException {
    try (PreparedStatement lock =
        OneShot.prepare(connection, TableDestinationSql.LOCK_CREATION.sql())) {
      lock.setString(1, "fulmar " + Identifier.of(target.schema(), table));
      lock.execute();
    }
    if (!TableShape.read(connection, target.schema(), table).exists()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    }
  }

  private void checkColumns(TableShape shape, Layout layout) throws StopRunException {
    List<String> missing = shape.missing(layout.columns());
    missing.addAll(shape.missing(layout.cleared()));
    if (!missing.isEmpty()) {
      throw Failure.ofTable(
          "42703",
          what,
          "the table has no column " + names(missing),
          "Leave it out of the model, or run, with the type that fits: alter table "
              + target.identifier()
              + missing.stream()
                  .map(name -> " add column " + Identifier.of(name) + " <type>")
                  .collect(Collectors.joining(",")));
    }
    List<String> generated = new ArrayList<>(layout.columns());
    generated.removeIf(name -> !column(shape, name).generated());
    if (!generated.isEmpty() && layout.action() != Action.DELETE) {
      throw Failure.ofTable(
          "428C9",
          what,
          "the table makes the values of column " + names(generated) + " itself",
          "Leave it out of the model, or make it an ordinary column");
    }
    if (layout.action() == Action.INSERT || layout.action() == Action.UPSERT) {
      List<String> required = new ArrayList<>(shape.columns().keySet());
      required.removeIf(name -> !column(shape, name).required());
      required.removeAll(layout.columns());
      required.remove(target.sequenceColumn());
      if (!required.isEmpty()) {
        throw Failure.ofTable(
            "23502",
            what,
            "column " + names(required) + " is NOT NULL, has no default and is not in the model",
            "Add it to the model, or give it a default");
      }
    }
  }

  private static TableShape.Column column(TableShape shape, String name) {
    TableShape.Column column = shape.columns().get(name);
    if (column == null) {
      throw new IllegalArgumentException("the table has no column " + name);
    }
    return column;
  }

  private List<String> cleared(TableShape shape, List<String> key) throws StopRunException {
    if (target.clearColumns() != null) {
      return target.clearColumns();
    }
    List<String> cleared = new ArrayList<>();
    List<String> fixed = new ArrayList<>();
    for (TableShape.Column column : shape.columns().values()) {
      if (key.contains(column.name())
          || column.name().equals(target.sequenceColumn())
          || column.generated()) {
        continue;
      }
      (column.notNull() ? fixed : cleared).add(column.name());
    }
    if (!fixed.isEmpty()) {
      throw Failure.ofTable(
          "23502",
          "clear rows of " + target.identifier(),
          "column " + names(fixed) + " is NOT NULL",
          "Name the columns to clear with clearColumns(...), or drop the NOT NULL");
    }
    return cleared;
  }

  private void checkKey(TableShape shape, Layout layout) throws StopRunException {
    boolean needed = layout.action() == Action.INSERT || layout.action() == Action.UPSERT;
    if (needed && !shape.uniqueKeys().contains(Set.copyOf(layout.key()))) {
      throw Failure.ofTable(
          "42P10",
          what,
          "there is no unique constraint or index on exactly the key columns "
              + names(layout.key())
              + " (valid, not deferrable, not partial)",
          "Run: " + layout.sql(TableDestinationSql.ADD_UNIQUE_KEY));
    }
  }

  private void checkSequence(TableShape shape, Layout layout, String sequence)
      throws StopRunException {
    TableShape.Column column = shape.columns().get(sequence);
    if (column == null) {
      throw Failure.ofTable(
          "42703",
          what,
          "the table has no column " + Identifier.of(sequence) + " for the sequence",
          "Run: alter table %s add column %s bigint"
              .formatted(target.identifier(), Identifier.of(sequence)));
    }
    if (!column.holdsSequence() || column.generated()) {
      throw Failure.ofTable(
          "42804",
          what,
          "the column " + Identifier.of(sequence) + " for the sequence is not a plain bigint",
          "Run: alter table %s alter column %2$s type bigint"
              .formatted(target.identifier(), Identifier.of(sequence)));
    }
    if (layout.columns().contains(sequence) || layout.cleared().contains(sequence)) {
      throw Failure.ofTable(
          "42701",
          what,
          "the column " + Identifier.of(sequence) + " for the sequence is also one of the model",
          "Give sequenceColumn(...) a column of its own");
    }
  }

  private void checkTombstones(Layout layout) throws SQLException, StopRunException {
    TableShape tombstones = TableShape.read(connection, target.schema(), target.tombstoneTable());
    String sql = layout.sql(TableDestinationSql.CREATE_TOMBSTONES);
    if (!tombstones.exists()) {
      if (target.columnTypes() == null) {
        throw Failure.ofTable(
            "42P01",
            what,
            "there is no table "
                + target.tombstones()
                + " for the tombstones of deleted keys, which a sequence column needs",
            "Use createTableIfMissing(...), or run: " + sql);
      }
      createOnce(target.tombstoneTable(), sql);
      return;
    }
    Set<String> columns = new HashSet<>(layout.key());
    columns.addAll(TOMBSTONE_COLUMNS);
    if (!tombstones.columns().keySet().containsAll(columns)
        || !tombstones.uniqueKeys().contains(Set.copyOf(layout.key()))) {
      throw Failure.ofTable(
          "42P10",
          what,
          target.tombstones() + " does not fit the key of the table",
          "Move it out of the way and run: " + sql);
    }
  }

  private static String names(List<String> names) {
    return Identifier.all(names).stream().map(Identifier::sql).collect(Collectors.joining(", "));
  }
}
