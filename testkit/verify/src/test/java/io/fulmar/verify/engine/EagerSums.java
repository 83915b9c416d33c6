package io.fulmar.verify.engine;

import io.fulmar.Model;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots of a model of which few rows are added up as well, after every run that found nothing,
 * since nobody counts what is written.
 */
final class EagerSums implements Snapshots {
  private final Snapshots snapshots;
  private final AtomicLong sums;

  /**
   * Such snapshots.
   *
   * @param snapshots what is read; closed with this
   * @param sums is told of each sum
   */
  EagerSums(Snapshots snapshots, AtomicLong sums) {
    this.snapshots = snapshots;
    this.sums = sums;
  }

  @Override
  public Snapshot open(Model model, String application, String about, Cancellation cancellation) {
    return new Eager(snapshots.open(model, application, about, cancellation));
  }

  @Override
  public long leastRowsToAddUp() {
    return 1;
  }

  @Override
  public void close() {
    snapshots.close();
  }

  private final class Eager implements Snapshot {
    private final Snapshot snapshot;

    Eager(Snapshot snapshot) {
      this.snapshot = snapshot;
    }

    @Override
    public ServerIdentity server() {
      return snapshot.server();
    }

    @Override
    public ModelShape shape() {
      return snapshot.shape();
    }

    @Override
    public void rows(ModelShape shape, long maxRowBytes, RowSink sink) throws IOException {
      snapshot.rows(shape, maxRowBytes, sink);
    }

    @Override
    public @Nullable RowSum sum(ModelShape shape, String seed) {
      sums.incrementAndGet();
      return snapshot.sum(shape, seed);
    }

    @Override
    public String writes() {
      return "";
    }

    @Override
    public List<byte[]> only(List<List<String>> keys) throws IOException {
      return snapshot.only(keys);
    }

    @Override
    public void firstRows(RowSink sink) throws IOException {
      snapshot.firstRows(sink);
    }

    @Override
    public void close() {
      snapshot.close();
    }
  }
}
