package io.fulmar.internal.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.SourceException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Errors as PostgreSQL sends them, and what becomes of them where a model is read. The words of the
 * server are in no particular language, since servers speak many; a canary stands for a value that
 * they may quote.
 */
@DisplayName(
    "An error of the source has its cause, its remedy, and the SQL to run where that helps")
class SqlStatesTest {
  private static final String VALUE = "canary-value";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          08001 | CONNECTION         | false | host, port, network
          08006 | CONNECTION         | true  | host, port, network
          08P01 | PROTOCOL           | true  | query_wait_timeout
          0A000 | UNSUPPORTED        | true  | run again; else the server takes no such statement
          21000 | SEVERAL_ROWS       | false | mend the model or the row
          22012 | VALUE              | false | mend the model or the row
          23514 | CONSTRAINT         | false | mend the model or the row
          25006 | READ_ONLY          | false | make it a plain query
          25P03 | IDLE_TRANSACTION   | true  | idle_in_transaction_session_timeout
          25P04 | TRANSACTION_TIMEOUT| true  | alter role current_user set transaction_timeout = '1h'
          28000 | LOGIN              | false | pg_hba.conf
          28P01 | LOGIN              | false | "valid until"
          3D000 | NO_DATABASE        | false | name of the database
          40001 | CONFLICT           | true  | max_standby_streaming_delay
          40P01 | DEADLOCK           | true  | run again
          42501 | PRIVILEGE          | false | grant
          42601 | STATEMENT          | false | Mend the model's SQL
          42703 | NO_COLUMN          | false | a column that the model refers to is gone
          42804 | WRONG_TYPE         | false | Mend the model's SQL
          42883 | NO_OBJECT          | false | name schemas in it
          42P01 | NO_TABLE           | false | search_path
          53100 | DISK_FULL          | false | make room
          53200 | OUT_OF_MEMORY      | false | set work_mem
          53300 | NO_CONNECTION_LEFT | false | max_connections
          53400 | CONFIGURED_LIMIT   | false | set temp_file_limit
          54000 | TOO_LARGE          | false | fewer or shorter columns
          54001 | TOO_LARGE          | false | fewer or shorter columns
          55P03 | LOCK_TIMEOUT       | false | Source.Builder.lockTimeout
          57014 | STATEMENT_ENDED    | false | cancelled the statement
          57P01 | SESSION_ENDED      | true  | run again
          57P02 | SERVER_CRASHED     | true  | run again
          57P03 | SERVER_STARTING    | true  | run again
          57P05 | IDLE_SESSION       | true  | set idle_session_timeout
          58030 | FILES              | false | Nothing counts as removed
          58P01 | FILES              | false | Nothing counts as removed
          P0001 | VALUE              | false | mend the model or the row
          XX000 | OTHER_OF_SERVER    | false | server's log
          XX001 | CORRUPTION         | false | amcheck
          XX002 | CORRUPTION         | false | amcheck
          ACME1 | OTHER              | false | server's log
          """)
  @DisplayName("P11: each code has its meaning and its remedy, and no value")
  void eachCodeHasItsMeaning(String state, Trouble trouble, boolean mayPass, String words) {
    SQLException error = ServerErrors.of(state, "ereport", "Schade");
    assertThat(SqlStates.trouble(error)).isEqualTo(trouble);
    assertThat(SqlStates.code(error)).isEqualTo(state);
    assertThat(SqlStates.mayPass(state)).isEqualTo(mayPass);
    SourceException advice =
        SqlStates.sourceException("read the model m", error, "[sync=crm run=1]");
    assertThat(advice.sqlState()).isEqualTo(state);
    assertThat(advice.getMessage())
        .matches(
            "Cannot read the model m: [^ ].*[^.]\\. [A-Z].*\\. \\[sync=crm run=1 sqlstate=%s]"
                .formatted(state))
        .containsIgnoringCase(words);
  }

  @Test
  @DisplayName("G-12: rows that row security would hide are told from a missing grant")
  void rowSecurityIsToldFromMissingGrant() {
    SQLException hidden = ServerErrors.of("42501", "check_enable_rls", "Schade");
    assertThat(SqlStates.trouble(hidden)).isEqualTo(Trouble.ROW_SECURITY);
    assertThat(SqlStates.isOfText(hidden)).isTrue();
    assertThat(SqlStates.mayBeWithoutPlpgsql(hidden)).isFalse();
    assertThat(SqlStates.sourceException("read the model m", hidden, "[sync=crm]"))
        .hasMessageContaining("call Model.allowRowSecurity()");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "21000", "22P02", "23514", "42601", "42703", "42P01", "42883", "44000", "58P01", "P0001",
        "ACME1"
      })
  @DisplayName("P11: words of the server that may quote a value go nowhere")
  void wordsThatMayQuoteValueGoNowhere(String state) {
    SQLException error = ServerErrors.of(state, "ereport", VALUE);
    SourceException advice = SqlStates.sourceException("read the model m", error, "[sync=crm]");
    assertThat(advice.getMessage()).doesNotContain(VALUE);
    assertThat(advice.getCause()).isNull();
  }

  @Test
  @DisplayName("P11: nor do those that a function raises under a code of the server")
  void wordsOfFunctionGoNowhere() {
    for (String state : List.of("08006", "42501", "53100", "57014", "XX001")) {
      SourceException advice =
          SqlStates.sourceException(
              "read the model m", ServerErrors.of(state, "exec_stmt_raise", VALUE), "[sync=crm]");
      assertThat(advice.getMessage()).doesNotContain(VALUE);
      assertThat(advice.getCause()).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          InitializeSessionUserId | alter role ... connection limit
          CheckMyDatabase         | alter database ... connection limit
          InitProcess             | raise max_connections
          """)
  @DisplayName("C-06: too many connections: of the role, of the database or of the server")
  void whoseConnectionsAreTooMany(String routine, String words) {
    SQLException error = ServerErrors.of("53300", routine, "zu viele Verbindungen");
    assertThat(SqlStates.sourceException("connect", error, "[sync=crm]"))
        .hasMessageContaining(words)
        .hasMessageContaining("Source.Builder.poolSize");
  }

  @Test
  @DisplayName("C-10: a plan that a change of the schema overtook is told from a missing feature")
  void stalePlanIsNoMissingFeature() {
    SQLException stale = ServerErrors.of("0A000", "RevalidateCachedQuery", "Plan veraltet");
    assertThat(SqlStates.trouble(stale)).isEqualTo(Trouble.STALE_PLAN);
    assertThat(SqlStates.sourceException("read", stale, "[]"))
        .hasMessage(
            "Cannot read: Plan veraltet. A table of the model was altered: run again. [sqlstate=0A000]");
  }

  @Test
  @DisplayName(
      "C-01: a timeout is told from a cancel by its words, and both are offered without them")
  void timeoutIsToldFromCancel() {
    StatementTimeout timeout = new StatementTimeout("5s", "user", "reader", "shop");
    assertThat(remedyOf("canceling statement due to statement timeout", timeout))
        .contains("alter role \"reader\" set statement_timeout = '1h'")
        .doesNotContain("cancelled");
    assertThat(remedyOf("canceling statement due to user request", timeout))
        .contains("Someone cancelled the statement")
        .doesNotContain("alter role");
    assertThat(remedyOf("storniere Anfrage", timeout))
        .contains("alter role \"reader\"", "Someone cancelled the statement");
  }

  private static String remedyOf(String words, StatementTimeout timeout) {
    SQLException error = ServerErrors.of("57014", "ProcessInterrupts", words);
    return String.valueOf(
        SqlStates.sourceException("read", error, "[sync=crm]", timeout).getMessage());
  }

  @Test
  @DisplayName("An error without a code, as pools make them, is still advice")
  void errorWithoutCode() {
    SourceException full =
        SqlStates.sourceException(
            "connect",
            new SQLTransientConnectionException("pool - request timed out"),
            "[sync=crm]");
    assertThat(full)
        .hasMessage(
            "Cannot connect: pool - request timed out. No connection was free: a run needs one besides what its"
                + " caller holds. Make the pool larger. [sync=crm]");
    assertThat(full.sqlState()).isNull();
    assertThat(SqlStates.sourceException("connect", new SQLException(), "[sync=crm]"))
        .hasMessage("Cannot connect: the driver gave no reason. Look at the cause. [sync=crm]");
    assertThat(SqlStates.mayPass(null)).isFalse();
    assertThat(SqlStates.code(new SQLException("x", "short"))).isEqualTo("short");
    assertThat(SqlStates.code(new SQLException("x", "tiny"))).isEqualTo("08000");
  }
}
