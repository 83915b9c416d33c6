package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.TableDestinationSql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which batches are copied straight into the table: those of rows that are all new, as in a
 * first run. If one of them is there, or is refused, the batch goes by the stage after all; each
 * such failure makes the next try wait for twice as many batches, because rows that were copied in
 * vain are dead rows of the table. Used by one writer.
 */
final class StraightCopy {
  private static final int LONGEST_PAUSE = 64;

  private final TableTarget target;
  private @Nullable Boolean possible;
  private int pause;
  private int nextPause = 1;

  StraightCopy(TableTarget target) {
    this.target = target;
  }

  /** Whether a batch is worth a try; locks that its layout asks for are held. */
  boolean isWorthATry(Connection connection, Layout layout, List<Change> changes)
      throws SQLException {
    boolean inserts = layout.action() == Action.INSERT || layout.action() == Action.UPSERT;
    if (!inserts || !changes.stream().allMatch(StraightCopy::isNew) || pause-- > 0) {
      return false;
    }
    pause = 0;
    if (possible == null) {
      try (PreparedStatement look =
          OneShot.prepare(connection, TableDestinationSql.TAKES_STRAIGHT_COPY.sql())) {
        look.setString(1, target.schema());
        look.setString(2, target.table());
        possible = isTrue(look);
      }
    }
    return possible && (target.sequenceColumn() == null || hasNoTombstones(connection, layout));
  }

  /** No run has sent the row before, so that it is not there in all likelihood. */
  private static boolean isNew(Change change) {
    return change.operation() == Operation.ADDED && change.attempt() == 1;
  }

  /** A newer one would have to win over a row. */
  private static boolean hasNoTombstones(Connection connection, Layout layout) throws SQLException {
    try (PreparedStatement look =
        OneShot.prepare(connection, layout.sql(TableDestinationSql.HAS_NO_TOMBSTONES))) {
      return isTrue(look);
    }
  }

  private static boolean isTrue(PreparedStatement question) throws SQLException {
    try (ResultSet answer = question.executeQuery()) {
      return answer.next() && answer.getBoolean(1);
    }
  }

  void worked() {
    nextPause = 1;
  }

  void failed() {
    pause = nextPause;
    nextPause = Math.min(2 * nextPause, LONGEST_PAUSE);
  }
}
