package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.plan.PlanSettings;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import io.fulmar.testkit.network.FaultProxy;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The database goes away when the destination has answered and nothing of it is on record. Three
 * rows are delivered for the first time, through a proxy that stands for the network.
 */
class StoreAwayTest extends CustomerFixture {
  private FaultProxy proxy;

  @BeforeEach
  void stand() throws IOException {
    proxy = FaultProxy.before(database.host(), database.port());
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
  }

  /** After two seconds a call can act no more, and what it carried may be sent again. */
  private Sync hasty() {
    return crm().callDeadline(Duration.ofSeconds(1)).build();
  }

  private static LightningSettings settings(Duration lease, SyncLogs logs) {
    return new LightningSettings(
        Schemas.DEFAULT,
        lease,
        LightningSettings.MissingState.BEGIN,
        TimelineChange.WARN,
        Duration.ofHours(24),
        PlanSettings.DEFAULT,
        logs,
        Map.of());
  }

  /** All connections break once the destination has answered, and some more are refused. */
  private SyncReport runWithoutStore(Duration lease, int refused) {
    Source source = source("localhost", proxy.port()).connectTimeout(Duration.ofSeconds(1)).build();
    RunnerSettings runner = RunnerSettings.defaults();
    LightningSettings settings = settings(lease, SyncLogs.off());
    AtomicBoolean gone = new AtomicBoolean();
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.ANSWERED && gone.compareAndSet(false, true)) {
            proxy.resetOnConnect(refused);
            proxy.resetAll();
          }
        };
    LightningStore store = new LightningStore(source, settings, runner, null, watch);
    try (LightningEngine engine = StoredEngine.over(store, source, runner)) {
      SyncReport report = engine.run(hasty());
      assertThat(gone).isTrue();
      return report;
    }
  }

  @Test
  @DisplayName("A-04: answers are kept while the store is away for less than the lease")
  void answersWaitForTheStore() {
    SyncReport report = runWithoutStore(Duration.ofSeconds(30), 3);

    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(destination.changes()).hasSize(3);
    assertThat(sent(run())).isEmpty();
  }

  @Test
  @DisplayName(
      "A-04, I-05: the store is away until the lease has ended: the run stops, and the next one sends what is unknown under the same ids")
  void runStopsWithItsLease() throws SQLException {
    SyncReport report = runWithoutStore(Duration.ofSeconds(2), Integer.MAX_VALUE);

    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error()).isInstanceOf(StateException.class);
    proxy.heal();
    database.execute("update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()");
    SyncReport next = run(hasty());
    assertThat(next.status()).as(String.valueOf(next.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(next)).containsExactly("ADDED 1", "ADDED 2", "ADDED 3");
    Map<String, List<Change>> byId =
        destination.changes().stream().collect(Collectors.groupingBy(Change::changeId));
    assertThat(byId).hasSize(3);
    assertThat(sent(run())).isEmpty();
  }

  @Test
  @DisplayName(
      "P4, A-04: the store is away when old rows of the logs are to go: the run has ended, and holds its sync no longer than its lease")
  void theEndOfARunNeedsNoStore() throws Exception {
    Source source = source("localhost", proxy.port()).connectTimeout(Duration.ofSeconds(1)).build();
    RunnerSettings runner = RunnerSettings.defaults();
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.FOLDED) {
            proxy.resetOnConnect(Integer.MAX_VALUE);
            proxy.resetAll();
          }
        };
    LightningSettings settings =
        settings(Duration.ofSeconds(30), SyncLogs.builder().allFields().build());
    LightningStore store = new LightningStore(source, settings, runner, null, watch);
    try (LightningEngine engine = StoredEngine.over(store, source, runner)) {
      SyncReport report = engine.run(hasty());

      assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().equals("fulmar-crm-lease")) {
          thread.join(10_000);
          assertThat(thread.isAlive()).as("the lease is made to last").isFalse();
        }
      }
    }
  }
}
