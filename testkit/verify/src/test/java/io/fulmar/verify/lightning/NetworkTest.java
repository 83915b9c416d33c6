package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.FulmarException;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What networks do in each phase of a run: claim, plan, reserve, deliver, acknowledge, fold,
 * release. Ten rows are synced before; then one is added, one removed, and three are changed, and
 * the run that finds that goes through a proxy. Whether it goes on or fails, the next one brings
 * the rest, and nothing is accepted twice but what was in flight.
 */
@DisplayName("P1, P2, P4: the network in each phase of a run")
class NetworkTest extends LightningFixture {
  private static final int BATCH = 2;
  private static final Duration LEASE = Duration.ofSeconds(5);

  /** What the next run waits for if a call gave no answer. */
  private static final Duration CALL_DEADLINE = Duration.ofSeconds(8);

  private FaultProxy proxy;

  @BeforeEach
  void syncAndChange() throws SQLException {
    run().throwIfFailed();
    database.execute(
        "insert into item values (11, 'new')",
        "update item set v = 'other' where id in (1, 2, 3)",
        "delete from item where id = 4");
    proxy = FaultProxy.before(database.host(), database.port());
  }

  @AfterEach
  void closeProxy() throws IOException {
    proxy.close();
  }

  private Source.Builder throughProxy() {
    return sourceBuilder().port(proxy.port());
  }

  /** A run; what it says, whether it came about or not. */
  private String runBy(Source.Builder source, Duration lease, Duration callDeadline) {
    try (LightningEngine engine = LightningEngine.builder(source.build()).lease(lease).build()) {
      SyncReport report =
          engine.run(syncBuilder().batchRows(BATCH).lanes(1).callDeadline(callDeadline).build());
      return report.status() + " " + report.problem().orElse("");
    } catch (FulmarException e) {
      return "FAILED " + e.getMessage();
    }
  }

  private String runBy(Source.Builder source) {
    return runBy(source, LEASE, CALL_DEADLINE);
  }

  private void assertSettled(String said) throws Exception {
    assertThat(said).matches("(SUCCEEDED|FAILED Cannot .* \\[sync=crm.*sqlstate=\\w{5}]).*");
    // A lease that could not be given back runs out.
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
    assertConverges();
    List<Change> all = destination.changes();
    Set<String> ids = all.stream().map(Change::changeId).collect(Collectors.toSet());
    assertThat(ids).as("changes, whatever was repeated").hasSize(10 + 5);
    assertThat(all.size() - ids.size()).as("repeats").isLessThanOrEqualTo(BATCH);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "take lease",
        "plan settings",
        "plan",
        "write plan head",
        "read plan",
        "note outcomes",
        "change keys",
        "write sync",
        "release lease"
      })
  @DisplayName("B-01: a connection is reset when a statement is sent")
  void resetWhenStatementIsSent(String statement) throws Exception {
    proxy.resetWhenClientSends("/* fulmar: " + statement + " */", 1);

    String said = runBy(throughProxy());

    assertThat(proxy.happened()).isEqualTo(1);
    assertSettled(said);
  }

  @ParameterizedTest
  @CsvSource({"plan, BOTH", "note outcomes, TO_CLIENT", "write sync, TO_SERVER"})
  @DisplayName("B-02, B-05: nothing comes through any more, one way or both")
  void silenceWhenStatementIsSent(String statement, Direction direction) throws Exception {
    proxy.silenceWhenClientSends("/* fulmar: " + statement + " */", direction, 1);

    long began = System.nanoTime();
    String said = runBy(throughProxy().socketTimeout(Duration.ofSeconds(2)));

    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(30));
    assertSettled(said);
  }

  @Test
  @DisplayName("I-05, P4: a run whose heartbeats fail stops before others may have the sync")
  void failingHeartbeatsStopTheRun() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() == 1) {
            proxy.silence();
            proxy.resetAll();
            awaitQuery(
                "select bool_and(expires_at < clock_timestamp()) from fulmar_planner.fulmar_leases",
                "t");
          }
          return Delivery.allAccepted();
        });

    String said =
        runBy(
            throughProxy().socketTimeout(Duration.ofSeconds(1)),
            Duration.ofSeconds(2),
            Duration.ofSeconds(4));

    assertThat(calls).as("calls before and after the lease ran out").hasValue(1);
    assertThat(said).startsWith(RunStatus.FAILED.name()).contains("lease");
    destination.acceptAll();
    assertConverges();
  }

  @Test
  @DisplayName(
      "P6, C-13: three connections at most, and none in a transaction while a call is under way")
  void threeConnectionsAreEnough() throws Exception {
    String ofRole =
        " from pg_stat_activity where datname = current_database() and usename = '" + ROLE + "'";
    awaitQuery("select count(*)" + ofRole, "0");
    destination.answers(
        (run, batch) -> {
          assertThat(query("select count(*)" + ofRole)).isIn("1", "2", "3");
          // Earlier answers are noted meanwhile, which does not last as long as the call.
          awaitQuery(
              "select count(*)" + ofRole + " and (state <> 'idle' or backend_xmin is not null)",
              "0");
          return Delivery.allAccepted();
        });

    Duration minute = Duration.ofMinutes(1);
    assertThat(runBy(sourceBuilder(), minute, minute)).startsWith("SUCCEEDED");
  }
}
