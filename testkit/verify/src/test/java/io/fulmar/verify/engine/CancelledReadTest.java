package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.DeliveryException;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.network.FaultProxy;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Runs that are asked to stop while the server works on a statement that takes an hour, or is not
 * heard of any more. Ten minutes would be allowed for each, so whatever ends here was ended.
 */
@DisplayName("A-09: a read is cancelled")
class CancelledReadTest extends SourceFixture {
  private static final String ASLEEP =
      "select 'asleep' from pg_stat_activity where query like '%fulmar: read%'"
          + " and wait_event = 'PgSleep' and datname = current_database()";

  private Sync sleeping() {
    return sync("select 1 as id, pg_sleep(3600)::text as v", "id").build();
  }

  private FutureTask<SyncReport> inBackground(SyncEngine engine) {
    FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sleeping()));
    new Thread(run, "caller").start();
    return run;
  }

  @Test
  void cancelEndsTheStatement() throws Exception {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      FutureTask<SyncReport> run = inBackground(engine);
      awaitQuery(ASLEEP, "asleep");
      engine.cancel(sleeping());
      SyncReport report = run.get(60, TimeUnit.SECONDS);
      assertThat(report.status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(report.problem().orElseThrow()).contains("the run was cancelled");
      assertThat(destination.calls()).isEmpty();
      assertThat(
              engine.run(sync("select 1 as id", "id").build()).throwIfFailed().total().accepted())
          .as("the engine goes on")
          .isEqualTo(1);
    }
  }

  @Test
  void interruptOfTheCallerEndsTheStatementAndStaysSet() throws Exception {
    AtomicBoolean kept = new AtomicBoolean();
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      FutureTask<SyncReport> run =
          new FutureTask<>(
              () -> {
                SyncReport report = engine.run(sleeping());
                kept.set(Thread.currentThread().isInterrupted());
                return report;
              });
      Thread caller = new Thread(run, "caller");
      caller.start();
      awaitQuery(ASLEEP, "asleep");
      caller.interrupt();
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(kept).isTrue();
    }
  }

  @Test
  void closeEndsTheStatement() throws Exception {
    SyncEngine engine = StandardEngine.on(source(), state);
    FutureTask<SyncReport> run = inBackground(engine);
    awaitQuery(ASLEEP, "asleep");
    engine.close();
    assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
    awaitQuery(
        "select count(*) from pg_stat_activity where query like '%pg_sleep(3600)%' and pid <> pg_backend_pid()",
        "0");
  }

  @Test
  @DisplayName("A-09: a plan and a preview end too")
  void planAndPreviewEnd() throws Exception {
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      FutureTask<Object> plan = new FutureTask<>(() -> engine.plan(sleeping()));
      new Thread(plan, "caller").start();
      awaitQuery(ASLEEP, "asleep");
      engine.cancel(sleeping());
      assertThatThrownBy(() -> plan.get(60, TimeUnit.SECONDS))
          .cause()
          .isInstanceOf(DeliveryException.class)
          .hasMessageContaining("it was cancelled. Nothing was sent.");
    }
  }

  @Test
  @DisplayName("A-09, B-02: a server that is not heard of any more does not keep the run")
  void silentServerDoesNotKeepTheRun() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(database.host(), database.port())) {
      Source behind =
          sourceBuilder().port(proxy.port()).socketTimeout(Duration.ofMinutes(10)).build();
      try (SyncEngine engine = StandardEngine.on(behind, state)) {
        FutureTask<SyncReport> run = inBackground(engine);
        awaitQuery(ASLEEP, "asleep");
        proxy.silence();
        engine.cancel(sleeping());
        assertThat(run.get(120, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      }
    }
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(3600)%'"
            + " and pid <> pg_backend_pid()");
  }
}
