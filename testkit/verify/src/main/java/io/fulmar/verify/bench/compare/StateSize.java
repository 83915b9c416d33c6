package io.fulmar.verify.bench.compare;

/**
 * What a contender keeps between runs.
 *
 * @param bytes all of it, on disk; NaN if it is kept in memory
 * @param withoutIndexes the same without indexes
 */
record StateSize(double bytes, double withoutIndexes) {
  /** Nothing is kept. */
  static final StateSize NONE = new StateSize(0, 0);

  /** It is kept in the heap. */
  static final StateSize IN_HEAP = new StateSize(Double.NaN, Double.NaN);
}
