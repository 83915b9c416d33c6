package io.fulmar.testkit.harness;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ChangeSet;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.harness.CallLog.Call;
import io.fulmar.testkit.harness.CallLog.Fate;
import io.fulmar.testkit.harness.SoakProcess.World;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Half an hour of everything at once: some thousand rows that never stand still, a destination
 * behind a storm, a network that resets, is cut and is slow, sessions that are ended on either
 * side, and a process that is killed and begun again. Now and then everything is healed and looked
 * at: before anything is sent, no more may differ than is planned; when nothing is due any more,
 * nothing may differ.
 *
 * <p>{@code -Dfulmar.soak.minutes=5} takes five minutes for both engines together; the seed is
 * printed, and {@code -Dfulmar.seed} repeats the faults, not the moments at which they meet what
 * goes on.
 */
@Tag("soak")
@DisplayName("P1, P2, P3, P4: random faults, all at once, for half an hour")
class SoakTest {
  private static final int ROWS = 3_000;

  /** Exit code of a process that was killed. */
  private static final int KILLED = 137;

  /** Contents never come back, so that what was sent tells what it was. */
  private static final String[] EDITS = {
    "update item set v = nextval('content') where id in (select (random() * 3000)::int from generate_series(1, 40))",
    "delete from item where id in (select (random() * 3000)::int from generate_series(1, 15))",
    """
    insert into item select distinct (random() * 3000)::int, nextval('content') from generate_series(1, 20)
    on conflict (id) do nothing
    """
  };

  @TempDir static Path temporary;

  private final long seed = Seeds.next();
  private final Random random = new Random(seed);
  private final Map<String, Integer> counts = new TreeMap<>();
  private final List<String> problems = new ArrayList<>();
  private final CallLog log = new CallLog(line -> {});

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  private void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsLostOrWronglyAcknowledged(EngineUnderTest kind) throws Exception {
    long minutes = Long.getLong("fulmar.soak.minutes", 30);
    Duration each = Duration.ofMinutes(minutes).dividedBy(EngineUnderTest.values().length);
    System.out.println("SoakTest of " + kind + " for " + each + ": -Dfulmar.seed=" + seed);
    TestPostgres postgres = SharedServer.own();
    TestDatabase source = postgres.createDatabase();
    TestDatabase target = postgres.createDatabase();
    kind.prepare(source);
    source.execute(
        "create table item (id int8 primary key, v int8 not null)",
        "create sequence content",
        "insert into item select i, nextval('content') from generate_series(0, %s) i"
            .formatted(ROWS));
    target.execute("create table item (id int8 primary key, v int8)");
    Path state = temporary.resolve("state-" + kind);
    try (FaultProxy proxy = FaultProxy.before(source.host(), source.port())) {
      World calm =
          new World(kind, source.port(), source.name(), target.port(), target.name(), state);
      World rough =
          new World(kind, proxy.port(), source.name(), target.port(), target.name(), state);
      long end = System.nanoTime() + each.toNanos();
      int lives = 0;
      while (System.nanoTime() < end) {
        Path journal = temporary.resolve(kind + "-" + ++lives);
        live(rough, proxy, source, target, journal, end);
        read(journal);
        if (lives % 4 == 0 || System.nanoTime() >= end) {
          settle(calm, source, target);
        }
        assertThat(problems).as("-Dfulmar.seed=" + seed).isEmpty();
      }
    }
    assertThat(log.violations()).as("-Dfulmar.seed=" + seed).isEmpty();
    System.out.println(
        "SoakTest of %s: -Dfulmar.seed=%s, %s changes sent, %s accepted again, 0 lost, 0 wrongly acknowledged, %s"
            .formatted(kind, seed, log.changes(), log.repeats(), counts));
    assertThat(counts).containsKeys("killed", "settled", "edits", "connections reset");
  }

  // -----------------------------------------------------------------------------------------
  // faults

  /** A process lives for 5 to 20 seconds, and is killed. */
  private void live(
      World world,
      FaultProxy proxy,
      TestDatabase source,
      TestDatabase target,
      Path journal,
      long latest)
      throws Exception {
    long end =
        Math.min(latest, System.nanoTime() + Duration.ofSeconds(5 + random.nextInt(15)).toNanos());
    Path output = temporary.resolve("output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                SoakProcess.class.getName(),
                world.kind().name(),
                Integer.toString(world.sourcePort()),
                world.source(),
                Integer.toString(world.targetPort()),
                world.target(),
                world.state().toString(),
                journal.toString(),
                Integer.toString(random.nextInt(1_000_000)))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      while (System.nanoTime() < end && process.isAlive()) {
        source.execute(EDITS[random.nextInt(EDITS.length)]);
        count("edits");
        fault(proxy, source, target);
        LockSupport.parkNanos(Duration.ofMillis(50 + random.nextInt(300)).toNanos());
      }
    } finally {
      process.destroyForcibly();
      process.onExit().join();
    }
    if (process.exitValue() == KILLED) {
      count("killed");
    } else {
      problems.add("a process ended by itself: " + Files.readString(output));
    }
    proxy.heal();
  }

  private void fault(FaultProxy proxy, TestDatabase source, TestDatabase target)
      throws SQLException {
    switch (random.nextInt(40)) {
      case 0, 1 -> {
        if (proxy.resetAll() > 0) {
          count("connections reset");
        }
      }
      case 2 -> {
        proxy.resetOnConnect(2);
        count("resets on connect");
      }
      case 3 -> {
        proxy.resetAfterBytes("fulmar", 200L + random.nextInt(5_000), 1);
        count("cuts in mid-answer");
      }
      case 4 -> {
        if (random.nextInt(3) == 0 && proxy.silenceOpen() > 0) {
          count("links gone silent");
        }
      }
      case 5, 6 -> {
        end(source);
        count("sessions at the source ended");
      }
      case 7, 8 -> {
        end(target);
        count("sessions at the destination ended");
      }
      case 9, 10, 11 -> proxy.heal();
      default -> {}
    }
  }

  private static void end(TestDatabase database) throws SQLException {
    database.execute(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and random() < 0.7
        """);
  }

  // ----------------------------------------------------------------------------------------
  // oracles

  /** Takes in what a dead process has noted; its last line may be cut. */
  private void read(Path journal) throws IOException {
    if (!Files.exists(journal)) {
      return;
    }
    String text = Files.readString(journal, StandardCharsets.UTF_8);
    Map<String, Call> open = new HashMap<>();
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "call", "done" -> log.read(line, open);
        case "report" -> {
          count("run " + words[2]);
          compare(words);
        }
        case "recovered" -> {
          count("runs taken in");
          long accepted = log.count(Long.parseLong(words[1]), Fate.ACCEPTED);
          if (Long.parseLong(words[2]) > accepted) {
            problems.add(line + ", and " + accepted + " were accepted");
          }
        }
        case "refused" -> count(line);
        case "" -> {}
        default -> problems.add(line);
      }
    }
    Files.delete(journal);
  }

  /** A run that fails because its state cannot be written calls unknown what it could not note. */
  private void compare(String[] report) {
    long run = Long.parseLong(report[1]);
    boolean failed = RunStatus.valueOf(report[2]) == RunStatus.FAILED;
    long accepted = Long.parseLong(report[3]);
    long skipped = Long.parseLong(report[4]);
    long unknown = Long.parseLong(report[5]);
    long answered = log.count(run, Fate.ACCEPTED);
    long passed = log.count(run, Fate.SKIPPED);
    boolean fits = accepted == answered && skipped == passed;
    if (!fits && accepted <= answered && skipped <= passed) {
      long unnoted = answered + passed - accepted - skipped;
      fits = log.isDoubtful(run) || (failed && unnoted <= unknown);
      count("runs with answers that were not noted");
    }
    if (!fits) {
      problems.add(
          "run %s is %s and counts %s changes as accepted, %s as skipped and %s as failed; the destination accepted %s and skipped %s"
              .formatted(run, report[2], accepted, skipped, unknown, answered, passed));
    }
  }

  /** Nobody edits, and nothing is broken. */
  private void settle(World world, TestDatabase source, TestDatabase target) throws Exception {
    Sync sync = world.sync().build();
    try (SyncEngine engine = world.open()) {
      ChangeSet plan = History.patiently(() -> engine.plan(sync));
      int differing = differing(source, target).size();
      if (differing > plan.total() + plan.held()) {
        problems.add(
            "%s rows differ, and only %s changes are planned: some are wrongly acknowledged"
                .formatted(differing, plan.total() + plan.held()));
      }
      SyncReport report = null;
      for (int i = 0; i < 8 && (report == null || report.total().planned() > 0); i++) {
        History.patiently(() -> engine.release(sync));
        report = History.patiently(() -> engine.run(sync));
      }
      SyncStatus status = engine.status(sync);
      if (report == null || report.total().planned() > 0 || status.unsure() > 0) {
        problems.add("it does not settle: " + report + ", " + status);
      }
      Map<String, String> lost = differing(source, target);
      if (!lost.isEmpty()) {
        problems.add("lost: " + lost);
      }
    }
    count("settled");
  }

  private static Map<String, String> differing(TestDatabase source, TestDatabase target)
      throws SQLException {
    Map<String, String> there = rows(source);
    Map<String, String> here = rows(target);
    Map<String, String> differing = new TreeMap<>();
    there.forEach(
        (key, content) -> {
          if (!Objects.equals(content, here.get(key))) {
            differing.put(key, content + " is " + here.get(key));
          }
        });
    here.keySet().stream()
        .filter(key -> !there.containsKey(key))
        .forEach(key -> differing.put(key, "is still there"));
    return differing;
  }

  private static Map<String, String> rows(TestDatabase database) throws SQLException {
    Map<String, String> rows = new HashMap<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select id, v from item")) {
      while (row.next()) {
        rows.put(row.getString(1), row.getString(2));
      }
    }
    return rows;
  }
}
