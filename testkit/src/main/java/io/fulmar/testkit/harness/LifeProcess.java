package io.fulmar.testkit.harness;

import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.FulmarException;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A process of a {@link CrashSweep}: goes on with the life of a scenario where the one before it
 * ended, and halts the JVM in the middle of it if it is told to. Everything that it does is noted
 * in a file, line by line, before anybody can rely on it.
 */
final class LifeProcess {
  /** Exit code of a process that died as it was told to; that of {@code kill -9}. */
  static final int DEAD = 137;

  /** How often a run is tried again before somebody is told that it does not end well. */
  private static final int MOST_RUNS = 6;

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final CrashScenario scenario;
  private final Path home;
  private final Journal journal;
  private final String deadlyStep;
  private final int deadlyPass;
  private final Map<String, Integer> passes = new HashMap<>();

  private LifeProcess(
      CrashScenario scenario, Path home, Journal journal, String deadlyStep, int deadlyPass) {
    this.scenario = scenario;
    this.home = home;
    this.journal = journal;
    this.deadlyStep = deadlyStep;
    this.deadlyPass = deadlyPass;
  }

  /**
   * Lives.
   *
   * @param arguments class of the scenario, home, journal, and the step and pass at which to die; a
   *     pass of 0 lives on
   */
  public static void main(String[] arguments) {
    int code = 0;
    try {
      Path journal = Path.of(arguments[2]);
      Story before = Story.read(journal);
      LifeProcess process =
          new LifeProcess(
              CrashSweep.scenario(Class.forName(arguments[0])),
              Path.of(arguments[1]),
              new Journal(journal),
              arguments[3],
              Integer.parseInt(arguments[4]));
      process.live(before);
    } catch (Throwable e) {
      e.printStackTrace();
      code = 1;
    }
    System.exit(code); // whatever threads the application has left
  }

  /** Goes on where those before it have ended. */
  private void live(Story before) throws Exception {
    journal.note("process");
    CallLog log = new CallLog(journal::note);
    try (SyncEngine engine = scenario.open(home, this::passed)) {
      int number = 0;
      for (Stage stage : stages()) {
        number++;
        if (number <= before.settled()) {
          continue;
        }
        if (number > before.edited()) {
          stage.edit();
          journal.note("edited " + number);
        }
        // Asked again after a death; the run that goes on knows whether it was begun.
        settle(engine, sync(log), number, number > before.edited() ? stage : Stage.RUN);
        journal.note("settled " + number);
      }
    }
    journal.note("ended");
  }

  /** A part of a life. */
  private interface Stage {
    /** Nothing but runs. */
    Stage RUN = SyncEngine::run;

    /** Changes the source. */
    default void edit() throws Exception {}

    /** What comes before the runs that settle it; its report, or null if it has none. */
    @Nullable SyncReport ask(SyncEngine engine, Sync sync);
  }

  private record Edit(CrashScenario scenario, Path home, int number) implements Stage {
    @Override
    public void edit() throws Exception {
      scenario.edit(home, number);
    }

    /** Runs as they are, runs of a part, and plans that are approved take turns. */
    @Override
    public @Nullable SyncReport ask(SyncEngine engine, Sync sync) {
      return switch (number % 3) {
        case 1 -> engine.run(sync);
        case 2 -> engine.run(sync, RunOptions.builder().limit(1).build());
        default -> {
          ChangeSet plan = engine.plan(sync);
          if (plan.total() == 0) {
            yield null;
          }
          yield engine.apply(sync, plan.id());
        }
      };
    }
  }

  /** The edits, and then what an application may ask for besides runs. */
  private List<Stage> stages() throws Exception {
    List<Stage> stages = new ArrayList<>();
    for (int edit = 1; edit <= scenario.edits(); edit++) {
      stages.add(new Edit(scenario, home, edit));
    }
    Sync sync = scenario.sync(home).build();
    if (sync.mode() == SyncMode.UPSERT) {
      stages.add(
          (engine, asked) -> {
            journal.note("anew"); // every row comes again, under another id
            return engine.resync(asked);
          });
      stages.add(
          (engine, asked) -> {
            engine.reset(asked);
            return null;
          });
      if (sync.destination().capabilities().canClear()) {
        stages.add(
            (engine, asked) -> {
              journal.note("anew");
              return engine.clearAndFill(asked);
            });
      }
    }
    return stages;
  }

  private Sync sync(CallLog log) throws Exception {
    Sync.Builder builder = scenario.sync(home);
    return builder.to(Witness.of(builder.build(), log)).listener(this::heard).build();
  }

  private void heard(RunEvent event) {
    if (event instanceof RunEvent.Recovered found) {
      journal.note(
          "recovered %s %s %s".formatted(found.interruptedRun(), found.accepted(), found.unsure()));
    }
  }

  /** Runs until nothing is due, and looks whether the destination holds what the source holds. */
  private void settle(SyncEngine engine, Sync sync, int edit, Stage stage) throws Exception {
    take(engine, sync, edit, () -> stage.ask(engine, sync));
    SyncReport report = run(engine, sync, edit);
    for (int runs = 1; report.total().planned() > 0; runs++) {
      if (runs == MOST_RUNS) {
        throw new AssertionError(
            "edit %s: still %s changes are due after %s runs, the last one of which ended as %s: %s %s"
                .formatted(
                    edit,
                    report.total().planned(),
                    runs,
                    report.status(),
                    report.problem().orElse("it names no problem."),
                    report.failures()));
      }
      report = run(engine, sync, edit);
    }
    if (report.status() != RunStatus.SUCCEEDED && report.status() != RunStatus.WARNING) {
      throw new AssertionError(
          "edit %s: a run ended as %s: %s"
              .formatted(edit, report.status(), report.problem().orElse("")));
    }
    String difference = difference(scenario.source(home), scenario.destination(home));
    if (difference != null) {
      throw new AssertionError(
          "edit %s: nothing is due any more, and the destination differs from the source: %s"
              .formatted(edit, difference));
    }
  }

  private SyncReport run(SyncEngine engine, Sync sync, int edit) {
    return Objects.requireNonNull(take(engine, sync, edit, () -> engine.run(sync)), "report");
  }

  /** Notes what a run has counted, and approves it if it is held and may be. */
  private @Nullable SyncReport take(
      SyncEngine engine, Sync sync, int edit, Supplier<@Nullable SyncReport> run) {
    SyncReport report = patiently(run);
    if (report == null) {
      return null;
    }
    ChangeSet held = report.changeSet();
    if (report.status() == RunStatus.HELD && held != null) {
      if (edit > scenario.edits() || !scenario.isHeld(edit)) {
        throw new AssertionError(
            "edit %s is held, which isHeld(%s) does not expect: %s"
                .formatted(edit, edit, held.guards()));
      }
      report = Objects.requireNonNull(patiently(() -> engine.apply(sync, held.id())), "report");
    }
    journal.note(
        "report %s %s %s %s"
            .formatted(
                report.run(),
                report.status(),
                report.total().accepted(),
                report.total().skipped()));
    return report;
  }

  /** The dead hold their lease until it ends. */
  private static @Nullable SyncReport patiently(Supplier<@Nullable SyncReport> run) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return run.get();
      } catch (AlreadyRunningException e) {
        waitOrThrow(end, e);
      }
    }
  }

  private static void waitOrThrow(long end, FulmarException e) {
    if (System.nanoTime() > end) {
      throw e;
    }
    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
  }

  /** How two maps differ, in a sentence without a full stop; null if they do not. */
  static @Nullable String difference(Map<String, String> source, Map<String, String> destination) {
    StringBuilder text = new StringBuilder();
    TreeSet<String> keys = new TreeSet<>(source.keySet());
    keys.addAll(destination.keySet());
    int count = 0;
    for (String key : keys) {
      String there = source.get(key);
      String here = destination.get(key);
      if (!Objects.equals(there, here) && ++count <= 10) {
        text.append(text.isEmpty() ? "" : "; ")
            .append(
                "key %s is %s in the source and %s in the destination"
                    .formatted(key, shown(there), shown(here)));
      }
    }
    if (count > 10) {
      text.append("; and ").append(count - 10).append(" more");
    }
    return count == 0 ? null : text.toString();
  }

  private static String shown(@Nullable String content) {
    return content == null ? "absent" : "'" + content + "'";
  }

  private void passed(String step) {
    synchronized (journal) {
      int pass = passes.merge(step, 1, Integer::sum);
      journal.note("passed " + step);
      if (step.equals(deadlyStep) && pass == deadlyPass) {
        journal.note("died " + System.currentTimeMillis());
        Runtime.getRuntime().halt(DEAD); // nobody is in the middle of a line
      }
    }
  }
}
