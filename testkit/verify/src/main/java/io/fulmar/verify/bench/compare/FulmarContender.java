package io.fulmar.verify.bench.compare;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import java.util.Locale;

/** What both engines of Fulmar have in common: a run of a sync on an engine made for it. */
abstract class FulmarContender implements Contender {
  /** What both engines call the sync. */
  static final String SYNC = "bench";

  private final Shape shape;
  private final Model model;
  private String way = "";

  FulmarContender(Shape shape, Model model) {
    this.shape = shape;
    this.model = model;
  }

  /** The model as a query. */
  static Model query(Shape shape, String sql) {
    return Model.query(SYNC, sql).key(shape.firstKey(), shape.moreKeys());
  }

  /** The model as a table. */
  static Model table(Shape shape) {
    return Model.table(SYNC, "public", "orders").key(shape.firstKey(), shape.moreKeys());
  }

  abstract SyncEngine open(Source source);

  Sync sync(Tally tally) {
    return Sync.builder(SYNC)
        .model(model)
        .to(
            Destination.of(
                "bench",
                batch -> {
                  count(batch, tally);
                  return Delivery.allAccepted();
                }))
        .onRemoved(Removal.DELETE)
        .build();
  }

  private void count(Batch batch, Tally tally) {
    for (Change change : batch.changes()) {
      Row row = change.row();
      Long key = change.key().longValue(shape.number());
      boolean hasValue = tally.complete() && row.columns().contains(shape.value());
      tally.add(
          change.operation(), key == null ? 0 : key, hasValue ? row.decimal(shape.value()) : null);
    }
  }

  @Override
  public void first(TestDatabase at, Tally tally, long expected) {
    sync(at, tally);
  }

  @Override
  public void sync(TestDatabase at, Tally tally) {
    try (SyncEngine engine = open(at.source().build())) {
      SyncReport report = engine.run(sync(tally)).throwIfFailed();
      way =
          report
              .way()
              .map(ChangeSet.Way::kind)
              .map(each -> each.name().toLowerCase(Locale.ROOT))
              .orElse("");
      if (Boolean.getBoolean("bench.steps")) {
        System.err.println(report.times());
      }
    }
  }

  @Override
  public String note() {
    return way;
  }
}
