package io.fulmar.verify.bench.micro;

import io.fulmar.internal.destination.LinesOfRows;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;

/** A row as a line of COPY's text format, in batches as the destination for tables has them. */
@OperationsPerInvocation(OfOrders.ROWS)
public class WriteLines extends OfOrders {
  private final OrderRows rows = OrderRows.ofModel(ROWS);
  private final Shape shape = rows.model().rowShape();
  private final LinesOfRows lines = new LinesOfRows(shape.names());
  private List<byte[]> images = List.of();

  /** Keeps of each row what a change does. */
  @Setup
  public void prepare() throws Exception {
    images = rows.images();
  }

  /** The line, as far as the connection that it would be sent through. */
  @Benchmark
  public long line() throws Exception {
    lines.begin();
    for (byte[] image : images) {
      lines.add(ImageRow.of(shape, image));
    }
    return lines.end();
  }
}
