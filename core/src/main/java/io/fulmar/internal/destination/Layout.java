package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.sql.TableDestinationSql;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The statements for one action on rows of the same columns. Immutable; checked against the table
 * by {@link TableCheck} before it is used.
 */
final class Layout {
  private static final Identifier POSITION = Identifier.of("fulmar: position");

  private final Action action;
  private final List<String> key;
  private final List<String> columns;
  private final boolean sequenced;
  private final List<String> cleared;
  private final Map<String, List<Identifier>> names = new HashMap<>();

  /**
   * A layout.
   *
   * @param target the table
   * @param action what is done
   * @param key the columns of the key
   * @param rowColumns those of the rows
   * @param cleared the columns to empty, for CLEAR
   */
  Layout(
      TableTarget target,
      Action action,
      List<String> key,
      List<String> rowColumns,
      List<String> cleared) {
    this.action = action;
    this.key = List.copyOf(key);
    this.columns = columns(action, key, rowColumns);
    this.cleared = cleared;
    String sequence = target.sequenceColumn();
    this.sequenced = sequence != null;

    List<String> staged = new ArrayList<>(columns);
    List<String> assigned =
        new ArrayList<>(action == Action.CLEAR ? cleared : without(columns, key));
    if (assigned.isEmpty()) {
      assigned.addAll(key); // nothing changes, and the row counts as written
    }
    if (sequence != null) {
      staged.add(sequence);
      assigned.add(sequence);
      name("tombstones", List.of(target.tombstones()));
      name("tombstone_key", Identifier.all("d", key));
      name("target_sequence", List.of(Identifier.of("t", sequence)));
      name("staged_sequence", List.of(Identifier.of("s", sequence)));
      name("excluded_sequence", List.of(Identifier.of("excluded", sequence)));
    }
    List<String> stage = new ArrayList<>(without(staged, assigned));
    stage.addAll(assigned);
    name("target", List.of(target.identifier()));
    name("key", Identifier.all(key));
    name("target_key", Identifier.all("t", key));
    name("staged_key", Identifier.all("s", key));
    name("written_key", Identifier.all("w", key));
    name("columns", Identifier.all(staged));
    name("staged_columns", Identifier.all("s", staged));
    name("target_compared", Identifier.all("t", columns));
    name("staged_compared", Identifier.all("s", columns));
    name("stage", Identifier.all(stage));
    name("assigned", Identifier.all(assigned));
    name("staged_assigned", Identifier.all("s", assigned));
    name("excluded_assigned", Identifier.all("excluded", assigned));
    List<Identifier> copied = new ArrayList<>(List.of(POSITION));
    copied.addAll(Identifier.all(staged));
    name("copied", copied);
  }

  private void name(String token, List<Identifier> identifiers) {
    names.put(token, identifiers);
  }

  private static List<String> columns(Action action, List<String> key, List<String> rowColumns) {
    List<String> columns = new ArrayList<>(key);
    if (action != Action.DELETE && action != Action.CLEAR) {
      columns.addAll(without(rowColumns, columns));
    }
    return List.copyOf(columns);
  }

  private static List<String> without(List<String> names, List<String> others) {
    return names.stream().filter(name -> !others.contains(name)).toList();
  }

  /** Whether these statements are right for a batch that begins with this change. */
  boolean fits(Action other, Change change) {
    return action == other
        && key.equals(change.key().columns())
        && columns.equals(columns(other, key, change.row().columns()));
  }

  Action action() {
    return action;
  }

  List<String> key() {
    return key;
  }

  /** What rows are copied with: the key first, without position and sequence. */
  List<String> columns() {
    return columns;
  }

  List<String> cleared() {
    return cleared;
  }

  /** The value of one of {@link #columns}. */
  @Nullable String value(Change change, String column) {
    return key.contains(column) ? change.key().text(column) : change.row().text(column);
  }

  /** Fills any template of {@link TableDestinationSql} with the names of this layout. */
  String sql(SqlTemplate template) {
    return template.sql(names);
  }

  String copy() {
    return sql(TableDestinationSql.COPY);
  }

  /** COPY for the position and one column. */
  String copyOnly(String column) {
    return TableDestinationSql.COPY.with("copied", List.of(POSITION, Identifier.of(column))).sql();
  }

  /** The lock that is taken first; null for none. */
  @Nullable String lock() {
    if (!sequenced) {
      return null;
    }
    return switch (action) {
      case INSERT, UPSERT -> sql(TableDestinationSql.LOCK_TO_HEED);
      case DELETE, CLEAR -> sql(TableDestinationSql.LOCK_TO_LEAVE);
      case UPDATE -> null;
    };
  }

  /** Moves the staged rows to the table; INSERT and UPDATE give the positions to skip. */
  String write() {
    return sql(
        switch (action) {
          case INSERT ->
              sequenced ? TableDestinationSql.INSERT_SEQUENCED : TableDestinationSql.INSERT;
          case UPSERT ->
              sequenced ? TableDestinationSql.UPSERT_SEQUENCED : TableDestinationSql.UPSERT;
          case UPDATE, CLEAR ->
              sequenced ? TableDestinationSql.UPDATE_SEQUENCED : TableDestinationSql.UPDATE;
          case DELETE ->
              sequenced ? TableDestinationSql.DELETE_SEQUENCED : TableDestinationSql.DELETE;
        });
  }

  boolean leavesTombstones() {
    return sequenced && (action == Action.DELETE || action == Action.CLEAR);
  }
}
