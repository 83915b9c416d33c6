package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Explanation;
import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncStatus;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.LoggedCrm;
import io.fulmar.harness.LoggedCrm.Mood;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.lightning.internal.state.StoredEngine;
import io.fulmar.testkit.ManualClock;
import io.fulmar.testkit.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A process that does with one sync all that an application may do, from its first day on, over a
 * table and a destination that outlive it. It can die at each {@link CrashPoint}; another process
 * then goes on. The model is the table itself, so that delta scans take part.
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

  /** Keys that ever have a row. */
  static final long KEYS = 18;

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
        life.execute("alter table item rename to hidden");
        assertThatThrownBy(() -> life.engine.initialise(life.sync(), Start.BASELINE))
            .isInstanceOf(FulmarException.class);
        life.execute("alter table hidden rename to item");
        life.engine.initialise(life.sync(), Start.SEND);
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
        try (Claim claim = life.store.claim(life.sync())) {
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
        assertThat(life.engine.release(life.sync())).isEqualTo(1);
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
        life.engine.plan(life.sync());
        String id = life.engine.plan(life.sync()).id();
        assertThat(life.engine.apply(life.sync(), id).status()).isEqualTo(RunStatus.SUCCEEDED);
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
        assertThat(life.engine.run(held).status()).isEqualTo(RunStatus.HELD);
        assertThat(life.engine.run(held).status()).isEqualTo(RunStatus.HELD);
        assertThat(life.engine.discard(life.sync())).isTrue();
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
        life.engine.run(life.sync(), RunOptions.builder().limit(2).build());
        life.engine.run(life.sync(), RunOptions.builder().key(11L).build());
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
        assertThat(life.engine.resync(life.sync()).status()).isEqualTo(RunStatus.WARNING);
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
        life.engine.reset(life.sync());
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
        assertThat(life.engine.clearAndFill(life.sync()).status()).isEqualTo(RunStatus.WARNING);
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
        life.engine.rebind(life.sync(), life.crm);
        life.run(RunStatus.SUCCEEDED);
      }
    },
    RENAME {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(9L, "renamed");
      }

      @Override
      void act(Life life) {
        life.engine.rename(OLD_NAME, life.sync());
        life.run(RunStatus.SUCCEEDED);
      }
    },
    FORGET {
      @Override
      void rows(Map<Long, String> rows) {
        rows.put(3L, "j");
      }

      @Override
      void act(Life life) {
        life.engine.forget(life.sync());
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

  private static final String OLD_NAME = "crm";
  private static final String NEW_NAME = "crm-renamed";

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

  private final TestDatabase database;
  private final Path log;
  private final ManualClock clock;
  private final LightningStore store;
  private final LightningEngine engine;
  private final List<RunEvent.Recovered> recovered = new ArrayList<>();
  private Step step;
  private LoggedCrm crm;

  /**
   * A process that begins, or goes on where another one ended.
   *
   * @param database has the table {@code item (id bigint primary key, v text)}
   * @param log the file of the destination
   * @param watch hears of each point that is passed
   */
  Life(TestDatabase database, Path log, CrashPoint.Watch watch) throws IOException {
    CrmLog before = Files.exists(log) ? CrmLog.of(log) : null;
    this.database = database;
    this.log = log;
    this.step = before == null ? Step.BEGIN : Step.valueOf(before.step());
    this.clock = ManualClock.at(before == null ? FIRST_DAY : Instant.ofEpochMilli(before.lastAt()));
    this.crm = crm();
    RunnerSettings settings =
        RunnerSettings.defaults().withWaiter((stop, duration) -> pass(duration));
    Source source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(database.user())
            .withoutTls()
            .build();
    this.store =
        new LightningStore(source, LightningSettings.DEFAULT.preparing(1), settings, clock, watch);
    this.engine = StoredEngine.over(store, source, settings);
  }

  /** Time passes, for the next process too. */
  private void pass(Duration duration) {
    clock.advance(duration);
    crm.time();
  }

  private LoggedCrm crm() {
    String identity = step.compareTo(Step.REBIND) < 0 ? "crm:first" : "crm:second";
    return new LoggedCrm(log, clock, identity, () -> false);
  }

  /** What the source holds. */
  Map<Long, String> rows() {
    return step.allRows();
  }

  private void execute(String sql) {
    try {
      database.execute(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Makes the table hold what the source holds, touching no row that is right. */
  private void publish() {
    Map<Long, String> rows = rows();
    try (Connection connection = database.connect();
        PreparedStatement delete =
            connection.prepareStatement("delete from item where id <> all (?)");
        PreparedStatement put =
            connection.prepareStatement(
                """
                insert into item (id, v) values (?, ?)
                on conflict (id) do update set v = excluded.v where item.v <> excluded.v
                """)) {
      connection.setAutoCommit(false);
      delete.setArray(1, connection.createArrayOf("int8", rows.keySet().toArray()));
      delete.execute();
      for (Map.Entry<Long, String> row : rows.entrySet()) {
        put.setLong(1, row.getKey());
        put.setString(2, row.getValue());
        put.execute();
      }
      connection.commit();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private Sync.Builder builder() {
    return Sync.builder(step.compareTo(Step.RENAME) < 0 ? OLD_NAME : NEW_NAME)
        .model(Model.table("items", "public", "item").key("id"))
        .to(crm)
        .onRemoved(Removal.DELETE)
        .onEmptyModel(Sync.EmptyModel.DELIVER)
        .guardRemovals(1, Long.MAX_VALUE)
        .batchRows(2)
        .lanes(2)
        .callDeadline(DEADLINE)
        .quarantineAfter(2, Duration.ZERO)
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
    assertThat(engine.run(sync()).status()).as(step.name()).isEqualTo(expected);
  }

  /** Does everything. */
  void live() {
    for (Step next : Step.values()) {
      step = next;
      crm = crm();
      crm.step(step.name());
      publish();
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
    expireLeases();
    crm.step(step.name());
    if (step == Step.BEGIN) {
      execute("alter table if exists hidden rename to item");
      beginAgain();
    } else if (step == Step.REBIND) {
      engine.rebind(sync(), crm);
    } else if (step == Step.RENAME) {
      renameAgain();
    }
    if (!engine.status(sync()).clearing()) {
      engine.plan(sync());
      look.run();
    }
    run(RunStatus.SUCCEEDED);
    if (engine.release(sync()) > 0) {
      run(RunStatus.SUCCEEDED);
    }
    assertThat(engine.run(sync()).total().planned()).as("planned in the end").isZero();
    SyncStatus status = engine.status(sync());
    assertThat(status.syncedKeys()).isEqualTo(rows().size());
    assertThat(status.unsure()).isZero();
    assertThat(status.holds().values()).allMatch(count -> count == 0);
    assertThat(status.heldPlan()).isNull();
  }

  /** The dead give nothing back, and a minute of the server is too long to wait for. */
  private void expireLeases() {
    execute(
        """
        do $$ begin
          if to_regclass('fulmar_planner.fulmar_leases') is not null then
            update fulmar_planner.fulmar_leases set expires_at = clock_timestamp();
          end if;
        end $$
        """);
  }

  /** Whoever died did not live to hear whether the sync has a state. */
  private void beginAgain() {
    try {
      engine.initialise(sync(), Start.SEND);
    } catch (StateException e) {
      assertThat(e).hasMessageContaining("it has a state");
    }
  }

  /** Whoever died did not live to hear whether the name had changed. */
  private void renameAgain() {
    try {
      engine.rename(OLD_NAME, sync());
    } catch (StateException e) {
      assertThat(engine.status(sync()).lastRun()).as("under the new name").isNotNull();
    }
  }

  /** What was found to have been interrupted. */
  List<RunEvent.Recovered> recovered() {
    return List.copyOf(recovered);
  }

  /** Keys that are remembered as accepted as they are, though the destination never said so. */
  List<Long> wronglyAcknowledged() {
    Map<Long, String> accepted = log().accepted();
    List<Long> wrong = new ArrayList<>();
    for (long key = 1; key <= KEYS; key++) {
      Explanation found = engine.explain(sync(), key);
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
    for (long key = 1; key <= KEYS; key++) {
      if (!Objects.equals(there.get(key), rows().get(key))) {
        differing.add(key);
      }
    }
    return differing;
  }

  /** Takes a row out of the destination behind everybody's back. */
  void vanish(long key) {
    crm.take(key);
  }

  @Override
  public void close() {
    engine.close();
  }

  /** Arguments of {@link #main}. */
  static List<String> arguments(
      TestDatabase database, Path log, Part part, CrashPoint point, int time) {
    return List.of(
        database.host(),
        Integer.toString(database.port()),
        database.name(),
        database.user(),
        log.toString(),
        part.name(),
        point.name(),
        Integer.toString(time));
  }

  /**
   * A process that dies.
   *
   * @param args see {@link #arguments}: the point at which it kills itself, and at which pass of it
   */
  public static void main(String[] args) throws IOException {
    TestDatabase database = new TestDatabase(args[0], Integer.parseInt(args[1]), args[2], args[3]);
    CrashPoint at = CrashPoint.valueOf(args[6]);
    AtomicInteger left = new AtomicInteger(Integer.parseInt(args[7]));
    Object world = new Object();
    CrashPoint.Watch watch =
        point -> {
          synchronized (world) {
            if (point == at && left.decrementAndGet() == 0) {
              killThisProcess();
            }
          }
        };
    try (Life life = new Life(database, Path.of(args[4]), watch)) {
      Part.valueOf(args[5]).act(life);
    }
    System.out.println(HAS_NOT_DIED + ": " + left + " more times to " + at);
  }

  static void killThisProcess() {
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
