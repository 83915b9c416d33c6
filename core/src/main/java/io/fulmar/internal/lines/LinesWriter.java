package io.fulmar.internal.lines;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fulmar.Change;
import io.fulmar.FailureCodes;
import io.fulmar.JsonLinesDestination.Field;
import io.fulmar.internal.json.NoFormException;
import io.fulmar.internal.json.RowJson;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Makes lines of changes and appends those of each batch to the file. Used by one thread. */
public final class LinesWriter implements Writer {
  private final LinesTarget target;
  private final LinesFile file;
  private final RunContext run;

  /** A writer that opens the file with its first batch. */
  public LinesWriter(LinesTarget target, RunContext run) {
    this.target = target;
    this.file = new LinesFile(target);
    this.run = run;
  }

  @Override
  public Delivery write(Batch batch) throws Exception {
    Delivery.Builder delivery = Delivery.acceptedExcept();
    Bytes lines = new Bytes();
    List<Integer> ends = new ArrayList<>(batch.size());
    for (Change change : batch.changes()) {
      int start = lines.size();
      try {
        write(lines, batch, change);
        ends.add(lines.size());
      } catch (NoFormException e) {
        lines.cut(start);
        delivery.rejected(
            change, FailureCodes.VALUE_WITHOUT_FORM, e.getMessage() + ", which no line can hold");
      }
    }
    if (!ends.isEmpty()) {
      file.append(joined(lines, ends));
    }
    return delivery.build();
  }

  /** One object; the brace that begins it gives way to what all lines begin with. */
  private void write(Bytes lines, Batch batch, Change change) throws IOException, NoFormException {
    RowJson json = target.json();
    try (JsonGenerator out = json.generator(lines)) {
      // Closed whatever happens, so it must not complete what failed.
      out.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
      out.writeStartObject();
      for (Field field : target.fields()) {
        out.writeFieldName(field.member());
        switch (field) {
          case SYNC -> out.writeString(run.sync());
          case RUN -> out.writeNumber(run.run());
          case ACTION -> out.writeString(batch.action().name());
          case OPERATION -> out.writeString(change.operation().name());
          case CHANGE_ID -> out.writeString(change.changeId());
          case SEQUENCE -> out.writeNumber(change.sequence());
          case ATTEMPT -> out.writeNumber(change.attempt());
          case KEY -> json.write(out, change.key());
          case ROW -> json.write(out, change.row());
        }
      }
      out.writeEndObject();
    }
  }

  private static ByteBuffer joined(Bytes lines, List<Integer> ends) {
    Bytes joined = new Bytes();
    int start = 0;
    for (int i = 0; i < ends.size(); i++) {
      int end = ends.get(i);
      joined.writeBytes(Line.beginning(ends.size() - 1 - i));
      joined.write(',');
      joined.write(lines.array(), start + 1, end - start - 1);
      joined.write('\n');
      start = end;
    }
    return ByteBuffer.wrap(joined.array(), 0, joined.size());
  }

  /** The file is closed after each batch. */
  @Override
  public void close() {}

  /** Can be cut, and saves a copy of what may be many megabytes. */
  private static final class Bytes extends ByteArrayOutputStream {
    byte[] array() {
      return buf;
    }

    void cut(int size) {
      count = size;
    }
  }
}
