package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A dump of the database, which for hours holds every table that there was when it began, in the
 * mode in which {@code pg_dump} does.
 */
@DisplayName("C-04: a dump of the database")
class DumpTest extends LightningFixture {
  private Connection dump;

  private void beginDump() throws SQLException {
    dump = database.connect();
    dump.setAutoCommit(false);
    try (Statement statement = dump.createStatement()) {
      List<String> tables = new ArrayList<>();
      try (ResultSet row =
          statement.executeQuery(
              "select oid::regclass::text from pg_class where relkind = 'r'"
                  + " and relnamespace = 'fulmar_planner'::regnamespace")) {
        while (row.next()) {
          tables.add(row.getString(1));
        }
      }
      statement.execute("lock table " + String.join(", ", tables) + " in access share mode");
    }
  }

  private SyncReport quickRun() {
    try (LightningEngine engine =
        LightningEngine.builder(sourceBuilder().lockTimeout(Duration.ofMillis(300)).build())
            .build()) {
      return engine.run(sync());
    }
  }

  @Test
  @DisplayName(
      "C-04: begins while a plan is delivered: that run ends well, and so do the next ones")
  void beginsDuringADelivery() throws SQLException {
    destination.answers(
        (run, batch) -> {
          beginDump();
          return Delivery.allAccepted();
        });
    SyncReport first = quickRun();
    destination.acceptAll();
    assertThat(first.status()).as(String.valueOf(first.error())).isEqualTo(RunStatus.SUCCEEDED);
    database.execute("update item set v = 'other' where id = 1");
    SyncReport second = quickRun();
    assertThat(second.status()).as(String.valueOf(second.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(second)).containsExactly("CHANGED 1");
    dump.rollback();
    dump.close();

    assertConverges();
    assertThat(query("select count(*) from pg_class where relname like 's1_plan%'")).isEqualTo("0");
  }

  @Test
  @DisplayName("C-04: goes on while most of the state changes")
  void goesOnWhileMostOfTheStateChanges() throws SQLException {
    database.execute("insert into item select i, 'v' from generate_series(11, 12000) i");
    quickRun().throwIfFailed();
    database.execute("update item set v = v || '!'");
    beginDump();
    SyncReport report = quickRun();
    dump.rollback();
    dump.close();

    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(report.total().accepted()).isEqualTo(12_000);
    assertConverges();
  }
}
