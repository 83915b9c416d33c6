package io.fulmar.testkit.harness;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A process of {@link SoakTest}: runs the sync of a table, one run after the other, until somebody
 * kills it, and notes what it has sent, been answered and counted. Its destination is behind a
 * {@link Storm}.
 */
final class SoakProcess {
  private final Journal journal;

  private SoakProcess(Journal journal) {
    this.journal = journal;
  }

  /**
   * Where things are.
   *
   * @param kind the engine
   * @param sourcePort of a proxy, or of the server itself
   * @param source the database of the rows
   * @param targetPort of the server
   * @param target the database of the destination
   * @param state the directory of the standard engine
   */
  record World(
      EngineUnderTest kind,
      int sourcePort,
      String source,
      int targetPort,
      String target,
      Path state) {
    private static Source.Builder at(int port, String database) {
      return Source.builder()
          .host("localhost")
          .port(port)
          .database(database)
          .user("postgres")
          .connectTimeout(Duration.ofSeconds(3))
          .socketTimeout(Duration.ofSeconds(6))
          .statementTimeout(Duration.ofSeconds(5))
          .withoutTls();
    }

    SyncEngine open() {
      Source rows = at(sourcePort, source).build();
      return switch (kind) {
        case STANDARD -> StandardEngine.builder(rows, state).grace(Duration.ofSeconds(1)).build();
        case LIGHTNING ->
            LightningEngine.builder(rows)
                .grace(Duration.ofSeconds(1))
                .lease(Duration.ofSeconds(3))
                .build();
      };
    }

    Sync.Builder sync() {
      return Sync.builder("soak")
          .model(Model.table("items", "public", "item").key("id"))
          .to(
              PostgresDestination.builder(at(targetPort, target).build())
                  .table("public", "item")
                  .build())
          .onRemoved(Removal.DELETE)
          .guardRemovals(1, 0)
          .guardChanges(1, 0)
          .failFast(1, 1_000)
          .quarantineAfter(1_000_000, Duration.ZERO)
          .batchRows(100)
          .lanes(2)
          .callDeadline(Duration.ofSeconds(2))
          .retryFor(Duration.ofSeconds(2));
    }
  }

  /**
   * Runs until it is killed, or until whoever started it is gone.
   *
   * @param arguments the {@link World}, the journal and the seed
   */
  public static void main(String[] arguments) throws Exception {
    Thread watch = new Thread(SoakProcess::endWithParent, "soak-watch");
    watch.setDaemon(true);
    watch.start();
    World world =
        new World(
            EngineUnderTest.valueOf(arguments[0]),
            Integer.parseInt(arguments[1]),
            arguments[2],
            Integer.parseInt(arguments[3]),
            arguments[4],
            Path.of(arguments[5]));
    new SoakProcess(new Journal(Path.of(arguments[6]))).run(world, Long.parseLong(arguments[7]));
  }

  private static void endWithParent() {
    try {
      while (System.in.read() >= 0) {
        // nobody has anything to say
      }
    } catch (IOException e) {
      System.out.println(e);
    }
    Runtime.getRuntime().halt(1);
  }

  private void run(World world, long seed) throws Exception {
    CallLog log = new CallLog(journal::note);
    Sync plain = world.sync().build();
    Storm storm = new Storm(plain.destination(), seed, new ShiftedClock());
    Witness witness = Witness.of(plain, storm, log, plain.callDeadline().dividedBy(2));
    Sync sync = world.sync().to(witness).listener(this::heard).build();
    try (SyncEngine engine = world.open()) {
      for (long run = seed; ; run++) {
        storm.round(run % 3 == 0 ? Storm.Mood.GUSTY : Storm.Mood.CALM, 0, () -> {});
        try {
          SyncReport report = engine.run(sync);
          journal.note(
              "report %s %s %s %s %s"
                  .formatted(
                      report.run(),
                      report.status(),
                      report.total().accepted(),
                      report.total().skipped(),
                      report.total().failed()));
        } catch (FulmarException e) {
          journal.note("refused " + e.getClass().getSimpleName());
          LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
        storm.letGo();
        storm.violations().forEach(each -> journal.note("violation " + each));
      }
    }
  }

  private void heard(RunEvent event) {
    if (event instanceof RunEvent.Recovered found) {
      journal.note(
          "recovered %s %s %s".formatted(found.interruptedRun(), found.accepted(), found.unsure()));
    }
  }
}
