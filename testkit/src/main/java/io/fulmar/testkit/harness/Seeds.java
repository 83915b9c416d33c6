package io.fulmar.testkit.harness;

/** Where randomness begins. */
final class Seeds {
  private Seeds() {}

  /** {@code -Dfulmar.seed}, which replays what was; else another one each time. */
  static long next() {
    return Long.getLong("fulmar.seed", System.nanoTime());
  }
}
