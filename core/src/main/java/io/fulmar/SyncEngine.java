package io.fulmar;

import io.fulmar.spi.Destination;
import java.util.List;
import java.util.Optional;

/**
 * Runs syncs of one source. Threadsafe, meant as a singleton; different syncs may run at once, one
 * sync runs once at a time. The application makes it and closes it. Work is done on threads of the
 * engine, so it never joins a transaction of the caller. Once it is closed, every method but {@link
 * #cancel} and {@link #close} throws an {@link IllegalStateException}.
 */
public interface SyncEngine extends AutoCloseable {

  /**
   * Looks whether syncs can run: network, credentials, what the role may read and what it should
   * not be able to do, and what this engine needs for its state. Changes nothing and leaves nothing
   * behind; may be called while syncs run. Steps that do not depend on a failed one are taken all
   * the same. A server that does not answer the first attempt is given a second one.
   *
   * <p>Takes at most the engine's {@code checkTimeout}, by default 30 s; what has not ended by then
   * counts as failed. An interrupt ends the check likewise, and is kept. A check that was cut short
   * has not passed, even between two steps: the report ends with the failed step {@code "remaining
   * steps"} then.
   *
   * @return each step, with what was found and what to do about it
   */
  @CheckReturnValue
  CheckReport check();

  /**
   * As {@link #check()}, and goes on from the source to the destination: whether the model is one
   * statement that returns rows, its key and what is odd about its columns; each grant that is
   * missing; and what the destination says of itself ({@link Destination#check}). Sends nothing.
   *
   * @param sync which one
   * @return each step, with what was found and what to do about it
   */
  @CheckReturnValue
  CheckReport check(Sync sync);

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
   * Runs a part of a sync, or for a limited time.
   *
   * @param sync what to run
   * @param options how much of it
   * @return how it went; what was left out counts as aborted and stays due
   * @throws ConfigurationException if a key of the options does not fit the key's columns
   * @throws FulmarException as for {@link #run(Sync)}
   */
  @CheckReturnValue
  SyncReport run(Sync sync, RunOptions options);

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
   * @throws IllegalArgumentException if it cannot be the id of any plan
   * @throws FulmarException as for {@link #run}
   */
  @CheckReturnValue
  SyncReport apply(Sync sync, String planId);

  /**
   * The plan that {@link #apply} would deliver: of {@link #plan}, or one that a guard held.
   *
   * @param sync which one
   * @return what it would send; empty if no plan is stored, or it is stale or expired
   * @throws StateException if the state cannot be read
   */
  Optional<ChangeSet> storedPlan(Sync sync);

  /**
   * Drops the stored plan, so that it cannot be applied. Its changes stay due.
   *
   * @param sync which one
   * @return whether there was one
   * @throws FulmarException if the sync is running, or its state cannot be used
   */
  boolean discard(Sync sync);

  /**
   * Sends every valid row again, held ones too, as if the destination had none of them in its
   * present version; attempts begin anew. What left the model is left to the next run. Once begun,
   * the rows stay due until they are accepted, also if this run ends early.
   *
   * @param sync what to run
   * @return how it went
   * @throws FulmarException as for {@link #run(Sync)}
   */
  @CheckReturnValue
  SyncReport resync(Sync sync);

  /**
   * Takes the present rows of the model as what the destination holds: sends nothing, and forgets
   * what was held and what has left the model. Keys with several rows stay as they are remembered.
   *
   * @param sync which one
   * @return what was taken as delivered: planned counts the rows that were not accepted in this
   *     version before, ignored the keys that were forgotten
   * @throws StateException if a clear of the destination may still act
   * @throws FulmarException as for {@link #run(Sync)}
   */
  ChangeSet reset(Sync sync);

  /**
   * Empties the destination and sends every valid row into it. Plans and guards first: synced keys
   * without a valid row count as removals, and an empty model is always HELD. Then it waits until
   * no earlier call may act, clears, forgets everything, and delivers. If the process dies or the
   * clear fails, every later run first repeats the clear.
   *
   * @param sync what to run
   * @return how it went
   * @throws ConfigurationException if the destination cannot be cleared, or the mode is UPDATE,
   *     which has nothing to update in an empty destination
   * @throws FulmarException as for {@link #run(Sync)}
   */
  @CheckReturnValue
  SyncReport clearAndFill(Sync sync);

  /**
   * Gives a sync a state before its first run.
   *
   * @param sync which one
   * @param start what it begins with
   * @throws StateException if it has a state already
   * @throws FulmarException as for {@link #run(Sync)}
   */
  void initialise(Sync sync, Start start);

  /**
   * Forgets all that is remembered of a sync: the next run is its first. The destination is not
   * touched. Works on a state that is damaged, too.
   *
   * @param sync which one
   * @throws StateException if a call of an earlier run may still act; the message says until when
   * @throws FulmarException if the sync is running
   */
  void forget(Sync sync);

  /**
   * Keeps what is remembered of a sync, now as that of another destination: one that has moved, or
   * has another name, and holds what the old one held.
   *
   * @param sync which one; only its name matters here
   * @param destination the other destination
   * @throws StateException if there is no state
   * @throws FulmarException if the sync is running
   */
  void rebind(Sync sync, Destination destination);

  /**
   * Changes that were not accepted and are remembered: rejected, quarantined, skipped, or without
   * an answer. Read from the state alone, in no particular order.
   *
   * @param sync which one
   * @param limit at most so many, 1 to 100,000
   * @throws StateException if the state cannot be read
   */
  List<HeldChange> holds(Sync sync, int limit);

  /**
   * Gives all quarantined and skipped changes another try in the next run.
   *
   * @param sync which one
   * @return how many there were
   * @throws FulmarException if the sync is running, or its state cannot be used
   */
  long release(Sync sync);

  /**
   * Gives the quarantined or skipped change of one key another try in the next run.
   *
   * @param sync which one
   * @param first the first column of the key, as in {@link RunOptions.Builder#key}
   * @param more its further columns
   * @return whether there was one
   * @throws FulmarException if the sync is running, the source cannot be reached, which reads the
   *     key, or the state cannot be used
   */
  boolean release(Sync sync, Object first, Object... more);

  /**
   * Why a key is sent in the next run, or is not: reads its row and what is remembered of it, and
   * changes nothing.
   *
   * @param sync which one
   * @param first the first column of the key, as in {@link RunOptions.Builder#key}
   * @param more its further columns
   * @throws FulmarException if the source or the state cannot be read, or the key does not fit
   */
  Explanation explain(Sync sync, Object first, Object... more);

  /**
   * Asks a run that is going on in this engine to stop: no further batch is handed out, calls that
   * are under way are given the engine's grace (default 10 s), what was accepted is remembered, and
   * the run ends as CANCELLED. Returns at once; does nothing if the sync is not running.
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
   * Says what is wrong with a model, and what should be known of it, each with its place in the
   * text. Errors are what a run would be refused for, or fail of: a text that is not one statement
   * that returns rows, a column that does not exist, a key that cannot be one, row security that
   * hides rows, an expression that fails. Warnings are columns that are another in each read, as
   * {@link ModelPreview#unstable} defines it, and functions that are VOLATILE. Reads the first 100
   * rows twice, as {@link #preview} does; delivers nothing and remembers nothing.
   *
   * @param model what to look at
   * @return what was found; a refused model is no exception here
   * @throws FulmarException if the source cannot be asked
   */
  ModelValidation validate(Model model);

  /**
   * Cancels what is running, waits for it, and releases threads and connections. May be called
   * twice.
   */
  @Override
  void close();
}
