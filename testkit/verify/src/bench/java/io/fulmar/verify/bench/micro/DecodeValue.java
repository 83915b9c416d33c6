package io.fulmar.verify.bench.micro;

import io.fulmar.internal.row.Shape;
import io.fulmar.internal.type.ColumnKind;
import java.util.Objects;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.Blackhole;

/** One value out of its image: an int8, a numeric, a date and a text. */
@OperationsPerInvocation(OfOrders.ROWS)
public class DecodeValue extends OfOrders {
  /** The column of which the values are. */
  @Param({"o_orderkey", "o_totalprice", "o_orderdate", "o_comment"})
  public String column = "";

  private final byte[][] images = new byte[ROWS][];
  private final int[] starts = new int[ROWS];
  private final int[] lengths = new int[ROWS];
  private ColumnKind kind = ColumnKind.OTHER;
  private int count;

  /** Finds the images of the column. */
  @Setup
  public void prepare() throws Exception {
    OrderRows rows = OrderRows.ofModel(ROWS);
    Shape shape = rows.model().rowShape();
    int position = shape.position(column);
    int field = Objects.requireNonNull(shape.fields().get(position));
    kind = shape.kinds().get(position);
    rows.send(
        (buffer, from, to, fields) -> {
          images[count] = buffer;
          starts[count] = fields[2 * field];
          lengths[count++] = fields[2 * field + 1];
        });
  }

  /** The Java value. */
  @Benchmark
  public void value(Blackhole into) {
    for (int i = 0; i < ROWS; i++) {
      into.consume(kind.value(images[i], starts[i], lengths[i]));
    }
  }
}
