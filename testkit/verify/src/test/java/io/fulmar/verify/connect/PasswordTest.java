package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.internal.postgres.Hba;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Passwords that change while an application runs, on a server that asks the role {@code reader}
 * for them by SCRAM; the supplier counts how often it was asked, which is how often a log-in was
 * tried.
 */
class PasswordTest {
  private static TestPostgres postgres;
  private static TestDatabase database;

  @TempDir Path state;
  private final AtomicReference<String> password = new AtomicReference<>("one");
  private final AtomicInteger asked = new AtomicInteger();

  @BeforeAll
  static void start() throws Exception {
    postgres = TestPostgres.builder().parameter("password_encryption", "scram-sha-256").start();
    database = postgres.createDatabase();
    database.execute(
        "create table item (id int primary key, n int)",
        "create role reader login",
        "grant select on item to reader");
    Hba.set(database, "host all reader all scram-sha-256");
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @BeforeEach
  void reset() throws Exception {
    database.execute(
        "truncate item",
        "insert into item values (1, 1)",
        "alter role reader password 'one' valid until 'infinity'");
  }

  private SyncEngine engine() {
    return StandardEngine.on(source(), state);
  }

  private Source source() {
    return Source.builder()
        .host("localhost")
        .port(database.port())
        .database(database.name())
        .user("reader")
        .password(
            Secret.of(
                () -> {
                  asked.incrementAndGet();
                  return password.get();
                }))
        .connectTimeout(Duration.ofSeconds(30))
        .withoutTls()
        .build();
  }

  private static Sync sync() {
    return Sync.builder("crm")
        .model(Model.query("item", "select id, n from item").key("id"))
        .to(RecordingDestination.of("test:recording"))
        .build();
  }

  private static void endSessions() throws Exception {
    database.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'reader'");
  }

  @Test
  @DisplayName("a token that rotates is asked for at each new connection")
  void aTokenThatRotatesIsAskedForAgain() throws Exception {
    Sync sync = sync();
    try (SyncEngine engine = engine()) {
      for (String token : new String[] {"one", "two", "three"}) {
        database.execute("alter role reader password '" + token + "'", "update item set n = n + 1");
        endSessions();
        password.set(token);
        assertThat(engine.run(sync).throwIfFailed().total().succeeded()).isEqualTo(1);
      }
    }
    assertThat(asked).hasValue(3);
  }

  @Test
  @DisplayName(
      "C-08: connections outlive a change of the password; new ones are refused once, for good")
  void aChangedPasswordIsNotTriedAgainAndAgain() throws Exception {
    Sync sync = sync();
    try (SyncEngine engine = engine()) {
      engine.run(sync).throwIfFailed();
      database.execute("alter role reader password 'two'", "update item set n = 2");
      assertThat(engine.run(sync).throwIfFailed().total().succeeded()).isEqualTo(1);
      assertThat(asked).hasValue(1);
      endSessions();
      assertRefusedOnce(engine, sync);
      password.set("two");
      assertThat(engine.run(sync).throwIfFailed().status()).isEqualTo(RunStatus.SUCCEEDED);
    }
  }

  @Test
  @DisplayName("C-08: so it is when the role's VALID UNTIL has passed, and when the role is gone")
  void anExpiredOrDroppedRoleIsNotTriedAgainAndAgain() throws Exception {
    Sync sync = sync();
    try (SyncEngine engine = engine()) {
      engine.run(sync).throwIfFailed();
      database.execute("alter role reader valid until '2020-01-01'");
      endSessions();
      assertRefusedOnce(engine, sync);
      database.execute("alter role reader rename to writer");
      try {
        assertRefusedOnce(engine, sync);
      } finally {
        database.execute("alter role writer rename to reader");
      }
    }
  }

  private void assertRefusedOnce(SyncEngine engine, Sync sync) {
    asked.set(0);
    long began = System.nanoTime();
    SourceException refused =
        catchThrowableOfType(SourceException.class, () -> run(engine, sync).throwIfFailed());
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    assertThat(refused.sqlState()).isEqualTo("28P01");
    assertThat(refused)
        .hasMessageMatching(
            "(?s)Cannot connect to localhost:\\d+/\\w+: password authentication failed for user .reader.\\. Look at user, password .*sqlstate=28P01]");
    assertThat(asked).hasValue(1);
    // The pool would have gone on for the whole connect timeout.
    assertThat(took).isLessThan(Duration.ofSeconds(20));
  }

  private static SyncReport run(SyncEngine engine, Sync sync) {
    return engine.run(sync);
  }

  @Test
  @DisplayName(
      "C-08: a password that changes while Lightning delivers fails the run after few attempts, and nothing is sent twice")
  void aPasswordThatChangesWhileLightningDelivers() throws Exception {
    RecordingDestination destination = RecordingDestination.of("test:recording");
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("item", "select id, n from item").key("id"))
            .to(destination)
            .callDeadline(Duration.ofSeconds(20))
            .build();
    database.execute(LightningSetup.of("reader").setupSql());
    try (SyncEngine engine = LightningEngine.on(source())) {
      destination.answers(
          (run, batch) -> {
            database.execute("alter role reader password 'two'");
            asked.set(0);
            endSessions();
            return Delivery.allAccepted();
          });
      SyncReport report = engine.run(sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .isInstanceOf(StateException.class)
          .hasMessageMatching(
              "(?s)Cannot note outcomes of crm: password authentication failed for user .reader.\\. "
                  + "Look at user, password and database of the source, and run again. "
                  + "\\[sync=crm run=\\d+ sqlstate=28P01]");
      // For the answers, and the fold, and the end of the run; the lease is left to end by itself.
      assertThat(asked.get()).isBetween(1, 3);
      password.set("two");
      destination.acceptAll();
      // As if the lease and the deadline of the call that was cut off had passed.
      database.execute(
          "update fulmar_planner.fulmar_leases set expires_at = clock_timestamp()",
          "update fulmar_planner.s1_ledger set until = 1 where until > 0");
      assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(1);
      assertThat(engine.run(sync).throwIfFailed().calls()).isZero();
    }
    assertThat(destination.changes())
        .extracting("changeId")
        .hasSize(2)
        .containsOnly(destination.changes().get(0).changeId());
  }

  @Test
  void aSupplierThatFailsFailsTheRunAtOnceWithoutItsWords() {
    AtomicInteger calls = new AtomicInteger();
    Source source =
        Source.builder()
            .host("localhost")
            .port(database.port())
            .database(database.name())
            .user("reader")
            .password(
                Secret.of(
                    () -> {
                      calls.incrementAndGet();
                      throw new IllegalStateException("canary");
                    }))
            .withoutTls()
            .build();
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      SourceException refused =
          catchThrowableOfType(SourceException.class, () -> run(engine, sync()).throwIfFailed());
      assertThat(refused)
          .hasMessageContaining(
              "the supplier of password threw java.lang.IllegalStateException. Look at where it comes from. [sync=crm run=")
          .hasStackTraceContaining("PasswordTest");
      java.io.StringWriter trace = new java.io.StringWriter();
      refused.printStackTrace(new java.io.PrintWriter(trace));
      assertThat(trace.toString()).doesNotContain("canary");
    }
    assertThat(calls).hasValue(1);
  }
}
