package io.fulmar.testkit.harness;

import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a {@link CrashSweep} lets processes live through: a source that is edited step by step, an
 * engine, and a sync with the destination that is tried. Implementations have a public constructor
 * without arguments, since each process makes its own: whatever processes share is below the home
 * directory or outside of the JVM, like a database whose URL is in a file there.
 *
 * <p>The sync sends every row of the source as it is. A short call deadline, and with Lightning a
 * short lease, are what keeps a sweep short: the next process waits for both. A lease that a busy
 * machine lets run out under a living process ends the sweep with what its run says then.
 *
 * <p>It is used by one thread at a time.
 */
public interface CrashScenario {
  /**
   * Makes what a life begins with: tables of source and destination, roles and schemas. Called once
   * for each life, in the process of the test, so it may use what the test has started.
   *
   * @param home an empty directory that belongs to this life; its name differs from those of all
   *     other lives and serves as a name in a database too, 1 to 40 of {@code a-z 0-9 _}
   * @throws Exception and the sweep has failed
   */
  void prepare(Path home) throws Exception;

  /**
   * An engine over what {@link #prepare} has made. Called in each process, which closes it unless
   * it dies.
   *
   * @param home the directory of the life; the state of a standard engine belongs below it
   * @param steps to be given to the engine: {@link
   *     io.fulmar.StandardEngine.Builder#steps(Consumer)} or that of Lightning's builder
   * @return a new engine
   * @throws Exception and the sweep has failed
   */
  SyncEngine open(Path home, Consumer<String> steps) throws Exception;

  /**
   * The sync, complete but not built, since the sweep puts itself between the engine and the
   * destination and listens to runs. Called in each process.
   *
   * @param home the directory of the life
   * @return a new builder
   * @throws Exception and the sweep has failed
   */
  Sync.Builder sync(Path home) throws Exception;

  /**
   * How many edits a life consists of, 1 or more; each is followed by runs until nothing is due.
   *
   * @return the same number each time
   */
  int edits();

  /**
   * Edits the source. Edit 1 makes its first rows; later ones add, change and remove some, so that
   * each kind of change is in flight when somebody dies. None repeats what an earlier one made of a
   * row.
   *
   * @param home the directory of the life
   * @param number 1 to {@link #edits()}; each comes once in a life
   * @throws Exception and the sweep has failed
   */
  void edit(Path home, int number) throws Exception;

  /**
   * Whether a guard is expected to hold what an edit brings about. It is then approved; without
   * this, a run that is held fails the sweep. Default: no.
   *
   * @param number the edit
   * @return whether it may be held
   */
  default boolean isHeld(int number) {
    return false;
  }

  /**
   * What the source holds now.
   *
   * @param home the directory of the life
   * @return contents by key, in the same form as {@link #destination}
   * @throws Exception and the sweep has failed
   */
  Map<String, String> source(Path home) throws Exception;

  /**
   * What the destination holds now, read from where it really is, not through the destination that
   * is tried.
   *
   * @param home the directory of the life
   * @return contents by key
   * @throws Exception and the sweep has failed
   */
  Map<String, String> destination(Path home) throws Exception;

  /**
   * Takes away what {@link #prepare} has made outside of the home directory. Called in the process
   * of the test for each life that ended well; others are left for a look. Default: nothing.
   *
   * @param home the directory of the life, which is deleted afterwards
   * @throws Exception and the sweep has failed
   */
  default void remove(Path home) throws Exception {}
}
