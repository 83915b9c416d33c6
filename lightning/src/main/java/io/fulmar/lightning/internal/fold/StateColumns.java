package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.row.Shape;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.StoredForm;
import io.fulmar.lightning.internal.schema.StoredColumn;
import io.fulmar.lightning.internal.schema.SyncColumns;
import java.util.ArrayList;
import java.util.List;

/** The columns that the tables of a sync keep, as a plan has them. */
public final class StateColumns {
  private StateColumns() {}

  /** The columns of the key and those that are remembered, in the order in which they are kept. */
  public static SyncColumns of(PlanHead.Columns columns) {
    List<StoredColumn> key = new ArrayList<>();
    for (int i = 0; i < columns.keyRow().names().size(); i++) {
      key.add(new StoredColumn(columns.keyRow().names().get(i), columns.stored().types().get(i)));
    }
    List<StoredColumn> remembered = new ArrayList<>();
    Shape shape = columns.remembered().shape();
    for (int field = 0; field < shape.names().size(); field++) {
      int column = shape.fields().indexOf(field);
      remembered.add(
          new StoredColumn(shape.names().get(column), StoredForm.type(shape.kinds().get(column))));
    }
    return new SyncColumns(key, remembered);
  }

  /** Whether a column of a state, by its name, keeps a value that is remembered. */
  static boolean isRemembered(String column) {
    return column.matches("r[0-9]+");
  }
}
