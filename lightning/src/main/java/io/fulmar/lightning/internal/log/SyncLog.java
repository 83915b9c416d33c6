package io.fulmar.lightning.internal.log;

import io.fulmar.ConfigurationException;
import io.fulmar.Operation;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.OnLogFailure;
import io.fulmar.lightning.SyncLogs.Table;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.fold.OutcomeParts;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.schema.OwnTable;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the logs of one sync, in transactions of the caller: those that move its state forward, so
 * that both say the same, and those that note an end without that. This class is threadsafe.
 */
public final class SyncLog {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Schemas schemas;
  private final Sync sync;
  private final SyncLogs logs;

  /**
   * The logs of a sync.
   *
   * @param schemas where they are
   * @param sync whose
   * @param logs which ones, and how
   */
  public SyncLog(Schemas schemas, Sync sync, SyncLogs logs) {
    this.schemas = schemas;
    this.sync = sync;
    this.logs = logs;
  }

  /**
   * What came of {@link #ended}.
   *
   * @param gaps what the record of the sync keeps from now on; null for nothing
   * @param failure to be thrown once the end is durable: why the run could not be logged; null if
   *     it was, or {@link OnLogFailure#CONTINUE} is set
   */
  public record Ended(@Nullable String gaps, @Nullable StateException failure) {}

  /** Writes rows, or fails. */
  private interface Write {
    void run() throws SQLException;
  }

  /**
   * Makes the tables of the logs where they are missing, and looks at them otherwise; the first
   * thing in a run, so that one that could not be logged sends nothing.
   *
   * @param transaction that of the caller, who commits it
   * @throws StateException if they cannot be made, or are not what Fulmar made; under {@link
   *     OnLogFailure#CONTINUE} that is said in the log of the application alone
   */
  public void prepare(Transaction transaction) throws SQLException {
    List<OwnTable> tables = LogTables.of(schemas, logs);
    if (tables.isEmpty()) {
      return;
    }
    Savepoint before = transaction.connection().setSavepoint();
    try {
      new Provision(schemas).ensure(transaction.connection(), tables, transaction.about());
    } catch (StateException e) {
      if (logs.onLogFailure() == OnLogFailure.FAIL) {
        throw e;
      }
      transaction.connection().rollback(before);
      LOG.warn("sync={} goes on without logs: {}", sync.name(), e.getMessage());
    } catch (SQLException e) {
      if (logs.onLogFailure() == OnLogFailure.FAIL || isFatal(e)) {
        throw e;
      }
      transaction.connection().rollback(before);
      String doing = "prepare the sync logs of " + sync.name();
      StateException why = SqlStates.stateException(doing, e, transaction.about());
      LOG.warn("sync={} goes on without logs: {}", sync.name(), why.getMessage());
    }
  }

  /**
   * Does nothing if the columns that are to be logged are read by the sync.
   *
   * @param head of the plan that is to be delivered
   * @throws ConfigurationException if there is no such column
   */
  public void check(PlanHead head) {
    if (logs.tables().isEmpty()) {
      return;
    }
    List<String> known = head.columns().row().names();
    for (String name : logs.columns()) {
      if (!known.contains(name)) {
        throw new ConfigurationException(
            "Cannot log the column %s of %s: the sync reads no such column, only %s. Mend SyncLogs.fields, or let the mapping use the column. [sync=%s]"
                .formatted(name, sync.name(), String.join(", ", known), sync.name()));
      }
    }
  }

  /**
   * Writes what became of a plan. Comes before the state moves and before plan and ledger go: it
   * reads both.
   *
   * @param transaction in which the state moves
   * @param slot number of the sync
   * @param gaps what earlier calls could not log, as the record of the sync keeps it; null for
   *     nothing
   * @param head of the plan
   * @param outcomes what became of it
   * @param kind what is folded; {@link FoldKind#TAKEN} was not sent and is not logged
   * @param run which delivered it
   * @return what the record of the sync keeps from now on
   * @throws StateException if a row cannot be written, unless {@link OnLogFailure#CONTINUE} is set;
   *     the transaction is then to be taken back
   */
  public @Nullable String folded(
      Transaction transaction,
      long slot,
      @Nullable String gaps,
      PlanHead head,
      OutcomeParts outcomes,
      FoldKind kind,
      LoggedRun run)
      throws SQLException {
    if (logs.tables().isEmpty() || kind == FoldKind.TAKEN) {
      return gaps;
    }
    List<String> missing = new ArrayList<>();
    boolean plan = head.place() != PlanHead.NO_TABLE;
    if (plan && logs.tables().contains(Table.CHANGELOG)) {
      rows(transaction, slot, head, outcomes, kind, run, Table.CHANGELOG, missing);
    }
    if (plan && logs.tables().contains(Table.SNAPSHOT)) {
      rows(transaction, slot, head, outcomes, kind, run, Table.SNAPSHOT, missing);
    }
    if (!logs.tables().contains(Table.RUNS)) {
      return gaps;
    }
    List<RunRow.Count> done =
        plan ? count(transaction, slot, head, outcomes) : List.<RunRow.Count>of();
    RunRow row = row(transaction, head, run, RunRow.counts(head.counts().planned(), done));
    for (String sentence : missing) {
      row = row.withError(sentence);
    }
    return run(transaction, gaps, row);
  }

  /**
   * Writes that a run has ended without moving the state.
   *
   * @param transaction in which the end is noted; stays good whatever happens here
   * @param gaps what earlier calls could not log, as the record of the sync keeps it; null for
   *     nothing
   * @param head of the plan that the run made; null if there was none
   * @param run the run
   */
  public Ended ended(
      Transaction transaction, @Nullable String gaps, @Nullable PlanHead head, LoggedRun run)
      throws SQLException {
    if (!logs.tables().contains(Table.RUNS)) {
      return new Ended(gaps, null);
    }
    List<Long> planned =
        head == null ? Collections.nCopies(Operation.values().length, 0L) : head.counts().planned();
    RunRow row = row(transaction, head, run, RunRow.counts(planned, List.of()));
    SQLException failure = attempt(transaction, () -> write(transaction, gaps, row));
    if (failure == null) {
      return new Ended(null, null);
    }
    StateException refusal = failure(transaction, failure, Table.RUNS);
    String kept = LogGaps.with(gaps, row);
    if (logs.onLogFailure() == OnLogFailure.FAIL) {
      return new Ended(kept, refusal);
    }
    warn(run.run(), Table.RUNS, refusal);
    return new Ended(kept, null);
  }

  private void rows(
      Transaction transaction,
      long slot,
      PlanHead head,
      OutcomeParts outcomes,
      FoldKind kind,
      LoggedRun run,
      Table table,
      List<String> missing)
      throws SQLException {
    LogColumns columns = new LogColumns(head.columns(), logs);
    SqlPart rows =
        LogSql.ROWS
            .with("row_id", columns.rowId())
            .with("fields", columns.fields())
            .with("plan", head.rows(schemas.tables(slot)))
            .with("accepted", outcomes.accepted())
            .with("exceptions", outcomes.exceptions());
    Identifier log = LogTables.identifier(schemas, table);
    List<Object> values = new ArrayList<>(List.of(sync.name(), run.run()));
    values.addAll(columns.names());
    values.add(kind == FoldKind.DELIVERED ? Rules.SET_GONE : 0);
    SQLException failure =
        attempt(
            transaction,
            () -> transaction.update(statement(transaction, table, log, rows), values.toArray()));
    if (failure != null) {
      StateException refusal = failure(transaction, failure, table);
      if (logs.onLogFailure() == OnLogFailure.FAIL) {
        throw refusal;
      }
      warn(run.run(), table, refusal);
      missing.add(
          "Its rows are missing in %s, which could not be written (sqlstate=%s)."
              .formatted(LogTables.name(table), SqlStates.code(failure)));
    }
  }

  private String statement(Transaction transaction, Table table, Identifier log, SqlPart rows)
      throws SQLException {
    if (table == Table.CHANGELOG) {
      return LogSql.CHANGELOG.with("changelog", log).with("rows", rows).sql();
    }
    String found = LogSql.IN_SNAPSHOT.with("snapshot", log).sql();
    boolean first = transaction.number(found, sync.name()) == 0;
    return (first ? LogSql.FIRST_SNAPSHOT : LogSql.SNAPSHOT)
        .with("snapshot", log)
        .with("rows", rows)
        .sql();
  }

  private List<RunRow.Count> count(
      Transaction transaction, long slot, PlanHead head, OutcomeParts outcomes)
      throws SQLException {
    return transaction.list(
        LogSql.COUNT
            .with("plan", head.rows(schemas.tables(slot)))
            .with("accepted", outcomes.accepted())
            .with("exceptions", outcomes.exceptions())
            .sql(),
        row ->
            new RunRow.Count(Operation.valueOf(row.getString(1)), row.getLong(2), row.getLong(3)));
  }

  private @Nullable String run(Transaction transaction, @Nullable String gaps, RunRow row)
      throws SQLException {
    SQLException failure = attempt(transaction, () -> write(transaction, gaps, row));
    if (failure == null) {
      return null;
    }
    StateException refusal = failure(transaction, failure, Table.RUNS);
    if (logs.onLogFailure() == OnLogFailure.FAIL) {
      throw refusal;
    }
    warn(row.run(), Table.RUNS, refusal);
    return LogGaps.with(
        gaps,
        row.withError(
            "This row was written late: sync_runs could not be written (sqlstate=%s)."
                .formatted(SqlStates.code(failure))));
  }

  private void warn(long run, Table table, StateException why) {
    LOG.warn(
        "sync={} run={} is missing in {}: {}",
        sync.name(),
        run,
        LogTables.name(table),
        why.getMessage());
  }

  /** Writes what could not be written before, and a row. */
  private void write(Transaction transaction, @Nullable String gaps, RunRow row)
      throws SQLException {
    for (RunRow late : LogGaps.rows(gaps)) {
      insert(transaction, late);
    }
    insert(transaction, row);
  }

  private void insert(Transaction transaction, RunRow row) throws SQLException {
    List<@Nullable Object> values = new ArrayList<>();
    values.add(sync.name());
    values.add(row.run());
    values.add(row.key());
    values.add(row.destination());
    values.add(row.model());
    values.add(row.error());
    values.add(row.status());
    values.add(timestamp(row.startedAt()));
    values.add(timestamp(row.endedAt()));
    values.addAll(row.counts());
    transaction.update(
        LogSql.RUN
            .with("runs", LogTables.identifier(schemas, Table.RUNS))
            .with("counts", Identifier.all(RunRow.COUNTS))
            .with(
                "greater",
                RunRow.COUNTS.stream()
                    .map(count -> LogSql.GREATER.with("count", Identifier.of(count)))
                    .toList())
            .sql(),
        values.toArray());
  }

  private static OffsetDateTime timestamp(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }

  private RunRow row(
      Transaction transaction, @Nullable PlanHead head, LoggedRun run, List<Long> counts)
      throws SQLException {
    String error = run.error();
    List<String> key = head == null ? sync.model().key() : head.columns().keyRow().names();
    return new RunRow(
        run.run(),
        String.join(", ", key),
        sync.destination().type(),
        sync.model().name(),
        error == null ? null : transaction.storable().apply(error),
        run.isGood() ? "succeeded" : "failed",
        run.startedAt().isAfter(run.endedAt()) ? run.endedAt() : run.startedAt(),
        run.endedAt(),
        counts);
  }

  /**
   * Does something that may fail without taking the transaction with it.
   *
   * @return why it failed; null if it did not
   * @throws SQLException if nothing more can be asked on this connection
   */
  private static @Nullable SQLException attempt(Transaction transaction, Write write)
      throws SQLException {
    Savepoint before = transaction.connection().setSavepoint();
    try {
      write.run();
      transaction.connection().releaseSavepoint(before);
      return null;
    } catch (SQLException e) {
      if (isFatal(e)) {
        throw e;
      }
      transaction.connection().rollback(before);
      return e;
    }
  }

  private static boolean isFatal(SQLException e) {
    return SqlStates.isOfConnection(SqlStates.codeOrNull(e));
  }

  private StateException failure(Transaction transaction, SQLException e, Table table) {
    Identifier log = LogTables.identifier(schemas, table);
    String remedy =
        switch (SqlStates.trouble(e)) {
          case NO_TABLE, NO_COLUMN, NO_OBJECT, WRONG_TYPE ->
              "Undo what was altered; a table that is gone is made anew by the next run.";
          case PRIVILEGE ->
              "Give the role back what it may do there: SyncEngine.check() names what is missing.";
          case LOCK_TIMEOUT, STATEMENT_ENDED ->
              "Something holds a lock on it, or it took too long: wait, or raise lockTimeout or statementTimeout of the source.";
          case DISK_FULL, CONFIGURED_LIMIT, OUT_OF_MEMORY -> "Make room on the server.";
          default -> "Look at the server's log.";
        };
    return SqlStates.stateException(
        "write %s for %s".formatted(log, sync.name()),
        e,
        transaction.about(),
        logs.onLogFailure() == OnLogFailure.CONTINUE
            ? remedy
            : remedy
                + " What was accepted is on record: the next run logs it and moves the state forward before anything else, and nothing is sent twice.");
  }
}
