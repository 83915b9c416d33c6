package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Source;
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
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The connection breaks at the COMMIT that follows a step of a run, before the server has it or
 * before its answer is back, so that nobody knows whether it was done. One run has been before;
 * then one row is added, one changed and one removed, and the run that finds that goes through the
 * proxy. It goes on as if nothing had happened: what counts is read from the tables.
 */
class CommitAnswersTest extends CustomerFixture {
  private static final Set<CrashPoint> STEPS =
      EnumSet.of(
          CrashPoint.TABLES_MADE,
          CrashPoint.CLAIMED,
          CrashPoint.TIDIED,
          CrashPoint.PLANNED,
          CrashPoint.DELIVERY_BEGUN,
          CrashPoint.RESERVED,
          CrashPoint.ANSWERED,
          CrashPoint.FLUSHED,
          CrashPoint.FOLD_WRITTEN,
          CrashPoint.FOLDED);

  private FaultProxy proxy;

  /** What becomes of the COMMIT. */
  enum Commit {
    /** The server does it; its answer is cut off. */
    ARRIVES,
    /** The server never gets it. */
    IS_LOST
  }

  @BeforeEach
  void runOnce() throws SQLException, IOException {
    proxy = FaultProxy.before(database.host(), database.port());
    run().throwIfFailed();
    database.execute(
        "insert into customer values (4, 'd@x.io')",
        "update customer set email = 'b@y.io' where id = 2",
        "delete from customer where id = 3");
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
  }

  private SyncReport runThroughTheProxy(CrashPoint.Watch watch) {
    return runThroughTheProxy(
        source("localhost", proxy.port()), LightningSettings.DEFAULT.lease(), watch);
  }

  private SyncReport runThroughTheProxy(
      Source.Builder builder, Duration lease, CrashPoint.Watch watch) {
    Source source = builder.build();
    RunnerSettings runner = RunnerSettings.defaults();
    LightningSettings settings =
        new LightningSettings(
            Schemas.DEFAULT,
            lease,
            LightningSettings.MissingState.BEGIN,
            TimelineChange.WARN,
            Duration.ofHours(24),
            PlanSettings.DEFAULT,
            SyncLogs.off(),
            Map.of());
    LightningStore store = new LightningStore(source, settings, runner, null, watch);
    try (LightningEngine engine = StoredEngine.over(store, source, runner)) {
      return engine.run(crm().build());
    }
  }

  static Set<CrashPoint> steps() {
    return STEPS;
  }

  @Test
  void runPassesEachOfTheSteps() {
    Set<CrashPoint> passed = EnumSet.noneOf(CrashPoint.class);
    runThroughTheProxy(passed::add).throwIfFailed();

    assertThat(passed).isEqualTo(STEPS);
  }

  @ParameterizedTest(name = "after {0}")
  @DisplayName("P1, P2, B-04: no step is done twice if the answer to its COMMIT is lost")
  @MethodSource("steps")
  void answerIsLost(CrashPoint step) throws SQLException {
    commitIsReadBack(step, Commit.ARRIVES);
  }

  @ParameterizedTest(name = "after {0}")
  @Tag("soak")
  @DisplayName("P1, P2, B-04: no step is missed if its COMMIT is lost")
  @MethodSource("steps")
  void commitIsLost(CrashPoint step) throws SQLException {
    commitIsReadBack(step, Commit.IS_LOST);
  }

  private void commitIsReadBack(CrashPoint step, Commit commit) throws SQLException {
    AtomicBoolean armed = new AtomicBoolean();
    SyncReport report =
        runThroughTheProxy(
            point -> {
              if (point == step && armed.compareAndSet(false, true)) {
                if (commit == Commit.ARRIVES) {
                  proxy.resetWhenServerSends("COMMIT", 1);
                } else {
                  proxy.resetWhenClientSends("COMMIT", 1);
                }
              }
            });

    assertThat(armed).isTrue();
    assertThat(proxy.happened()).isPositive();
    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(sent(report)).containsExactly("ADDED 4", "CHANGED 2", "REMOVED 3");
    Map<String, List<Change>> byId =
        destination.changes().stream().collect(Collectors.groupingBy(Change::changeId));
    assertThat(byId.values()).allSatisfy(changes -> assertThat(changes).hasSize(1));
    proxy.heal();
    database.execute("update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()");
    assertThat(sent(run().throwIfFailed())).isEmpty();
    assertThat(query("select count(*) from fulmar_planner.s1_state_0")).isEqualTo("3");
    assertThat(query("select count(*) from fulmar_planner.fulmar_plans")).isEqualTo("0");
  }

  @Test
  @DisplayName(
      "P1, B-04: the answer to the COMMIT of a fold is awaited for longer than the lease, of which heartbeats take care")
  void answerIsAwaitedForLongerThanTheLease() throws SQLException {
    AtomicBoolean armed = new AtomicBoolean();
    SyncReport report =
        runThroughTheProxy(
            source("localhost", proxy.port()).socketTimeout(Duration.ofSeconds(4)),
            Duration.ofSeconds(3),
            point -> {
              if (point == CrashPoint.FOLD_WRITTEN && armed.compareAndSet(false, true)) {
                proxy.silenceWhenClientSends("COMMIT", Direction.TO_CLIENT, 1);
              }
            });

    assertThat(armed).isTrue();
    assertThat(report.status()).as(String.valueOf(report.error())).isEqualTo(RunStatus.SUCCEEDED);
    proxy.heal();
    assertThat(sent(run().throwIfFailed())).isEmpty();
    assertThat(query("select count(*) from fulmar_planner.s1_state_0")).isEqualTo("3");
  }

  @Test
  @DisplayName(
      "P1, A-09, B-04: a run that is interrupted while it finds out about its fold takes nothing of it back")
  void interruptedRunTakesNoFoldBack() throws SQLException {
    AtomicBoolean armed = new AtomicBoolean();
    SyncReport report =
        runThroughTheProxy(
            point -> {
              if (point == CrashPoint.FOLD_WRITTEN && armed.compareAndSet(false, true)) {
                proxy.resetWhenServerSends("COMMIT", 1);
                Thread.currentThread().interrupt();
              }
            });

    assertThat(proxy.happened()).isPositive();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageStartingWith("Cannot move the state of crm forward: it was interrupted");
    proxy.heal();
    database.execute("update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()");
    assertThat(sent(run().throwIfFailed())).isEmpty();
    assertThat(query("select count(*) from fulmar_planner.s1_state_0")).isEqualTo("3");
  }
}
