package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.spi.StopRunException;
import io.fulmar.testkit.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The database has an encoding in which much of what a destination may say has no form. */
@DisplayName("G-05: logs in a database of encoding LATIN1")
class LogEncodingTest extends LogsFixture {
  @BeforeEach
  void createLatinDatabase() throws SQLException {
    String name = database.name() + "_latin";
    database.execute(
        "drop owned by %s cascade".formatted(role),
        "create database %s encoding 'LATIN1' locale 'C' template template0".formatted(name));
    TestDatabase utf8 = database;
    database = new TestDatabase(utf8.host(), utf8.port(), name, utf8.user());
    database.execute(
        "create table customer (id int8 primary key, email text, tier int4)",
        "insert into customer values (1, 'a', 1)",
        "grant select on customer to %s".formatted(role),
        LightningSetup.of(role).setupSql());
    utf8.drop();
  }

  @Test
  @DisplayName("G-05, J-12: a destination stops the run in words that the database cannot keep")
  void destinationStopsTheRunInForeignWords() throws SQLException {
    destination.answers(
        (run, batch) -> {
          throw new StopRunException("QUOTA", "配额 → 0");
        });
    SyncReport report = run(ALL, crm().build());

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem().orElseThrow()).contains("the destination stopped the run (QUOTA)");
    assertThat(loggedRun(report.run()))
        .startsWith("failed 1 0 0 / 0 0 0 / 0 0 0 / 0 0 0 Cannot deliver all of crm: ")
        .contains("the destination stopped the run (QUOTA): ?? ? 0");
    assertThat(changelog(report.run())).containsExactly("1 added aborted");
  }
}
