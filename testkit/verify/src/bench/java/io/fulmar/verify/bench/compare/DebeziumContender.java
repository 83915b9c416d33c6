package io.fulmar.verify.bench.compare;

import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import io.fulmar.Operation;
import io.fulmar.testkit.TestDatabase;
import java.io.IOException;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/**
 * Debezium's embedded engine: a snapshot, then what logical decoding tells. Records come as
 * Debezium has them, unserialised; the offset is kept in memory. In a source folder of its own,
 * since only the benchmark needs the library.
 */
final class DebeziumContender implements Contender {
  private static final String SLOT = "fulmar_bench";

  private static final String DROP_SLOT =
      """
      select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots
      where slot_name = 'fulmar_bench' and not active
      """;

  private static final long PATIENCE_MINUTES = 30;

  private final TestDatabase database;
  private @Nullable DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
  private @Nullable ExecutorService thread;

  /** Guarded by this, like all below: what events go to, and how many there will be. */
  private Tally tally = new Tally(false);

  private long expected;
  private CompletableFuture<Void> all = new CompletableFuture<>();

  DebeziumContender(TestDatabase database) {
    this.database = database;
  }

  @Override
  public Set<Scenario> scenarios() {
    return EnumSet.complementOf(EnumSet.of(Scenario.UNCHANGED, Scenario.UNCHANGED_FOR_LONG));
  }

  @Override
  public boolean streams() {
    return true;
  }

  @Override
  public synchronized void expect(Tally into, long count) {
    tally = into;
    expected = count;
    all = new CompletableFuture<>();
  }

  @Override
  public void first(TestDatabase at, Tally into, long count) throws Exception {
    expect(into, count);
    DebeziumEngine<RecordChangeEvent<SourceRecord>> made =
        DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
            .using(properties(at))
            .using((success, message, error) -> ended(message, error))
            .notifying(this::take)
            .build();
    engine = made;
    thread = Executors.newSingleThreadExecutor();
    thread.execute(made);
    sync(at, into);
  }

  @Override
  public void sync(TestDatabase at, Tally into) throws Exception {
    CompletableFuture<Void> awaited;
    synchronized (this) {
      awaited = all;
    }
    awaited.get(PATIENCE_MINUTES, TimeUnit.MINUTES);
  }

  private synchronized void take(
      List<RecordChangeEvent<SourceRecord>> events,
      RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    for (RecordChangeEvent<SourceRecord> each : events) {
      count(each.record());
      committer.markProcessed(each);
    }
    committer.markBatchFinished();
    if (tally.count() >= expected) {
      all.complete(null);
    }
  }

  private void count(SourceRecord record) {
    Struct value = (Struct) record.value();
    Operation operation =
        switch (value.getString("op")) {
          case "r", "c" -> Operation.ADDED;
          case "u" -> Operation.CHANGED;
          case "d" -> Operation.REMOVED;
          default -> throw new IllegalStateException(value.getString("op"));
        };
    boolean hasValue = tally.complete() && operation != Operation.REMOVED;
    tally.add(
        operation,
        ((Struct) record.key()).getInt64("o_orderkey"),
        hasValue ? (BigDecimal) value.getStruct("after").get("o_totalprice") : null);
  }

  private synchronized void ended(@Nullable String message, @Nullable Throwable error) {
    all.completeExceptionally(
        new IllegalStateException("the engine has ended: %s".formatted(message), error));
  }

  private static Properties properties(TestDatabase at) {
    Properties properties = new Properties();
    properties.setProperty("name", "bench");
    properties.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    properties.setProperty(
        "offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
    properties.setProperty("topic.prefix", "bench");
    properties.setProperty("database.hostname", at.host());
    properties.setProperty("database.port", Integer.toString(at.port()));
    properties.setProperty("database.dbname", at.name());
    properties.setProperty("database.user", at.user());
    properties.setProperty("database.sslmode", "disable");
    properties.setProperty("plugin.name", "pgoutput");
    properties.setProperty("slot.name", SLOT);
    properties.setProperty("publication.autocreate.mode", "filtered");
    properties.setProperty("table.include.list", "public.orders");
    properties.setProperty("snapshot.mode", "initial");
    // In its favour: no second record for a removal, and no half second of waiting.
    properties.setProperty("tombstones.on.delete", "false");
    properties.setProperty("poll.interval.ms", "10");
    return properties;
  }

  /** The server keeps its place in the log, and the log from there on. */
  @Override
  public StateSize state() {
    return new StateSize(Double.NaN, Double.NaN);
  }

  @Override
  public void forget() throws SQLException, IOException {
    if (engine != null) {
      engine.close();
      engine = null;
    }
    if (thread != null) {
      thread.shutdown();
      try {
        thread.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      thread = null;
    }
    Connections.number(database, DROP_SLOT);
  }
}
