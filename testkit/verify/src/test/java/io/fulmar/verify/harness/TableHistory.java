package io.fulmar.verify.harness;

import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.harness.HistoryRow;
import io.fulmar.testkit.harness.HistorySubject;
import io.fulmar.testkit.harness.HistoryTable;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A table of one database, kept in step with a table of another one. */
class TableHistory implements HistorySubject {
  private final EngineUnderTest kind;
  private final Databases databases;
  private final Path state;
  private final HistoryTable table;

  /**
   * Two databases, which histories use one after the other.
   *
   * @param source of the rows, and of what Lightning remembers
   * @param target of the destination
   */
  record Databases(TestDatabase source, TestDatabase target) {
    static Source at(TestDatabase database) {
      return database.source().build();
    }
  }

  TableHistory(EngineUnderTest kind, Databases databases, Path state, long seed)
      throws SQLException {
    this.kind = kind;
    this.databases = databases;
    this.state = state.resolve(kind + "-" + seed);
    kind.prepare(databases.source());
    databases
        .target()
        .execute(
            "drop table if exists public.history",
            "create table public.history (k text primary key, v text)");
    // Every other one with a primary key, over which Lightning looks at changed rows alone.
    table =
        seed % 2 == 0
            ? HistoryTable.in(databases.source().dataSource())
            : HistoryTable.withPrimaryKeyIn(databases.source().dataSource());
  }

  @Override
  public boolean takesInvalidKeys() {
    return table.takesInvalidKeys();
  }

  @Override
  public void replace(List<HistoryRow> rows) throws Exception {
    table.replace(rows);
  }

  @Override
  public Sync.Builder sync() throws Exception {
    return Sync.builder("history")
        .model(table.model())
        .to(
            PostgresDestination.builder(Databases.at(databases.target()))
                .table("public", "history")
                .build());
  }

  @Override
  public SyncEngine open(Clock clock, Duration grace) throws Exception {
    Source source = Databases.at(databases.source());
    return switch (kind) {
      case STANDARD -> StandardEngine.builder(source, state).clock(clock).grace(grace).build();
      case LIGHTNING ->
          LightningEngine.builder(source)
              .clock(clock)
              .grace(grace)
              .lease(Duration.ofSeconds(2))
              .build();
    };
  }

  @Override
  public Map<String, String> contents() throws Exception {
    Map<String, String> rows = new TreeMap<>();
    try (Connection connection = databases.target().connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select k, v from public.history")) {
      while (row.next()) {
        rows.put(row.getString(1), row.getString(2));
      }
    }
    return rows;
  }

  @Override
  public void remove() throws Exception {
    if (kind == EngineUnderTest.LIGHTNING) {
      databases.source().execute("drop schema fulmar_planner, fulmar_audit cascade");
    }
  }
}
