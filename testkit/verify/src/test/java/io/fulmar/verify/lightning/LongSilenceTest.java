package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Verdict;
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.Queries;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A server that works for longer than {@code socketTimeout} without saying so, while the network is
 * well, and while it is not. Ten rows are synced before; then one is changed.
 */
@DisplayName("P1, P6, B-02: a server that says nothing for long")
class LongSilenceTest extends LightningFixture {
  private static final Duration LEASE = Duration.ofSeconds(3);
  private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(1);
  private static final String AT_WORK_FOR_LONG =
      "select count(*) > 0 from pg_stat_activity where datname = current_database()"
          + " and application_name like 'fulmar%%' and wait_event%s"
          + " and clock_timestamp() - state_change > interval '2500 ms'";

  private FaultProxy proxy;

  @BeforeEach
  void syncAndChange() throws SQLException {
    run().throwIfFailed();
    database.execute("update item set v = 'other' where id = 1");
    proxy = FaultProxy.before(database.host(), database.port());
  }

  @AfterEach
  void closeProxy() throws IOException {
    proxy.close();
  }

  @Override
  LightningEngine.Builder engineBuilder() {
    Source source =
        (proxy == null ? sourceBuilder() : sourceBuilder().port(proxy.port()))
            .socketTimeout(SOCKET_TIMEOUT)
            .build();
    return LightningEngine.builder(source).lease(LEASE);
  }

  private SyncReport run(Sync sync) {
    try (SyncEngine engine = engineBuilder().build()) {
      return engine.run(sync);
    }
  }

  private Sync sleeping(int seconds) {
    return syncBuilder()
        .model(
            Model.query(
                    "items",
                    "select id, v from item where (select count(*) from (select pg_sleep(%s)) s) = 1"
                        .formatted(seconds))
                .key("id"))
        .build();
  }

  @Test
  @DisplayName("a plan may take longer than the socketTimeout")
  void longPlan() {
    SyncReport report = run(sleeping(3));

    assertThat(sent(report.throwIfFailed())).containsExactly("CHANGED 1");
  }

  @Test
  @DisplayName("a fold may take longer than the socketTimeout")
  void longFold() throws Exception {
    AtomicReference<Connection> other = new AtomicReference<>();
    destination.verdicts(
        change -> {
          other.set(lockState());
          return new Verdict.Accepted();
        });
    CompletableFuture<SyncReport> running = CompletableFuture.supplyAsync(() -> run(sync()));
    awaitQuery(AT_WORK_FOR_LONG.formatted("_type = 'Lock'"), "t");
    assertThat(query(Queries.WAITING_FOR_LOCK)).as("folds that wait").isEqualTo("1");
    other.get().rollback();
    other.get().close();

    assertThat(sent(running.get(60, TimeUnit.SECONDS).throwIfFailed()))
        .containsExactly("CHANGED 1");
    destination.acceptAll();
    assertConverges();
  }

  private Connection lockState() {
    try {
      Connection connection = database.connect();
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("lock table fulmar_planner.s1_state_0 in access exclusive mode");
      }
      return connection;
    } catch (SQLException e) {
      throw new IllegalStateException("the table cannot be locked", e);
    }
  }

  @Test
  @DisplayName("a network that dies while a plan is made ends the run soon after its lease")
  void networkThatDiesInMidPlan() throws Exception {
    CompletableFuture<String> running = CompletableFuture.supplyAsync(this::failure);
    awaitQuery(AT_WORK_FOR_LONG.formatted(" = 'PgSleep'"), "t");
    long began = System.nanoTime();
    proxy.silence();

    String said = running.get(60, TimeUnit.SECONDS);

    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    assertThat(said).startsWith("Cannot ").contains("[sync=crm");
    proxy.resetAll();
    proxy.heal();
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
            + " where datname = current_database() and application_name like 'fulmar%'");
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    assertConverges();
  }

  private String failure() {
    try {
      return run(sleeping(120)).problem().orElse("");
    } catch (FulmarException e) {
      return e.getMessage();
    }
  }

  @Test
  @DisplayName(
      "a heartbeat whose answer is lost gives way to the next one, and the run keeps its lease")
  void answerOfHeartbeatThatIsLost() throws Exception {
    proxy.silenceWhenClientSends("/* fulmar: extend lease */", Direction.TO_CLIENT, 1);
    Source patient =
        sourceBuilder().port(proxy.port()).socketTimeout(Duration.ofSeconds(30)).build();
    try (SyncEngine engine = LightningEngine.builder(patient).lease(LEASE).build()) {
      SyncReport report =
          CompletableFuture.supplyAsync(() -> engine.run(sleeping(5))).get(60, TimeUnit.SECONDS);

      assertThat(proxy.happened()).isEqualTo(1);
      assertThat(sent(report.throwIfFailed())).containsExactly("CHANGED 1");
    }
  }

  @Test
  @DisplayName("an answer that is lost while heartbeats get theirs is not waited for for long")
  void answerOfPlanThatIsLost() throws Exception {
    proxy.silenceWhenClientSends("/* fulmar: plan */", Direction.TO_CLIENT, 1);
    long began = System.nanoTime();

    SyncReport report = CompletableFuture.supplyAsync(() -> run(sync())).get(60, TimeUnit.SECONDS);

    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    assertThat(sent(report.throwIfFailed())).containsExactly("CHANGED 1");
  }
}
