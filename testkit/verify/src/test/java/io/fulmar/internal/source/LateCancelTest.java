package io.fulmar.internal.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Source;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * A cancel that comes when its session has given the connection back already. The data source has
 * one connection for all, and its handles go on working when they are closed, so nothing but the
 * session itself keeps the cancel from the next borrower.
 */
class LateCancelTest {
  @Test
  @DisplayName("A-09: a cancel that comes too late does not hit the next borrower")
  void cancelThatComesTooLateDoesNotHitTheNextBorrower() throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      SingleConnectionDataSource shared = new SingleConnectionDataSource(database.connect(), true);
      Source source = Source.of(shared);
      SourceSession session =
          SourceSession.open(shared::getConnection, source, "fulmar", "[]", new Cancellation());
      session.close();
      FutureTask<String> next = new FutureTask<>(() -> sleep(shared.getConnection()));
      new Thread(next, "next-borrower").start();
      try (Connection watcher = database.connect()) {
        awaitSleeper(watcher);
        session.cancel();
        assertThat(next.get(60, TimeUnit.SECONDS)).isEqualTo("slept");
      } finally {
        shared.destroy();
      }
    }
  }

  private static String sleep(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select 'slept', pg_sleep(1)")) {
      row.next();
      return row.getString(1);
    }
  }

  private static void awaitSleeper(Connection watcher) throws Exception {
    try (Statement statement = watcher.createStatement()) {
      for (int i = 0; i < 1_000; i++) {
        try (ResultSet row =
            statement.executeQuery(
                "select from pg_stat_activity where wait_event = 'PgSleep' and query like '%slept%'")) {
          if (row.next()) {
            return;
          }
        }
      }
    }
    throw new AssertionError("nobody sleeps");
  }
}
