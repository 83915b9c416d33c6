package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.internal.network.ProtocolProxy;
import io.fulmar.testkit.network.Traffic;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A source at the other end of a slow network. The table {@code item} holds 10,000 rows of 30
 * bytes; between engine and server stands a proxy that counts how often a client waits for an
 * answer.
 */
@DisplayName("A slow network makes a run slower, and nothing else")
class SlowNetworkTest extends SourceFixture {
  private static final int ROWS = 10_000;

  /**
   * What the statements of a run take on a connection that is open: it does not grow with the rows.
   * Whether the connection lives is asked besides, once by the engine and before that once by the
   * pool if the connection has rested for half a second.
   */
  private static final int ROUND_TRIPS_OF_A_RUN = 15;

  /** From so many rows on it may pay to add them up. */
  private static final int ASKED_WHAT_WAS_WRITTEN = 1;

  private ProtocolProxy proxy;

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 12) from generate_series(1, " + ROWS + ") i");
    proxy = ProtocolProxy.before(database.host(), database.port());
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
  }

  private Source throughProxy() {
    return sourceBuilder().port(proxy.port()).connectTimeout(Duration.ofSeconds(10)).build();
  }

  private Sync items(String where) {
    return sync("select id, v from item " + where, "id").build();
  }

  @Test
  @DisplayName("B-06: a run takes so many round trips, however many rows it reads")
  void roundTripsOfRun() throws Exception {
    try (SyncEngine engine = StandardEngine.on(throughProxy(), state)) {
      engine.run(items("where id <= 10")).throwIfFailed();
      takeRoundTripsOfRun();
      engine.run(items("where id <= 20")).throwIfFailed();
      assertThat(takeRoundTripsOfRun()).isEqualTo(ROUND_TRIPS_OF_A_RUN);
      SyncReport report = engine.run(items("")).throwIfFailed();
      assertThat(report.total().accepted()).isEqualTo(ROWS - 20);
      assertThat(takeRoundTripsOfRun()).isEqualTo(ROUND_TRIPS_OF_A_RUN + ASKED_WHAT_WAS_WRITTEN);
      engine.run(items("")).throwIfFailed();
      assertThat(takeRoundTripsOfRun()).isEqualTo(ROUND_TRIPS_OF_A_RUN + ASKED_WHAT_WAS_WRITTEN);
    }
  }

  private int takeRoundTripsOfRun() {
    int aliveChecks = proxy.takeAliveChecks();
    assertThat(aliveChecks).isBetween(1, 2);
    return proxy.takeRoundTrips() - aliveChecks;
  }

  @Test
  @DisplayName(
      "B-06: whether a connection lives is asked twice if it has rested, at a round trip each")
  void aliveChecksOfConnectionThatRested() throws Exception {
    try (SyncEngine engine = StandardEngine.on(throughProxy(), state)) {
      engine.run(items("")).throwIfFailed();
      proxy.takeAliveChecks();
      proxy.takeRoundTrips();
      query("select pg_sleep(1)");
      engine.run(items("")).throwIfFailed();
      assertThat(proxy.takeAliveChecks()).isEqualTo(2);
      assertThat(proxy.takeRoundTrips())
          .isEqualTo(ROUND_TRIPS_OF_A_RUN + ASKED_WHAT_WAS_WRITTEN + 2);
    }
  }

  @Test
  @DisplayName(
      "B-06: with 200 ms there and back, more or less: all rows, as late as its round trips")
  void latency() {
    proxy.traffic(Traffic.late(Duration.ofMillis(80), Duration.ofMillis(40)));
    try (SyncEngine engine = StandardEngine.on(throughProxy(), state)) {
      long began = System.nanoTime();
      assertThat(engine.run(items("")).throwIfFailed().total().accepted()).isEqualTo(ROWS);
      int roundTrips = proxy.takeRoundTrips();
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isBetween(
              Duration.ofMillis(160).multipliedBy(ROUND_TRIPS_OF_A_RUN / 2),
              Duration.ofMillis(240).multipliedBy(roundTrips).plusSeconds(5));
    }
  }

  @Test
  @DisplayName("B-06: in packets of one byte: all rows")
  void onePacketForEachByte() {
    proxy.traffic(Traffic.sliced(1));
    try (SyncEngine engine = StandardEngine.on(throughProxy(), state)) {
      SyncReport report = engine.run(items("where id <= 2000")).throwIfFailed();
      assertThat(report.changeSet().rows()).isEqualTo(2_000);
      assertThat(report.total().accepted()).isEqualTo(2_000);
      assertThat(engine.run(items("where id <= 2000")).throwIfFailed().total().planned()).isZero();
    }
  }

  @Test
  @Tag("soak")
  @DisplayName("B-07: over a line of 1 Mbit/s: as long as the line takes, and the heap stays flat")
  void thinLine() throws Exception {
    database.execute(
        "insert into item select i, repeat('v', 500) from generate_series(20001, 30000) i");
    proxy.traffic(Traffic.thin(125_000));
    try (SyncEngine engine = StandardEngine.on(throughProxy(), state)) {
      long[] most = new long[1];
      long before = usedHeap();
      Sync sync =
          sync("select id, v from item", "id")
              .listener(event -> most[0] = Math.max(most[0], usedHeap()))
              .build();
      long began = System.nanoTime();
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(ROWS + 10_000);
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isBetween(Duration.ofSeconds(40), Duration.ofSeconds(90));
      assertThat(most[0] - before).isLessThan(32L << 20);
    }
  }

  private static long usedHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
