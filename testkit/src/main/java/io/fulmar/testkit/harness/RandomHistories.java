package io.fulmar.testkit.harness;

import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Random histories of a sync: rows come, change, vanish and return, keys are NULL or ambiguous,
 * mode and removal change; runs are asked for whole, in part, as plans, held and approved,
 * cancelled, interrupted and closed; there are resyncs, resets, clears; and the destination that is
 * tried is behind a storm that rejects, skips, hangs, loses answers and lets calls act late.
 *
 * <pre>{@code
 * RandomHistories.of(seed -> new CrmSubject(seed)).count(50).play();
 * }</pre>
 *
 * <p>A history fails, with its seed and everything that happened in it, if
 *
 * <ul>
 *   <li>the destination differs from the valid rows of the source when the storm is over and
 *       nothing is due any more;
 *   <li>a run counts another number of changes as accepted or skipped than it has been answered, or
 *       an interrupted one is taken in with more;
 *   <li>the engine takes a version, or a removal, as accepted that the destination has not
 *       accepted;
 *   <li>a change id stands for two changes, or the sequence of a key does not grow;
 *   <li>a key is sent while a call of an earlier run may still act on it;
 *   <li>a run over an unchanged source sends anything when everything is accepted;
 *   <li>a call of the engine throws what it should not.
 * </ul>
 *
 * <p>A history is its seed: {@code -Dfulmar.seed=...} plays that one alone, and again as far as the
 * timing of threads allows. This class is not threadsafe.
 */
public final class RandomHistories {
  private final Subjects subjects;
  private long seed = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
  private int count = 5;
  private boolean alone;

  private RandomHistories(Subjects subjects) {
    this.subjects = subjects;
    Long given = Long.getLong("fulmar.seed");
    if (given != null) {
      seed = given;
      alone = true;
    }
  }

  /** Makes what a history happens to. */
  @FunctionalInterface
  public interface Subjects {
    /**
     * Makes a subject that knows nothing of those before it.
     *
     * @param seed of the history
     * @return a new subject, which the history closes
     * @throws Exception and the history has failed
     */
    HistorySubject make(long seed) throws Exception;
  }

  /**
   * Histories of subjects: 5 of them, until told otherwise.
   *
   * @param subjects called once for each history
   */
  public static RandomHistories of(Subjects subjects) {
    return new RandomHistories(Objects.requireNonNull(subjects, "subjects"));
  }

  /**
   * How many histories are played, 1 to 1,000,000; one with {@code -Dfulmar.seed}. Default 5.
   *
   * @param value how many
   */
  public RandomHistories count(int value) {
    if (value < 1 || value > 1_000_000) {
      throw new IllegalArgumentException("count must be 1 to 1000000, is " + value);
    }
    count = value;
    return this;
  }

  /**
   * The seed of the first history; the next one has the next number. Default: the system property
   * {@code fulmar.seed}; without it, another one each time.
   *
   * @param first any number
   */
  public RandomHistories seed(long first) {
    seed = first;
    return this;
  }

  /**
   * What came of histories in which nothing was wrong.
   *
   * @param seed of the first history
   * @param histories how many there were
   * @param runs how many runs were asked for in them
   * @param changes how many changes were sent, repeated ones included
   * @param events what happened, and how often
   */
  public record Result(
      long seed, int histories, long runs, long changes, Map<String, Integer> events) {
    /** Copies the map. */
    public Result {
      events = Map.copyOf(events);
    }

    /** All of it, in a line. */
    @Override
    public String toString() {
      return "%s histories from seed %s, %s runs, %s changes sent: %s"
          .formatted(histories, seed, runs, changes, new TreeMap<>(events));
    }
  }

  /**
   * Plays the histories, one after the other.
   *
   * @return counts, which are printed too
   * @throws AssertionError at the first history in which something is wrong, with its seed and what
   *     happened in it
   * @throws InterruptedException if the thread is interrupted
   */
  public Result play() throws InterruptedException {
    int histories = alone ? 1 : count;
    System.out.println("RandomHistories: " + histories + " from -Dfulmar.seed=" + seed);
    Map<String, Integer> events = new TreeMap<>();
    long runs = 0;
    long changes = 0;
    for (int i = 0; i < histories; i++) {
      History history = History.play(seed + i, subjects);
      runs += history.runs();
      changes += history.changes();
      history.events().forEach((what, times) -> events.merge(what, times, Integer::sum));
    }
    Result result = new Result(seed, histories, runs, changes, events);
    System.out.println("RandomHistories: " + result);
    return result;
  }
}
