package io.fulmar.internal.store;

import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The right to run one sync, until it is closed. Everything that is written goes through it and is
 * refused once another runner holds the sync. {@link #reserve} and {@link #acknowledge} may be
 * called by several threads, the rest by one.
 */
public interface Claim extends AutoCloseable {
  /** Number of this run; grows over all runs of the sync. */
  long run();

  /** Settles an earlier run that died; null if there was none. */
  @Nullable Recovery recover();

  /**
   * Computes the change set in one snapshot and makes it durable.
   *
   * @param progress hears how many rows have been read, now and then
   * @throws io.fulmar.SourceException if the source cannot be read; trying again may help
   */
  StoredPlan plan(LongConsumer progress);

  /**
   * Finds the plan that waits for approval.
   *
   * @param planId its id
   * @throws io.fulmar.StateException if there is none with this id, or it is stale
   */
  StoredPlan stored(String planId);

  /** Keeps a plan for a later {@link #stored}, in place of any other. */
  void keep(StoredPlan plan);

  /** Id of the plan that waits for approval and is not stale; null for none. */
  @Nullable StoredPlan kept();

  /** Drops a plan that will not be delivered. */
  void drop(StoredPlan plan);

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
