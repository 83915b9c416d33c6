package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.DeliveryException;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.testkit.network.Traffic;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The network between the engine and a table destination fails. 2,000 rows of {@code item} are to
 * be delivered into {@code copy}; only the destination stands behind the proxy. What becomes of a
 * COMMIT is shown elsewhere.
 */
@DisplayName("P1: the network of the table destination fails")
class TableNetworkTest {
  private static final int ROWS = 2_000;
  private static TestServer postgres;

  @TempDir Path state;

  private TableFixture fixture;
  private FaultProxy proxy;
  private SyncEngine engine;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void createTables() throws SQLException {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 20) from generate_series(1, " + ROWS + ") i",
        "create table copy (id bigint primary key, v text)");
    proxy = FaultProxy.before(fixture.database().host(), fixture.database().port());
    engine = StandardEngine.on(fixture.source().build(), state);
  }

  @AfterEach
  void close() throws IOException {
    engine.close();
    proxy.close();
  }

  private Sync.Builder sync() {
    PostgresDestination copy =
        PostgresDestination.builder(
                fixture
                    .source()
                    .port(proxy.port())
                    .connectTimeout(Duration.ofSeconds(5))
                    .socketTimeout(Duration.ofSeconds(1))
                    .build())
            .table("public", "copy")
            .build();
    return Sync.builder("copy")
        .model(Model.query("items", "select id, v from item").key("id"))
        .to(copy)
        .onRemoved(Removal.DELETE)
        .batchRows(ROWS)
        .lanes(1);
  }

  /** Rows that are all new go no way by the stage, unless one of them is there already. */
  private void putRowInTheWayOfStraightCopy(String text) throws SQLException {
    if (text.equals("fulmar: create stage") || text.equals("fulmar: upsert")) {
      fixture.run("insert into copy values (1, 'old')");
    }
  }

  private void assertSettled() throws SQLException {
    assertThat(fixture.rows("select * from copy except select * from item")).isEmpty();
    assertThat(fixture.rows("select count(*) from copy")).containsExactly("" + ROWS);
    assertThat(engine.status(sync().build()).unsure()).isZero();
    assertThat(engine.run(sync().build()).throwIfFailed().total().planned()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "connect",
        "fulmar: begin",
        "fulmar: columns",
        "fulmar: copy straight",
        "vvvv",
        "fulmar: create stage",
        "fulmar: upsert"
      })
  @DisplayName(
      "B-01: a reset before COMMIT, in each phase: the batch goes out again, known as not applied")
  void resetInEachPhase(String text) throws Exception {
    putRowInTheWayOfStraightCopy(text);
    if (text.equals("connect")) {
      proxy.resetOnConnect(1);
    } else {
      proxy.resetWhenClientSends(text, 1);
    }
    SyncReport report = engine.run(sync().build()).throwIfFailed();
    assertThat(report.total()).isEqualTo(new SyncReport.Counts(ROWS, ROWS, 0, 0));
    assertThat(proxy.happened()).as(text).isEqualTo(1);
    assertThat(report.calls()).isEqualTo(2);
    assertSettled();
  }

  @Test
  @DisplayName("B-01: a reset each time: nothing was applied, the run fails and says so")
  void resetEachTime() throws Exception {
    proxy.resetOnConnect(Integer.MAX_VALUE);
    SyncReport report = engine.run(sync().retryFor(Duration.ZERO).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(DeliveryException.class)
        .hasMessageMatching(
            "(?s)Cannot deliver all of copy: .*Cannot write to \"public\".\"copy\": the server cannot be reached.*"
                + "\\[sync=copy run=\\d+]");
    assertThat(engine.status(sync().build()).unsure()).isZero();
    assertThat(fixture.rows("select count(*) from copy")).containsExactly("0");
    proxy.heal();
    assertThat(engine.run(sync().build()).throwIfFailed().total().accepted()).isEqualTo(ROWS);
    assertSettled();
  }

  @ParameterizedTest
  @CsvSource({"fulmar: begin, TO_CLIENT", "fulmar: create stage, BOTH", "vvvv, TO_SERVER"})
  @DisplayName(
      "B-02, B-05: nothing arrives any more: noticed when the socket timeout is over, and sent again")
  void silence(String text, Direction direction) throws Exception {
    putRowInTheWayOfStraightCopy(text);
    proxy.silenceWhenClientSends(text, direction, 1);
    long began = System.nanoTime();
    SyncReport report = engine.run(sync().build()).throwIfFailed();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(16));
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(report.total().accepted()).isEqualTo(ROWS);
    assertThat(report.calls()).isEqualTo(2);
    assertSettled();
  }

  @Test
  @DisplayName("B-06: a batch takes so many round trips, however many rows it has")
  void roundTrips() throws Exception {
    engine.run(sync().build()).throwIfFailed();
    fixture.run("update item set v = 'a' where id <= 2");
    proxy.takeRoundTrips();
    engine.run(sync().build()).throwIfFailed();
    int few = proxy.takeRoundTrips();
    fixture.run("update item set v = 'b'");
    engine.run(sync().build()).throwIfFailed();
    assertThat(proxy.takeRoundTrips()).isEqualTo(few).isBetween(5, 30);
    assertSettled();
  }

  @Test
  @DisplayName("B-06: late, and in packets of a few bytes: all rows")
  void lateAndSliced() throws Exception {
    proxy.traffic(new Traffic(Duration.ofMillis(20), Duration.ofMillis(20), 7, Long.MAX_VALUE));
    PostgresDestination patient =
        PostgresDestination.builder(fixture.source().port(proxy.port()).build())
            .table("public", "copy")
            .build();
    engine.run(sync().to(patient).build()).throwIfFailed();
    proxy.traffic(Traffic.PLAIN);
    assertSettled();
  }
}
