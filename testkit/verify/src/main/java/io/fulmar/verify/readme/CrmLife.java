package io.fulmar.verify.readme;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.harness.CrashScenario;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** README.md's example of what a crash sweep lets processes live through, between the markers. */
public final class CrmLife implements CrashScenario {
  // begin README
  @Override
  public void prepare(Path home) throws Exception {
    TestDatabase database = TestServer.shared().createDatabase();
    database.execute("create table customer (id int8 primary key, plan text)");
    Files.writeString(home.resolve("url"), database.jdbcUrl());
    Files.createDirectory(home.resolve("crm"));
  }

  @Override
  public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
    Source source = Source.builder(url(home)).withoutTls().build();
    return StandardEngine.builder(source, home.resolve("state")).steps(steps).build();
  }

  @Override
  public Sync.Builder sync(Path home) {
    return Sync.builder("crm")
        .model(Model.table("customers", "public", "customer").key("id"))
        .to(crm(home.resolve("crm"))) // the destination that is tried
        .onRemoved(Removal.DELETE)
        .callDeadline(Duration.ofSeconds(1))
        .batchRows(2);
  }

  @Override
  public int edits() {
    return 3;
  }

  @Override
  public void edit(Path home, int number) throws Exception {
    String edit =
        switch (number) {
          case 1 -> "insert into customer select i, 'free' from generate_series(1, 5) i";
          case 2 -> "update customer set plan = 'pro' where id > 2";
          default -> "delete from customer where id = 4";
        };
    try (Connection connection = DriverManager.getConnection(url(home));
        Statement statement = connection.createStatement()) {
      statement.execute(edit);
    }
  }

  @Override
  public Map<String, String> source(Path home) throws Exception {
    Map<String, String> rows = new TreeMap<>();
    try (Connection connection = DriverManager.getConnection(url(home));
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id, plan from customer")) {
      while (row.next()) {
        rows.put(row.getString("id"), row.getString("plan"));
      }
    }
    return rows;
  }

  @Override
  public Map<String, String> destination(Path home) throws Exception {
    Map<String, String> records = new TreeMap<>();
    try (Stream<Path> files = Files.list(home.resolve("crm"))) {
      for (Path file : files.toList()) {
        records.put(file.getFileName().toString(), Files.readString(file));
      }
    }
    return records;
  }

  // end README

  private static String url(Path home) throws Exception {
    return Files.readString(home.resolve("url"));
  }

  /** A file for each record. */
  static Destination crm(Path directory) {
    return Destination.of(
        "crm:files",
        batch -> {
          for (Change change : batch.changes()) {
            Path file =
                directory.resolve(String.valueOf(change.key().text(change.key().columns().get(0))));
            switch (batch.action()) {
              case DELETE, CLEAR -> Files.deleteIfExists(file);
              case INSERT, UPDATE, UPSERT ->
                  Files.writeString(
                      file, String.valueOf(change.row().text(change.row().columns().get(1))));
            }
          }
          return Delivery.allAccepted();
        });
  }
}
