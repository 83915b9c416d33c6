package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Source;
import io.fulmar.internal.postgres.SourcePool;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.internal.postgres.Hba;
import io.fulmar.verify.fixture.SharedServer;
import io.fulmar.verify.fixture.UnconnectedSockets;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * The pool of an engine is closed at each moment of somebody else's attempt to get a connection of
 * it. The pool has threads of its own and sockets, which Lincheck does not control, so the moments
 * are made by hand: in the dial, in the wait for a connection that another has, and before.
 */
@DisplayName("I-08: a pool that is closed leaves no connection, and whoever waits hears it soon")
class PoolCloseTest {
  private static TestServer postgres;

  private TestDatabase database;

  @BeforeAll
  static void start() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void create() {
    database = postgres.createDatabase();
  }

  private Source.Builder source() {
    return database.source().connectTimeout(Duration.ofSeconds(5));
  }

  /** Sockets that connect when they are let, and tell when somebody wants one. */
  private static final class Gate extends UnconnectedSockets {
    private final CountDownLatch wanted = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    @Override
    public Socket createSocket() {
      return new Socket() {
        @Override
        public void connect(SocketAddress address, int timeout) throws IOException {
          wanted.countDown();
          try {
            assertThat(open.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while it dials", e);
          }
          super.connect(address, timeout);
        }
      };
    }
  }

  /** What an attempt to connect comes to. */
  private static CompletableFuture<Connection> connecting(SourcePool pool) {
    CompletableFuture<Connection> result = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                result.complete(pool.connect());
              } catch (SQLException | RuntimeException | Error e) {
                result.completeExceptionally(e);
              }
            },
            "borrower")
        .start();
    return result;
  }

  private static void assertEndsSoon(CompletableFuture<Connection> attempt) {
    assertThatThrownBy(() -> attempt.get(10, TimeUnit.SECONDS))
        .cause()
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
  }

  private void assertNoSessionIsLeft() throws SQLException {
    String left =
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    // Who asked before may still be there for a moment.
    String found = Hba.query(database, left);
    for (int i = 0; i < 500 && !found.equals("0"); i++) {
      database.execute("select pg_sleep(0.02)");
      found = Hba.query(database, left);
    }
    assertThat(found).isEqualTo("0");
  }

  @Test
  void beforeAnybodyAsks() throws SQLException {
    SourcePool pool = new SourcePool(source().build(), "fulmar");
    pool.close();
    assertThatThrownBy(pool::connect)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
    pool.close();
    assertNoSessionIsLeft();
  }

  @Test
  void whileItDials() throws Exception {
    Gate gate = new Gate();
    SourcePool pool = new SourcePool(source().socketFactory(gate).build(), "fulmar");
    CompletableFuture<Connection> attempt = connecting(pool);
    assertThat(gate.wanted.await(10, TimeUnit.SECONDS)).isTrue();
    Thread closing = new Thread(pool::close, "closing");
    closing.start();
    assertEndsSoon(attempt);
    gate.open.countDown();
    closing.join(10_000);
    assertThat(closing.isAlive()).isFalse();
    assertNoSessionIsLeft();
  }

  @Test
  void whileItWaitsForAConnectionThatAnotherHas() throws Exception {
    SourcePool pool = new SourcePool(source().poolSize(1).build(), "fulmar");
    Connection held = pool.connect();
    CompletableFuture<Connection> attempt = connecting(pool);
    pool.close();
    assertEndsSoon(attempt);
    assertThat(held.isValid(1)).as("what was lent is cut").isFalse();
    held.close();
    assertNoSessionIsLeft();
  }

  @RepeatedTest(5)
  void atSomeMomentOfManyAttempts() throws Exception {
    SourcePool pool = new SourcePool(source().poolSize(3).build(), "fulmar");
    List<CompletableFuture<Connection>> attempts = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      attempts.add(connecting(pool));
    }
    CompletableFuture.anyOf(attempts.toArray(CompletableFuture[]::new)).get(10, TimeUnit.SECONDS);
    pool.close();
    for (CompletableFuture<Connection> attempt : attempts) {
      attempt
          .handle((connection, thrown) -> thrown == null ? "a connection" : thrown)
          .get(10, TimeUnit.SECONDS);
      if (attempt.isCompletedExceptionally()) {
        assertEndsSoon(attempt);
      } else {
        attempt.join().close();
      }
    }
    assertNoSessionIsLeft();
  }
}
