package io.fulmar.lightning.internal.state;

import io.fulmar.internal.row.Shape;
import io.fulmar.lightning.internal.plan.RememberedText;
import io.fulmar.lightning.internal.plan.StoredForm;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.StoredColumn;
import io.fulmar.lightning.internal.schema.SyncColumns;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The columns of a sync's tables, as its row tells them. */
final class RecordColumns {
  private RecordColumns() {}

  /** The columns; null if it has no tables. */
  static @Nullable SyncColumns of(SyncRecord record) {
    Shape shape = KeyShapeText.parse(record.keyShape);
    if (record.stateColumns == null || shape == null) {
      return null;
    }
    List<String> types = StoredKey.parse(record.stateColumns).types();
    List<StoredColumn> key = new ArrayList<>();
    for (int i = 0; i < types.size(); i++) {
      key.add(new StoredColumn(shape.names().get(i), types.get(i)));
    }
    List<StoredColumn> remembered = new ArrayList<>();
    String text = record.remembered;
    if (text != null && !text.isEmpty()) {
      Shape kept = RememberedText.parse(text);
      for (int i = 0; i < kept.names().size(); i++) {
        remembered.add(new StoredColumn(kept.names().get(i), StoredForm.type(kept.kinds().get(i))));
      }
    }
    return new SyncColumns(key, remembered);
  }
}
