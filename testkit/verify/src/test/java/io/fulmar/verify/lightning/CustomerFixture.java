package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/**
 * What tests of the engine that compares in PostgreSQL share: one server for a class; for each test
 * a database with the two schemas, a table of three customers, and a destination that records. Each
 * run has an engine of its own, so whatever is remembered has been through the tables.
 */
abstract class CustomerFixture {
  static final String ROWS = "select id, email from customer";

  static TestServer postgres;

  final RecordingDestination destination = RecordingDestination.of("test:crm");
  TestDatabase database;

  @BeforeAll
  static void start() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void fill() throws SQLException {
    database = postgres.createDatabase();
    database.execute(
        "create schema fulmar_planner",
        "create schema fulmar_audit",
        "create table customer (id int primary key, email text)",
        "insert into customer values (1, 'a@x.io'), (2, 'b@x.io'), (3, 'c@x.io')");
  }

  @AfterEach
  void nothingIsViolated() throws SQLException {
    assertThat(destination.violations()).isEmpty();
    database.drop();
  }

  Source source() {
    return source(database.host(), database.port()).build();
  }

  Source.Builder source(String host, int port) {
    return database.source().host(host).port(port);
  }

  LightningEngine open() {
    return LightningEngine.on(source());
  }

  Sync.Builder crm() {
    return Sync.builder("crm")
        .model(Model.query("customers", ROWS).key("id"))
        .to(destination)
        .onRemoved(Removal.DELETE);
  }

  SyncReport run() {
    return run(crm().build());
  }

  SyncReport run(Sync sync) {
    try (LightningEngine engine = open()) {
      return engine.run(sync);
    }
  }

  /** What was sent in a run: {@code CHANGED 1}, sorted. */
  List<String> sent(SyncReport report) {
    return destination.changes(report.run()).stream()
        .map(change -> change.operation() + " " + change.key().text("id"))
        .sorted()
        .toList();
  }

  /** The first column of the first row. */
  String query(String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      assertThat(row.next()).as(sql).isTrue();
      return row.getString(1);
    }
  }
}
