package io.fulmar.verify.bench.micro;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fulmar.JsonNumbers;
import io.fulmar.internal.json.RowJson;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Set;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** A row as a JSON object, with a generator of its own as the destinations have it. */
@OperationsPerInvocation(OfOrders.ROWS)
public class WriteJson extends OfOrders {
  /** How numbers are written. */
  @Param public JsonNumbers numbers = JsonNumbers.EXACT;

  private final OrderRows rows = OrderRows.ofModel(ROWS);
  private final Shape shape = rows.model().rowShape();
  private final ByteArrayOutputStream into = new ByteArrayOutputStream();
  private List<byte[]> images = List.of();
  private RowJson json = new RowJson(numbers, Set.of());

  /** Keeps of each row what a change does. */
  @Setup
  public void prepare() throws Exception {
    images = rows.images();
    json = new RowJson(numbers, Set.of());
  }

  /** The object. */
  @Benchmark
  public int object() throws Exception {
    into.reset();
    for (byte[] image : images) {
      try (JsonGenerator out = json.generator(into)) {
        json.write(out, ImageRow.of(shape, image));
      }
    }
    return into.size();
  }
}
