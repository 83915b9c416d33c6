package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.type.ColumnKind;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Lets a benchmark of another package drive {@link PlanRow}: the changes of a first run. */
public final class PlanRows {
  private static final long RUN = 1_763_800_000_123L;

  private final PlanRow row;
  private long position;

  /** Rows of a plan over a model. */
  public PlanRows(ModelShape shape) {
    PlanHead head =
        new PlanHead(
            "orders",
            RUN,
            0,
            new PlanTerms(
                1,
                "bench:orders",
                SyncMode.UPSERT,
                Removal.DELETE,
                PlanRequest.Kind.RUN,
                shape.fingerprint(),
                Map.of(),
                RUN),
            Extent.WHOLE,
            DefinitionChange.NONE,
            new ServerIdentity(Instant.ofEpochMilli(RUN), "bench", 1, 1, 1),
            new PlanHead.Columns(
                shape.keySignature(),
                shape.rowShape(),
                shape.keyShape(),
                StoredKey.of(shape),
                Remembered.NOTHING,
                false,
                true),
            new PlanHead.Counts(0, 0, List.of(0L, 0L, 0L), 0, 0, 0, 0, 0, List.of()),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            new ChangeSet.Way(ChangeSet.Way.Kind.FULL, "bench"),
            null,
            "");
    row = new PlanRow(head, "815", RUN, 1 << 20);
  }

  /** Kinds of the fields of a row. */
  public List<ColumnKind> kinds() {
    return row.kinds();
  }

  /** Begins at the first row again. */
  public void begin() {
    position = 0;
  }

  /** The next change, if the row is where it should be. */
  public PlannedChange change(byte[] buffer, int to, int[] fields) {
    if (row.position(buffer, fields) != position++) {
      throw new IllegalStateException("a row is out of order");
    }
    return row.change(buffer, to, fields);
  }

  /** Where the row stands in the table: what is kept of the last one of a piece. */
  public long place(byte[] buffer, int[] fields) {
    return row.block(buffer, fields) << 16 | row.line(buffer, fields);
  }
}
