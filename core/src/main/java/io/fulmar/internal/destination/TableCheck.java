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
import java.util.List;
import java.util.Map;

/**
 * Holds the table against what a batch needs, creates what is missing if that was asked for, and
 * else says which SQL is missing. Runs in the transaction of the batch.
 */
final class TableCheck {
  private final TableTarget target;
  private final Connection connection;
  private final TableRules rules;

  TableCheck(TableTarget target, Connection connection) {
    this.target = target;
    this.connection = connection;
    this.rules = new TableRules(target);
  }

  /** The layout for batches like this one. */
  Layout layout(Action action, Change change) throws SQLException, StopRunException {
    TableShape shape = TableShape.read(connection, target.schema(), target.table());
    List<String> key = change.key().columns();
    List<String> cleared = List.of();
    if (action == Action.CLEAR) {
      stopAtFirst(rules.uncleared(shape, key));
      cleared = rules.cleared(shape, key);
    }
    Layout layout = new Layout(target, action, key, change.row().columns(), cleared);
    if (!shape.exists()) {
      shape = createTable(layout, change);
    }
    stopAtFirst(rules.breaches(shape, layout));
    if (target.sequenceColumn() != null) {
      checkTombstones(layout);
    }
    return layout;
  }

  private static void stopAtFirst(List<TableRules.Breach> breaches) throws StopRunException {
    if (!breaches.isEmpty()) {
      throw breaches.get(0).exception();
    }
  }

  private TableShape createTable(Layout layout, Change change)
      throws SQLException, StopRunException {
    Map<String, String> types = target.columnTypes();
    if (types == null) {
      throw rules.missing(createTable(target, layout, definitions(layout, change))).exception();
    }
    stopAtFirst(rules.untyped(layout.columns()));
    List<ColumnDefinition> definitions = new ArrayList<>();
    types.forEach((name, type) -> definitions.add(new ColumnDefinition(Identifier.of(name), type)));
    if (target.sequenceColumn() != null && !types.containsKey(target.sequenceColumn())) {
      definitions.add(new ColumnDefinition(Identifier.of(target.sequenceColumn()), "bigint"));
    }
    createOnce(target.table(), createTable(target, layout, definitions));
    return TableShape.read(connection, target.schema(), target.table());
  }

  static String createTable(TableTarget target, Layout layout, List<ColumnDefinition> definitions) {
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

  private void checkTombstones(Layout layout) throws SQLException, StopRunException {
    TableShape tombstones = TableShape.read(connection, target.schema(), target.tombstoneTable());
    if (tombstones.exists()) {
      stopAtFirst(rules.tombstones(tombstones, layout));
    } else if (target.columnTypes() == null) {
      throw rules.missingTombstones(layout).exception();
    } else {
      createOnce(target.tombstoneTable(), rules.createTombstones(layout));
    }
  }
}
