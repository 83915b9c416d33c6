package io.fulmar.testkit.harness;

import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a random history of {@link RandomHistories} happens to: a source, an engine and a
 * destination, made anew for each history. It is used by one thread at a time, but for the
 * destination of its sync.
 */
public interface HistorySubject {
  /**
   * Replaces all rows of the source.
   *
   * @param rows what it holds from now on; keys are short texts, some NULL and some twice unless
   *     {@link #takesInvalidKeys} says no
   * @throws Exception and the history has failed
   */
  void replace(List<HistoryRow> rows) throws Exception;

  /**
   * A sync with the model of that source, whose key is one column of text, and with the destination
   * that is tried; it must take UPSERT and DELETE. The history sets mode, removal, guards, limits
   * and deadlines itself.
   *
   * @return a new builder, always of the same sync
   * @throws Exception and the history has failed
   */
  Sync.Builder sync() throws Exception;

  /**
   * A new engine, whose memory is that of the engines before it. The history closes it before it
   * asks for the next one.
   *
   * @param clock to be given to the engine: it runs as the system's, but jumps forward
   * @param grace to be given to the engine
   * @return a new engine; with Lightning a lease of a second keeps a history short
   * @throws Exception and the history has failed
   */
  SyncEngine open(Clock clock, Duration grace) throws Exception;

  /**
   * What the destination holds now, read from where it really is.
   *
   * @return contents by key, as they were in {@link HistoryRow}
   * @throws Exception and the history has failed
   */
  Map<String, String> contents() throws Exception;

  /**
   * Whether the source can hold rows without a key, and several with the same. Default: it can.
   *
   * @return always the same
   */
  default boolean takesInvalidKeys() {
    return true;
  }

  /**
   * Takes away what it has made. Called at the end of each history, after its engines were closed.
   * Default: nothing.
   *
   * @throws Exception and the history has failed
   */
  default void remove() throws Exception {}
}
