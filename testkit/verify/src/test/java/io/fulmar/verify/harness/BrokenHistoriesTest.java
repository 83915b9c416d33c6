package io.fulmar.verify.harness;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.Counts;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.harness.RandomHistories;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.SharedServer;
import io.fulmar.verify.harness.TableHistory.Databases;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Histories in which destination or engine are broken, which must be seen within 60 of them: one
 * for each thing that a history looks at.
 */
@DisplayName("P1, P2, P4: random histories see")
@Timeout(300)
class BrokenHistoriesTest {
  private static final int MOST = 60;

  @TempDir static Path states;

  private static Databases databases;

  @BeforeAll
  static void start() {
    TestServer postgres = SharedServer.get();
    databases = new Databases(postgres.createDatabase(), postgres.createDatabase());
  }

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  /** A subject in which one thing is broken. */
  private static class Broken extends TableHistory {
    private static final AtomicLong MADE = new AtomicLong();

    Broken() throws SQLException {
      super(EngineUnderTest.STANDARD, databases, states.resolve("" + MADE.incrementAndGet()), 0);
    }

    /** Between the history and the destination. */
    Destination behind(Destination destination) {
      return destination;
    }

    /** Between the engine and the history. */
    Destination before(Destination destination) {
      return destination;
    }

    /** What comes of a call of the engine. */
    Object result(SyncEngine engine, Object[] given, Object result) {
      return result;
    }

    @Override
    public Sync.Builder sync() throws Exception {
      return super.sync().to(behind(super.sync().build().destination()));
    }

    @Override
    public SyncEngine open(Clock clock, Duration grace) throws Exception {
      SyncEngine engine = super.open(clock, grace);
      return (SyncEngine)
          Proxy.newProxyInstance(
              SyncEngine.class.getClassLoader(),
              new Class<?>[] {SyncEngine.class},
              (proxy, method, arguments) -> {
                try {
                  Object[] given = arguments;
                  if (given != null && given.length > 0 && given[0] instanceof Sync sync) {
                    given = given.clone();
                    given[0] = changed(sync);
                  }
                  return result(engine, given, method.invoke(engine, given));
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }

    private Sync changed(Sync sync) {
      Sync.Builder builder =
          Sync.builder(sync.name())
              .model(sync.model())
              .to(before(sync.destination()))
              .mode(sync.mode())
              .onRemoved(sync.removal())
              .batchRows(sync.batchRows())
              .lanes(sync.lanes())
              .callDeadline(sync.callDeadline())
              .retryFor(sync.retryFor())
              .quarantineAfter(sync.quarantineAttempts(), sync.quarantineAge())
              .guardRemovals(1, 0)
              .guardChanges(1, 0)
              .guardReturn(Duration.ZERO)
              .onEmptyModel(sync.emptyModel())
              .failFast(1, 1_000);
      sync.guards().forEach(builder::guard);
      sync.listeners().forEach(builder::listener);
      return builder.build();
    }
  }

  /** A destination in front of another one. */
  private static Destination wrapped(Destination inner, Around around) {
    return new Destination() {
      @Override
      public String type() {
        return inner.type();
      }

      @Override
      public String identity() {
        return inner.identity();
      }

      @Override
      public Capabilities capabilities() {
        return inner.capabilities();
      }

      @Override
      public void clear(RunContext run) throws Exception {
        inner.clear(run);
      }

      @Override
      @SuppressWarnings("try") // close() of a writer may be interrupted
      public Writer open(RunContext run) throws Exception {
        Writer writer = inner.open(run);
        return new Writer() {
          @Override
          public Delivery write(Batch batch) throws Exception {
            return around.write(batch, writer);
          }

          @Override
          public void close() throws Exception {
            writer.close();
          }
        };
      }
    };
  }

  @FunctionalInterface
  private interface Around {
    Delivery write(Batch batch, Writer writer) throws Exception;
  }

  private static void assertSeen(RandomHistories.Subjects subjects, String message) {
    assertThatThrownBy(() -> RandomHistories.of(subjects).count(MOST).seed(1).play())
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith("History -Dfulmar.seed=")
        .hasMessageContaining(message)
        .hasMessageContaining("keys ");
  }

  @Test
  @DisplayName("P1: that a destination drops what it has accepted")
  void droppedRow() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Destination behind(Destination destination) {
                return wrapped(
                    destination,
                    (batch, writer) ->
                        batch.size() == 2 ? Delivery.allAccepted() : writer.write(batch));
              }
            },
        "nothing is due any more, and the destination differs from the source: key k");
  }

  @Test
  @DisplayName("P1: that an engine counts what was not accepted")
  void countedTooMuch() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Object result(SyncEngine engine, Object[] given, Object result) {
                return result instanceof SyncReport report
                    ? with(report, RunStatus.WARNING, 1)
                    : result;
              }
            },
        " changes as accepted and ");
  }

  @Test
  @DisplayName("P1: that an engine takes removals as accepted which it has not sent")
  void acceptedByNobody() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Destination before(Destination destination) {
                return wrapped(
                    destination,
                    (batch, writer) ->
                        batch.changes().get(0).operation() == Operation.REMOVED
                            ? Delivery.allAccepted()
                            : writer.write(batch));
              }
            },
        "changes as accepted");
  }

  private static SyncReport with(SyncReport report, RunStatus status, int more) {
    Map<Operation, Counts> counts = new TreeMap<>(report.counts());
    Counts added = report.counts(Operation.ADDED);
    if (added.accepted() > 0) {
      counts.put(
          Operation.ADDED,
          new Counts(added.planned(), added.accepted() + more, added.skipped(), added.failed()));
    }
    return new SyncReport(
        report.sync(),
        report.run(),
        status,
        report.changeSet(),
        counts,
        report.newlyQuarantined(),
        report.failures(),
        report.calls(),
        report.abandonedCalls(),
        report.startedAt(),
        report.times(),
        report.error());
  }

  /** Changes as they are sent, and answers as they come back. */
  private static Destination changing(Destination destination, UnaryOperator<Change> how) {
    return wrapped(
        destination,
        (batch, writer) -> {
          Map<String, String> ids = new HashMap<>();
          List<Change> changes =
              batch.changes().stream()
                  .map(
                      change -> {
                        Change other = how.apply(change);
                        ids.put(other.changeId(), change.changeId());
                        return other;
                      })
                  .toList();
          Delivery delivery = writer.write(new Batch(batch.action(), changes));
          Delivery.Builder answer =
              delivery.unnamed() == Delivery.Unnamed.ACCEPTED
                  ? Delivery.acceptedExcept()
                  : Delivery.builder();
          delivery
              .answers()
              .forEach(
                  each ->
                      answer.answer(
                          ids.getOrDefault(each.changeId(), each.changeId()), each.verdict()));
          return answer.build();
        });
  }

  @Test
  @DisplayName("P2: that an id stands for two changes")
  void idOfTwoChanges() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Destination before(Destination destination) {
                return changing(
                    destination,
                    change ->
                        new Change(
                            change.operation(),
                            change.key(),
                            change.row(),
                            "id-of-" + change.key().text("k"),
                            change.sequence(),
                            change.attempt()));
              }
            },
        "a change id stands for two changes: ");
  }

  @Test
  @DisplayName("P4: that a sequence does not grow")
  void sequenceThatStays() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Destination before(Destination destination) {
                return changing(
                    destination,
                    change ->
                        new Change(
                            change.operation(),
                            change.key(),
                            change.row(),
                            change.changeId(),
                            7,
                            change.attempt()));
              }
            },
        "the sequence does not grow: ");
  }

  /** Runs twenty times as fast as it should. */
  private static final class Hasty extends Clock {
    private final Clock clock;
    private final Instant begin;

    Hasty(Clock clock, Instant begin) {
      this.clock = clock;
      this.begin = begin;
    }

    @Override
    public Instant instant() {
      return begin.plus(Duration.between(begin, clock.instant()).multipliedBy(20));
    }

    @Override
    public long millis() {
      return instant().toEpochMilli();
    }

    @Override
    public ZoneId getZone() {
      return clock.getZone();
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @Test
  @DisplayName("P4: that a key is sent while an earlier call may still act")
  void sentTooEarly() {
    assertSeen(
        seed ->
            new Broken() {
              private final Instant begin = Instant.now();

              @Override
              public SyncEngine open(Clock clock, Duration grace) throws Exception {
                return super.open(new Hasty(clock, begin), grace);
              }
            },
        " may still act");
  }

  @Test
  @DisplayName("that an unchanged source is sent again")
  void sentAgain() {
    assertSeen(
        seed ->
            new Broken() {
              @Override
              Object result(SyncEngine engine, Object[] given, Object result) {
                if (result instanceof SyncReport report
                    && report.total().planned() == 0
                    && given[0] instanceof Sync sync) {
                  return engine.resync(sync);
                }
                return result;
              }
            },
        "after 8 calm runs, something is still due");
  }

  @Test
  @DisplayName("that they are given what makes no sense")
  void badSettings() {
    assertThatThrownBy(() -> RandomHistories.of(seed -> new Broken()).count(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count must be 1 to 1000000, is 0");
  }
}
