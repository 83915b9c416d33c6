package io.fulmar.spi;

/**
 * Sends batches to a destination. One per lane, used by one thread at a time, closed by Fulmar at
 * the end of the run.
 *
 * <p>What leaves {@link #write} decides what is remembered:
 *
 * <table>
 * <caption>Outcomes of a call</caption>
 * <tr><th>out of write</th><th>means</th><th>then</th></tr>
 * <tr><td>a {@link Delivery}</td><td>an answer for each change</td><td>accepted ones are synced, rejected ones come
 * back</td></tr>
 * <tr><td>{@link NotAppliedException}</td><td>nothing was applied</td><td>the same batch again, with backoff</td></tr>
 * <tr><td>{@link BatchRejectedException}</td><td>nothing was applied, and it never will</td><td>halved, to find the bad
 * rows</td></tr>
 * <tr><td>{@link StopRunException}</td><td>nothing was applied; go no further</td><td>the run is FAILED</td></tr>
 * <tr><td>anything else</td><td>perhaps applied</td><td>the same batch again with the same change ids, then halved; what
 * stays unknown is sent again in the next run</td></tr>
 * </table>
 */
@FunctionalInterface
@SuppressWarnings("try") // close() may be interrupted, as write() may
public interface Writer extends AutoCloseable {

  /**
   * Sends one batch and says what became of each change.
   *
   * @param batch changes with distinct keys, at most as many rows and bytes as the capabilities
   *     allow; all have the same action
   * @return the answer; a change that it does not name counts as unknown
   * @throws Exception see the table above
   */
  Delivery write(Batch batch) throws Exception;

  /** Releases what the writer holds. Called once, on the thread that used it. */
  @Override
  default void close() throws Exception {}
}
