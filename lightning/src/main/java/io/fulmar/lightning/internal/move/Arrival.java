package io.fulmar.lightning.internal.move;

import io.fulmar.Sync;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.standard.Departure;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.StateColumns;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.Comments;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.schema.SyncViews;
import io.fulmar.lightning.internal.state.KeyShapeText;
import io.fulmar.lightning.internal.state.SyncRecord;
import java.io.IOException;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Takes over what the standard engine remembers of a sync, in one transaction: the model is read
 * once, each row under the hash of either engine, so that what is in the source as it was accepted
 * counts as accepted here, and anything else equals nothing here and is planned. Used by one
 * thread.
 */
public final class Arrival {
  private final Departure departure;
  private final Sync sync;
  private final Snapshots snapshots;
  private final Provision provision;
  private final SyncTables tables;
  private final long memoryBytes;

  /**
   * An arrival.
   *
   * @param departure what is taken over
   * @param sync whose it is
   * @param snapshots read its model
   * @param provision makes tables
   * @param tables of the sync
   * @param memoryBytes {@code work_mem} of its statements
   */
  public Arrival(
      Departure departure,
      Sync sync,
      Snapshots snapshots,
      Provision provision,
      SyncTables tables,
      long memoryBytes) {
    this.departure = departure;
    this.sync = sync;
    this.snapshots = snapshots;
    this.provision = provision;
    this.tables = tables;
    this.memoryBytes = memoryBytes;
  }

  /**
   * Takes everything over; what is remembered of keys goes into tables, the rest into the record.
   *
   * @param transaction fenced; the caller writes the record and commits
   * @param record of the sync, which has no state yet
   * @param run number of this step, under which the source shows who reads
   * @param from where it comes from, for whoever looks at the record
   */
  public void take(Transaction transaction, SyncRecord record, long run, String from)
      throws SQLException {
    if (departure.keyShape() != null) {
      try (Snapshot snapshot =
          snapshots.open(
              sync.model(),
              PlanTerms.application(sync, run),
              transaction.about(),
              new Cancellation())) {
        takeKeys(transaction, record, run, snapshot);
      }
    }
    record.movedFrom = from;
    record.incarnation = departure.incarnation();
    record.initialising = false;
    record.revision = Math.max(sync.revision(), departure.revision());
    record.epoch = departure.epoch();
    record.stateVersion = Math.max(record.stateVersion, departure.version()) + 1;
    record.keys = departure.keys();
    record.live = departure.live();
    record.fingerprint = departure.fingerprint().replace('\0', ' ');
    record.definitions = departure.definitions();
    record.mode = departure.mode();
    record.removal = departure.removal();
    record.run = Math.max(run, departure.run());
    record.foldedRun = departure.foldedRun();
    record.lastStatus = departure.lastStatus();
    record.lastEndedAt = stored(departure.lastEndedAt());
    record.lastSuccessAt = stored(departure.lastSuccessAt());
    record.failuresInARow = departure.failuresInARow();
    record.upToDateAsOf = stored(departure.upToDateAsOf());
    record.clearing = departure.isClearing();
    record.clearUntil = departure.clearUntil();
    record.until = departure.until();
    ServerIdentity server = departure.server();
    if (server != null) {
      record.systemIdentifier = server.system();
      record.database = server.database();
      record.timeline = server.timeline();
      record.position = server.position();
    }
  }

  /** As the database keeps it. */
  private static @Nullable Instant stored(@Nullable Instant moment) {
    return moment == null ? null : moment.truncatedTo(ChronoUnit.MICROS);
  }

  private void takeKeys(Transaction transaction, SyncRecord record, long run, Snapshot snapshot)
      throws SQLException {
    ModelShape shape = UsedColumns.of(snapshot.shape(), sync, transaction.about());
    if (!departure.key().equals(shape.keySignature())) {
      throw Refusal.key(sync, run, departure.key(), shape.keySignature());
    }
    Shape kept = departure.remembered();
    PlanHead.Columns columns =
        new PlanHead.Columns(
            departure.key(),
            shape.rowShape(),
            shape.keyShape(),
            StoredKey.of(shape),
            new Remembered(kept, IntStream.range(0, kept.names().size()).boxed().toList()),
            false);
    SyncColumns stored = StateColumns.of(columns);
    String seed = PlanTerms.rowSeed(record.secret, departure.epoch(), sync, shape);
    MovedEntries entries = new MovedEntries(transaction, tables, columns.stored(), stored);
    MovedVersions versions =
        new MovedVersions(transaction, tables, shape, RowHash.of(shape, seed), sync.maxRowBytes());
    transaction.list(MoveSql.MEMORY.sql(), row -> row, (memoryBytes >> 10) + "kB");
    try {
      entries.copy(departure);
      versions.copy(snapshot, departure.versions(shape));
    } catch (IOException e) {
      throw departure.unusable(e);
    }
    transaction.execute(MoveSql.ANALYZE.with("table", tables.movedEntries()).sql());
    transaction.execute(MoveSql.ANALYZE.with("table", tables.movedVersions()).sql());
    provision.createSync(transaction.connection(), tables, sync.name(), stored);
    settle(transaction, columns, stored);
    record.generation = 0;
    record.keySignature = departure.key();
    record.keyShape = KeyShapeText.of(shape.keyShape());
    record.stateColumns = columns.stored().text();
    record.remembered = columns.rememberedText();
  }

  /** Makes state and holds of what was copied. */
  private void settle(Transaction transaction, PlanHead.Columns columns, SyncColumns stored)
      throws SQLException {
    ColumnExpression mask = ColumnExpression.number(mask(transaction));
    List<Identifier> key = columns.stored().columns();
    List<Identifier> keyThere = columns.stored().columns("e");
    List<Identifier> names = new ArrayList<>(Identifier.all(List.of("hash", "gone_since")));
    List<SqlPart> values = new ArrayList<>();
    values.add(MoveSql.HASH.with("mask", mask));
    values.add(Identifier.of("e", "gone_since"));
    List<SqlPart> notNull = new ArrayList<>();
    notNull.add(MoveSql.NOT_NULL.with("column", Identifier.of("hash")));
    for (String column : MovedEntries.remembered(stored)) {
      names.add(Identifier.of(column));
      values.add(Identifier.of("e", column));
    }
    if (!stored.remembered().isEmpty()) {
      notNull.add(MoveSql.NOT_NULL.with("column", Identifier.of(MovedEntries.VALUED)));
    }
    transaction.execute(
        MoveSql.STATE
            .with("state", tables.state(0))
            .with("key", key)
            .with("columns", names)
            .with("e_key", keyThere)
            .with("values", values)
            .with("entries", tables.movedEntries())
            .with("versions", tables.movedVersions())
            .sql());
    transaction.execute(
        MoveSql.FINISH
            .with("state", tables.state(0))
            .with("not_null", notNull)
            .with("key", key)
            .sql());
    transaction.execute(Comments.onState(tables, 0, sync.name()));
    new SyncViews(tables, sync.name()).createState(transaction.connection(), 0, stored);
    transaction.execute(
        MoveSql.HOLDS
            .with("holds", tables.holds())
            .with("key", key)
            .with("e_key", keyThere)
            .with("mask", mask)
            .with("entries", tables.movedEntries())
            .with("versions", tables.movedVersions())
            .sql());
    transaction.execute(MoveSql.ANALYZE.with("table", tables.state(0)).sql());
    transaction.execute(
        MoveSql.DROP.with("tables", List.of(tables.movedEntries(), tables.movedVersions())).sql());
  }

  /** A number under which no version of another engine is taken for one of the rows of its key. */
  private long mask(Transaction transaction) throws SQLException {
    SecureRandom random = new SecureRandom();
    String meets =
        MoveSql.MEETS
            .with("entries", tables.movedEntries())
            .with("versions", tables.movedVersions())
            .sql();
    long mask = random.nextLong();
    while (transaction.number(meets, mask, mask) > 0) {
      mask = random.nextLong();
    }
    return mask;
  }
}
