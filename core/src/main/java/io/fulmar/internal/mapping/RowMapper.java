package io.fulmar.internal.mapping;

import io.fulmar.Change;
import io.fulmar.FailureCodes;
import io.fulmar.Mapping;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.type.JavaValue;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes of the rows that a store hands out those that a destination gets. Threadsafe: lanes share
 * one mapper.
 */
public final class RowMapper {
  private static final Object[] NO_VALUES = {};

  private final @Nullable Mapping mapping;
  private final MappedRow.Names rowNames;
  private final Map<String, String> newNames = new HashMap<>();
  private final Map<List<String>, MappedRow.Names> renamed = new ConcurrentHashMap<>();
  private final List<Value> values = new ArrayList<>();

  /** A value that does not come from the model as it is. */
  private interface Value {
    @Nullable Object of(Row row) throws NoValue;
  }

  /** A column of a row has no value that could be sent. */
  private static final class NoValue extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Hold.Reason reason;

    NoValue(String code, String message) {
      super(message, null, false, false);
      this.reason = new Hold.Reason(code, message);
    }
  }

  /**
   * A mapper for one run.
   *
   * @param sync says what a destination gets
   * @param run its number
   * @param at when it began to deliver
   */
  public RowMapper(Sync sync, long run, Instant at) {
    this.mapping = sync.mapping();
    List<String> columns = new ArrayList<>();
    List<MappedRow.Place> places = new ArrayList<>();
    for (Mapping.Column column : mapping == null ? List.<Mapping.Column>of() : mapping.columns()) {
      columns.add(column.name());
      if (column instanceof Mapping.Chosen chosen) {
        places.add(MappedRow.Place.of(chosen.column()));
        newNames.putIfAbsent(chosen.column(), column.name());
      } else {
        places.add(MappedRow.Place.of(values.size()));
        values.add(value(column, run, at));
      }
    }
    this.rowNames = MappedRow.Names.of(columns, places);
  }

  private static Value value(Mapping.Column column, long run, Instant at) {
    if (column instanceof Mapping.Computed computed) {
      MappedRow.Names seen = names(computed.inputs(), computed.inputs());
      return row -> compute(computed, new MappedRow(seen, row, NO_VALUES));
    } else if (column instanceof Mapping.Constant constant) {
      Object value = constant.value();
      return row -> value;
    }
    Object value =
        column instanceof Mapping.RunNumber ? run : JavaValue.normal(at.atOffset(ZoneOffset.UTC));
    return row -> value;
  }

  private static MappedRow.Names names(List<String> names, List<String> columns) {
    return MappedRow.Names.of(names, columns.stream().map(MappedRow.Place::of).toList());
  }

  /**
   * The changes as a destination gets them. One whose row has a column that cannot be computed says
   * so, and keeps the row of the model.
   */
  public List<PlannedChange> map(List<PlannedChange> changes) {
    return mapping == null ? changes : changes.stream().map(this::map).toList();
  }

  private PlannedChange map(PlannedChange planned) {
    if (planned.undeliverable() != null) {
      return planned;
    }
    Change change = planned.change();
    Row key = renamed(change.key());
    Row row = change.row();
    Hold.Reason undeliverable = null;
    if (change.operation() == Operation.REMOVED) {
      row = renamed(row);
    } else {
      try {
        row = new MappedRow(rowNames, row, values(row));
      } catch (NoValue e) {
        undeliverable = e.reason;
      }
    }
    Row previous = change.previous() == null ? null : renamed(change.previous());
    return new PlannedChange(
        planned.position(),
        new Change(
            change.operation(),
            key,
            row,
            change.changeId(),
            change.sequence(),
            change.attempt(),
            previous),
        planned.bytes(),
        undeliverable,
        planned.until());
  }

  /** A row with columns of the model alone, which keep their names unless they are chosen. */
  private Row renamed(Row row) {
    MappedRow.Names names =
        renamed.computeIfAbsent(
            row.columns(),
            columns ->
                names(
                    columns.stream().map(each -> newNames.getOrDefault(each, each)).toList(),
                    columns));
    return new MappedRow(names, row, NO_VALUES);
  }

  private @Nullable Object[] values(Row row) throws NoValue {
    @Nullable Object[] found = new @Nullable Object[values.size()];
    for (int i = 0; i < found.length; i++) {
      found[i] = values.get(i).of(row);
    }
    return found;
  }

  private static @Nullable Object compute(Mapping.Computed column, Row inputs) throws NoValue {
    Object value;
    try {
      value = column.function().compute(inputs);
    } catch (VirtualMachineError e) {
      throw e;
    } catch (Throwable e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      throw new NoValue(
          FailureCodes.COMPUTE_FAILED,
          "the column %s could not be computed: %s"
              .formatted(column.name(), e.getClass().getName()));
    }
    String objection = value == null ? null : JavaValue.objection(value);
    if (objection != null) {
      throw new NoValue(
          FailureCodes.VALUE_WITHOUT_FORM,
          "the column %s has no form: its value %s".formatted(column.name(), objection));
    }
    return value == null ? null : JavaValue.normal(value);
  }
}
