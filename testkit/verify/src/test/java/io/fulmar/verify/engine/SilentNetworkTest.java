package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.internal.network.ProtocolProxy;
import io.fulmar.testkit.network.Direction;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connections on which nothing arrives any more and which nobody closes. The table {@code item}
 * holds 20,000 rows that have been delivered, of which one then changes and one is deleted; between
 * engine and server stands a proxy, and a silence of a second is one too many.
 */
@DisplayName("P1: nothing arrives any more")
class SilentNetworkTest extends SourceFixture {
  private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration BUSY = Duration.ofSeconds(10);

  private final Queue<Long> readAgainAt = new ConcurrentLinkedQueue<>();
  private ProtocolProxy proxy;
  private SyncEngine engine;
  private Sync sync;

  @BeforeEach
  void deliverAll() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 20) from generate_series(1, 20000) i");
    proxy = ProtocolProxy.before(database.host(), database.port());
    engine = StandardEngine.on(throughProxy().build(), state);
    sync =
        sync("select id, v from item", "id")
            .onRemoved(Removal.DELETE)
            .listener(
                event -> {
                  if (event instanceof RunEvent.ReadAgain) {
                    readAgainAt.add(System.nanoTime());
                  }
                })
            .build();
    assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(20_000);
    readAgainAt.clear();
    database.execute("update item set v = 'new' where id = 5", "delete from item where id = 6");
  }

  @AfterEach
  void close() throws IOException {
    engine.close();
    proxy.close();
  }

  private Source.Builder throughProxy() {
    return sourceBuilder()
        .port(proxy.port())
        .connectTimeout(Duration.ofSeconds(5))
        .socketTimeout(SOCKET_TIMEOUT);
  }

  /** For tests that wait out what is bounded by the connect timeout. */
  private Source.Builder throughProxyInHaste() {
    return throughProxy().connectTimeout(Duration.ofSeconds(1));
  }

  /** Shorter than a bound, and ten seconds for a machine that is busy otherwise. */
  private static void assertShorter(long sinceNanos, Duration bound) {
    assertThat(Duration.ofNanos(System.nanoTime() - sinceNanos)).isLessThan(bound.plus(BUSY));
  }

  private void assertNextRunIsRight() {
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "fulmar: settings, 0, BOTH",
    "fulmar: proof, 0, TO_SERVER",
    "fulmar: types, 0, TO_CLIENT",
    "fulmar: read, 1, BOTH",
    "fulmar: read, 300000, TO_CLIENT",
  })
  @DisplayName("B-02, B-05: in one direction or both: noticed when the socket timeout is over")
  void isNoticed(String statement, long bytes, Direction direction) {
    if (bytes == 0) {
      proxy.silenceWhenClientSends(statement, direction, 1);
    } else {
      proxy.silenceAfterBytes(statement, bytes, direction, 1);
    }
    long began = System.nanoTime();
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(readAgainAt).hasSize(1);
    assertThat(Duration.ofNanos(readAgainAt.element() - began))
        .isBetween(SOCKET_TIMEOUT.minusMillis(100), SOCKET_TIMEOUT.plus(BUSY));
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("B-05: to the server alone, when all rows have come: what has come counts")
  void whenAllRowsHaveCome() {
    proxy.silenceWhenClientSends("ROLLBACK", Direction.TO_SERVER, 1);
    long began = System.nanoTime();
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertShorter(began, SOCKET_TIMEOUT.plusSeconds(2));
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(readAgainAt).isEmpty();
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName(
      "B-03: in the middle of a COPY, each time: the run fails, and the connections are gone")
  void duringCopyEachTime() throws Exception {
    proxy.silenceAfterBytes("fulmar: read", 100_000, Direction.BOTH, Integer.MAX_VALUE);
    long began = System.nanoTime();
    SyncReport report = engine.run(sync);
    assertShorter(began, SOCKET_TIMEOUT.plusSeconds(1).multipliedBy(3).plusSeconds(2));
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(proxy.happened()).isEqualTo(3);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageMatching(
            "Cannot read the model rows: .*\\. \\[sync=crm run=\\d+ sqlstate=08006]");
    StringWriter all = new StringWriter();
    report.error().printStackTrace(new PrintWriter(all));
    assertThat(all.toString())
        .contains("Read timed out")
        .doesNotContain("Unexpected packet type", "cancelCopy");
    assertThat(destination.changes()).hasSize(20_000);
    proxy.heal();
    proxy.resetAll();
    assertNextRunIsRight();
  }

  @Test
  @DisplayName("B-08: on a connection that lies in the pool: the next run does not wait for it")
  void connectionInThePool() {
    assertThat(proxy.silenceOpen()).isEqualTo(1);
    engine.close();
    Source patient = throughProxyInHaste().socketTimeout(Duration.ofMinutes(5)).build();
    engine = StandardEngine.on(patient, state);
    assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(2);
    assertThat(proxy.silenceOpen()).isPositive();
    long began = System.nanoTime();
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
    assertShorter(began, Duration.ofSeconds(5));
    assertThat(readAgainAt).isEmpty();
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("B-12: from the beginning on: the engine says that the server did not answer")
  void fromTheBeginningOn() {
    engine.close();
    engine = StandardEngine.on(throughProxyInHaste().build(), state);
    proxy.resetAll();
    proxy.silence(Direction.BOTH);
    long began = System.nanoTime();
    Throwable refused = catchThrowable(() -> engine.run(sync));
    assertShorter(began, Duration.ofSeconds(5));
    assertThat(refused)
        .isInstanceOf(SourceException.class)
        .hasMessageMatching(
            "Cannot connect to localhost:\\d+/.*: .* the server did not answer .*\\[sync=crm run=\\d+.*]");
    proxy.heal();
    proxy.resetAll();
    assertNextRunIsRight();
  }

  @Test
  @DisplayName(
      "B-14: a request to cancel is lost: the connection is cut, and the run ends all the same")
  void cancelRequestIsLost() throws Exception {
    proxy.loseCancelRequests();
    CountDownLatch reading = new CountDownLatch(1);
    Sync slow =
        sync("select id, v, case when id = 20000 then pg_sleep(60)::text end as s from item", "id")
            .listener(
                event -> {
                  if (event instanceof RunEvent.Reading) {
                    reading.countDown();
                  }
                })
            .build();
    Source patient = throughProxyInHaste().socketTimeout(Duration.ofMinutes(5)).build();
    try (SyncEngine other = StandardEngine.on(patient, state.resolve("other"))) {
      FutureTask<SyncReport> task = new FutureTask<>(() -> other.run(slow));
      new Thread(task, "test-run").start();
      assertThat(reading.await(20, TimeUnit.SECONDS)).isTrue();
      awaitQuery(
          "select count(*) from pg_stat_activity where datname = current_database()"
              + " and wait_event = 'PgSleep'",
          "1");
      long began = System.nanoTime();
      other.cancel(slow);
      assertThat(task.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
      assertShorter(began, Duration.ofSeconds(10));
    }
    assertThat(proxy.lostCancelRequests()).isEqualTo(1);
    proxy.resetAll();
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
  }
}
