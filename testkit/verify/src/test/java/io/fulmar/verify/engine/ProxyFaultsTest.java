package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.network.FaultProxy;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Connections that are reset in each phase of a read. The table {@code item} holds 20,000 rows that
 * have been delivered, of which one then changes and one is deleted; between engine and server
 * stands a proxy. One engine serves all runs of a test.
 */
@DisplayName("P1, B-01: a connection is reset")
class ProxyFaultsTest extends SourceFixture {
  private static final String ROLE = "with_password";

  private FaultProxy proxy;
  private SyncEngine engine;
  private Sync sync;
  private final AtomicInteger readsAgain = new AtomicInteger();

  @BeforeEach
  void deliverAll() throws Exception {
    database.execute(
        "create table item (id bigint primary key, v text)",
        "insert into item select i, repeat('v', 20) from generate_series(1, 20000) i");
    proxy = FaultProxy.before(database.host(), database.port());
    engine = StandardEngine.on(throughProxy().build(), state);
    sync =
        sync("select id, v from item", "id")
            .onRemoved(Removal.DELETE)
            .listener(
                event -> {
                  if (event instanceof RunEvent.ReadAgain) {
                    readsAgain.incrementAndGet();
                  }
                })
            .build();
    assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(20_000);
    database.execute("update item set v = 'new' where id = 5", "delete from item where id = 6");
  }

  @AfterEach
  void close() throws IOException {
    engine.close();
    proxy.close();
  }

  private Source.Builder throughProxy() {
    return sourceBuilder().port(proxy.port()).connectTimeout(Duration.ofSeconds(5));
  }

  /** Runs; what ended the run early, be it thrown or reported. */
  private @Nullable SourceException failureOf(SyncEngine used) {
    try {
      SyncReport report = used.run(sync);
      assertThat(report.status())
          .isEqualTo(report.error() == null ? RunStatus.SUCCEEDED : RunStatus.FAILED);
      return (SourceException) report.error();
    } catch (SourceException e) {
      return e;
    }
  }

  private void assertNextRunIsRight() {
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  private void assertLostEachTime(@Nullable SourceException failure) {
    assertThat(failure).isNotNull();
    assertThat(Objects.requireNonNull(failure).sqlState()).startsWith("08");
    assertThat(failure.getMessage())
        .startsWith("Cannot ")
        .contains("[sync=crm run=")
        .doesNotContain("fulmar-source");
    assertThat(destination.changes()).hasSize(20_000);
    proxy.heal();
    assertNextRunIsRight();
  }

  @Test
  @DisplayName("as soon as it is made: made again; each time: says so")
  void onConnect() {
    proxy.resetAll();
    proxy.resetOnConnect(1);
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(proxy.happened()).isEqualTo(1);
  }

  @Test
  @DisplayName("each time it is made: tried once a second, the run is refused, the next one works")
  void onEachConnect() {
    engine.close();
    engine = StandardEngine.on(throughProxy().connectTimeout(Duration.ofSeconds(1)).build(), state);
    proxy.resetAll();
    proxy.resetOnConnect(Integer.MAX_VALUE);
    long began = System.nanoTime();
    SourceException failure = failureOf(engine);
    long seconds = Duration.ofNanos(System.nanoTime() - began).toSeconds();
    assertThat((long) proxy.happened()).isBetween(1L, seconds + 1);
    assertLostEachTime(failure);
  }

  @Test
  @DisplayName("C-08: a wrong password is tried once for each run, and told at once")
  void wrongPasswordIsTriedOnce() throws Exception {
    withPassword();
    Source source =
        throughProxy()
            .user(ROLE)
            .password(Secret.of("another"))
            .connectTimeout(Duration.ofSeconds(20))
            .build();
    try (SyncEngine refused = StandardEngine.on(source, state)) {
      int before = proxy.connections();
      long began = System.nanoTime();
      SourceException failure = failureOf(refused);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
      assertThat(failure).isNotNull();
      assertThat(Objects.requireNonNull(failure).sqlState()).isEqualTo("28P01");
      assertThat(proxy.connections() - before).isEqualTo(1);
    }
  }

  private void withPassword() throws Exception {
    String hba = query("show hba_file");
    database.execute(
        "drop role if exists " + ROLE,
        "set password_encryption = 'scram-sha-256'",
        "create role " + ROLE + " login superuser password 'not a secret'",
        """
        copy (select unnest(array['host all %s all scram-sha-256', 'host all all all trust',
                                  'host replication all all trust'])) to '%s'
        """
            .formatted(ROLE, hba),
        "select pg_reload_conf()");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, Integer.MAX_VALUE})
  @DisplayName("in the middle of the log-in")
  void duringLogIn(int times) throws Exception {
    withPassword();
    engine.close();
    Source source =
        throughProxy()
            .user(ROLE)
            .password(Secret.of("not a secret"))
            .connectTimeout(Duration.ofSeconds(times == 1 ? 5 : 1))
            .build();
    engine = StandardEngine.on(source, state);
    proxy.resetWhenClientSends("SCRAM-SHA-256", times);
    SourceException failure = failureOf(engine);
    assertThat(proxy.happened()).isPositive();
    if (times == 1) {
      assertThat(failure).isNull();
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
    } else {
      assertLostEachTime(failure);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fulmar: begin",
        "fulmar: settings",
        "fulmar: server",
        "fulmar: proof",
        "fulmar: columns",
        "fulmar: types",
        "fulmar: read"
      })
  @DisplayName("when a statement is sent")
  void whenStatementIsSent(String statement) {
    proxy.resetWhenClientSends(statement, Integer.MAX_VALUE);
    SourceException failure = failureOf(engine);
    assertThat(proxy.happened()).isEqualTo(3);
    assertThat(readsAgain).hasValue(2);
    assertLostEachTime(failure);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fulmar: settings", "fulmar: types", "fulmar: read"})
  @DisplayName("when a statement is sent, once: read again")
  void whenStatementIsSentOnce(String statement) {
    proxy.resetWhenClientSends(statement, 1);
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(readsAgain).hasValue(1);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "100, 1", "300000, 1", "300000, 9", "500000, 9"})
  @DisplayName("between rows")
  void betweenRows(long bytes, int times) {
    proxy.resetAfterBytes("fulmar: read", bytes, times);
    SourceException failure = failureOf(engine);
    assertThat(proxy.happened()).isEqualTo(Math.min(times, 3));
    if (times == 1) {
      assertThat(failure).isNull();
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
      assertThat(destination.changes()).hasSize(20_002);
    } else {
      assertLostEachTime(failure);
    }
  }

  @Test
  @DisplayName("after the last row, before the server says that it was the last")
  void beforeTheEndOfTheRows() {
    proxy.resetWhenServerSends("COPY 19999", Integer.MAX_VALUE);
    SourceException failure = failureOf(engine);
    assertThat(proxy.happened()).isEqualTo(3);
    assertLostEachTime(failure);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ROLLBACK", "discard all"})
  @DisplayName("when everything has been read: nothing is lost")
  void whenEverythingHasBeenRead(String statement) {
    proxy.resetWhenClientSends(statement, 1);
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 5", "REMOVED 6");
    assertThat(proxy.happened()).isEqualTo(1);
    assertThat(readsAgain).hasValue(0);
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("when the pool looks at its first connection: the pool is of use all the same")
  void whenThePoolLooksAtItsFirstConnection() {
    engine.close();
    engine = StandardEngine.on(throughProxy().build(), state);
    proxy.resetWhenClientSends("SHOW TRANSACTION ISOLATION LEVEL", 1);
    failureOf(engine);
    assertThat(proxy.happened()).isEqualTo(1);
    proxy.heal();
    assertThat(engine.run(sync).throwIfFailed().status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
  }

  @Test
  @DisplayName("while it lies in the pool: the next run does not notice")
  void whileItLiesInThePool() {
    assertThat(proxy.resetAll()).isEqualTo(1);
    assertNextRunIsRight();
    for (int i = 0; i < 3; i++) {
      proxy.resetAll();
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
    }
  }
}
