package io.fulmar.verify.harness;

import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.harness.CrashScenario;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Customers of one database, in a table of another one. */
abstract class CustomerLife implements CrashScenario {
  /** So many edits there are; the last one removes more than the guard lets through. */
  private static final int EDITS = 5;

  @Override
  public void prepare(Path home) throws Exception {
    TestPostgres postgres = SharedServer.own();
    TestDatabase source = database(postgres, home, "source");
    source.execute(
        "create table customer (id int8 primary key, plan text)",
        LightningSetup.of(source.user()).setupSql());
    database(postgres, home, "target")
        .execute("create table customer (id int8 primary key, plan text)");
  }

  private static TestDatabase database(TestPostgres postgres, Path home, String which)
      throws Exception {
    TestDatabase database = postgres.createDatabase();
    Files.write(
        home.resolve(which),
        List.of(
            database.host(), Integer.toString(database.port()), database.name(), database.user()));
    return database;
  }

  static TestDatabase database(Path home, String which) throws Exception {
    List<String> lines = Files.readAllLines(home.resolve(which));
    return new TestDatabase(
        lines.get(0), Integer.parseInt(lines.get(1)), lines.get(2), lines.get(3));
  }

  static Source connect(Path home, String which) throws Exception {
    TestDatabase database = database(home, which);
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(database.user())
        .withoutTls()
        .build();
  }

  @Override
  public Sync.Builder sync(Path home) throws Exception {
    return Sync.builder("crm")
        .model(Model.table("customers", "public", "customer").key("id"))
        .to(
            PostgresDestination.builder(connect(home, "target"))
                .table("public", "customer")
                .build())
        .onRemoved(Removal.DELETE)
        .guardRemovals(0.5, 3)
        .batchRows(3)
        .lanes(2)
        .callDeadline(Duration.ofSeconds(1));
  }

  @Override
  public int edits() {
    return EDITS;
  }

  @Override
  public void edit(Path home, int number) throws Exception {
    String edit =
        switch (number) {
          case 1 -> "insert into customer select i, 'free' from generate_series(1, 12) i";
          case 2 -> "update customer set plan = 'pro' where id % 2 = 0";
          case 3 -> "delete from customer where id in (3, 4, 9)";
          case 4 ->
              "insert into customer select i, 'new' from generate_series(13, 17) i union all select 3, 'back'";
          default -> "delete from customer where id > 5";
        };
    database(home, "source").execute(edit);
  }

  @Override
  public boolean isHeld(int number) {
    return number == EDITS;
  }

  @Override
  public Map<String, String> source(Path home) throws Exception {
    return rows(database(home, "source"));
  }

  @Override
  public Map<String, String> destination(Path home) throws Exception {
    return rows(database(home, "target"));
  }

  private static Map<String, String> rows(TestDatabase database) throws SQLException {
    Map<String, String> rows = new TreeMap<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id, plan from customer")) {
      while (row.next()) {
        rows.put(row.getString(1), row.getString(2));
      }
    }
    return rows;
  }

  @Override
  public void remove(Path home) throws Exception {
    database(home, "source").drop();
    database(home, "target").drop();
  }

  /** Compared in the JVM. */
  public static class Standard extends CustomerLife {
    @Override
    public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
      return StandardEngine.builder(connect(home, "source"), home.resolve("state"))
          .steps(steps)
          .build();
    }
  }

  /** Compared in PostgreSQL. */
  public static final class Lightning extends CustomerLife {
    @Override
    public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
      return LightningEngine.builder(connect(home, "source"))
          .lease(Duration.ofSeconds(1))
          .steps(steps)
          .build();
    }
  }
}
