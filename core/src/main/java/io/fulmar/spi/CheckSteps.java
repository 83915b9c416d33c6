package io.fulmar.spi;

import java.time.Duration;

/**
 * Where a check says what it found, step by step. Each step has a name and ends as passed, with
 * warnings, failed, or skipped because a step that it needs did not pass. Given to {@link
 * Destination#check}; used by the thread that it is given to, and by no other.
 *
 * <pre>{@code
 * steps.step("endpoint", findings -> {
 *   int status = client.get("/ping");
 *   findings.found("answers " + status);
 *   if (status == 401) {
 *     findings.failure("the token is refused", "Give another one");
 *   }
 * });
 * steps.stepAfter("endpoint", "fields", findings -> ...);
 * }</pre>
 *
 * <p>What is said here reaches reports and logs: no secrets, no values of rows.
 */
public interface CheckSteps {
  /**
   * Takes a step that needs no other. What it throws makes it fail: an exception of Fulmar with its
   * message, any other with the name of its class alone.
   *
   * @param name what is looked at, in a few words: {@code "endpoint"}
   * @param look looks, changes nothing, and heeds interrupts
   * @return whether it did not fail
   */
  boolean step(String name, Look look);

  /**
   * Takes a step that is skipped if another one did not pass.
   *
   * @param needed the name of an earlier step
   * @param name what is looked at
   * @param look as in {@link #step}
   * @return whether it was taken and did not fail
   * @throws IllegalArgumentException if there was no step of the name {@code needed}
   */
  boolean stepAfter(String needed, String name, Look look);

  /**
   * How much of the time of the whole check is left, zero at least. A step that has not ended by
   * then is interrupted and counts as failed.
   */
  Duration remaining();

  /** One step. */
  @FunctionalInterface
  interface Look {
    /**
     * Looks.
     *
     * @param findings takes what is found
     * @throws Exception and the step has failed
     */
    void look(Findings findings) throws Exception;
  }

  /** Takes what a step finds. The worst of it is the verdict of the step. */
  interface Findings {
    /**
     * Something that is worth knowing.
     *
     * @param fact in a few words
     */
    void found(String fact);

    /**
     * Something that works, and should be otherwise.
     *
     * @param fact what is found
     * @param remedy what to do about it: a sentence or SQL, without a full stop
     */
    void warning(String fact, String remedy);

    /**
     * Something that will not work. The step may go on to find more.
     *
     * @param fact what is found
     * @param remedy what to do about it: a sentence or SQL, without a full stop
     */
    void failure(String fact, String remedy);
  }
}
