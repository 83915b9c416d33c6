package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.Set;

/**
 * One way to find what has changed and to hand it to a consumer, which does nothing but count. Used
 * by one thread.
 */
interface Contender extends AutoCloseable {
  /** Which scenarios mean something to it. */
  default Set<Scenario> scenarios() {
    return EnumSet.complementOf(EnumSet.of(Scenario.UNCHANGED_FOR_LONG));
  }

  /**
   * Whether it listens all the time, so that the time of a run begins when the change has been
   * committed and not after the table has been vacuumed.
   */
  default boolean streams() {
    return false;
  }

  /**
   * Delivers all rows, for there is no memory yet.
   *
   * @param at the way to the database
   * @param tally takes what is delivered
   * @param expected so many rows are there
   */
  void first(TestDatabase at, Tally tally, long expected) throws Exception;

  /**
   * Says that rows are about to be changed, to those who listen all the time.
   *
   * @param tally takes what is delivered
   * @param count so many changes will be there
   */
  default void expect(Tally tally, long count) {}

  /**
   * Delivers what has changed since the last run.
   *
   * @param at the way to the database
   * @param tally takes what is delivered
   */
  void sync(TestDatabase at, Tally tally) throws Exception;

  /** What is kept now. */
  StateSize state() throws Exception;

  /** What there is to say of the last run; empty if nothing. */
  default String note() {
    return "";
  }

  /** Drops all memory, for the next first run; does nothing if there is none. */
  void forget() throws SQLException, IOException;

  @Override
  default void close() throws SQLException, IOException {
    forget();
  }
}
