package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.plan.PlanSettings;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A plan of five removals is held, and its approval ends early: the logs say so of the run that was
 * to deliver it, and of no other.
 */
class InterruptedRunsInLogsTest extends LogsFixture {
  private static final String PLANNED = "failed 0 0 5 / 0 0 0 / 0 0 0 / 0 0 0";

  private final List<Long> started = new ArrayList<>();
  private SyncReport held;

  private Sync.Builder guarded() {
    return crm()
        .guardRemovals(0.1, 1)
        .listener(
            event -> {
              if (event instanceof RunEvent.Started run) {
                started.add(run.run());
              }
            });
  }

  @BeforeEach
  void holdAPlan() throws SQLException {
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 10) g");
    run(ALL, guarded().build()).throwIfFailed();
    database.execute("delete from customer where id <= 5");
    held = run(ALL, guarded().build());
    assertThat(held.status()).isEqualTo(RunStatus.HELD);
    started.clear();
  }

  private String planId() {
    return String.valueOf(held.changeSet().id());
  }

  private static LightningSettings settings() {
    return new LightningSettings(
        Schemas.DEFAULT,
        Duration.ofSeconds(3),
        LightningSettings.MissingState.BEGIN,
        TimelineChange.WARN,
        Duration.ofHours(24),
        PlanSettings.DEFAULT,
        ALL,
        Map.of());
  }

  @Test
  @DisplayName("A process that dies while it plans leaves a failed run, and the plan that waits")
  void processDiesWhileItPlans() throws SQLException {
    long died;
    try (LightningStore store =
        new LightningStore(source(), settings(), RunnerSettings.defaults(), null)) {
      died = store.claim(guarded().build()).run();
      assertThat(rows("select run from fulmar_planner.fulmar_runs"))
          .containsExactly(Long.toString(died));
    }
    database.execute("update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()");
    try (SyncEngine engine = engine(ALL)) {
      assertThat(engine.status(guarded().build()).failuresInARow()).isEqualTo(1);
      assertThat(engine.release(guarded().build())).isZero();

      assertThat(loggedRun(died))
          .startsWith("failed 0 0 0 / 0 0 0 / 0 0 0 / 0 0 0 The run ended as INTERRUPTED: ");
      assertThat(engine.status(guarded().build()).failuresInARow()).isEqualTo(2);
      assertThat(engine.status(guarded().build()).lastRun())
          .isNotNull()
          .extracting(SyncStatus.LastRun::status)
          .isEqualTo(RunStatus.INTERRUPTED);
      SyncReport applied = engine.apply(guarded().build(), planId());
      assertThat(applied.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(engine.release(guarded().build())).isZero();
      assertThat(rows("select count(*) from fulmar_audit.sync_runs")).containsExactly("4");
      assertThat(rows("select run from fulmar_planner.fulmar_leases")).containsExactly("");
    }
  }

  /** Runs something that ends at a point as if its process had died there. */
  private void dieAt(CrashPoint where, Function<SyncEngine, SyncReport> call) {
    Source source = source();
    RunnerSettings runner = RunnerSettings.defaults();
    CrashPoint.Watch watch =
        point -> {
          if (point == where) {
            throw new AssertionError("here it dies");
          }
        };
    LightningStore store = new LightningStore(source, settings(), runner, null, watch);
    try (SyncEngine engine = StoredEngine.over(store, source, runner)) {
      assertThatThrownBy(() -> call.apply(engine)).hasMessage("here it dies");
    }
  }

  private SyncReport apply(SyncEngine engine) {
    return engine.apply(guarded().build(), planId());
  }

  @Test
  @DisplayName("P2: a process that dies before it sends anything of an approved plan")
  void approvalDiesBeforeItSendsAnything() throws SQLException {
    dieAt(CrashPoint.DELIVERY_BEGUN, this::apply);
    long died = started.get(0);
    run(ALL, guarded().build());

    assertThat(loggedRun(died)).startsWith(PLANNED + " The run ended as INTERRUPTED: ");
    assertThat(changelog(died))
        .containsExactly(
            "1 removed aborted",
            "2 removed aborted",
            "3 removed aborted",
            "4 removed aborted",
            "5 removed aborted");
    assertThat(changelog(held.run())).isEmpty();
  }

  private Sync renamed() {
    Sync renamed =
        Sync.builder("sales")
            .model(CUSTOMERS)
            .to(destination)
            .onRemoved(Removal.DELETE)
            .guardRemovals(0.1, 1)
            .build();
    try (LightningEngine engine = LightningEngine.builder(source()).logs(ALL).build()) {
      engine.rename("crm", renamed);
    }
    return renamed;
  }

  @Test
  @DisplayName("P7: a plan that waits can be approved under another name of the sync")
  void planThatWaitsIsApprovedUnderAnotherName() throws SQLException {
    Sync renamed = renamed();
    try (SyncEngine engine = engine(ALL)) {
      assertThat(engine.storedPlan(renamed).orElseThrow().id()).isEqualTo(planId());
      SyncReport report = engine.apply(renamed, planId()).throwIfFailed();
      assertThat(report.total().accepted()).isEqualTo(5);
      assertThat(engine.run(renamed).throwIfFailed().total().planned()).isZero();
    }
    assertThat(rows("select sync from fulmar_planner.fulmar_plans")).isEmpty();
  }

  @Test
  @DisplayName("P1, P2: a run that was interrupted is taken in under another name of the sync")
  void interruptedRunIsTakenInUnderAnotherName() throws SQLException {
    dieAt(CrashPoint.FOLD_WRITTEN, this::apply);
    assertThat(destination.changes(started.get(0))).hasSize(5);

    Sync renamed = renamed();

    assertThat(run(ALL, renamed).throwIfFailed().total().planned()).isZero();
    assertThat(changelog(started.get(0)))
        .hasSize(5)
        .allSatisfy(row -> assertThat(row).endsWith("removed succeeded"));
    assertThat(rows("select sync, keys from fulmar_planner.fulmar_syncs"))
        .containsExactly("sales 5");
    assertThat(rows("select sync from fulmar_planner.fulmar_plans")).isEmpty();
  }

  @Test
  @DisplayName("P1, P2: so is a first run, whose tables and views get the other name")
  void interruptedFirstRunIsTakenInUnderAnotherName() throws SQLException {
    Sync first = Sync.builder("first").model(CUSTOMERS).to(destination).build();
    Sync second = Sync.builder("second").model(CUSTOMERS).to(destination).build();
    dieAt(CrashPoint.FOLD_WRITTEN, engine -> engine.run(first));

    try (LightningEngine engine = LightningEngine.builder(source()).logs(ALL).build()) {
      engine.rename("first", second);
      assertThat(engine.run(second).throwIfFailed().total().planned()).isZero();
      // Whoever takes the old name finds no table that seems to be his.
      assertThat(engine.run(first).throwIfFailed().total().accepted()).isEqualTo(5);
    }
    assertThat(
            rows("select relname from pg_class where relname ~ '_of_(first|second)$' order by 1"))
        .containsExactly("holds_of_first", "holds_of_second", "state_of_first", "state_of_second");
  }

  @Test
  @DisplayName("An approval that is cancelled before it sends anything has planned what it was for")
  void cancelledApprovalHasPlannedWhatItWasFor() throws SQLException {
    try (SyncEngine engine = engine(ALL)) {
      Sync cancelled =
          guarded()
              .listener(
                  event -> {
                    if (event instanceof RunEvent.Planned) {
                      engine.cancel(guarded().build());
                    }
                  })
              .build();
      SyncReport report = engine.apply(cancelled, planId());

      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.total().planned()).isEqualTo(5);
      assertThat(loggedRun(report.run())).startsWith(PLANNED);
    }
  }
}
