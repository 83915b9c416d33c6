package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.RecordingDestination;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Others work in the database at the same time: an administrator who locks a table of the engine,
 * and syncs beside this one that write to the same tables.
 */
class NeighboursTest extends LightningFixture {
  private static final Duration LOCK_TIMEOUT = Duration.ofMillis(300);

  /** Locks a table in the first call, by a session of somebody else. */
  private Connection lockInFirstCall(String table) throws SQLException {
    Connection administrator = database.connect();
    administrator.setAutoCommit(false);
    AtomicReference<@Nullable String> toLock = new AtomicReference<>(table);
    destination.answers(
        (run, batch) -> {
          String first = toLock.getAndSet(null);
          if (first != null) {
            try (Statement statement = administrator.createStatement()) {
              statement.execute("set application_name = 'upkeep'");
              statement.execute("lock table " + first + " in access exclusive mode");
            }
          }
          return Delivery.allAccepted();
        });
    return administrator;
  }

  private SyncReport runImpatiently() {
    Source source = sourceBuilder().lockTimeout(LOCK_TIMEOUT).build();
    try (LightningEngine engine =
        LightningEngine.builder(source).lease(Duration.ofSeconds(5)).build()) {
      return engine.run(hasty());
    }
  }

  /** Calls may act for no longer than two seconds. */
  private Sync hasty() {
    return syncBuilder().batchRows(2).lanes(1).callDeadline(Duration.ofSeconds(1)).build();
  }

  @Test
  @DisplayName(
      "C-04: a table of ours that is locked for longer than the timeout is asked for again")
  void lockThatPassesIsWaitedFor() throws Exception {
    run().throwIfFailed();
    database.execute("update item set v = 'other'");
    SyncReport report;
    try (Connection administrator = lockInFirstCall("fulmar_planner.s1_ledger")) {
      CompletableFuture<Void> released =
          CompletableFuture.runAsync(
              () -> {
                try {
                  awaitQuery(
                      "select count(*) from pg_stat_activity where datname = current_database()"
                          + " and wait_event_type = 'Lock'",
                      "1");
                  awaitQuery(
                      "select count(*) from pg_stat_activity where datname = current_database()"
                          + " and wait_event_type = 'Lock'",
                      "0");
                  administrator.rollback();
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      report = runImpatiently();
      released.get(30, TimeUnit.SECONDS);
    }

    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(report)).hasSize(10);
    assertConverges();
  }

  @ParameterizedTest
  @ValueSource(strings = {"s1_ledger", "s1_state_0", "fulmar_syncs"})
  @DisplayName(
      "C-04: a lock that stays ends the run, which names who holds it, and the next goes on")
  void lockThatStaysIsNamed(String table) throws Exception {
    run().throwIfFailed();
    database.execute("update item set v = 'other'");
    SyncReport report;
    try (Connection administrator = lockInFirstCall("fulmar_planner." + table)) {
      report = runImpatiently();
      administrator.rollback();
    }

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageMatching(
            "Cannot .* A lock on a table of the engine is held by pid \\d+ \\(upkeep of postgres,"
                + " AccessExclusiveLock on "
                + table
                + "\\): wait for it, .*, and run again\\. \\[sync=crm run=\\d+ sqlstate=55P03]");
    int before = destination.changes().size();
    destination.acceptAll();
    run().throwIfFailed();
    assertThat(destination.changes().size() - before)
        .as("sent again")
        .isLessThanOrEqualTo(20 - before + 2);
    assertConverges();
  }

  @Test
  @DisplayName(
      "C-09: a grant that is taken away while a run delivers is named, and the next run goes on")
  void grantThatIsTakenAwayIsNamed() throws Exception {
    run().throwIfFailed();
    database.execute("update item set v = 'other'");
    destination.answers(
        (run, batch) -> {
          database.execute("revoke usage on schema fulmar_planner from " + ROLE);
          return Delivery.allAccepted();
        });
    SyncReport report = runImpatiently();
    database.execute("grant usage on schema fulmar_planner to " + ROLE);

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageContaining("grant usage on schema fulmar_planner to " + ROLE)
        .hasMessageEndingWith("sqlstate=42501]");
    destination.acceptAll();
    // It could not give its lease back.
    awaitQuery(
        "select bool_and(expires_at < clock_timestamp()) from fulmar_planner.fulmar_leases", "t");
    assertConverges();
  }

  @Test
  @DisplayName("C-05: syncs that run, log and are forgotten at once never lock each other out")
  void syncsBesideEachOtherDoNotDeadlock() throws Exception {
    int syncs = 6;
    int rounds = 5;
    SyncLogs logs =
        SyncLogs.builder()
            .tables(SyncLogs.Table.CHANGELOG, SyncLogs.Table.SNAPSHOT, SyncLogs.Table.RUNS)
            .build();
    ExecutorService threads = Executors.newFixedThreadPool(syncs);
    try (LightningEngine engine = engineBuilder().logs(logs).build()) {
      List<Future<?>> runs = new ArrayList<>();
      for (int i = 0; i < syncs; i++) {
        int key = i + 1;
        String name = "sync_" + i;
        RecordingDestination own = RecordingDestination.of("test:" + name);
        Sync sync =
            Sync.builder(name)
                .model(Model.query("items", "select id, v from item").key("id"))
                .to(own)
                .guardChanges(1, 0)
                .build();
        runs.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < rounds; round++) {
                    database.execute("update item set v = v || '" + round + "' where id = " + key);
                    engine.run(sync).throwIfFailed();
                    if (round == 2) {
                      engine.forget(sync);
                    }
                  }
                  assertThat(own.violations()).isEmpty();
                  return null;
                }));
      }
      for (Future<?> run : runs) {
        run.get(120, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }

    assertThat(query("select deadlocks from pg_stat_database where datname = current_database()"))
        .isEqualTo("0");
  }
}
