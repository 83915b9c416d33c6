package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.time.Duration;

/**
 * What became of the positions of a plan, for statements in the transaction of the fold and before
 * the ledger is emptied by it. A position that {@link #accepted} is not true for and that is not in
 * {@link #exceptions} was never handed out. Immutable.
 *
 * @param accepted a condition on a plan table under the alias {@code p}: the destination has
 *     accepted the change at {@code p.position}; never NULL where that is not NULL
 * @param exceptions a subquery in parentheses, to be given an alias: {@code position} int8, {@code
 *     kind} text (the name of an {@link io.fulmar.internal.store.Outcome.Kind}, never ACCEPTED),
 *     {@code unsure} boolean, {@code until} int8 (0 for none), {@code code} text, {@code message}
 *     text (both NULL for no reason); each position at most once. What was reserved and not
 *     answered is UNKNOWN and unsure
 * @param late a subquery like it: {@code position}, {@code until} of what was accepted after a call
 *     that gave no answer and may still act
 * @param isWhole whether every position was accepted, and no call for one may still act
 */
public record OutcomeParts(SqlPart accepted, SqlPart exceptions, SqlPart late, boolean isWhole) {
  /** The longest deadline that a call can have; its reservation may last twice as long. */
  private static final Duration LONGEST_CALL = Duration.ofHours(1);

  /** Everything counts as accepted. */
  public static OutcomeParts allAccepted() {
    return new OutcomeParts(
        OutcomeSql.ALL_ACCEPTED, OutcomeSql.NO_EXCEPTIONS, OutcomeSql.NONE_LATE, true);
  }

  /**
   * What the ledger says, which holds the outcomes of one plan.
   *
   * @param tables of the sync
   * @param latest no call can act after this moment, whatever the ledger says; in milliseconds
   *     since 1970
   */
  public static OutcomeParts ofLedger(SyncTables tables, long latest) {
    return new OutcomeParts(
        OutcomeSql.ACCEPTED.with("ledger", tables.ledger()),
        of(OutcomeSql.EXCEPTIONS, tables, latest),
        of(OutcomeSql.LATE, tables, latest),
        false);
  }

  private static SqlPart of(SqlFragment fragment, SyncTables tables, long latest) {
    return fragment.with("ledger", tables.ledger()).with("latest", ColumnExpression.number(latest));
  }

  /**
   * What a fold goes by. Where the ledger says the same of all positions, so do the parts, which
   * then cost nothing for each.
   *
   * @param transaction with the ledger
   * @param kind what it takes for the outcome
   * @param tables of the sync
   * @param total how many positions the plan has
   * @param now milliseconds since 1970
   */
  public static OutcomeParts of(
      Transaction transaction, FoldKind kind, SyncTables tables, long total, long now)
      throws SQLException {
    return kind == FoldKind.TAKEN || isWhole(transaction, tables, total)
        ? allAccepted()
        : ofLedger(tables, now + 2 * LONGEST_CALL.toMillis());
  }

  private static boolean isWhole(Transaction transaction, SyncTables tables, long total)
      throws SQLException {
    return total > 0
        && transaction
            .first(
                OutcomeSql.WHOLE
                    .with("ledger", tables.ledger())
                    .with("total", ColumnExpression.number(total))
                    .sql(),
                row -> row.getBoolean(1))
            .orElseThrow();
  }
}
