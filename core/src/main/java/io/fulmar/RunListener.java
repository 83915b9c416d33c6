package io.fulmar;

/**
 * Hears what happens in a run. Called on the engine's threads, one call at a time per run; a slow
 * listener slows the run, and what it throws is logged and goes no further.
 */
@FunctionalInterface
public interface RunListener {
  /**
   * Something happened.
   *
   * @param event what
   */
  void on(RunEvent event);
}
