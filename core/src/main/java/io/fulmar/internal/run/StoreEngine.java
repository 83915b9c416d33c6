package io.fulmar.internal.run;

import io.fulmar.ChangeSet;
import io.fulmar.CheckReport;
import io.fulmar.Explanation;
import io.fulmar.HeldChange;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.RunOptions;
import io.fulmar.Source;
import io.fulmar.Start;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.internal.check.EngineCheck;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Destination;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Any engine: a store, and the runner that takes syncs through their steps. Threadsafe. */
public class StoreEngine implements SyncEngine {
  private static final int MOST_HOLDS = 100_000;

  /** Of plans of any engine; messages repeat the id. */
  private static final Pattern PLAN_ID = Pattern.compile("\\p{Graph}{1,200}");

  private final SyncStore store;
  private final Runner runner;
  private final EngineCheck check;
  private final Consumer<Sync> usable;

  /**
   * An engine.
   *
   * @param store closed with the engine
   * @param source what the store reads, for checks
   * @param settings of its runs
   */
  public StoreEngine(SyncStore store, Source source, RunnerSettings settings) {
    this(store, source, settings, sync -> {});
  }

  /**
   * An engine that cannot run every sync.
   *
   * @param store closed with the engine
   * @param source what the store reads, for checks
   * @param settings of its runs
   * @param usable throws why it cannot run a sync
   */
  public StoreEngine(
      SyncStore store, Source source, RunnerSettings settings, Consumer<Sync> usable) {
    this(store, new EngineCheck(store, source, settings), settings, usable);
  }

  /**
   * An engine that checks in its own way.
   *
   * @param store closed with the engine
   * @param check closed with the engine
   * @param settings of its runs
   * @param usable throws why it cannot run a sync
   */
  public StoreEngine(
      SyncStore store, EngineCheck check, RunnerSettings settings, Consumer<Sync> usable) {
    this.usable = usable;
    this.store = store;
    this.runner = new Runner(store, settings);
    this.check = check;
  }

  @Override
  public CheckReport check() {
    runner.checkOpen();
    return check.check(null);
  }

  @Override
  public CheckReport check(Sync sync) {
    return check.check(usable(sync));
  }

  @Override
  public SyncReport run(Sync sync) {
    return runner.run(usable(sync));
  }

  @Override
  public SyncReport run(Sync sync, RunOptions options) {
    return runner.run(usable(sync), Objects.requireNonNull(options, "options"));
  }

  @Override
  public ChangeSet plan(Sync sync) {
    return runner.plan(usable(sync));
  }

  @Override
  public SyncReport apply(Sync sync, String planId) {
    Sync usable = usable(sync);
    Objects.requireNonNull(planId, "planId");
    if (!PLAN_ID.matcher(planId).matches()) {
      throw new IllegalArgumentException(
          "planId must be 1 to 200 visible characters, as ChangeSet.id() gives them");
    }
    return runner.apply(usable, planId);
  }

  @Override
  public Optional<ChangeSet> storedPlan(Sync sync) {
    return Optional.ofNullable(store.storedPlan(usable(sync)));
  }

  @Override
  public boolean discard(Sync sync) {
    return runner.discard(usable(sync));
  }

  @Override
  public SyncReport resync(Sync sync) {
    return runner.resync(usable(sync));
  }

  @Override
  public ChangeSet reset(Sync sync) {
    return runner.reset(usable(sync));
  }

  @Override
  public SyncReport clearAndFill(Sync sync) {
    return runner.clearAndFill(usable(sync));
  }

  @Override
  public void initialise(Sync sync, Start start) {
    runner.initialise(usable(sync), Objects.requireNonNull(start, "start"));
  }

  @Override
  public void forget(Sync sync) {
    runner.forget(usable(sync));
  }

  @Override
  public void rebind(Sync sync, Destination destination) {
    runner.rebind(usable(sync), Objects.requireNonNull(destination, "destination"));
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    Sync usable = usable(sync);
    if (limit < 1 || limit > MOST_HOLDS) {
      throw new IllegalArgumentException("limit must be 1 to " + MOST_HOLDS + ", is " + limit);
    }
    return store.holds(usable, limit);
  }

  @Override
  public long release(Sync sync) {
    return runner.release(usable(sync), null);
  }

  @Override
  public boolean release(Sync sync, Object first, Object... more) {
    return runner.release(usable(sync), key(first, more)) > 0;
  }

  @Override
  public Explanation explain(Sync sync, Object first, Object... more) {
    Sync usable = usable(sync);
    List<String> key = key(first, more);
    return runner.aside(sync.name() + "-explain", () -> store.explain(usable, key));
  }

  /**
   * Does something to the state of a sync that is not running, on a thread of the engine.
   *
   * @param sync which one
   * @param work what to do
   */
  protected final <T> T aside(Sync sync, Supplier<T> work) {
    return runner.alone(usable(sync), work);
  }

  /** A sync that something is asked of, while the engine is open. */
  private Sync usable(Sync sync) {
    Objects.requireNonNull(sync, "sync");
    runner.checkOpen();
    usable.accept(sync);
    return sync;
  }

  private static List<String> key(Object first, Object... more) {
    Objects.requireNonNull(more, "more");
    List<Object> columns = new ArrayList<>();
    columns.add(Objects.requireNonNull(first, "first"));
    for (Object column : more) {
      columns.add(Objects.requireNonNull(column, "more"));
    }
    return RunOptions.builder().key(columns.toArray()).build().keys().get(0);
  }

  @Override
  public void cancel(Sync sync) {
    runner.cancel(Objects.requireNonNull(sync, "sync"));
  }

  @Override
  public SyncStatus status(Sync sync) {
    return store.status(usable(sync));
  }

  @Override
  public ModelPreview preview(Model model) {
    Objects.requireNonNull(model, "model");
    return runner.aside(model.name() + "-preview", () -> store.preview(model));
  }

  @Override
  public ModelValidation validate(Model model) {
    Objects.requireNonNull(model, "model");
    return runner.aside(model.name() + "-validate", () -> store.validate(model));
  }

  @Override
  public void close() {
    check.close();
    runner.close();
    store.close();
  }
}
