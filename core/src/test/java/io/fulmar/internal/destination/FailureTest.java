package io.fulmar.internal.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.internal.postgres.ServerErrors;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.sql.SQLException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Errors as PostgreSQL sends them, and what becomes of them where a table is written: whether a row
 * is to blame, whether trying again helps, and what to do. A canary stands for a value that the
 * server's words may quote.
 */
@DisplayName("An error of the table destination has its cause and its remedy")
class FailureTest {
  private static final String VALUE = "canary-value";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          08006 | again | cannot be reached
          0A000 | stop  | address of the primary
          21000 | stop  | two keys of a batch
          25006 | stop  | address of the primary
          25P03 | again | idle_in_transaction_session_timeout
          25P04 | again | transaction_timeout
          28000 | stop  | pg_hba.conf
          28P01 | stop  | pg_hba.conf
          3D000 | stop  | Check database(...)
          40001 | again | tried again
          40P01 | again | tried again
          42501 | stop  | Run what is missing of: grant all
          42703 | stop  | Run the sync again
          42804 | stop  | another type
          42P01 | stop  | Run the sync again
          42601 | stop  | refused the statement
          53100 | again | Make room
          53200 | again | out of memory
          53300 | again | lower concurrency(...)
          53400 | again | temp_file_limit
          55P03 | again | lockTimeout(...)
          57014 | again | statementTimeout(...)
          57P01 | again | cannot be reached
          57P02 | again | cannot be reached
          57P03 | again | cannot be reached
          57P05 | again | idle_session_timeout
          58030 | again | its own files
          58P01 | again | its own files
          XX000 | again | server's log
          XX001 | stop  | damaged data
          """)
  @DisplayName("P11: of the batch: each code stops the run or is tried again, and says why")
  void ofBatch(String state, String what, String words) {
    SQLException error = ServerErrors.of(state, "ereport", VALUE);
    assertThat(SqlStates.isOfRow(error)).isFalse();
    Exception failure = Failure.ofBatch(error, "write to t", "grant all");
    assertThat(failure)
        .isExactlyInstanceOf(
            what.equals("stop") ? StopRunException.class : NotAppliedException.class)
        .hasMessageMatching(
            "Cannot write to t: [a-z].*[^.]\\. [A-Z].*[^.]\\. \\[sqlstate=%s]".formatted(state))
        .hasMessageContaining(words)
        .hasMessageNotContaining(VALUE)
        .hasNoCause();
    if (failure instanceof StopRunException stop) {
      assertThat(stop.code()).isEqualTo(state);
    }
  }

  @Test
  @DisplayName("C-10: a plan that a change of the schema overtook is tried again")
  void stalePlanIsTriedAgain() {
    SQLException stale = ServerErrors.of("0A000", "RevalidateCachedQuery", "Plan veraltet");
    assertThat(Failure.ofBatch(stale, "write to t", ""))
        .isInstanceOf(NotAppliedException.class)
        .hasMessage(
            "Cannot write to t: the table was altered. Nothing to do: it is tried again. [sqlstate=0A000]");
  }

  @ParameterizedTest
  @CsvSource({"22001", "22P02", "23502", "23505", "44000", "54000", "P0001", "ACME1"})
  @DisplayName("P11: of a row: the rule, and no value")
  void ofRow(String state) {
    SQLException error = ServerErrors.of(state, "ereport", VALUE);
    assertThat(SqlStates.isOfRow(error)).isTrue();
    assertThat(Failure.ofRow(error, "email"))
        .matches("(A|An|The) .*\\(column email\\)\\.")
        .doesNotContain(VALUE);
  }
}
