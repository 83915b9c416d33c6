package io.fulmar.lightning.internal.state;

import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.store.ChangeIds;
import io.fulmar.internal.store.Explainer;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Version;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import io.fulmar.lightning.internal.plan.KeyLook;
import io.fulmar.lightning.internal.plan.StoredKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Looks at the state of a sync without taking it, also while it runs. */
final class StateReading {
  /** The columns of a hold behind its key, as {@link StateReadingSql} reads them. */
  private static final List<ColumnKind> HOLD =
      List.of(
          ColumnKind.TEXT,
          ColumnKind.INT8,
          ColumnKind.INT4,
          ColumnKind.INT8,
          ColumnKind.INT8,
          ColumnKind.TEXT,
          ColumnKind.UUID,
          ColumnKind.BOOL,
          ColumnKind.TEXT,
          ColumnKind.TEXT);

  private final LightningStore store;
  private final Sync sync;
  private final String about;

  StateReading(LightningStore store, Sync sync) {
    this.store = store;
    this.sync = sync;
    this.about = "[sync=" + sync.name() + "]";
  }

  private SourceSession session() {
    return SourceSession.open(
        store.database().connections(),
        store.database().source(),
        "fulmar " + sync.name(),
        about,
        new Cancellation());
  }

  /**
   * The changes that are remembered, by key.
   *
   * @param limit at most so many
   */
  List<HeldChange> holds(int limit) {
    return reading(record -> holds(record, limit));
  }

  /**
   * Reads something that is kept as the row of the sync says; again if that row is another one by
   * then, since a run replaces tables.
   *
   * @param reading gets what is known of the sync; null for nothing
   */
  private <T> T reading(Function<@Nullable SyncRecord, T> reading) {
    SyncRecord record = store.record(sync);
    while (true) {
      try {
        return reading.apply(record);
      } catch (SourceException e) {
        SyncRecord now = store.record(sync);
        if (now == null ? record == null : record != null && now.isStoredLike(record)) {
          throw e;
        }
        record = now;
      }
    }
  }

  private List<HeldChange> holds(@Nullable SyncRecord record, int limit) {
    Shape keyShape = record == null ? null : KeyShapeText.parse(record.keyShape);
    if (record == null || record.stateColumns == null || keyShape == null) {
      return List.of();
    }
    StoredKey stored = StoredKey.parse(record.stateColumns);
    List<ColumnKind> kinds = new ArrayList<>(stored.kinds());
    kinds.addAll(HOLD);
    String sql =
        StateReadingSql.HOLDS
            .with("key", stored.columns("h"))
            .with("holds", store.schemas().tables(record.slot).holds())
            .with("limit", ColumnExpression.number(limit))
            .sql();
    List<HeldChange> holds = new ArrayList<>();
    ChangeIds ids = new ChangeIds(record.incarnation);
    try (SourceSession session = session()) {
      ModelRows.read(
          session,
          sql,
          kinds,
          kinds.size(),
          "read the holds of " + sync.name(),
          (buffer, from, to, fields) -> {
            byte[] key = key(stored, buffer, fields);
            Hold hold = hold(ids, key, new Fields(buffer, fields, stored.kinds().size()));
            holds.add(Explainer.held(ImageRow.ofKey(keyShape, key), hold));
          });
      return holds;
    } catch (IOException e) {
      throw new IllegalStateException("a list does not throw this", e);
    }
  }

  private static byte[] key(StoredKey stored, byte[] buffer, int[] fields) {
    ImageBuffer image = new ImageBuffer(64);
    for (int i = 0; i < stored.kinds().size(); i++) {
      KeyImage.append(stored.kinds().get(i), buffer, fields[2 * i], fields[2 * i + 1], image);
    }
    return Arrays.copyOf(image.array(), image.length());
  }

  /** The fields of a row behind its key. */
  private record Fields(byte[] buffer, int[] fields, int first) {
    @Nullable String text(int column) {
      int at = 2 * (first + column);
      return fields[at + 1] < 0 ? null : HOLD.get(column).text(buffer, fields[at], fields[at + 1]);
    }

    @Nullable Long number(int column) {
      String text = text(column);
      return text == null ? null : Long.valueOf(text);
    }

    long orZero(int column) {
      Long number = number(column);
      return number == null ? 0 : number;
    }
  }

  private static Hold hold(ChangeIds ids, byte[] key, Fields row) {
    Long hash = row.number(1);
    Version version = hash == null ? null : new Version(0, hash);
    Long plannedBy = row.number(4);
    String plannedAs = row.text(5);
    String given = row.text(6);
    Version id = null;
    if (given != null) {
      UUID uuid = UUID.fromString(given);
      id = new Version(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits());
    } else if (plannedBy != null && plannedAs != null) {
      id = ids.of(key, 0, key.length, Operation.valueOf(plannedAs), version, plannedBy);
    }
    String code = row.text(8);
    String message = row.text(9);
    String kind = row.text(0);
    return new Hold(
        version,
        HoldKind.valueOf(String.valueOf(kind)),
        (int) row.orZero(2),
        row.orZero(3),
        id,
        "true".equals(row.text(7)),
        code == null ? null : new Hold.Reason(code, message == null ? "" : message));
  }

  /** Why a key is sent or not. */
  Explanation explain(List<String> key) {
    return reading(known -> explain(known == null ? new SyncRecord() : known, key));
  }

  private Explanation explain(SyncRecord record, List<String> key) {
    try (SourceSession session = session()) {
      return session.ask(
          "explain a key of " + sync.name(),
          () -> {
            try {
              return explain(session, record, key);
            } catch (IOException e) {
              throw new IllegalStateException("what is read is kept in memory", e);
            }
          });
    }
  }

  private Explanation explain(SourceSession session, SyncRecord record, List<String> key)
      throws IOException {
    KeyLook look = KeyLook.at(session, sync, record, key);
    Integer generation = record.generation;
    String before = record.keySignature;
    boolean same = before == null || before.isEmpty() || before.equals(look.shape().keySignature());
    Memory memory =
        generation != null && same ? memory(session, look, record, generation) : Memory.NONE;
    byte[] row = look.row();
    return Explainer.explain(
        sync,
        PlanTerms.rules(sync, sync.mode(), sync.removal(), record.mode, record.removal),
        ImageRow.ofKey(look.shape().keyShape(), look.image()),
        look.rows(),
        look.version(),
        row == null ? null : ImageRow.of(look.shape().rowShape(), row),
        memory,
        store.clock().millis());
  }

  private Memory memory(SourceSession session, KeyLook look, SyncRecord record, int generation)
      throws IOException {
    List<ColumnKind> kinds = new ArrayList<>(List.of(ColumnKind.INT8, ColumnKind.INT8));
    kinds.addAll(HOLD);
    kinds.add(ColumnKind.INT8);
    List<Memory> found = new ArrayList<>();
    ChangeIds ids = new ChangeIds(record.incarnation);
    ModelRows.read(
        session,
        look.memory(store.schemas().tables(record.slot), generation),
        kinds,
        kinds.size(),
        "read what is remembered of a key of " + sync.name(),
        (buffer, from, to, fields) -> {
          Long accepted = number(buffer, fields, 0);
          Long gone = number(buffer, fields, 1);
          Long until = number(buffer, fields, kinds.size() - 1);
          boolean held = fields[2 * 2 + 1] >= 0;
          found.add(
              new Memory(
                  accepted == null ? null : new Version(0, accepted),
                  gone == null ? 0 : gone,
                  held ? hold(ids, look.image(), new Fields(buffer, fields, 2)) : null,
                  until == null ? 0 : until));
        });
    return found.isEmpty() ? Memory.NONE : found.get(0);
  }

  private static @Nullable Long number(byte[] buffer, int[] fields, int field) {
    return fields[2 * field + 1] < 0
        ? null
        : (Long) ColumnKind.INT8.value(buffer, fields[2 * field], fields[2 * field + 1]);
  }
}
