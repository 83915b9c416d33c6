package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.TableDestinationSql;
import io.fulmar.spi.StopRunException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a table must be for rows to be written to it: one set of rules for batches, which stop at
 * the first breach, and for checks, which report each. Knows the catalog's words alone and asks the
 * server nothing.
 */
final class TableRules {
  private static final List<String> TOMBSTONE_COLUMNS =
      List.of("fulmar_sequence", "fulmar_deleted_at");

  private final TableTarget target;
  private final String what;

  TableRules(TableTarget target) {
    this.target = target;
    this.what = "write to " + target.identifier();
  }

  /**
   * A rule that the table does not keep.
   *
   * @param state the SQLSTATE that PostgreSQL would give
   * @param what the thing that cannot be done: "write to ..."
   * @param fact what is found, without a full stop
   * @param remedy what to do, without a full stop
   */
  record Breach(String state, String what, String fact, String remedy) {
    /** The breach as a batch meets it; nothing was applied. */
    StopRunException exception() {
      return Failure.ofTable(state, what, fact, remedy);
    }
  }

  /** There is no table, and nobody said that it is to be made. */
  Breach missing(String createTable) {
    return new Breach(
        "42P01",
        what,
        "there is no such table",
        "Use createTableIfMissing(...), or run, with the types that fit: " + createTable);
  }

  /** The columns without a type among those that a missing table is to be made of. */
  List<Breach> untyped(List<String> columns) {
    List<String> untyped = new ArrayList<>(columns);
    if (target.columnTypes() != null) {
      untyped.removeAll(target.columnTypes().keySet());
    }
    return untyped.isEmpty()
        ? List.of()
        : List.of(
            new Breach(
                "42703",
                "create " + target.identifier(),
                "createTableIfMissing(...) has no type for " + Identifier.all(untyped),
                "Add one"));
  }

  /** What CLEAR sets to NULL. */
  List<String> cleared(TableShape shape, List<String> key) {
    List<String> chosen = target.clearColumns();
    return chosen != null
        ? chosen
        : clearable(shape, key).stream()
            .filter(column -> !column.notNull())
            .map(TableShape.Column::name)
            .toList();
  }

  /** Columns that CLEAR would set to NULL and cannot. */
  List<Breach> uncleared(TableShape shape, List<String> key) {
    List<String> fixed =
        target.clearColumns() != null
            ? List.of()
            : clearable(shape, key).stream()
                .filter(TableShape.Column::notNull)
                .map(TableShape.Column::name)
                .toList();
    return fixed.isEmpty()
        ? List.of()
        : List.of(
            new Breach(
                "23502",
                "clear rows of " + target.identifier(),
                "column " + names(fixed) + " is NOT NULL",
                "Name the columns to clear with clearColumns(...), or drop the NOT NULL"));
  }

  private List<TableShape.Column> clearable(TableShape shape, List<String> key) {
    return shape.columns().values().stream()
        .filter(column -> !key.contains(column.name()))
        .filter(column -> !column.name().equals(target.sequenceColumn()))
        .filter(column -> !column.generated())
        .toList();
  }

  /** All breaches of a table that exists, tombstones apart, in a fixed order. */
  List<Breach> breaches(TableShape shape, Layout layout) {
    List<Breach> breaches = new ArrayList<>();
    columns(shape, layout, breaches);
    key(shape, layout, breaches);
    if (target.sequenceColumn() != null) {
      sequence(shape, layout, target.sequenceColumn(), breaches);
    }
    return breaches;
  }

  private void columns(TableShape shape, Layout layout, List<Breach> breaches) {
    List<String> missing = shape.missing(layout.columns());
    missing.addAll(shape.missing(layout.cleared()));
    if (!missing.isEmpty()) {
      breaches.add(
          new Breach(
              "42703",
              what,
              "the table has no column " + names(missing),
              "Leave it out of the model, or run, with the type that fits: alter table "
                  + target.identifier()
                  + missing.stream()
                      .map(name -> " add column " + Identifier.of(name) + " <type>")
                      .collect(Collectors.joining(","))));
    }
    List<String> generated = new ArrayList<>(layout.columns());
    generated.removeIf(name -> !shape.isGenerated(name));
    if (!generated.isEmpty() && layout.action() != Action.DELETE) {
      breaches.add(
          new Breach(
              "428C9",
              what,
              "the table makes the values of column " + names(generated) + " itself",
              "Leave it out of the model, or make it an ordinary column"));
    }
    if (layout.action() == Action.INSERT || layout.action() == Action.UPSERT) {
      List<String> required =
          new ArrayList<>(
              shape.columns().values().stream()
                  .filter(TableShape.Column::required)
                  .map(TableShape.Column::name)
                  .toList());
      required.removeAll(layout.columns());
      required.remove(target.sequenceColumn());
      if (!required.isEmpty()) {
        breaches.add(
            new Breach(
                "23502",
                what,
                "column "
                    + names(required)
                    + " is NOT NULL, has no default and is not in the model",
                "Add it to the model, or give it a default"));
      }
    }
  }

  private void key(TableShape shape, Layout layout, List<Breach> breaches) {
    boolean needed = layout.action() == Action.INSERT || layout.action() == Action.UPSERT;
    if (needed && !shape.uniqueKeys().contains(Set.copyOf(layout.key()))) {
      breaches.add(
          new Breach(
              "42P10",
              what,
              "there is no unique constraint or index on exactly the key columns "
                  + names(layout.key())
                  + " (valid, not deferrable, not partial)",
              "Run: " + layout.sql(TableDestinationSql.ADD_UNIQUE_KEY)));
    }
  }

  private void sequence(TableShape shape, Layout layout, String sequence, List<Breach> breaches) {
    TableShape.Column column = shape.columns().get(sequence);
    if (column == null) {
      breaches.add(
          new Breach(
              "42703",
              what,
              "the table has no column " + Identifier.of(sequence) + " for the sequence",
              "Run: alter table %s add column %s bigint"
                  .formatted(target.identifier(), Identifier.of(sequence))));
      return;
    }
    if (!column.holdsSequence() || column.generated()) {
      breaches.add(
          new Breach(
              "42804",
              what,
              "the column " + Identifier.of(sequence) + " for the sequence is not a plain bigint",
              "Run: alter table %s alter column %2$s type bigint"
                  .formatted(target.identifier(), Identifier.of(sequence))));
    }
    if (layout.columns().contains(sequence) || layout.cleared().contains(sequence)) {
      breaches.add(
          new Breach(
              "42701",
              what,
              "the column "
                  + Identifier.of(sequence)
                  + " for the sequence is also one of the model",
              "Give sequenceColumn(...) a column of its own"));
    }
  }

  /** There is no table of tombstones, and nobody said that it is to be made. */
  Breach missingTombstones(Layout layout) {
    return new Breach(
        "42P01",
        what,
        "there is no table "
            + target.tombstones()
            + " for the tombstones of deleted keys, which a sequence column needs",
        "Use createTableIfMissing(...), or run: " + createTombstones(layout));
  }

  String createTombstones(Layout layout) {
    return layout.sql(TableDestinationSql.CREATE_TOMBSTONES);
  }

  /** The breach of a table of tombstones that exists. */
  List<Breach> tombstones(TableShape tombstones, Layout layout) {
    Set<String> columns = new HashSet<>(layout.key());
    columns.addAll(TOMBSTONE_COLUMNS);
    boolean fits =
        tombstones.columns().keySet().containsAll(columns)
            && tombstones.uniqueKeys().contains(Set.copyOf(layout.key()));
    return fits
        ? List.of()
        : List.of(
            new Breach(
                "42P10",
                what,
                target.tombstones() + " does not fit the key of the table",
                "Move it out of the way and run: " + createTombstones(layout)));
  }

  static String names(List<String> names) {
    return Identifier.all(names).stream().map(Identifier::sql).collect(Collectors.joining(", "));
  }
}
