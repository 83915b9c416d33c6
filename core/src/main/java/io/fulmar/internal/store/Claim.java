package io.fulmar.internal.store;

import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The right to run one sync, until it is closed. Everything that is written goes through it and is
 * refused once another runner holds the sync. {@link #reserve} and {@link #acknowledge} may be
 * called by several threads, {@link #cancelPlan} by any, the rest by one.
 */
public interface Claim extends AutoCloseable {
  /** Number of this run; grows over all runs of the sync. */
  long run();

  /** Settles an earlier run that died; null if there was none. */
  @Nullable Recovery recover();

  /**
   * Computes the change set in one snapshot and makes it durable. {@link PlanRequest.Kind#RESYNC}
   * first makes every row due again, durably, so that an early end of the run loses nothing of it.
   *
   * @param request what the plan is for
   * @param progress hears how many rows have been read, now and then
   * @throws io.fulmar.SourceException if the source cannot be read; trying again may help
   */
  StoredPlan plan(PlanRequest request, LongConsumer progress);

  /**
   * Ends a plan that is being made, or is made later, with a {@link io.fulmar.SourceException}. May
   * be called by any thread, and may take some seconds.
   */
  void cancelPlan();

  /**
   * Finds the plan that waits for approval.
   *
   * @param planId its id
   * @throws io.fulmar.StateException if there is none with this id, or it is stale
   */
  StoredPlan stored(String planId);

  /** Keeps a plan for a later {@link #stored}, in place of any other. */
  void keep(StoredPlan plan);

  /** The plan that waits for approval and is not stale; null for none. */
  @Nullable StoredPlan kept();

  /** Drops a plan that will not be delivered. */
  void drop(StoredPlan plan);

  /** Drops the plan that waits for approval, stale or not; false if there is none. */
  boolean discard();

  /**
   * Takes the changes of a plan that was made for {@link PlanRequest.Kind#RESET} as accepted, all
   * or nothing.
   */
  void takeAsDelivered(StoredPlan plan);

  /**
   * Gives held changes another try: what was quarantined or skipped is rejected, without attempts.
   *
   * @param key the texts of the key's columns; null for all keys
   * @return how many
   * @throws io.fulmar.SourceException if the key has to be read by the source and it cannot be
   *     reached
   */
  long release(@Nullable List<String> key);

  /** The last moment at which a call that gave no answer may act, in ms since 1970; 0 for none. */
  long mayActUntil();

  /** Whether a clear of the destination was begun and is not known to have ended. */
  boolean isClearing();

  /**
   * Notes that the destination is about to be cleared; durable on return.
   *
   * @param until the moment until which the call may act, in milliseconds since 1970
   */
  void beginClear(long until);

  /** The destination is clear: forgets everything and the note of it, all or nothing. */
  void endClear();

  /**
   * Makes a plan ready for delivery: from here on a death of this process is an interrupted run.
   */
  PlanReader open(StoredPlan plan);

  /**
   * Notes that changes are about to be sent; durable on return.
   *
   * @param from first position
   * @param to position after the last
   * @param until the moment until which the call may act, in milliseconds since 1970
   */
  void reserve(long from, long to, long until);

  /**
   * Notes what became of changes.
   *
   * @param from position of the first
   * @param outcomes one for each position from there on
   */
  void acknowledge(long from, List<Outcome> outcomes);

  /** Makes what was acknowledged durable; called at least every 100 ms while a run delivers. */
  void flush();

  /**
   * Transactions in which a destination in the database of the state may write and have the outcome
   * noted; nothing is reserved for such a call. Null if the state lives in no database.
   */
  default @Nullable JoinedWrites joined() {
    return null;
  }

  /**
   * Moves the state forward by everything that was acknowledged, all or nothing, and notes the end
   * of the run.
   *
   * @param plan what was delivered
   * @param end how the run ended; {@link RunEnd#status} SUCCEEDED becomes WARNING if something was
   *     newly quarantined
   */
  Folded fold(StoredPlan plan, RunEnd end);

  /** Notes the end of a run that folded nothing. */
  void end(RunEnd end);

  /** Gives the right back. */
  @Override
  void close();
}
