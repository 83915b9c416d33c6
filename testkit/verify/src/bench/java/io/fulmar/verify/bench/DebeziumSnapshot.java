package io.fulmar.verify.bench;

import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * What the first run is held against: Debezium's embedded engine takes a snapshot of the same table
 * with its default settings, and its consumer does nothing but count. Records come as Debezium has
 * them, unserialised. In a source folder of its own, since only the benchmark needs the library.
 */
final class DebeziumSnapshot {
  private static final String NAME = "Debezium's embedded engine, snapshot";
  private static final String SLOT = "fulmar_bench";

  private final String[] args;

  private DebeziumSnapshot(String[] args) {
    this.args = args;
  }

  /**
   * Prints a row of the table; the first round is for the compiler. Arguments: host, port,
   * database, user, heap, rounds.
   */
  public static void main(String[] args) throws Exception {
    DebeziumSnapshot snapshot = new DebeziumSnapshot(args);
    Rounds rounds = new Rounds();
    for (int round = 0; round <= Integer.parseInt(args[5]); round++) {
      if (round == 1) {
        rounds.warm();
      }
      rounds.add(NAME, snapshot.take());
    }
    long rows = Long.parseLong(snapshot.ask("select count(*) from orders"));
    System.out.printf(
        "| %s (heap %s) | %.2f | %.2f | %.2f | %,.0f | | |%n",
        NAME,
        args[4],
        rounds.median(NAME),
        rounds.least(NAME),
        rounds.most(NAME),
        rows / rounds.median(NAME));
    System.exit(0); // some of its threads are no daemons
  }

  private double take() throws Exception {
    long rows = Long.parseLong(ask("select count(*) from orders"));
    AtomicLong seen = new AtomicLong();
    CountDownLatch all = new CountDownLatch(1);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    DebeziumEngine<RecordChangeEvent<SourceRecord>> engine =
        DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
            .using(properties())
            .notifying(
                (records, committer) -> {
                  if (seen.addAndGet(records.size()) >= rows) {
                    all.countDown();
                  }
                  for (RecordChangeEvent<SourceRecord> each : records) {
                    committer.markProcessed(each);
                  }
                  committer.markBatchFinished();
                })
            .build();
    long began = System.nanoTime();
    thread.execute(engine);
    boolean done = all.await(1, TimeUnit.HOURS);
    double seconds = (System.nanoTime() - began) / 1e9;
    engine.close();
    thread.shutdown();
    thread.awaitTermination(1, TimeUnit.MINUTES);
    ask(
        "select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots"
            + " where slot_name = '"
            + SLOT
            + "'");
    if (!done || seen.get() != rows) {
      throw new IllegalStateException("%d of %d rows were seen".formatted(seen.get(), rows));
    }
    return seconds;
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.setProperty("name", "bench");
    properties.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    properties.setProperty(
        "offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
    properties.setProperty("topic.prefix", "bench");
    properties.setProperty("database.hostname", args[0]);
    properties.setProperty("database.port", args[1]);
    properties.setProperty("database.dbname", args[2]);
    properties.setProperty("database.user", args[3]);
    properties.setProperty("database.sslmode", "disable");
    properties.setProperty("plugin.name", "pgoutput");
    properties.setProperty("slot.name", SLOT);
    properties.setProperty("publication.autocreate.mode", "filtered");
    properties.setProperty("table.include.list", "public.orders");
    properties.setProperty("snapshot.mode", "initial_only");
    return properties;
  }

  private String ask(String sql) throws SQLException {
    String url = "jdbc:postgresql://%s:%s/%s?user=%s".formatted(args[0], args[1], args[2], args[3]);
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }
}
