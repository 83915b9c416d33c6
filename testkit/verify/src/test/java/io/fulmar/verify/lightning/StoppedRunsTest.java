package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.DeliveryException;
import io.fulmar.FulmarException;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs that end before they are through: an error of the JVM in what the application wrote, and an
 * interrupt, a cancel or a close while something is waited for. Ten rows are synced before; then
 * one is added, one changed and one removed. A statement would wait an hour for its lock, so
 * whatever ends within the grace was ended.
 */
class StoppedRunsTest extends LightningFixture {
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** The grace, the last steps of lanes, and what ending statements takes. */
  private static final Duration BOUND = Duration.ofSeconds(12);

  @Override
  LightningEngine.Builder engineBuilder() {
    return LightningEngine.builder(source().build()).grace(GRACE).lease(Duration.ofSeconds(5));
  }

  private Source.Builder source() {
    return sourceBuilder().lockTimeout(Duration.ofHours(1));
  }

  private void syncAndChange() throws SQLException {
    run().throwIfFailed();
    database.execute(
        "insert into item values (11, 'new')",
        "update item set v = 'other' where id = 1",
        "delete from item where id = 4");
  }

  /** A lease that could not be given back runs out. */
  private void awaitLease() throws SQLException {
    awaitQuery(
        "select count(*) from fulmar_planner.fulmar_leases where expires_at > clock_timestamp()",
        "0");
  }

  // --------------------------------------------------------------------------------------- errors

  /** Where the application throws. */
  enum Where {
    OPEN,
    WRITE,
    CLOSE,
    COMPUTE
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName(
      "A-08: an error of the JVM fails the run, the lease is given back, the engine goes on")
  void errorFailsTheRun(Where where) throws SQLException {
    syncAndChange();
    try (LightningEngine engine = engineBuilder().build()) {
      for (Error error :
          new Error[] {new OutOfMemoryError("value 4711"), new StackOverflowError("value 4711")}) {
        database.execute("update item set v = v || 'x' where id = 2");
        SyncReport report = engine.run(throwing(where, error));
        assertThat(report.status()).isEqualTo(RunStatus.FAILED);
        assertThat(report.error())
            .isInstanceOf(DeliveryException.class)
            .hasMessageContaining(error.getClass().getName())
            .hasMessageNotContaining("4711")
            .hasMessageContaining("[sync=%s run=%s".formatted(report.sync(), report.run()));
        assertThat(
                query(
                    "select count(*) from fulmar_planner.fulmar_leases"
                        + " where expires_at > clock_timestamp()"))
            .as("leases that are held")
            .isEqualTo("0");
        Sync other =
            Sync.builder("other")
                .model(Model.query("items", "select id, v from item").key("id"))
                .to(Destination.of("test:other", batch -> Delivery.allAccepted()))
                .build();
        engine.run(other).throwIfFailed();
      }
      engine.run(sync()).throwIfFailed();
    }
    assertConverges();
  }

  private Sync throwing(Where where, Error error) {
    Destination throwing = new Throwing(where, error);
    if (where != Where.COMPUTE) {
      return syncBuilder().to(throwing).callDeadline(Duration.ofSeconds(1)).build();
    }
    Mapping.Computation function =
        inputs -> {
          throw error;
        };
    return Sync.builder("computing")
        .model(Model.query("items", "select id, v from item").key("id"))
        .mapping(Mapping.builder().column("id").compute("x", 1, List.of("v"), function).build())
        .to(throwing)
        .build();
  }

  /** Records like the destination of the fixture, under its identity, and throws. */
  private final class Throwing implements Destination {
    private final Where where;
    private final Error error;

    Throwing(Where where, Error error) {
      this.where = where;
      this.error = error;
    }

    @Override
    public String type() {
      return destination.type();
    }

    @Override
    public String identity() {
      return destination.identity();
    }

    @Override
    public Capabilities capabilities() {
      return destination.capabilities();
    }

    @Override
    public Writer open(RunContext run) {
      fail(Where.OPEN);
      Writer writer = destination.open(run);
      return new Writer() {
        @Override
        public Delivery write(Batch batch) throws Exception {
          fail(Where.WRITE);
          return writer.write(batch);
        }

        @Override
        public void close() {
          fail(Where.CLOSE); // the recorder's has nothing to close
        }
      };
    }

    private void fail(Where here) {
      if (here == where) {
        throw error;
      }
    }
  }

  // ---------------------------------------------------------------------------------------- stops

  /** What the run waits for. */
  enum Phase {
    /** The lease, whose table somebody has locked. */
    CLAIM("fulmar_planner.fulmar_leases", false),
    /** The number of the run. */
    NUMBER("fulmar_planner.fulmar_numbers", false),
    /** The table of the model. */
    PLAN("item", false),
    /** A place for the plan. */
    PLAN_HEAD("fulmar_planner.fulmar_plans", false),
    /** The destination, which heeds an interrupt. */
    CALL(null, true),
    /** To note what the destination has answered. */
    NOTE("fulmar_planner.s1_ledger", true),
    /** To move the state forward. */
    FOLD("fulmar_planner.s1_state_0", true);

    private final @Nullable String table;
    private final boolean delivers;

    Phase(@Nullable String table, boolean delivers) {
      this.table = table;
      this.delivers = delivers;
    }
  }

  /** How it is asked to stop. */
  enum Stop {
    INTERRUPT,
    CANCEL,
    CLOSE
  }

  @ParameterizedTest
  @CsvSource({
    "CLAIM, INTERRUPT",
    "PLAN, INTERRUPT",
    "CALL, CANCEL",
    "NOTE, CANCEL",
    "FOLD, INTERRUPT"
  })
  @DisplayName("A-09: a run that is to stop waits for nothing longer than the grace")
  void stopEndsTheRun(Phase phase, Stop stop) throws Exception {
    assertEnds(phase, stop);
  }

  static Stream<Arguments> all() {
    return Stream.of(Phase.values())
        .flatMap(phase -> Stream.of(Stop.values()).map(stop -> Arguments.of(phase, stop)));
  }

  @ParameterizedTest
  @MethodSource("all")
  @Tag("soak")
  @DisplayName("A-09: a run that is to stop waits for nothing longer than the grace, in any phase")
  void anyStopEndsTheRun(Phase phase, Stop stop) throws Exception {
    assertEnds(phase, stop);
  }

  private void assertEnds(Phase phase, Stop stop) throws Exception {
    syncAndChange();
    CountDownLatch calling = new CountDownLatch(1);
    AtomicReference<@Nullable Connection> lock = new AtomicReference<>();
    destination.answers(
        (run, batch) -> {
          if (phase.delivers && calling.getCount() > 0) {
            if (phase.table != null) {
              lock.set(locked(phase.table));
            }
            calling.countDown();
            if (phase.table == null) {
              new CountDownLatch(1).await(); // until somebody interrupts it
            }
          }
          return Delivery.allAccepted();
        });
    if (!phase.delivers) {
      lock.set(locked(String.valueOf(phase.table)));
    }
    LightningEngine engine = engineBuilder().build();
    CompletableFuture<String> run = new CompletableFuture<>();
    AtomicBoolean flag = new AtomicBoolean();
    Thread caller =
        new Thread(
            () -> {
              run.complete(said(engine));
              flag.set(Thread.currentThread().isInterrupted());
            },
            "caller");
    caller.start();
    if (phase.table == null) {
      assertThat(calling.await(30, TimeUnit.SECONDS)).isTrue();
    } else {
      awaitQuery(
          "select count(*) > 0 from pg_stat_activity where datname = current_database()"
              + " and application_name like 'fulmar%' and wait_event_type = 'Lock'",
          "t");
    }

    long began = System.nanoTime();
    switch (stop) {
      case INTERRUPT -> caller.interrupt();
      case CANCEL -> engine.cancel(sync());
      case CLOSE -> engine.close();
    }
    String said = run.get(60, TimeUnit.SECONDS);
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    caller.join(10_000);
    engine.close();

    assertThat(took).as(said).isLessThan(BOUND);
    assertThat(flag.get()).isEqualTo(stop == Stop.INTERRUPT);
    assertThat(said).matches("(?s)(CANCELLED|FAILED) Cannot .*\\[.*sync=crm.*].*");
    Connection held = lock.get();
    if (held != null) {
      held.rollback();
      held.close();
    }
    destination.acceptAll();
    awaitLease();
    assertConverges();
  }

  private String said(LightningEngine engine) {
    try {
      SyncReport report = engine.run(syncBuilder().callDeadline(Duration.ofSeconds(2)).build());
      return report.status() + " " + report.problem().orElse("");
    } catch (FulmarException e) {
      return "FAILED " + e.getMessage();
    } catch (RuntimeException | Error e) {
      return "not typed: " + e;
    }
  }

  private Connection locked(String table) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("lock table " + table + " in access exclusive mode");
    }
    return connection;
  }
}
