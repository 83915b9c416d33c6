package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import io.fulmar.testkit.internal.postgres.ServerProcess.Stop;
import io.fulmar.testkit.network.FaultProxy;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The server of source and state ends while a batch is with the destination, for a role that does
 * not wait for its commits to be durable. Twenty rows are delivered for the first time, two at a
 * time; the server ends in the fourth call.
 */
class ServerDeathTest extends OwnServerFixture {
  private static final int BATCH = 2;
  private static final int DEADLY_CALL = 4;

  /** How many changes, from the first one on, are known to have been accepted. */
  private static final String NOTED =
      """
      select coalesce(sum(end_position - first_position), 0)
      from fulmar_planner.s1_ledger
      where kind = 'ACCEPTED'
      """;

  private static final Duration AWAY = Duration.ofSeconds(3);

  private final AtomicInteger calls = new AtomicInteger();

  @Override
  ServerProcess startServer() {
    // What is not written by a commit is not written soon.
    return ServerProcess.create(
        database, Map.of("wal_writer_delay", "10s", "timezone", "Asia/Kathmandu"));
  }

  @BeforeEach
  void commitWithoutWaiting() throws SQLException {
    database.execute("alter role " + ROLE + " set synchronous_commit = off", "checkpoint");
  }

  private Sync oneByOne() {
    return syncBuilder().batchRows(BATCH).lanes(1).build();
  }

  /** Ends the server in the fourth call. */
  private void die(CheckedRunnable death) {
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == DEADLY_CALL) {
            death.run();
          }
          return Delivery.allAccepted();
        });
  }

  /** Something that may fail. */
  private interface CheckedRunnable {
    void run() throws Exception;
  }

  private static void assertIdsRepeated(List<Change> changes, int repeats) {
    Set<String> ids = changes.stream().map(Change::changeId).collect(Collectors.toSet());
    assertThat(ids).as("changes, whatever was repeated").hasSize(ROWS);
    assertThat(changes.size() - ids.size()).as("repeats").isLessThanOrEqualTo(repeats);
  }

  @ParameterizedTest
  @EnumSource(names = {"FAST", "IMMEDIATE"})
  @DisplayName("A-03, A-04: a run outlasts its server's end and start, in no hurry to ask")
  void runOutlastsItsServer(Stop how) throws Exception {
    Executor later = CompletableFuture.delayedExecutor(AWAY.toMillis(), TimeUnit.MILLISECONDS);
    CompletableFuture<?>[] start = {CompletableFuture.completedFuture(null)};
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      int[] connections = {0};
      die(
          () -> {
            server().stop(how);
            connections[0] = proxy.connections();
            start[0] =
                CompletableFuture.runAsync(
                    () -> {
                      connections[0] = proxy.connections() - connections[0];
                      server().start();
                    },
                    later);
          });

      SyncReport report;
      try (LightningEngine engine =
          LightningEngine.builder(sourceBuilder().port(proxy.port()).build())
              .lease(Duration.ofSeconds(30))
              .build()) {
        report = engine.run(oneByOne());
      }
      start[0].get(60, TimeUnit.SECONDS);

      assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
      assertIdsRepeated(destination.changes(), 0);
      // One thread delivers, one beats, and each waits longer from time to time.
      assertThat(connections[0]).as("connections tried meanwhile").isBetween(1, 12);
    }
    assertConverges();
  }

  @Test
  @DisplayName("A-02: a run outlasts the recovery after a backend that was killed")
  void runOutlastsRecovery() throws Exception {
    die(
        () -> {
          String backend =
              query(
                  "select pid from pg_stat_activity where usename = '"
                      + ROLE
                      + "' and backend_type = 'client backend' limit 1");
          new ProcessBuilder("kill", "-KILL", String.valueOf(backend)).start().waitFor();
        });

    SyncReport report;
    try (LightningEngine engine = engineBuilder().lease(Duration.ofSeconds(30)).build()) {
      report = engine.run(oneByOne());
    }

    assertThat(calls).hasValueGreaterThan(DEADLY_CALL);
    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(server().log()).contains("terminated by signal 9");
    assertIdsRepeated(destination.changes(), 0);
    assertConverges();
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "on"})
  @DisplayName(
      "A-03, P2: what was noted before the server was killed is known to the next run, whatever the role has set")
  void notesOutlastTheServer(String commits) throws Exception {
    database.execute("alter role " + ROLE + " set synchronous_commit = " + commits);
    // How many calls a reservation is for depends on how long calls take, and with it what is
    // noted.
    AtomicInteger noticed = new AtomicInteger();
    die(
        () -> {
          noticed.set(Integer.parseInt(query(NOTED)));
          server().stop(Stop.KILL);
        });

    Source source = sourceBuilder().connectTimeout(Duration.ofSeconds(1)).build();
    SyncReport report;
    try (LightningEngine engine =
        LightningEngine.builder(source).lease(Duration.ofSeconds(2)).build()) {
      report = engine.run(oneByOne());
    } finally {
      server().start();
    }
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    Set<String> noted =
        destination.changes().stream()
            .limit(noticed.get())
            .map(Change::changeId)
            .collect(Collectors.toSet());
    assertThat(noted).hasSizeGreaterThanOrEqualTo(2 * BATCH);
    awaitQuery(
        "select bool_and(expires_at < clock_timestamp()) from fulmar_planner.fulmar_leases", "t");
    SyncReport next;
    // By then no call of the first one may act any more.
    Clock later = Clock.offset(Clock.systemUTC(), Duration.ofHours(1));
    try (LightningEngine engine = engineBuilder().clock(later).build()) {
      next = engine.run(oneByOne()).throwIfFailed();
    }

    assertThat(destination.changes(next.run()))
        .extracting(Change::changeId)
        .doesNotContainAnyElementsOf(noted)
        .hasSize(ROWS - noted.size());
    // What was reserved was sent although the server was gone, and could not be noted.
    assertIdsRepeated(destination.changes(), ROWS - noted.size());
    assertConverges();
  }
}
