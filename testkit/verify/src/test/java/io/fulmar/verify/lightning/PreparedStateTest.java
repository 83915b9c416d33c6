package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Change;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.StopRunException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The state of a first run is made while its plan is delivered: 200 rows in batches of ten, of
 * which the third and all later ones wait until the state is there, unless a test says otherwise.
 */
@Timeout(120)
class PreparedStateTest extends LightningFixture {
  private static final String STATES =
      "select string_agg(relname, ' ' order by relname) from pg_class where relname ~ '^s1_state_[01]$'";
  private static final String FILE =
      "select pg_relation_filenode('fulmar_planner.s1_state_0')::text";
  private static final String KEYS = "select count(*) from fulmar_planner.s1_state_0";

  private final CountDownLatch prepared = new CountDownLatch(1);
  private final AtomicInteger calls = new AtomicInteger();
  private volatile @Nullable String file;

  @BeforeEach
  void addRows() throws SQLException {
    database.execute("insert into item select i, 'v' || i from generate_series(11, 200) i");
    answer(change -> true);
  }

  /** Rejects what is not accepted, once the state is there. */
  private void answer(Predicate<Change> accepted) {
    destination.answers(
        (run, batch) -> {
          awaitPrepared();
          Delivery.Builder delivery = Delivery.acceptedExcept();
          batch.changes().stream()
              .filter(accepted.negate())
              .forEach(change -> delivery.rejected(change, "NO", "not this"));
          return delivery.build();
        });
  }

  private void awaitPrepared() throws InterruptedException {
    if (calls.incrementAndGet() > 3) {
      assertThat(prepared.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  private void passed(CrashPoint point) {
    if (point == CrashPoint.STATE_PREPARED) {
      try {
        file = query(FILE);
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
      prepared.countDown();
    }
  }

  private Sync items() {
    return syncBuilder().batchRows(10).lanes(1).build();
  }

  private LightningStore store(Source source, CrashPoint.Watch watch) {
    return new LightningStore(
        source, LightningSettings.DEFAULT.preparing(100), RunnerSettings.defaults(), null, watch);
  }

  private SyncReport run(Source source, CrashPoint.Watch watch) {
    LightningStore store = store(source, watch);
    try (LightningEngine engine = StoredEngine.over(store, source, RunnerSettings.defaults())) {
      return engine.run(items());
    }
  }

  private SyncReport runPrepared() {
    return run(sourceBuilder().build(), this::passed);
  }

  @Test
  @DisplayName("P1: a state that was made before the last answers is taken as it is")
  void preparedStateIsTaken() throws SQLException {
    assertThat(runPrepared().throwIfFailed().total().accepted()).isEqualTo(200);

    assertThat(query(FILE)).isEqualTo(file);
    assertThat(query(KEYS)).isEqualTo("200");
    assertThat(query("select count(*) from fulmar_planner.state_of_crm")).isEqualTo("200");
    assertConverges();
  }

  @Test
  @DisplayName("P1, P3: what was rejected is taken out of it")
  void rejectedIsTakenBack() throws SQLException {
    answer(change -> !change.key().text("id").equals("150"));

    assertThat(runPrepared().status()).isEqualTo(RunStatus.WARNING);

    assertThat(query(FILE)).isEqualTo(file);
    assertThat(query(KEYS + " where k0 <> 150")).isEqualTo("199");
    answer(change -> true);
    assertThat(sent(run().throwIfFailed())).containsExactly("ADDED 150");
    assertConverges();
  }

  @Test
  @DisplayName("P1, P3: where much was rejected, the state is made of what was accepted")
  void stateIsMadeAnewWhereMuchWasRejected() throws SQLException {
    answer(change -> change.key().text("id").endsWith("5"));

    assertThat(runPrepared().status()).isEqualTo(RunStatus.WARNING);

    assertThat(query(FILE)).isNotEqualTo(file);
    assertThat(query(KEYS)).isEqualTo("20");
    assertThat(query(STATES)).isEqualTo("s1_state_0");
    answer(change -> true);
    assertConverges();
  }

  @Test
  @DisplayName("P1: where the run stops early, the state is made of what was accepted")
  void stateIsMadeAnewWhereTheRunStops() throws SQLException {
    destination.answers(
        (run, batch) -> {
          awaitPrepared();
          if (calls.get() == 9) {
            throw new StopRunException("QUOTA", "that is enough");
          }
          return Delivery.allAccepted();
        });

    assertThat(runPrepared().status()).isEqualTo(RunStatus.FAILED);

    assertThat(query(KEYS)).isEqualTo("80");
    assertThat(query(STATES)).isEqualTo("s1_state_0");
    assertConverges();
  }

  @Test
  @DisplayName("P1: a state that somebody has emptied meanwhile is not taken")
  void touchedStateIsNotTaken() throws SQLException {
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.STATE_PREPARED) {
            try {
              database.execute("truncate fulmar_planner.s1_state_0");
            } catch (SQLException e) {
              throw new AssertionError(e);
            }
          }
          passed(point);
        };

    run(sourceBuilder().build(), watch).throwIfFailed();

    assertThat(query(KEYS)).isEqualTo("200");
    assertConverges();
  }

  @Test
  @DisplayName("a run that stops does not wait for a state that is being made")
  void stoppedRunEndsThePreparation() throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      destination.answers(
          (run, batch) -> {
            int call = calls.incrementAndGet();
            if (call == 1) {
              // Whoever makes a table of this name waits for what becomes of this one.
              statement.execute("create table fulmar_planner.s1_state_0 ()");
            }
            if (call == 9) {
              seen.await();
              throw new StopRunException("QUOTA", "that is enough");
            }
            return Delivery.allAccepted();
          });
      CompletableFuture<SyncReport> running = CompletableFuture.supplyAsync(this::runPrepared);
      awaitQuery(waiting("<> 0"), "1");
      String process = query(waiting("<> 0").replace("count(*)", "max(pid)"));
      seen.countDown();
      awaitQuery(waiting("<> " + process), "1"); // the fold
      assertThat(query(waiting("= " + process))).isEqualTo("0");
      other.rollback();

      assertThat(running.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.FAILED);
    }
    assertThat(prepared.getCount()).isEqualTo(1);
    assertThat(query(KEYS)).isEqualTo("80");
    assertConverges();
  }

  private static String waiting(String process) {
    return """
        select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
          and query like '%%fulmar: first state%%' and pid %s"""
        .formatted(process);
  }

  @Test
  @DisplayName(
      "P4: what a dead run has prepared is gone with the next one, unless it is being read")
  void leftoverGoes() throws Exception {
    try (LightningStore store = store(sourceBuilder().build(), this::passed);
        Claim claim = store.claim(items())) {
      StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
      claim.open(plan).close();
      claim.reserve(0, 200, System.currentTimeMillis());
      assertThat(prepared.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(query(STATES)).isEqualTo("s1_state_0");
    destination.acceptAll();
    try (Connection dump = database.connect();
        Statement statement = dump.createStatement()) {
      dump.setAutoCommit(false);
      statement.execute("lock table fulmar_planner.s1_state_0 in access share mode");

      assertThat(run().throwIfFailed().total().accepted()).isEqualTo(200);

      assertThat(query(STATES)).isEqualTo("s1_state_0 s1_state_1");
    }
    assertConverges();
    assertThat(query(STATES)).isEqualTo("s1_state_1");
  }

  @Test
  @DisplayName("no state is made beside the delivery where no connection is to spare")
  void smallPoolsAreLeftAlone() {
    destination.acceptAll();

    run(sourceBuilder().poolSize(3).build(), this::passed).throwIfFailed();

    assertThat(prepared.getCount()).isEqualTo(1);
  }

  @Test
  @DisplayName("no state is made beside the delivery on a pool of the application")
  void poolsOfApplicationsAreLeftAlone() {
    destination.acceptAll();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setUsername(ROLE);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      run(Source.of(pool), this::passed).throwIfFailed();
    }

    assertThat(prepared.getCount()).isEqualTo(1);
  }
}
