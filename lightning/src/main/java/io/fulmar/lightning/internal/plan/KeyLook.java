package io.fulmar.lightning.internal.plan;

import io.fulmar.Sync;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.AskedKeys;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a model has of one key, hashed as a plan hashes it. Not threadsafe. */
public final class KeyLook implements RowSink {
  private static final int FIRST_FIELD = 2;

  private final ModelShape shape;
  private final byte[] image;
  private final Comparison comparison;
  private int rows;
  private @Nullable Version version;
  private byte @Nullable [] row;

  private KeyLook(ModelShape shape, byte[] image, Comparison comparison) {
    this.shape = shape;
    this.image = image;
    this.comparison = comparison;
  }

  /**
   * Looks at a key.
   *
   * @param session sees one snapshot
   * @param sync whose model is read
   * @param record what is known of the sync
   * @param key the texts of the key's columns
   */
  public static KeyLook at(SourceSession session, Sync sync, SyncRecord record, List<String> key)
      throws IOException {
    String name = sync.model().name();
    ModelShape shape =
        UsedColumns.of(Describer.describe(session, sync.model()), sync, session.about());
    byte[] image = AskedKeys.handOver(session, shape, name, List.of(key)).get(0);
    PlanHead.Columns columns =
        new PlanHead.Columns(
            shape.keySignature(),
            shape.rowShape(),
            shape.keyShape(),
            StoredKey.of(shape),
            Remembered.NOTHING,
            false);
    String seed = PlanTerms.rowSeed(record.secret, record.epoch, sync, shape);
    Comparison comparison =
        Comparison.of(shape, RowHash.of(shape, seed), columns, sync.maxRowBytes())
            .looking(shape.ofKeys(), null);
    KeyLook look = new KeyLook(shape, image, comparison);
    String doing = "read a key of " + name;
    List<ColumnKind> kinds = new ArrayList<>(List.of(ColumnKind.INT8, ColumnKind.BOOL));
    kinds.addAll(shape.fieldKinds());
    ModelRows.read(session, comparison.model().hashedRows(), kinds, kinds.size(), doing, look);
    session.refuseOvertaken(doing);
    return look;
  }

  @Override
  public void row(byte[] buffer, int from, int to, int[] fields) {
    rows++;
    version = new Version(0, ByteBuffer.wrap(buffer, fields[0], Long.BYTES).getLong());
    boolean oversize = buffer[fields[2]] != 0;
    row = oversize ? null : Arrays.copyOfRange(buffer, fields[2 * FIRST_FIELD] - 4, to);
  }

  /** The statement that reads what is remembered of the key, in the same session. */
  public String memory(SyncTables tables, int generation) {
    return comparison.memoryOfAsked(tables, generation);
  }

  /** The model. */
  public ModelShape shape() {
    return shape;
  }

  /** The image of the key. */
  public byte[] image() {
    return image;
  }

  /** How many rows the model has of it. */
  public int rows() {
    return rows;
  }

  /** The version of its row; null for none. */
  public @Nullable Version version() {
    return version;
  }

  /** The fields of its row; null if there is none, or it has too many bytes. */
  public byte @Nullable [] row() {
    return row;
  }
}
