package io.fulmar.lightning.internal.log;

import io.fulmar.ChangeSet;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ModelShape.Column;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.StoredKey;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** The head of a plan whose table the test has made itself, as planning would have. */
final class HandMadePlan {
  static final long RUN = 1_700_000_000_000L;

  private HandMadePlan() {}

  /**
   * A head.
   *
   * @param columns of the model, in its order
   * @param key positions of the key's columns
   * @param remembered names of remembered columns
   * @param planned how many are added, changed, removed
   */
  static PlanHead head(
      List<Column> columns, List<Integer> key, List<String> remembered, List<Long> planned) {
    ModelShape shape = new ModelShape(QueryText.proven("select"), columns, key);
    return new PlanHead(
        "crm",
        RUN,
        0,
        new PlanTerms(
            1,
            "test:crm",
            SyncMode.UPSERT,
            Removal.DELETE,
            PlanRequest.Kind.RUN,
            shape.fingerprint(),
            Map.of(),
            RUN),
        Extent.WHOLE,
        DefinitionChange.NONE,
        new ServerIdentity(Instant.ofEpochMilli(RUN), "test", 1, 1, 1),
        new PlanHead.Columns(
            shape.keySignature(),
            shape.rowShape(),
            shape.keyShape(),
            StoredKey.of(shape),
            Remembered.of(shape, remembered),
            !remembered.isEmpty()),
        new PlanHead.Counts(0, 0, planned, 0, 0, 0, 0, 0, List.of()),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        new ChangeSet.Way(ChangeSet.Way.Kind.FULL, "by hand"),
        null,
        "");
  }
}
