package io.fulmar.lightning.internal.plan;

import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.source.CopyRows;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.postgresql.copy.CopyOut;

/**
 * Hands out the changes of a plan; lanes share it. They are read by pieces, each in a short
 * transaction of its own that begins where the piece before ended: nothing is open in between, so a
 * destination may take its time. A piece ends after some rows, chosen so that it has about 4 MiB,
 * or where it has more than 16 MiB. While one is handed out, a thread reads the next.
 */
public final class PlanTableReader implements PlanReader {
  private static final long WANTED_BYTES = 4L << 20;
  private static final long MOST_BYTES = 16L << 20;
  private static final long MOST_ROWS = 50_000;
  private static final long GROWTH = 4;

  private final Lease lease;
  private final SyncTables tables;
  private final PlanHead head;
  private final PlanRow row;
  private final long total;
  private final ReadAhead<Piece> ahead;
  private ArrayDeque<PlannedChange> ready = new ArrayDeque<>();
  private Place next = new Place(0, 0);
  private long read;
  private long rows;

  /** Where a row stands in the table. */
  private record Place(long block, int line) {}

  /**
   * A reader.
   *
   * @param threads each task on one of its own; the calling one, if it likes
   * @param lease holds the sync
   * @param tables of the sync
   * @param sync what is delivered
   * @param incarnation of its state
   * @param head of the plan
   * @param run that delivers
   */
  public PlanTableReader(
      Executor threads,
      Lease lease,
      SyncTables tables,
      Sync sync,
      String incarnation,
      PlanHead head,
      long run) {
    this.lease = lease;
    this.tables = tables;
    this.head = head;
    this.row = new PlanRow(head, incarnation, run, sync.maxRowBytes());
    this.total = head.counts().total();
    this.ahead = new ReadAhead<>(threads, this::readPiece);
  }

  @Override
  public synchronized List<PlannedChange> next(int maxRows, long maxBytes) {
    List<PlannedChange> changes = new ArrayList<>(Math.min(maxRows, 1024));
    long bytes = 0;
    while (changes.size() < maxRows) {
      if (ready.isEmpty() && read < total) {
        take(ahead.next());
      }
      PlannedChange change = ready.peek();
      if (change == null || (bytes + change.bytes() > maxBytes && !changes.isEmpty())) {
        break;
      }
      bytes += change.bytes();
      changes.add(change);
      ready.remove();
    }
    return changes;
  }

  /** How many bytes have been read and not handed out. */
  synchronized long bytesAhead() {
    return ready.stream().mapToLong(PlannedChange::bytes).sum();
  }

  private StateException incomplete(long found) {
    return new StateException(
        "Cannot go on delivering %s: the plan has %s changes instead of %s. Run again. %s"
            .formatted(lease.sync(), found, total, lease.about()));
  }

  private Piece readPiece() {
    return lease.reading("go on delivering " + lease.sync(), () -> !ahead.isClosed(), this::piece);
  }

  private void take(Piece piece) {
    adapt(piece);
    read += piece.changes.size();
    next = new Place(piece.last.block(), piece.last.line() + 1);
    ready = piece.changes;
    if (read < total) {
      ahead.begin();
    }
  }

  /** Reads the next piece; changes nothing, so that it can be done again if it fails. */
  private Piece piece(Transaction transaction) throws SQLException {
    if (rows == 0) {
      long size = transaction.number(PlanReadSql.SIZE.sql(), tables.plan(head.place()).sql());
      rows = Math.max(1, Math.min(MOST_ROWS, WANTED_BYTES * total / Math.max(1, size)));
    }
    transaction.execute(PlanReadSql.BY_PLACE.sql());
    Piece piece = new Piece();
    CopyRows copy = new CopyRows(row.kinds(), row.count(), piece::row);
    CopyOut out =
        transaction.copyOut(
            PlanReadSql.READ
                .with("plan", tables.plan(head.place()))
                .with("columns", row.columns())
                .with("from", ColumnExpression.place(next.block(), next.line()))
                .with("rows", ColumnExpression.number(Math.min(rows, total - read)))
                .sql());
    boolean whole = false;
    try {
      byte[] chunk = out.readFromCopy();
      while (chunk != null && piece.bytes <= MOST_BYTES && !ahead.isClosed()) {
        copy.take(chunk);
        chunk = out.readFromCopy();
      }
      whole = chunk == null;
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a piece throws none
    } finally {
      if (!whole) {
        // Cut, not cancelled: a cancel that comes late hits whoever has the connection then.
        transaction.markBroken();
      }
    }
    if (whole && (!copy.isComplete() || piece.changes.isEmpty())) {
      throw incomplete(read);
    }
    return piece;
  }

  /** So that the next piece has about the wanted size. */
  private void adapt(Piece piece) {
    long fitting = WANTED_BYTES * piece.changes.size() / Math.max(1, piece.bytes);
    rows = Math.max(1, Math.min(Math.min(rows * GROWTH, MOST_ROWS), fitting));
  }

  /** What is read in one transaction. */
  private final class Piece {
    private final ArrayDeque<PlannedChange> changes = new ArrayDeque<>();
    private Place last = next;
    private long bytes;

    private void row(byte[] buffer, int from, int to, int[] fields) {
      long position = row.position(buffer, fields);
      if (position != read + changes.size()) {
        throw incomplete(read + changes.size());
      }
      changes.add(row.change(buffer, to, fields));
      bytes += to - from;
      last = new Place(row.block(buffer, fields), row.line(buffer, fields));
    }
  }

  /** Waits for the thread that reads ahead, if there is one; it stops at its next row. */
  @Override
  public void close() {
    ahead.close();
  }
}
