package io.fulmar.verify.lightning;

import io.fulmar.AlreadyRunningException;
import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.LoggedCrm;
import io.fulmar.harness.OtherProcess;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A process that runs the sync {@code crm} over the table {@code item}, once for each line that it
 * is sent, each time with a new engine. The first call of a run says {@code calling} and has no
 * effect before the next line comes; the end of a run says how it went.
 */
final class SyncProcess {
  /** What a process writes when its first call begins. */
  static final String CALLING = "calling";

  /** What it writes when another one has the sync. */
  static final String REFUSED = "refused";

  /** What it writes when it was told to end. */
  static final String CLOSING = "closing";

  private static final BufferedReader ORDERS =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private SyncProcess() {}

  /**
   * Starts one.
   *
   * @param lease of its engine
   * @param deadline how long a call may act
   * @param log the file of its destination
   */
  static OtherProcess start(TestDatabase database, Duration lease, Duration deadline, Path log)
      throws IOException {
    return startUnder(List.of(), database, lease, deadline, log);
  }

  /**
   * Starts one by another program.
   *
   * @param program with its arguments, before those that start the JVM
   */
  static OtherProcess startUnder(
      List<String> program, TestDatabase database, Duration lease, Duration deadline, Path log)
      throws IOException {
    return OtherProcess.startUnder(
        program,
        SyncProcess.class,
        List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"),
        database.host(),
        Integer.toString(database.port()),
        database.name(),
        lease.toString(),
        deadline.toString(),
        log.toString());
  }

  /** The sync that processes run, and tests as well. */
  static Sync.Builder sync(LoggedCrm crm, Duration deadline) {
    return Sync.builder("crm")
        .model(Model.query("items", "select id, v from item").key("id"))
        .to(crm)
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, 0)
        .batchRows(2)
        .lanes(1)
        .callDeadline(deadline);
  }

  /** The destination of all processes that write to one file. */
  static LoggedCrm crm(Path log) {
    return new LoggedCrm(log, Clock.systemUTC(), "crm:processes", () -> false);
  }

  /**
   * Runs the sync for each line that comes in.
   *
   * @param args host, port, database, lease, deadline, and the file of the destination
   */
  public static void main(String[] args) throws IOException {
    Source source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(LightningFixture.ROLE)
            .withoutTls()
            .build();
    System.out.println("ready " + System.currentTimeMillis());
    while (order() != null) {
      AtomicBoolean first = new AtomicBoolean(true);
      LoggedCrm crm = crm(Path.of(args[5]));
      crm.beforeAnswers(
          () -> {
            if (first.getAndSet(false)) {
              System.out.println(CALLING);
              order();
            }
          });
      Sync sync = sync(crm, Duration.parse(args[4])).listener(SyncProcess::tell).build();
      try (LightningEngine engine =
          LightningEngine.builder(source).lease(Duration.parse(args[3])).build()) {
        Thread hook = new Thread(() -> close(engine));
        Runtime.getRuntime().addShutdownHook(hook);
        SyncReport report = engine.run(sync);
        System.out.println(
            "ended "
                + report.status()
                + " "
                + report.total().accepted()
                + " "
                + report.problem().orElse(""));
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (AlreadyRunningException e) {
        System.out.println(REFUSED);
      } catch (FulmarException e) {
        System.out.println("failed " + e.getMessage());
      } catch (IllegalStateException e) {
        System.out.println("shutting down");
      }
    }
  }

  private static void close(LightningEngine engine) {
    System.out.println(CLOSING);
    engine.close();
  }

  private static void tell(RunEvent event) {
    if (event instanceof RunEvent.AnsweredLate late) {
      System.out.println("late " + late.what() + " " + late.accepted());
    }
  }

  private static @Nullable String order() {
    try {
      return ORDERS.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
