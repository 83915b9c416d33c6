package io.fulmar.lightning.internal.plan;

/**
 * How much of the server the making of a plan may take, and what models may do in it. Immutable.
 *
 * @param memoryBytes {@code work_mem} for it, 64 kB at least; a step of the plan takes up to {@code
 *     hash_mem_multiplier} times this, in each process, and goes to temporary files beyond
 * @param workers {@code max_parallel_workers_per_gather} for it; 0 for none
 * @param volatileFunctions whether a model may call functions that may write
 */
public record PlanSettings(long memoryBytes, int workers, VolatileFunctions volatileFunctions) {
  /** 64 MiB, two workers, no functions that may write. */
  public static final PlanSettings DEFAULT =
      new PlanSettings(64L << 20, 2, VolatileFunctions.REFUSED);

  /** Whether a model may call functions that are VOLATILE and not PostgreSQL's own. */
  public enum VolatileFunctions {
    /** A model that does is refused. */
    REFUSED,
    /** A model may. */
    ALLOWED
  }
}
