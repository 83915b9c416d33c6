package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Explanation;
import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.SourceException;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.LoggedCrm;
import io.fulmar.harness.LoggedCrm.Mood;
import io.fulmar.harness.ManualClock;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.StoredPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * A process that does with one sync all that an application may do, from its first day on, over a
 * source in memory and a destination that outlives the process. It can die at each {@link
 * CrashPoint}; another process then goes on.
 */
final class Life implements AutoCloseable {
  /** What a process says that should have died. */
  static final String HAS_NOT_DIED = "has not died";

  /** How long a call may act. */
  static final Duration DEADLINE = Duration.ofSeconds(30);

  /**
   * What may be under way at once. A lane reserves a batch of 2 rows; while calls are fast, twice
   * as much each time, and what it reserved last is not on record when it dies. Of plans of 18 rows
   * at most, that is 2, 4 and 8 rows of one lane beside the first 2 of the other.
   */
  static final int IN_FLIGHT = 8 + 2;

  private static final long SNAPSHOTS_A_STEP = 1_000;
  private static final Instant FIRST_DAY = Instant.parse("2026-01-15T10:00:00Z");

  /** What happens, in this order; each step begins with the rows of the one before. */
  enum Step {
    /** What the destination holds cannot be taken over, so that the sync begins with nothing. */
    BEGIN {
      @Override
      void rows(Map<Long, String> rows) {
        for (long id = 1; id <= 12; id++) {
          rows.put(id, "a");
        }
      }

      @Override
      void act(Life life) {
        life.source.fails = true;
        assertThatThrownBy(() -> life.process.runner().initialise(life.sync(), Start.BASELINE))
            .isInstanceOf(SourceException.class);
        life.source.fails = false;
        life.process.runner().initialise(life.sync(), Start.SEND);
      }
    },
    FIRST_RUN {
      @Override
      void act(Life life) {
        life.crm.mood(Mood.rejecting(4L));
        life.run(RunStatus.WARNING);
      }
    },
    LATER_RUN {
      @Override
      void rows(Map<Long, String> rows) {
        rows.keySet().removeAll(List.of(1L, 2L));
        for (long id = 5; id <= 8; id++) {
          rows.put(id, "b");
        }
        for (long id = 13; id <= 16; id++) {
          rows.put(id, "new");
        }
      }

      @Override
      void act(Life life) {
        life.crm.mood(Mood.rejecting(4L).losing(7L, 13L));
        life.run(RunStatus.WARNING);
      }
    },
    /** Row 4 is quarantined; rows 7 and 13 are sent when the lost calls cannot act any more. */
    AFTER_LOST_CALLS {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(13L, "newer");
      }

      @Override
      void act(Life life) {
        life.run(RunStatus.SUCCEEDED);
      }
    },
    /** A run reserves what it does not send, and is not heard of again. */
    AFTER_INTERRUPTED_RUN {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(14L, "newer");
        rows.put(17L, "new");
      }

      @Override
      void act(Life life) {
        try (Claim claim = life.process.store().claim(life.sync())) {
          StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
          try (PlanReader reader = claim.open(plan)) {
            List<PlannedChange> changes = reader.next(10, 1 << 20);
            claim.reserve(0, changes.size(), life.clock.millis() + DEADLINE.toMillis());
          }
        }
        life.run(RunStatus.SUCCEEDED);
      }
    },
    RELEASE {
      @Override
      void act(Life life) {
        assertThat(life.process.runner().release(life.sync(), null)).isEqualTo(1);
        life.run(RunStatus.SUCCEEDED);
      }
    },
    APPROVAL {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(3L, "c");
        rows.put(5L, "c");
        rows.remove(16L);
      }

      @Override
      void act(Life life) {
        life.process.runner().plan(life.sync());
        String id = life.process.runner().plan(life.sync()).id();
        assertThat(life.process.runner().apply(life.sync(), id).status())
            .isEqualTo(RunStatus.SUCCEEDED);
      }
    },
    HELD {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(8L, "d");
        rows.put(17L, "d");
      }

      @Override
      void act(Life life) {
        Sync held = life.builder().guard(plan -> Optional.of("nobody has looked at it")).build();
        assertThat(life.process.run(held).status()).isEqualTo(RunStatus.HELD);
        assertThat(life.process.run(held).status()).isEqualTo(RunStatus.HELD);
        assertThat(life.process.runner().discard(life.sync())).isTrue();
      }
    },
    PART {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(9L, "e");
        rows.put(10L, "e");
        rows.put(11L, "e");
      }

      @Override
      void act(Life life) {
        life.process.runner().run(life.sync(), RunOptions.builder().limit(2).build());
        life.process.runner().run(life.sync(), RunOptions.builder().key(11L).build());
      }
    },
    RESYNC {
      @Override
      void rows(Map<Long, String> rows) {
        rows.remove(17L);
      }

      @Override
      void act(Life life) {
        life.crm.mood(Mood.rejecting(3L).skipping(10L).losing(9L));
        assertThat(life.process.runner().resync(life.sync()).status()).isEqualTo(RunStatus.WARNING);
      }
    },
    RESET {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(11L, "f");
        rows.put(18L, "f");
        rows.remove(12L);
      }

      @Override
      void act(Life life) {
        life.rows().forEach(life.crm::put);
        life.crm.take(12L);
        life.crm.take(17L);
        life.process.runner().reset(life.sync());
      }
    },
    NEW_REVISION {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(18L, "g");
      }

      @Override
      void act(Life life) {
        life.run(RunStatus.SUCCEEDED);
      }
    },
    CLEAR_AND_FILL {
      @Override
      void rows(Map<Long, String> rows) {
        rows.remove(13L);
        rows.put(14L, "h");
      }

      @Override
      void act(Life life) {
        life.crm.mood(Mood.rejecting(4L).losing(6L));
        assertThat(life.process.runner().clearAndFill(life.sync()).status())
            .isEqualTo(RunStatus.WARNING);
      }
    },
    REMOVALS {
      @Override
      void rows(Map<Long, String> rows) {
        rows.keySet().removeAll(List.of(5L, 6L, 7L, 8L));
      }

      @Override
      void act(Life life) {
        life.crm.mood(Mood.rejecting(5L).losing(8L));
        life.run(RunStatus.WARNING);
      }
    },
    REBIND {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(15L, "i");
        rows.put(8L, "back");
      }

      @Override
      void act(Life life) {
        life.process.runner().rebind(life.sync(), life.crm);
        life.run(RunStatus.SUCCEEDED);
      }
    },
    /** Another engine takes the state over at its second try; then it is left behind there. */
    MOVE {
      @Override
      void act(Life life) {
        try (Departure departure = life.departure()) {
          departure.begin("elsewhere");
          departure.stay();
        }
        life.run(RunStatus.SUCCEEDED);
        try (Departure departure = life.departure()) {
          departure.begin("elsewhere");
          departure.end();
        }
        assertThatThrownBy(() -> life.process.run(life.sync()))
            .isInstanceOf(StateException.class)
            .hasMessageContaining("it was moved to elsewhere");
      }
    },
    FORGET {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(3L, "j");
      }

      @Override
      void act(Life life) {
        life.process.runner().forget(life.sync());
        life.run(RunStatus.SUCCEEDED);
      }
    },
    LAST_RUN {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(3L, "k");
        rows.remove(18L);
      }

      @Override
      void act(Life life) {
        life.run(RunStatus.SUCCEEDED);
      }
    };

    void rows(Map<Long, String> rows) {}

    abstract void act(Life life);

    /** What the source holds in this step. */
    Map<Long, String> allRows() {
      Map<Long, String> rows = new TreeMap<>();
      for (Step step : values()) {
        if (step.compareTo(this) <= 0) {
          step.rows(rows);
        }
      }
      return rows;
    }
  }

  /** What a process does. */
  enum Part {
    /** Everything, from the first day on. */
    LIVE {
      @Override
      void act(Life life) {
        life.live();
      }
    },
    /** What is to be done after a death. */
    GO_ON {
      @Override
      void act(Life life) {
        life.goOn(() -> {});
      }
    };

    abstract void act(Life life);
  }

  /** A source that can be out of reach. */
  private static final class Source implements Snapshots {
    private final MemoryModel model = new MemoryModel();
    private volatile boolean fails;

    @Override
    public Snapshot open(Model asked, String application, String about, Cancellation cancellation) {
      if (fails) {
        throw new SourceException("Cannot read: the test says so.", null, null);
      }
      return model.open(asked, application, about, cancellation);
    }

    @Override
    public long leastRowsToAddUp() {
      return model.leastRowsToAddUp();
    }

    @Override
    public void close() {}
  }

  private final Path root;
  private final CrashPoint.Watch watch;
  private final Path log;
  private final BooleanSupplier dead;
  private final ManualClock clock;
  private final Source source = new Source();
  private final Process process;
  private final List<RunEvent.Recovered> recovered = new ArrayList<>();
  private Step step;
  private boolean goneBack;
  private volatile LoggedCrm crm;

  /**
   * A process that begins, or goes on where another one ended.
   *
   * @param root the state directory
   * @param log the file of the destination
   * @param watch hears of each point that is passed
   * @param dead whether the process is dead already
   */
  Life(Path root, Path log, CrashPoint.Watch watch, BooleanSupplier dead) throws IOException {
    CrmLog before = Files.exists(log) ? CrmLog.of(log) : null;
    this.root = root;
    this.watch = watch;
    this.log = log;
    this.dead = dead;
    this.step = before == null ? Step.BEGIN : Step.valueOf(before.step());
    this.clock =
        new ManualClock(before == null ? FIRST_DAY : Instant.ofEpochMilli(before.lastAt()));
    this.crm = crm();
    this.process =
        new Process(
            root,
            source,
            clock,
            (stop, duration) -> pass(duration),
            Duration.ofSeconds(10),
            1 << 20,
            watch);
    source.model.rows(rows());
    source.model.position(SNAPSHOTS_A_STEP * (before == null ? 0 : before.steps() + 1));
  }

  /** Time passes, for the next process too. */
  private void pass(Duration duration) {
    clock.advance(duration);
    crm.time();
  }

  private LoggedCrm crm() {
    String identity = step.compareTo(Step.REBIND) < 0 ? "crm:first" : "crm:second";
    return new LoggedCrm(log, clock, identity, dead);
  }

  /** What the source holds. */
  Map<Long, String> rows() {
    return (goneBack ? Step.values()[step.ordinal() - 1] : step).allRows();
  }

  /** The source goes back to what it held a step before, where that may be. */
  void sourceGoesBack() {
    // Before a reset the destination is filled by hand, and must be what the source holds.
    goneBack = step != Step.BEGIN && step != Step.RESET;
    source.model.rows(rows());
  }

  private Sync.Builder builder() {
    return Process.sync(crm)
        .batchRows(2)
        .lanes(2)
        .callDeadline(DEADLINE)
        .quarantineAfter(2, Duration.ZERO)
        .revision(step.compareTo(Step.NEW_REVISION) < 0 ? 1 : 2)
        .listener(
            event -> {
              if (event instanceof RunEvent.Recovered found) {
                recovered.add(found);
              }
            });
  }

  private Sync sync() {
    return builder().build();
  }

  private void run(RunStatus expected) {
    assertThat(process.run(sync()).status()).as(step.name()).isEqualTo(expected);
  }

  /** Does everything. */
  void live() {
    for (Step next : Step.values()) {
      step = next;
      crm = crm();
      crm.step(step.name());
      source.model.rows(rows());
      source.model.position(SNAPSHOTS_A_STEP * (step.ordinal() + 1));
      step.act(this);
      if (step != Step.LATER_RUN) {
        pass(Duration.ofMinutes(10)); // no call can act any more
      }
    }
  }

  /**
   * Goes on after a death until nothing is due: asks again for what was asked last, settles what is
   * left, sends it, releases what is held.
   *
   * @param look called when the death is settled, and before anything is sent
   */
  void goOn(Runnable look) {
    crm.step(step.name());
    if (step == Step.BEGIN) {
      beginAgain();
    } else if (step == Step.REBIND) {
      process.runner().rebind(sync(), crm);
    } else if (step == Step.MOVE || step == Step.FORGET) {
      settleMove();
    }
    if (!process.status(sync()).clearing()) {
      process.runner().plan(sync());
      look.run();
    }
    run(RunStatus.SUCCEEDED);
    if (process.runner().release(sync(), null) > 0) {
      run(RunStatus.SUCCEEDED);
    }
    SyncReport quiet = process.run(sync());
    assertThat(quiet.total().planned()).as("planned in the end").isZero();
    SyncStatus status = process.status(sync());
    assertThat(status.syncedKeys()).isEqualTo(rows().size());
    assertThat(status.unsure()).isZero();
    assertThat(status.holds().values()).allMatch(count -> count == 0);
    assertThat(status.heldPlan()).isNull();
  }

  private Departure departure() {
    return Departure.of(root, sync(), clock, watch);
  }

  /** Settles a move: whoever died in it is the only one who knew of the other side. */
  private void settleMove() {
    Departure.Stage stage;
    try (Departure departure = departure()) {
      stage = departure.stage();
      if (stage == Departure.Stage.UNDECIDED) {
        assertThatThrownBy(() -> process.status(sync()))
            .isInstanceOf(StateException.class)
            .hasMessageContaining("is not known to have ended");
        departure.stay();
      }
    } catch (StateException e) {
      assertThat(e).hasMessageContaining("there is none"); // it is forgotten already
      return;
    }
    if (stage == Departure.Stage.GONE) {
      process.runner().forget(sync());
    }
  }

  private void beginAgain() {
    try {
      process.runner().initialise(sync(), Start.SEND);
    } catch (StateException e) {
      assertThat(e).hasMessageContaining("it has a state");
    }
  }

  /** Earlier runs that were taken in. */
  List<RunEvent.Recovered> recovered() {
    return List.copyOf(recovered);
  }

  /** Keys that are remembered as accepted as they are, though the destination never said so. */
  List<Long> wronglyAcknowledged() {
    Map<Long, String> accepted = log().accepted();
    List<Long> wrong = new ArrayList<>();
    for (long key = 1; key <= 18; key++) {
      Explanation found = process.store().explain(sync(), List.of(Long.toString(key)));
      Explanation.Accepted asItIs =
          found.source() == Explanation.InSource.PRESENT
              ? Explanation.Accepted.THIS_VERSION
              : Explanation.Accepted.NOTHING;
      boolean settled = found.held() == null && found.accepted() == asItIs;
      if (settled && !Objects.equals(accepted.get(key), rows().get(key))) {
        wrong.add(key);
      }
    }
    return wrong;
  }

  /** Takes a row out of the destination behind everybody's back. */
  void vanish(long key) {
    crm.take(key);
  }

  private CrmLog log() {
    try {
      return CrmLog.of(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Keys at which source and destination differ. */
  List<Long> differing() {
    Map<Long, String> there = log().rows();
    List<Long> differing = new ArrayList<>();
    for (long key = 1; key <= 18; key++) {
      if (!Objects.equals(there.get(key), rows().get(key))) {
        differing.add(key);
      }
    }
    return differing;
  }

  @Override
  public void close() {
    process.close();
  }

  /**
   * A process that dies.
   *
   * @param arguments state directory, file of the destination, {@link Part}, the point at which it
   *     kills itself, and at which pass of it
   */
  public static void main(String[] arguments) throws IOException {
    CrashPoint at = CrashPoint.valueOf(arguments[3]);
    AtomicInteger left = new AtomicInteger(Integer.parseInt(arguments[4]));
    Object world = new Object();
    CrashPoint.Watch watch =
        point -> {
          synchronized (world) {
            if (point == at && left.decrementAndGet() == 0) {
              killThisProcess();
            }
          }
        };
    try (Life life = new Life(Path.of(arguments[0]), Path.of(arguments[1]), watch, () -> false)) {
      Part.valueOf(arguments[2]).act(life);
    }
    System.out.println(HAS_NOT_DIED + ": " + left + " more times to " + at);
  }

  private static void killThisProcess() {
    try {
      new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid()))
          .start()
          .waitFor();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
    throw new IllegalStateException("kill -9 has been survived");
  }
}
