package io.fulmar.verify.bench.micro;

import io.fulmar.Model;
import io.fulmar.Sync;
import io.fulmar.internal.standard.DiffLoop;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.lightning.internal.plan.PlanRows;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** The changes of a first run out of their plan, up to what a lane is given. */
public class ReadChanges extends OfOrders {
  // So many that no partition is a matter of its buffers.
  private static final int ROWS_OF_STANDARD = 8 * ROWS;
  private static final int LANE_ROWS = 1_000;
  private static final long LANE_BYTES = 4L << 20;

  private final Sync sync =
      Sync.builder("orders")
          .model(Model.query("orders", "select 1 as id").key("id"))
          .to(Destination.of("bench:orders", batch -> Delivery.allAccepted()))
          .build();
  private final PlanRows plan = new PlanRows(OrderRows.shape());
  private final OrderRows planned = OrderRows.ofPlan(ROWS, plan.kinds());
  private Path root = Path.of("");
  private DiffLoop run;

  /** Makes a plan of the standard engine. */
  @Setup
  public void prepare() throws Exception {
    root = PartitionRows.temporary();
    OrderRows rows = OrderRows.ofModel(ROWS_OF_STANDARD);
    run = DiffLoop.first(root, rows.model());
    rows.send(run.rows());
    run.join();
  }

  /** Removes the files. */
  @TearDown
  public void remove() throws IOException {
    run.close();
    PartitionRows.remove(root);
  }

  /** Out of the files of the standard engine. */
  @Benchmark
  @OperationsPerInvocation(ROWS_OF_STANDARD)
  public void ofStandard(Blackhole into) {
    try (PlanReader reader = run.reader(sync)) {
      List<PlannedChange> changes = reader.next(LANE_ROWS, LANE_BYTES);
      while (!changes.isEmpty()) {
        into.consume(changes);
        changes = reader.next(LANE_ROWS, LANE_BYTES);
      }
    }
  }

  /** Out of the messages in which Lightning gets its table of the plan back. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void ofLightning(Blackhole into) throws Exception {
    List<PlannedChange> changes = new ArrayList<>(ROWS);
    plan.begin();
    planned.send(
        (buffer, from, to, fields) -> {
          changes.add(plan.change(buffer, to, fields));
          into.consume(plan.place(buffer, fields));
        });
    into.consume(changes);
  }
}
