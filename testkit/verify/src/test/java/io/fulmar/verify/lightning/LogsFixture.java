package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the tests of the sync logs share: a server for the JVM; for each test a database with a
 * table {@code customer}, the schemas of the engine, a role that may do there what the README says,
 * and a destination that records. Each run has an engine of its own.
 */
abstract class LogsFixture {
  /** Started when a test wants it: a class may also be the program of another process. */
  private static final class Server {
    static final TestPostgres POSTGRES =
        TestPostgres.builder().parameter("timezone", "Asia/Kathmandu").start();
  }

  /** Everything is logged, with all values. */
  static final SyncLogs ALL = SyncLogs.builder().allFields().build();

  static final Model CUSTOMERS =
      Model.query("customers", "select id, email, tier from public.customer").key("id");

  final RecordingDestination destination = RecordingDestination.of("test:recording");
  TestDatabase database;
  String role;

  /** Of engines that are built from here on. */
  Duration lockTimeout = Duration.ofSeconds(10);

  @BeforeEach
  void createDatabase() throws SQLException {
    database = Server.POSTGRES.createDatabase();
    role = "role_of_" + database.name();
    database.execute(
        "create table customer (id int8 primary key, email text, tier int4)",
        "create role %s login".formatted(role),
        "grant select on customer to %s".formatted(role),
        LightningSetup.of(role).setupSql());
  }

  @AfterEach
  void dropDatabase() throws SQLException {
    database.execute("drop owned by %s cascade".formatted(role), "drop role %s".formatted(role));
    database.drop();
    assertThat(destination.violations()).isEmpty();
  }

  Source source() {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(role)
        .lockTimeout(lockTimeout)
        .withoutTls()
        .build();
  }

  Sync.Builder crm() {
    return Sync.builder("crm").model(CUSTOMERS).to(destination).onRemoved(Removal.DELETE);
  }

  SyncEngine engine(SyncLogs logs) {
    return LightningEngine.builder(source()).logs(logs).build();
  }

  SyncReport run(SyncLogs logs, Sync sync) {
    try (SyncEngine engine = engine(logs)) {
      return engine.run(sync);
    }
  }

  /** Rows of a query, the columns with blanks between; NULL is left out. */
  List<String> rows(String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
          String column = row.getString(i);
          if (column != null) {
            columns.add(column);
          }
        }
        rows.add(String.join(" ", columns));
      }
    }
    return rows;
  }

  /** What a run has in the changelog, by key. */
  List<String> changelog(long run) throws SQLException {
    return rows(
        """
        select row_id, op_type, status, failure_reason from fulmar_audit.sync_changelog
        where sync_run_id = %s order by row_id::int8
        """
            .formatted(run));
  }

  /** What a run has in {@code sync_runs}: status, counts, error. */
  String loggedRun(long run) throws SQLException {
    List<String> rows =
        rows(
            """
            select status,
              num_planned_add, num_planned_change, num_planned_remove, '/',
              num_attempted_add, num_attempted_change, num_attempted_remove, '/',
              num_succeeded_add, num_succeeded_change, num_succeeded_remove, '/',
              num_failed_add, num_failed_change, num_failed_remove, error
            from fulmar_audit.sync_runs where sync_run_id = %s
            """
                .formatted(run));
    assertThat(rows).hasSize(1);
    return rows.get(0);
  }
}
