package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;

/** Moves the holds of a sync, in one transaction. */
final class HoldMoves {
  /** From so many new holds on, the next comparison is planned better by what is known of them. */
  private static final long MANY_HOLDS = 1_000;

  private final Transaction transaction;
  private final SyncTables tables;

  /**
   * What became of changes that were not accepted.
   *
   * @param newlyQuarantined changes that are quarantined now and were not before
   * @param unanswered changes of which no answer came
   * @param held how many holds were written
   */
  record Settled(long newlyQuarantined, long unanswered, long held) {}

  HoldMoves(Transaction transaction, SyncTables tables) {
    this.transaction = transaction;
    this.tables = tables;
  }

  /** Skipped changes get another try; false if there are none. */
  boolean renew() throws SQLException {
    return transaction.update(HoldSql.RENEW.with("holds", tables.holds()).sql()) > 0;
  }

  /**
   * Takes in the outcomes of a plan, and what planning found.
   *
   * @param exceptions whether something was not accepted
   * @param late whether a call may still act for something that was accepted
   * @param effects bits of {@link Rules.Decision#effects} that occur in the plan
   */
  Settled settle(FoldParts parts, Rules rules, boolean exceptions, boolean late, int effects)
      throws SQLException {
    boolean any = transaction.first(parts.of(HoldSql.ANY), row -> row.getBoolean(1)).orElseThrow();
    Settled settled = new Settled(0, 0, 0);
    if (any) {
      drop(parts, parts.byAcceptance());
    }
    if (exceptions) {
      settled =
          transaction
              .first(
                  parts.settle(rules),
                  row -> new Settled(row.getLong(1), row.getLong(2), row.getLong(3)))
              .orElseThrow();
    }
    if (settled.held() > MANY_HOLDS) {
      transaction.update(parts.of(FoldSql.ANALYZE, "table", tables.holds()));
    }
    if (exceptions || late) {
      transaction.update(parts.of(HoldSql.LATE));
    }
    if ((effects & Rules.DROP_HOLD) != 0) {
      transaction.update(parts.of(HoldSql.BARE));
    }
    if ((effects & (Rules.DROP_HOLD | Rules.FORGET)) != 0) {
      drop(parts, HoldSql.BY_EFFECT);
    }
    return settled;
  }

  private void drop(FoldParts parts, SqlPart condition) throws SQLException {
    transaction.update(parts.of(HoldSql.DROP, "condition", condition));
    transaction.update(parts.of(HoldSql.BLANKEN, "condition", condition));
  }

  /**
   * Drops what may not act any more.
   *
   * @return the latest moment at which a call for some key may act, in milliseconds since 1970; 0
   *     for none
   */
  long expire(long now) throws SQLException {
    SqlPart moment = ColumnExpression.number(now);
    transaction.update(HoldSql.EXPIRE.with("holds", tables.holds()).with("now", moment).sql());
    transaction.update(
        HoldSql.EXPIRE_CALLS.with("holds", tables.holds()).with("now", moment).sql());
    return transaction.number(HoldSql.UNTIL.with("holds", tables.holds()).sql());
  }
}
