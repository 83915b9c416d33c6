package io.fulmar;

/**
 * Runs syncs of one source. Threadsafe, meant as a singleton; different syncs may run at once, one
 * sync runs once at a time. The application makes it and closes it. Work is done on threads of the
 * engine, so it never joins a transaction of the caller.
 */
public interface SyncEngine extends AutoCloseable {

  /**
   * Plans and delivers what changed since the destination last accepted it; blocks until that is
   * done.
   *
   * <p>The result says how it went, also when it went badly; {@code run(sync).throwIfFailed()}
   * turns a bad end into an exception. Interrupting the thread cancels the run.
   *
   * @param sync what to run
   * @return how it went
   * @throws FulmarException if no run came about: wrong configuration, the sync is running already,
   *     no connection, unusable state
   */
  @CheckReturnValue
  SyncReport run(Sync sync);

  /**
   * Plans without delivering. The plan is stored and can be delivered by {@link #apply}, from any
   * process; a sync has at most one stored plan, and a new one takes its place.
   *
   * @param sync what to plan
   * @return what would be sent
   * @throws FulmarException if no plan came about
   */
  @CheckReturnValue
  ChangeSet plan(Sync sync);

  /**
   * Delivers a stored plan, exactly as it was planned: of {@link #plan}, or one that a guard held,
   * which is thereby approved. What changed in the source since is left to the next run.
   *
   * @param sync what to run
   * @param planId {@link ChangeSet#id}
   * @return how it went
   * @throws StateException if there is no such plan, or it is stale: the state has moved on, or
   *     mapping, mode, removal or destination are others
   * @throws FulmarException as for {@link #run}
   */
  @CheckReturnValue
  SyncReport apply(Sync sync, String planId);

  /**
   * Asks a run that is going on in this engine to stop: no further batch is handed out, calls that
   * are under way are given 10 s, what was accepted is remembered, and the run ends as CANCELLED.
   * Returns at once; does nothing if the sync is not running.
   *
   * @param sync what to stop
   */
  void cancel(Sync sync);

  /**
   * Where a sync stands, read from its state.
   *
   * @param sync which one
   * @throws StateException if the state cannot be read
   */
  SyncStatus status(Sync sync);

  /**
   * The first 100 rows of a model, with the columns that a destination would get. Proves and
   * describes the model as a run does.
   *
   * @param model what to look at
   * @throws FulmarException if the model is refused or cannot be read
   */
  ModelPreview preview(Model model);

  /**
   * Cancels what is running, waits for it, and releases threads and connections. May be called
   * twice.
   */
  @Override
  void close();
}
