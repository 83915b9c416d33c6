package io.fulmar.lightning.internal.plan;

import io.fulmar.ChangeSet;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.row.StoredColumn;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@link PlanHead} as bytes. The first number is the version of this form: 1. Not threadsafe. */
final class PlanHeadCode {
  private static final int VERSION = 1;

  private PlanHeadCode() {}

  static byte[] encode(PlanHead head) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      new Writer(out).head(head);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // an array takes all that memory takes
    }
    return bytes.toByteArray();
  }

  static PlanHead decode(byte[] bytes) throws DamagedException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int version = in.readInt();
      if (version != VERSION) {
        throw new DamagedException("the plan has the format " + version + ", not " + VERSION);
      }
      return new Reader(in).head();
    } catch (DamagedException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new DamagedException("the head of the plan cannot be read", e);
    }
  }

  private record Writer(DataOutputStream out) {
    void head(PlanHead head) throws IOException {
      out.writeInt(VERSION);
      string(head.sync());
      out.writeLong(head.run());
      out.writeInt(head.place());
      terms(head.terms());
      string(head.extent().name());
      strings(head.change().parts());
      instant(head.change().usedBefore());
      server(head.server());
      columns(head.columns());
      counts(head.counts());
      out.writeInt(head.invalidRows().size());
      for (PlanHead.Invalid invalid : head.invalidRows()) {
        string(invalid.reason().name());
        out.writeBoolean(invalid.keyImage());
        bytes(invalid.key());
        out.writeLong(invalid.rows());
      }
      out.writeInt(head.samples().size());
      for (PlanHead.Sample sample : head.samples()) {
        string(sample.operation().name());
        bytes(sample.key());
      }
      strings(head.objections());
      strings(head.guards());
      string(head.way().kind().name());
      string(head.way().reason());
      out.writeBoolean(head.base() != null);
      string(head.base() == null ? "" : head.base());
      string(head.writes());
    }

    private void terms(PlanTerms terms) throws IOException {
      out.writeLong(terms.stateVersion());
      string(terms.destination());
      string(terms.mode().name());
      string(terms.removal().name());
      string(terms.request().name());
      string(terms.fingerprint());
      out.writeInt(terms.definition().size());
      for (Map.Entry<String, String> part : terms.definition().entrySet()) {
        string(part.getKey());
        string(part.getValue());
      }
      out.writeLong(terms.madeAt());
    }

    private void server(ServerIdentity server) throws IOException {
      instant(server.at());
      string(server.database());
      out.writeLong(server.system());
      out.writeInt(server.timeline());
      out.writeLong(server.position());
    }

    private void columns(PlanHead.Columns columns) throws IOException {
      string(columns.key());
      shape(columns.row());
      shape(columns.keyRow());
      string(columns.stored().text());
      shape(columns.remembered().shape());
      out.writeInt(columns.remembered().fields().size());
      for (int field : columns.remembered().fields()) {
        out.writeInt(field);
      }
      out.writeBoolean(columns.previous());
      out.writeBoolean(columns.first());
    }

    private void shape(Shape shape) throws IOException {
      List<StoredColumn> stored = StoredColumn.of(shape);
      out.writeInt(stored.size());
      for (StoredColumn column : stored) {
        string(column.name());
        string(column.type());
        out.writeInt(column.field());
      }
    }

    private void counts(PlanHead.Counts counts) throws IOException {
      out.writeLong(counts.rows());
      out.writeLong(counts.live());
      longs(counts.planned());
      out.writeLong(counts.held());
      out.writeLong(counts.ignored());
      out.writeLong(counts.invalid());
      out.writeLong(counts.firstRemovals());
      out.writeLong(counts.effects());
      longs(counts.columnChanges());
    }

    private void longs(List<Long> values) throws IOException {
      out.writeInt(values.size());
      for (long value : values) {
        out.writeLong(value);
      }
    }

    private void instant(@Nullable Instant instant) throws IOException {
      out.writeBoolean(instant != null);
      if (instant != null) {
        out.writeLong(instant.getEpochSecond());
        out.writeInt(instant.getNano());
      }
    }

    private void strings(List<String> strings) throws IOException {
      out.writeInt(strings.size());
      for (String string : strings) {
        string(string);
      }
    }

    private void string(String string) throws IOException {
      bytes(string.getBytes(StandardCharsets.UTF_8));
    }

    private void bytes(byte[] bytes) throws IOException {
      out.writeInt(bytes.length);
      out.write(bytes);
    }
  }

  private record Reader(DataInputStream in) {
    PlanHead head() throws IOException {
      String sync = string();
      long run = in.readLong();
      int place = in.readInt();
      PlanTerms terms = terms();
      Extent extent = Extent.valueOf(string());
      DefinitionChange change = new DefinitionChange(strings(), instant());
      ServerIdentity server = server();
      PlanHead.Columns columns = columns();
      PlanHead.Counts counts = counts();
      List<PlanHead.Invalid> invalid = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        invalid.add(
            new PlanHead.Invalid(
                InvalidRow.Reason.valueOf(string()), in.readBoolean(), bytes(), in.readLong()));
      }
      List<PlanHead.Sample> samples = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        samples.add(new PlanHead.Sample(Operation.valueOf(string()), bytes()));
      }
      return new PlanHead(
          sync,
          run,
          place,
          terms,
          extent,
          change,
          server,
          columns,
          counts,
          invalid,
          samples,
          strings(),
          strings(),
          new ChangeSet.Way(ChangeSet.Way.Kind.valueOf(string()), string()),
          base(),
          string());
    }

    private @Nullable String base() throws IOException {
      boolean there = in.readBoolean();
      String base = string();
      return there ? base : null;
    }

    private PlanTerms terms() throws IOException {
      long stateVersion = in.readLong();
      String destination = string();
      SyncMode mode = SyncMode.valueOf(string());
      Removal removal = Removal.valueOf(string());
      PlanRequest.Kind request = PlanRequest.Kind.valueOf(string());
      String fingerprint = string();
      Map<String, String> definition = new LinkedHashMap<>();
      for (int i = in.readInt(); i > 0; i--) {
        definition.put(string(), string());
      }
      return new PlanTerms(
          stateVersion,
          destination,
          mode,
          removal,
          request,
          fingerprint,
          definition,
          in.readLong());
    }

    private ServerIdentity server() throws IOException {
      Instant at = instant();
      return new ServerIdentity(
          at == null ? Instant.EPOCH : at, string(), in.readLong(), in.readInt(), in.readLong());
    }

    private PlanHead.Columns columns() throws IOException {
      String key = string();
      Shape row = shape();
      Shape keyRow = shape();
      StoredKey stored = StoredKey.parse(string());
      Shape kept = shape();
      List<Integer> fields = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        fields.add(in.readInt());
      }
      return new PlanHead.Columns(
          key,
          row,
          keyRow,
          stored,
          new Remembered(kept, fields),
          in.readBoolean(),
          in.readBoolean());
    }

    private Shape shape() throws IOException {
      List<StoredColumn> stored = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        stored.add(new StoredColumn(string(), string(), in.readInt()));
      }
      return StoredColumn.shape(stored);
    }

    private PlanHead.Counts counts() throws IOException {
      return new PlanHead.Counts(
          in.readLong(),
          in.readLong(),
          longs(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          longs());
    }

    private List<Long> longs() throws IOException {
      List<Long> values = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        values.add(in.readLong());
      }
      return values;
    }

    private @Nullable Instant instant() throws IOException {
      return in.readBoolean() ? Instant.ofEpochSecond(in.readLong(), in.readInt()) : null;
    }

    private List<String> strings() throws IOException {
      List<String> strings = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        strings.add(string());
      }
      return strings;
    }

    private String string() throws IOException {
      return new String(bytes(), StandardCharsets.UTF_8);
    }

    private byte[] bytes() throws IOException {
      int length = in.readInt();
      if (length < 0 || length > in.available()) {
        throw new DamagedException("a length goes beyond the end");
      }
      return in.readNBytes(length);
    }
  }
}
