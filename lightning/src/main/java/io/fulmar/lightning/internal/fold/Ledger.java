package io.fulmar.lightning.internal.fold;

import io.fulmar.StateException;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.lightning.internal.database.TableLock;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.LedgerEntries.Entry;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.Lease;
import java.sql.Array;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What became of each position of the plan that is being delivered: a row for each range that was
 * reserved, and one for each run of positions with the same answer. Whatever came together since
 * the last transaction goes into the next one, which holds the lease; while the database is away,
 * it is tried again for as long as the lease lasts. This class is threadsafe.
 */
public final class Ledger {
  private static final int MOST_IN_STATEMENT = 5_000;
  private static final int MOST_CHARACTERS = 500;

  /** Where emptying it is cheaper by a new file than row by row. */
  private static final long MANY_ROWS = 10_000;

  private final Lease lease;
  private final SyncTables tables;
  private final long run;
  private final CrashPoint.Watch watch;

  private final LedgerEntries entries = new LedgerEntries(this::over);
  private boolean tried; // guarded by whoever writes

  /**
   * A ledger that {@link #begin} has begun.
   *
   * @param lease holds the sync
   * @param tables of the sync
   * @param run that delivers
   * @param watch hears of what has become durable
   */
  public Ledger(Lease lease, SyncTables tables, long run, CrashPoint.Watch watch) {
    this.lease = lease;
    this.tables = tables;
    this.run = run;
    this.watch = watch;
  }

  /**
   * Begins the ledger of a run, in the transaction in which its delivery begins.
   *
   * @param run that delivers
   */
  public static void begin(Transaction transaction, SyncTables tables, long run)
      throws SQLException {
    empty(transaction, tables);
    transaction.update(LedgerSql.BEGIN.with("ledger", tables.ledger()).sql(), run);
  }

  /** Empties the ledger, in the transaction in which its plan is folded. */
  public static void empty(Transaction transaction, SyncTables tables) throws SQLException {
    long rows = transaction.number(LedgerSql.COUNT.with("ledger", tables.ledger()).sql());
    if (rows > 0) {
      boolean whole =
          rows > MANY_ROWS && TableLock.isFree(transaction.connection(), tables.ledger());
      transaction.update(
          (whole ? LedgerSql.TRUNCATE : LedgerSql.EMPTY).with("ledger", tables.ledger()).sql());
    }
  }

  /** Number of the run that the ledger is of; 0 if it is of none. */
  public static long deliveredBy(Transaction transaction, SyncTables tables) throws SQLException {
    return transaction.number(LedgerSql.RUN.with("ledger", tables.ledger()).sql());
  }

  /**
   * Notes that changes are about to be sent; durable on return, and with it what was acknowledged
   * before.
   *
   * @param from first position
   * @param to position after the last
   * @param until the moment until which the call may act, in milliseconds since 1970
   * @throws StateException if the lease is lost, or the database does not take it
   */
  public void reserve(long from, long to, long until) {
    write(entries.reserved(from, to, until));
    watch.passed(CrashPoint.RESERVED);
  }

  /**
   * Notes what became of changes; durable with the next {@link #reserve} or {@link #flush}, or on
   * return if much is pending.
   *
   * @param from position of the first
   * @param outcomes one for each position from there on
   * @throws StateException if the lease is lost, or the database does not take it
   */
  public void acknowledge(long from, List<Outcome> outcomes) {
    watch.passed(CrashPoint.ANSWERED);
    lease.check();
    long full = entries.answered(from, outcomes);
    if (full > 0) {
      write(full);
    }
  }

  /**
   * Notes what became of changes in a transaction of the caller, who holds the lease in it and
   * commits it; they need not be reserved. Called once for each change, whatever becomes of the
   * transaction.
   *
   * @param transaction fenced
   * @param from position of the first
   * @param outcomes one for each position from there on
   * @return what {@link #isNoted} finds it by
   */
  public long acknowledge(Transaction transaction, long from, List<Outcome> outcomes)
      throws SQLException {
    List<Entry> apart = entries.apart(from, outcomes);
    if (insertAll(transaction, apart) < apart.size()) {
      throw taken();
    }
    return apart.get(0).id();
  }

  /**
   * Takes nothing more: what a thread that was left behind would note while the plan is folded
   * would be in no fold, and what it would send after that would be remembered by nobody.
   */
  public void end() {
    entries.end();
  }

  private StateException over() {
    return new StateException(
        "Cannot note outcomes of %s: its run is over. %s".formatted(lease.sync(), lease.about()));
  }

  /**
   * Makes what was acknowledged durable; calls that meet share the work.
   *
   * @throws StateException if the lease is lost, or the database does not take it
   */
  public void flush() {
    lease.check();
    long mine = entries.newest();
    if (entries.isWritten(mine)) {
      return;
    }
    write(mine);
    watch.passed(CrashPoint.FLUSHED);
  }

  private void write(long upTo) {
    entries.write(
        upTo,
        taken -> {
          lease.steadily(
              "note outcomes of " + lease.sync(), transaction -> write(transaction, taken));
          tried = false;
        });
  }

  private boolean write(Transaction transaction, List<Entry> taken) throws SQLException {
    boolean again = tried;
    tried = true;
    if (insertAll(transaction, taken) < taken.size() && !again) {
      throw taken();
    }
    return true;
  }

  private StateException taken() {
    return new StateException(
        "Cannot note outcomes of %s: others have written to its ledger. Find out who writes to the planner schema; what was noted is remembered, the next run goes on. %s"
            .formatted(lease.sync(), lease.about()));
  }

  private long insertAll(Transaction transaction, List<Entry> all) throws SQLException {
    long written = 0;
    for (int start = 0; start < all.size(); start += MOST_IN_STATEMENT) {
      int end = Math.min(all.size(), start + MOST_IN_STATEMENT);
      written += insert(transaction, all.subList(start, end));
    }
    return written;
  }

  private long insert(Transaction transaction, List<Entry> part) throws SQLException {
    Function<String, String> text = transaction.storable();
    return transaction.update(
        LedgerSql.NOTE.with("ledger", tables.ledger()).sql(),
        run,
        array(transaction, "int8", part, Entry::id),
        array(transaction, "int8", part, Entry::first),
        array(transaction, "int8", part, Entry::end),
        array(transaction, "text", part, e -> kind(e.outcome())),
        array(transaction, "bool", part, e -> isUnsure(e.outcome())),
        array(transaction, "int8", part, Entry::until),
        array(transaction, "text", part, e -> reason(e.outcome(), Hold.Reason::code, text)),
        array(transaction, "text", part, e -> reason(e.outcome(), Hold.Reason::message, text)));
  }

  private static @Nullable String kind(@Nullable Outcome outcome) {
    return outcome == null ? null : outcome.kind().name();
  }

  private static boolean isUnsure(@Nullable Outcome outcome) {
    return outcome != null && outcome.unsure();
  }

  /** Whether a transaction was committed that noted something. */
  public boolean isNoted(Transaction transaction, long id) throws SQLException {
    return transaction.number(LedgerSql.HAS.with("ledger", tables.ledger()).sql(), id) > 0;
  }

  private static Array array(
      Transaction transaction,
      String type,
      List<Entry> part,
      Function<Entry, @Nullable Object> value)
      throws SQLException {
    @Nullable Object[] values = new @Nullable Object[part.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = value.apply(part.get(i));
    }
    return transaction.connection().createArrayOf(type, values);
  }

  private static @Nullable String reason(
      @Nullable Outcome outcome,
      Function<Hold.Reason, String> part,
      Function<String, String> text) {
    Hold.Reason reason = outcome == null ? null : outcome.reason();
    return reason == null ? null : text.apply(cut(part.apply(reason)));
  }

  private static String cut(String text) {
    int end = Math.min(text.length(), MOST_CHARACTERS);
    return text.substring(
        0, end > 0 && Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end);
  }
}
