package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.LoggedCrm;
import io.fulmar.harness.ManualClock;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.run.StoreEngine;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An application in a JVM of its own is told to end while its engine delivers forty rows in batches
 * of two, two at once: after five calls have answered, the next ones are under way. Afterwards
 * another process goes on.
 */
@DisplayName("P1, P2, A-11: an application is told to end in mid-run")
class ShutdownTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final int ROWS = 40;
  private static final int BATCH = 2;
  private static final int LANES = 2;
  private static final int ANSWERED = 5;

  @TempDir(factory = InMemory.class)
  Path temporary;

  /** What the application does about its end. */
  enum Ending {
    /** Closes the engine; the calls that are under way answer. */
    CLOSES,
    /** Closes the engine; the calls that are under way never answer. */
    CLOSES_IN_VAIN,
    /** Nothing. */
    NOTHING
  }

  private static Map<Long, String> rows() {
    Map<Long, String> rows = new TreeMap<>();
    for (long id = 1; id <= ROWS; id++) {
      rows.put(id, "a");
    }
    return rows;
  }

  private static Sync sync(io.fulmar.spi.Destination crm, List<RunEvent> events) {
    return Process.sync(crm)
        .batchRows(BATCH)
        .lanes(LANES)
        .callDeadline(DEADLINE)
        .listener(events::add)
        .build();
  }

  private Path state() {
    return temporary.resolve("state");
  }

  private Path log() {
    return temporary.resolve("log");
  }

  /** Runs the application until it delivers, sends the signal, and tells how it ended. */
  private String end(Ending ending, String signal) throws Exception {
    try (OtherProcess application =
        OtherProcess.start(
            Application.class,
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m"),
            state().toString(),
            log().toString(),
            ending.name())) {
      String line = application.line();
      while (!line.isEmpty() && !line.equals("in mid-run")) {
        line = application.line();
      }
      application.signal(signal);
      return application.rest();
    }
  }

  /** The system leaves out a signal that was ignored by whoever started the tests. */
  private static void assumeHeard(String signal) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (signal.equals("INT") && Files.exists(status)) {
      String ignored =
          Files.readAllLines(status).stream()
              .filter(line -> line.startsWith("SigIgn:"))
              .map(line -> line.substring("SigIgn:".length()).strip())
              .findFirst()
              .orElse("0");
      assumeThat(new BigInteger(ignored, 16).testBit(1)).as("SIGINT is ignored").isFalse();
    }
  }

  private SyncReport goOn(List<RunEvent> events) throws IOException {
    CrmLog before = CrmLog.of(log());
    ManualClock clock = new ManualClock(Instant.ofEpochMilli(before.lastAt()));
    MemoryModel source = new MemoryModel();
    source.rows(rows());
    LoggedCrm crm = new LoggedCrm(log(), clock, "crm", () -> false);
    try (Process process =
        new Process(state(), source, clock, (stop, duration) -> clock.advance(duration))) {
      SyncReport report = process.run(sync(crm, events));
      assertThat(report.status()).isEqualTo(RunStatus.SUCCEEDED);
      SyncReport quiet = process.run(sync(crm, new ArrayList<>()));
      assertThat(quiet.total().planned()).isZero();
      assertThat(process.status(sync(crm, events)).unsure()).isZero();
      CrmLog after = CrmLog.of(log());
      assertThat(after.rows()).isEqualTo(rows());
      // The destination looks at its clock a little later than the engine does.
      assertThat(after.early(DEADLINE.minusSeconds(1))).isEmpty();
      assertThat(after.renamed(before, 0)).isEmpty();
      return report;
    }
  }

  @ParameterizedTest
  @CsvSource({"TERM, 143", "INT, 130"})
  @DisplayName("and closes its engine: what was answered is folded, nothing comes twice")
  void closesItsEngine(String signal, int exitCode) throws Exception {
    assumeHeard(signal);
    String ended = end(Ending.CLOSES, signal);
    assertThat(ended).contains("run CANCELLED").contains("closed").endsWith("code " + exitCode);
    int accepted = CrmLog.of(log()).accepted().size();
    assertThat(accepted).isGreaterThanOrEqualTo(ANSWERED * BATCH).isLessThan(ROWS);

    List<RunEvent> events = new ArrayList<>();
    SyncReport report = goOn(events);
    assertThat(events).noneMatch(RunEvent.Recovered.class::isInstance);
    assertThat(report.total().planned()).isEqualTo(ROWS - accepted);
    assertThat(CrmLog.of(log()).repeats()).isZero();
  }

  @Test
  @DisplayName("and closes its engine, whose calls hang: it ends after the grace, they are unsure")
  void closesItsEngineWhileCallsHang() throws Exception {
    String ended = end(Ending.CLOSES_IN_VAIN, "TERM");
    assertThat(ended).contains("run CANCELLED").contains("closed").endsWith("code 143");

    List<RunEvent> events = new ArrayList<>();
    SyncReport report = goOn(events);
    assertThat(events).noneMatch(RunEvent.Recovered.class::isInstance);
    assertThat(report.total().planned()).isEqualTo(ROWS - ANSWERED * BATCH);
    assertThat(CrmLog.of(log()).repeats()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"TERM, 143", "INT, 130"})
  @DisplayName("and does nothing about it: the next run takes in what was answered")
  void doesNothing(String signal, int exitCode) throws Exception {
    assumeHeard(signal);
    String ended = end(Ending.NOTHING, signal);
    assertThat(ended).endsWith("code " + exitCode);

    List<RunEvent> events = new ArrayList<>();
    goOn(events);
    assertThat(events)
        .filteredOn(RunEvent.Recovered.class::isInstance)
        .singleElement()
        .satisfies(
            event ->
                assertThat(((RunEvent.Recovered) event).accepted())
                    .isBetween((long) (ANSWERED - LANES) * BATCH, (long) ANSWERED * BATCH));
    assertThat(CrmLog.of(log()).repeats()).isLessThanOrEqualTo(LANES * BATCH);
  }

  /** A plain application. */
  static final class Application {
    private Application() {}

    /**
     * Runs a sync.
     *
     * @param arguments state directory, file of the destination, {@link Ending}
     */
    public static void main(String[] arguments) throws Exception {
      Ending ending = Ending.valueOf(arguments[2]);
      Duration grace = Duration.ofMillis(ending == Ending.CLOSES_IN_VAIN ? 200 : 10_000);
      MemoryModel source = new MemoryModel();
      source.rows(rows());
      Clock clock = Clock.systemUTC();
      SyncEngine engine =
          new StoreEngine(
              new StandardStore(
                  source, Path.of(arguments[0]), StandardStore.MissingState.BEGIN, 1 << 20, clock),
              Source.builder().host("127.0.0.1").port(1).database("shop").user("fulmar").build(),
              RunnerSettings.defaults().withGrace(grace));
      CountDownLatch ends = new CountDownLatch(1);
      CountDownLatch reported = new CountDownLatch(1);
      if (ending != Ending.NOTHING) {
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(
                    () -> {
                      Thread closer = new Thread(engine::close, "closer");
                      closer.start();
                      awaitStopped(closer);
                      ends.countDown();
                      await(reported);
                      join(closer);
                      System.out.println("closed");
                    }));
      }
      LoggedCrm crm = new LoggedCrm(Path.of(arguments[1]), clock, "crm", () -> false);
      AtomicInteger calls = new AtomicInteger();
      crm.beforeAnswers(
          () -> {
            int call = calls.incrementAndGet();
            if (call == ANSWERED + LANES) {
              System.out.println("in mid-run");
            }
            if (call > ANSWERED) {
              await(ending == Ending.CLOSES ? ends : new CountDownLatch(1));
            }
          });
      SyncReport report = engine.run(sync(crm, new ArrayList<>()));
      System.out.println("run " + report.status());
      reported.countDown();
    }

    /** Until the run has been told to stop, and what closes the engine waits for it. */
    private static void awaitStopped(Thread closer) {
      while (closer.getState() != Thread.State.TIMED_WAITING
          && closer.getState() != Thread.State.TERMINATED) {
        Thread.onSpinWait();
      }
    }

    private static void join(Thread thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    private static void await(CountDownLatch latch) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
