package io.fulmar.lightning;

import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.internal.plan.PlanSettings;
import io.fulmar.lightning.internal.plan.PlanSettings.VolatileFunctions;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningSettings.MissingState;
import io.fulmar.lightning.internal.state.StoredEngine;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The engine that compares inside PostgreSQL: rows that did not change never leave the database,
 * and what the destination has accepted is kept in two schemas of its own beside the source's
 * tables. It needs a primary, and a role that may create tables in those schemas; it writes to
 * nothing else. The engine is threadsafe; the application closes it.
 *
 * <pre>{@code
 * try (LightningEngine engine = LightningEngine.on(source)) {
 *   engine.run(sync).throwIfFailed();
 * }
 * }</pre>
 *
 * <p>One run of a sync at a time holds across threads, processes and hosts: a run holds a lease in
 * the database, by its clock. A run whose process is killed gives it up when the lease ends, and
 * the next one goes on with what was noted. A run uses one connection for what it writes, one now
 * and then for the lease, and one for each lane that reads; behind a pooler, transaction pooling is
 * enough.
 */
public interface LightningEngine extends SyncEngine {
  /**
   * An engine with default settings.
   *
   * @param source what is read, and where the schemas are; at least 2 connections
   */
  static LightningEngine on(Source source) {
    return builder(source).build();
  }

  /**
   * Begins with default settings.
   *
   * @param source what is read, and where the schemas are; at least 2 connections
   */
  static Builder builder(Source source) {
    return new Builder(source);
  }

  /**
   * Goes on with what the standard engine remembers of a sync: nothing is sent twice, nothing is
   * lost, and changes that were rejected keep their ids and attempts. A run of the standard engine
   * that was interrupted is taken in first; a plan that waits for approval is dropped. The model is
   * read once; what is in it as it was accepted counts as accepted, anything else is due. From then
   * on the standard engine refuses the sync on that directory, until it is forgotten there.
   *
   * <p>After an error or a crash either nothing has changed, or the standard engine refuses the
   * sync and this method has to be called again; once a move has come about, calling it again does
   * nothing.
   *
   * @param sync which one; its destination and its key are those of the state
   * @param stateDirectory the directory that the standard engine was given
   * @throws io.fulmar.AlreadyRunningException if one of the engines is running the sync
   * @throws io.fulmar.StateException if there is no state of it in the directory, it cannot be
   *     read, it is that of another destination, it was moved elsewhere, or the sync has a state
   *     here
   * @throws io.fulmar.ConfigurationException if the key of the model is another one
   * @throws io.fulmar.SourceException if the model cannot be read
   */
  void moveIn(Sync sync, Path stateDirectory);

  /**
   * The SQL that an administrator runs once, so that a role can use the engine: two schemas of the
   * default names with USAGE and CREATE for it, and nothing for others. {@link LightningSetup} has
   * more ways, and takes away.
   *
   * @param role its name, as the catalog has it, 1 to 63 bytes
   * @throws IllegalArgumentException if it is no name
   */
  static String setupSql(String role) {
    return LightningSetup.of(role).setupSql();
  }

  /**
   * Makes what is remembered of one sync that of another, which has the same model and destination
   * and a new name: nothing is sent again, a plan that waits for approval goes along, and the next
   * run takes in one that was interrupted. The sync logs keep the old name for what was.
   *
   * @param from the name that it had
   * @param sync as it is now, with its new name
   * @throws io.fulmar.AlreadyRunningException if one of them is running
   * @throws io.fulmar.StateException if there is no state under the old name, or one under the new
   */
  void rename(String from, Sync sync);

  /** Collects the settings of an engine. Not threadsafe. */
  final class Builder {
    private static final Duration SHORTEST_LEASE = Duration.ofSeconds(1);
    private static final Duration LONGEST_LEASE = Duration.ofHours(1);
    private static final Duration LONGEST_DELTA = Duration.ofDays(30);
    private static final long LEAST_MEMORY = 64L << 10;
    private static final long MOST_MEMORY = 1L << 40;
    private static final int MOST_WORKERS = 1_024;

    private final Source source;
    private final Map<String, SyncLogs> logsOf = new HashMap<>();
    private Schemas schemas = Schemas.DEFAULT;
    private Duration lease = LightningSettings.DEFAULT.lease();
    private MissingState missingState = MissingState.BEGIN;
    private TimelineChange onTimelineChange = TimelineChange.WARN;
    private Duration fullDiffEvery = LightningSettings.DEFAULT.fullDiffEvery();
    private long planMemoryBytes = PlanSettings.DEFAULT.memoryBytes();
    private int planWorkers = PlanSettings.DEFAULT.workers();
    private VolatileFunctions volatileFunctions = VolatileFunctions.REFUSED;
    private SyncLogs logs = SyncLogs.off();
    private @Nullable ThreadFactory threads;
    private UnaryOperator<Runnable> context = UnaryOperator.identity();
    private Duration grace = Duration.ofSeconds(10);
    private Duration checkTimeout = Duration.ofSeconds(30);
    private @Nullable Clock clock;
    private Consumer<String> steps = step -> {};

    private Builder(Source source) {
      this.source = Objects.requireNonNull(source, "source");
    }

    /**
     * The two schemas, each 1 to 63 bytes; an administrator makes them. Default {@code
     * fulmar_planner} and {@code fulmar_audit}. Schemas that were granted to another tool serve as
     * well: tables that Fulmar did not make are left alone.
     *
     * @param planner for what is remembered
     * @param audit for the sync logs, and those of no other planner schema: its syncs would look
     *     forgotten, so that their logs expire, and its runs may have numbers that are taken
     * @throws IllegalArgumentException if one is no name, or both are the same
     */
    public Builder schemas(String planner, String audit) {
      schemas =
          new Schemas(
              Objects.requireNonNull(planner, "planner"), Objects.requireNonNull(audit, "audit"));
      return this;
    }

    /**
     * How long a run that is not heard of any more keeps its sync, 1 s to 1 h. A run extends its
     * lease every third of it, and stops itself a sixth of it before it ends; so it is also how
     * long the database may be away while outcomes are to be noted. Default 60 s.
     */
    public Builder lease(Duration value) {
      lease = inRange("lease", value, SHORTEST_LEASE, LONGEST_LEASE);
      return this;
    }

    /**
     * Refuses to run a sync that has no state, for whoever initialises each sync by hand. Default:
     * such a sync begins with nothing accepted.
     */
    public Builder requireExistingState() {
      missingState = MissingState.REFUSE;
      return this;
    }

    /**
     * What a sync does once the server was promoted, restored or replaced since its last run.
     * Default {@link TimelineChange#WARN}.
     */
    public Builder onTimelineChange(TimelineChange value) {
      onTimelineChange = Objects.requireNonNull(value, "onTimelineChange");
      return this;
    }

    /**
     * How long runs over a table may look only at rows that were written since the last run before
     * everything is compared again, 0 to 30 days; zero compares everything each time. Default 24 h.
     */
    public Builder fullDiffEvery(Duration value) {
      fullDiffEvery = inRange("fullDiffEvery", value, Duration.ZERO, LONGEST_DELTA);
      return this;
    }

    /**
     * Memory for each sort or hash table of a plan ({@code work_mem}), 65,536 bytes (64 KiB) to
     * 1,099,511,627,776 (1 TiB); a plan has several, in each of its processes, and goes to
     * temporary files beyond. The index of a state that is made anew takes twice this at most, or
     * {@code maintenance_work_mem} where that is more. Default 67,108,864 (64 MiB).
     */
    public Builder planMemoryBytes(long bytes) {
      planMemoryBytes = inRange("planMemoryBytes", bytes, LEAST_MEMORY, MOST_MEMORY);
      return this;
    }

    /**
     * Most parallel workers of a plan ({@code max_parallel_workers_per_gather}), 0 to 1,024; the
     * server may give fewer. Default 2.
     */
    public Builder planWorkers(int value) {
      planWorkers = (int) inRange("planWorkers", value, 0, MOST_WORKERS);
      return this;
    }

    /**
     * Runs models that call functions which are VOLATILE and not PostgreSQL's own, or {@code
     * set_config}. The model is part of a statement that writes, so what such a function writes is
     * written, as far as the role may. Default: such a model is refused.
     */
    public Builder allowVolatileFunctions() {
      volatileFunctions = VolatileFunctions.ALLOWED;
      return this;
    }

    /** Which sync logs every sync writes. Default {@link SyncLogs#off}. */
    public Builder logs(SyncLogs value) {
      logs = Objects.requireNonNull(value, "logs");
      return this;
    }

    /**
     * Which sync logs one sync writes, in place of what holds for all.
     *
     * @param sync its name
     * @param value which logs
     */
    public Builder logs(String sync, SyncLogs value) {
      logsOf.put(Objects.requireNonNull(sync, "sync"), Objects.requireNonNull(value, "logs"));
      return this;
    }

    /**
     * Makes the threads of the engine: for each run one, one that extends its lease, one that
     * watches the time while it plans, and one for each of its lanes. They are given names.
     * Default: daemons with the context class loader of the thread that calls {@link #build}.
     */
    public Builder threads(ThreadFactory value) {
      threads = Objects.requireNonNull(value, "threads");
      return this;
    }

    /**
     * Wraps each task that one thread hands over to another, so that what belongs to the calling
     * thread (a trace, a logging or a security context) goes with it. It is called on the thread
     * that hands the task over, first the one that calls {@link SyncEngine#run}; what it returns is
     * run on the other and must run the task once. Default: nothing goes with it.
     */
    public Builder context(UnaryOperator<Runnable> value) {
      context = Objects.requireNonNull(value, "context");
      return this;
    }

    /**
     * How long a run that is cancelled, interrupted or closed waits for calls of the destination
     * that are under way, 0 to 1 h. What is cut off then has an unknown outcome. Three seconds
     * later it waits for no lock either that others hold on tables of the engine: what has been
     * noted is folded by the next run then. Default 10 s.
     */
    public Builder grace(Duration value) {
      grace = inRange("grace", value, Duration.ZERO, Duration.ofHours(1));
      return this;
    }

    /**
     * How long {@link SyncEngine#check} takes at most, 1 s to 10 min, a second attempt to connect
     * included. Default 30 s.
     */
    public Builder checkTimeout(Duration value) {
      checkTimeout = inRange("checkTimeout", value, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Tells the time of holds, quarantine and reports, for tests; leases go by the clock of the
     * server all the same. Default: the clock of the server.
     */
    public Builder clock(Clock value) {
      clock = Objects.requireNonNull(value, "clock");
      return this;
    }

    /**
     * Hears of each step whose effect outlives the process, by its name, in the order in which they
     * are taken: for tests that let a process die there. It is called in mid-step, on any thread of
     * the engine, by several at once, so it returns at once and throws nothing. Names may change
     * with each release: learn them from a run without a death. Default: nobody hears of them.
     *
     * <pre>{@code
     * builder.steps(step -> {
     *   if (step.equals("ANSWERED")) {
     *     Runtime.getRuntime().halt(137);
     *   }
     * });
     * }</pre>
     */
    public Builder steps(Consumer<String> listener) {
      steps = Objects.requireNonNull(listener, "listener");
      return this;
    }

    private static Duration inRange(String what, Duration value, Duration least, Duration most) {
      Objects.requireNonNull(value, what);
      if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
        throw new IllegalArgumentException(
            "%s must be %s to %s, is %s".formatted(what, least, most, value));
      }
      return value;
    }

    private static long inRange(String what, long value, long least, long most) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            "%s must be %s to %s, is %s".formatted(what, least, most, value));
      }
      return value;
    }

    /**
     * The engine. Nothing is connected to before it is used.
     *
     * @throws IllegalStateException if the source has a pool of its own of one connection: what a
     *     run writes and what it reads need one each
     */
    public LightningEngine build() {
      if (source.dataSource() == null && source.poolSize() < 2) {
        throw new IllegalStateException(
            "poolSize of the source must be 2 at least, is " + source.poolSize());
      }
      RunnerSettings runner =
          RunnerSettings.defaults()
              .withContext(context)
              .withGrace(grace)
              .withCheckTimeout(checkTimeout)
              .withPlanDeadline(source.planDeadline());
      ThreadFactory own = threads;
      LightningSettings settings =
          new LightningSettings(
              schemas,
              lease,
              missingState,
              onTimelineChange,
              fullDiffEvery,
              new PlanSettings(planMemoryBytes, planWorkers, volatileFunctions),
              logs,
              logsOf);
      return StoredEngine.of(
          source, settings, own == null ? runner : runner.withThreads(own), clock, steps);
    }
  }
}
