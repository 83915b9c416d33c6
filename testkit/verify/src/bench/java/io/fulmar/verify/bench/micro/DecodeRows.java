package io.fulmar.verify.bench.micro;

import io.fulmar.Row;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.Blackhole;

/** Rows out of messages of a binary {@code COPY}, and their values. */
@OperationsPerInvocation(OfOrders.ROWS)
public class DecodeRows extends OfOrders {
  private final OrderRows rows = OrderRows.ofModel(ROWS);
  private final Shape shape = rows.model().rowShape();
  private List<byte[]> images = List.of();

  /** Keeps of each row what a change does. */
  @Setup
  public void prepare() throws Exception {
    images = rows.images();
  }

  /** Where a row and its fields are in a message. */
  @Benchmark
  public void message(Blackhole into) throws Exception {
    rows.send((buffer, from, to, fields) -> into.consume(to));
  }

  /** All nine values of a row. */
  @Benchmark
  public void values(Blackhole into) {
    for (byte[] image : images) {
      Row row = ImageRow.of(shape, image);
      for (String column : row.columns()) {
        into.consume(row.value(column));
      }
    }
  }

  /** The texts of all nine. */
  @Benchmark
  public void texts(Blackhole into) {
    for (byte[] image : images) {
      Row row = ImageRow.of(shape, image);
      for (String column : row.columns()) {
        into.consume(row.text(column));
      }
    }
  }
}
