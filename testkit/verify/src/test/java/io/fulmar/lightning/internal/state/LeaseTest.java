package io.fulmar.lightning.internal.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.AlreadyRunningException;
import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Patience;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Provision;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The lease of a sync over a real PostgreSQL with the tables that all syncs share: who gets it, who
 * waits, and whose writes are refused. The measure of time of a holder is the test's own; the
 * server goes by its clock, so a lease is made to expire there by hand.
 */
class LeaseTest {
  private static final Schemas SCHEMAS = Schemas.DEFAULT;
  private static final Duration MINUTE = Duration.ofSeconds(60);
  private static final String ABOUT = "[sync=crm]";

  private static TestServer postgres;

  private final AtomicLong nanos = new AtomicLong();
  private TestDatabase test;
  private Source source;
  private Database database;

  @BeforeAll
  static void start() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void makeTables() throws SQLException {
    test = postgres.createDatabase();
    test.execute("create schema fulmar_planner", "create schema fulmar_audit");
    source = test.source().poolSize(20).lockTimeout(Duration.ofSeconds(2)).build();
    database = new Database(source, "fulmar test", MINUTE);
    write(
        transaction -> {
          new Provision(SCHEMAS).ensure(transaction.connection(), ABOUT);
          return true;
        });
  }

  @AfterEach
  void close() throws SQLException {
    database.close();
    test.drop();
  }

  private <T> T write(io.fulmar.lightning.internal.database.Work<T> work) throws SQLException {
    return Database.once(database.begin("fulmar test", ABOUT), work);
  }

  private Lease take(String owner) throws SQLException {
    return take("crm", owner);
  }

  private Lease take(String sync, String owner) throws SQLException {
    return write(
        transaction ->
            Lease.take(
                database, transaction, SCHEMAS, sync, owner, MINUTE, nanos::get, new Patience()));
  }

  private void expire() throws SQLException {
    test.execute("update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()");
  }

  private String expiresAt() throws SQLException {
    return write(
        transaction ->
            transaction
                .first(
                    "select expires_at::text from fulmar_planner.fulmar_leases",
                    row -> row.getString(1))
                .orElseThrow());
  }

  @Test
  @DisplayName("P4: whoever comes second hears who has the sync, and until when")
  void secondIsToldWhoHasIt() throws SQLException {
    take("db1/17/aa");

    assertThatThrownBy(() -> take("db2/18/bb"))
        .isInstanceOf(AlreadyRunningException.class)
        .hasMessageMatching(
            "Cannot run crm: db1/17/aa is running it; if that has died, its lease ends at \\S+Z\\."
                + " Wait for it, or cancel it there\\. \\[sync=crm]");
    assertThat(take("other", "db2/18/bb").token()).isPositive();
  }

  @Test
  @DisplayName("P4, I-01: of eight that start the same sync together exactly one gets it")
  void exactlyOneOfManyGetsIt() throws Exception {
    int rounds = 25;
    int runners = 8;
    ExecutorService pool = Executors.newFixedThreadPool(runners);
    try {
      for (int round = 0; round < rounds; round++) {
        String sync = "crm" + round;
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger refused = new AtomicInteger();
        List<Future<Integer>> results = new ArrayList<>();
        for (int i = 0; i < runners; i++) {
          String owner = "host/" + i;
          results.add(
              pool.submit(
                  () -> {
                    go.await();
                    try {
                      take(sync, owner);
                      return 1;
                    } catch (AlreadyRunningException e) {
                      refused.incrementAndGet();
                      return 0;
                    }
                  }));
        }
        go.countDown();
        int won = 0;
        for (Future<Integer> result : results) {
          won += result.get(30, TimeUnit.SECONDS);
        }
        assertThat(won).as("round " + round).isEqualTo(1);
        assertThat(refused).as("round " + round).hasValue(runners - 1);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  @DisplayName(
      "P4: a lease that has expired goes to the next one, and its old holder writes nothing")
  void oldHolderIsFencedOff() throws SQLException {
    Lease old = take("db1/17/aa");
    expire();
    Lease next = take("db2/18/bb");

    assertThat(next.token()).isGreaterThan(old.token());
    assertThatThrownBy(() -> old.steadily("note something of crm", transaction -> true))
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith("Cannot write the state of crm: another runner has taken over");
    assertThatThrownBy(old::check).isInstanceOf(StateException.class);
    String before = expiresAt();
    old.extend(database);
    old.release();
    assertThat(expiresAt()).isEqualTo(before);
    assertThat(next.<Boolean>steadily("note something of crm", transaction -> true)).isTrue();
  }

  @Test
  @DisplayName("P4: who takes over waits for what the old holder is writing")
  void takeOverWaitsForTransactionsOfTheOldHolder() throws Exception {
    Lease old = take("db1/17/aa");
    ExecutorService pool = Executors.newSingleThreadExecutor();
    try (Transaction writing = database.begin("fulmar test", ABOUT)) {
      old.fence(writing);
      expire();
      Future<Throwable> early = pool.submit(() -> catchThrowable(() -> take("db2/18/bb")));
      assertThat(early.get(20, TimeUnit.SECONDS))
          .isInstanceOf(AlreadyRunningException.class)
          .hasMessageContaining("a transaction of its last runner (db1/17/aa) is still open");
      Future<Lease> next = pool.submit(() -> take("db2/18/bb"));
      awaitWaiting();
      writing.commit();
      assertThat(next.get(20, TimeUnit.SECONDS).token()).isGreaterThan(old.token());
    } finally {
      pool.shutdownNow();
    }
  }

  /** Until a backend waits for a row of the leases; the server does the waiting. */
  private void awaitWaiting() throws SQLException {
    for (int i = 0; i < 500; i++) {
      long waiting =
          write(
              transaction ->
                  transaction.number(
                      "select count(*) from pg_stat_activity"
                          + " where wait_event_type = 'Lock' and query like '%take lease%'"));
      if (waiting > 0) {
        return;
      }
      test.execute("select pg_sleep(0.02)");
    }
    throw new AssertionError("nobody waits");
  }

  @Test
  @DisplayName("P4: a heartbeat passes a transaction that holds the lease on one snapshot")
  void heartbeatPassesLongPlans() throws SQLException {
    Lease lease = take("db1/17/aa");
    String before = expiresAt();
    try (SourceSession plan =
            SourceSession.open(
                database.connections(),
                source,
                "fulmar crm",
                ABOUT,
                new Cancellation(),
                Access.write(MINUTE));
        PreparedStatement fence = plan.prepare(lease.fenceSql())) {
      lease.extend(database);
      fence.setString(1, "crm");
      fence.setLong(2, lease.token());
      assertThat(fence.executeQuery().next()).isTrue();
      lease.extend(database);
      plan.commit();
    }
    assertThat(expiresAt()).isGreaterThan(before);
    lease.check();
  }

  @Test
  @DisplayName("P4, I-05: a holder without heartbeats stops before the lease ends")
  void holderStopsBeforeTheLeaseEnds() throws SQLException {
    Lease lease = take("db1/17/aa");
    nanos.addAndGet(Duration.ofSeconds(49).toNanos());
    lease.check();
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());

    assertThatThrownBy(lease::check)
        .isInstanceOf(StateException.class)
        .hasMessageStartingWith(
            "Cannot go on with crm: the lease was not extended for 60 s, so another runner may have taken over.");
    lease.extend(database);
    lease.check();
  }

  @Test
  @DisplayName("P4: a lease that is given back is there for the next one at once")
  void releasedLeaseIsFree() throws SQLException {
    Lease lease = take("db1/17/aa");
    lease.release();

    assertThat(take("db2/18/bb").token()).isGreaterThan(lease.token());
  }

  @Test
  @DisplayName("B-04: a claim whose commit got no answer finds that it has the lease")
  void sameOwnerFindsItsLease() throws SQLException {
    assertThat(take("db1/17/aa").token()).isEqualTo(take("db1/17/aa").token());
  }

  @Test
  @DisplayName("P4: tokens grow across forgetting, so that no old holder is taken for a new one")
  void tokensGrowAcrossForgetting() throws SQLException {
    Lease old = take("db1/17/aa");
    test.execute("delete from fulmar_planner.fulmar_leases");

    assertThat(take("db2/18/bb").token()).isGreaterThan(old.token());
  }
}
