package io.fulmar.internal.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Questions that may take only so long, in a session whose statements may take 2 s. */
class LimitedQuestionTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  private TestDatabase database;
  private SourceSession session;

  @BeforeEach
  void open() throws SQLException {
    database = SharedServer.get().createDatabase();
    database.execute("create table item as select 1 as id");
    Source source = database.source().statementTimeout(Duration.ofSeconds(2)).build();
    session = SourceSession.open(database::connect, source, "fulmar", "[]", new Cancellation());
    assertThat(ask("select count(*)::text from item")).isEqualTo("1"); // takes the snapshot
    database.execute("insert into item values (2)");
  }

  @AfterEach
  void close() throws SQLException {
    session.close();
    database.drop();
  }

  private String ask(String sql) throws SQLException {
    try (Statement statement = session.connection().createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  private void assertGoesOn() throws SQLException {
    assertThat(ask("show statement_timeout")).isEqualTo("2s");
    assertThat(ask("select count(*)::text from item")).as("the snapshot").isEqualTo("1");
  }

  @Test
  void answerThatComesInTimeIsGiven() throws SQLException {
    String sql = "select current_setting('statement_timeout')";
    assertThat(session.<String>within(Duration.ofMillis(1_500), "ask", () -> ask(sql)))
        .isEqualTo("1500ms");
    assertThat(session.<String>within(LONG, "ask", () -> ask(sql))).isEqualTo("2s");
    assertGoesOn();
  }

  @Test
  @DisplayName("a question that takes longer has no answer, and the snapshot stays")
  void questionThatTakesLongerHasNoAnswer() throws SQLException {
    assertThat(
            session.<String>within(
                Duration.ofMillis(200), "ask", () -> ask("select pg_sleep(60)::text")))
        .isNull();
    assertGoesOn();
  }

  @Test
  void otherErrorsAreErrors() {
    assertThatThrownBy(
            () -> session.<String>within(Duration.ofSeconds(1), "ask", () -> ask("select 1 / 0")))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("sqlstate=22012");
    assertThatThrownBy(
            () -> session.<String>within(LONG, "ask", () -> ask("select pg_sleep(60)::text")))
        .isInstanceOf(SourceException.class);
  }
}
