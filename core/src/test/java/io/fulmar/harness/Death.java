package io.fulmar.harness;

import org.jspecify.annotations.Nullable;

/**
 * When a process dies: at a step, before or after it took effect. From then on nothing of the
 * process has any effect: every further step throws as well. This class is threadsafe.
 */
public final class Death {
  /** The steps at which a process can die. */
  public enum Point {
    /** {@code SyncStore.claim}. */
    CLAIM,
    /** {@code Claim.recover}. */
    RECOVER,
    /** {@code Claim.plan}. */
    PLAN,
    /** {@code Claim.stored}. */
    STORED,
    /** {@code Claim.keep}. */
    KEEP,
    /** {@code Claim.drop}. */
    DROP,
    /** {@code Claim.discard}. */
    DISCARD,
    /** {@code Claim.takeAsDelivered}. */
    TAKE_AS_DELIVERED,
    /** {@code Claim.release}. */
    RELEASE,
    /** {@code Claim.beginClear}. */
    BEGIN_CLEAR,
    /** {@code Destination.clear}. */
    CLEAR,
    /** {@code Claim.endClear}. */
    END_CLEAR,
    /** {@code SyncStore.forget}. */
    FORGET,
    /** {@code SyncStore.rebind}. */
    REBIND,
    /** {@code Claim.open}. */
    OPEN,
    /** {@code PlanReader.next}. */
    READ,
    /** {@code Claim.reserve}. */
    RESERVE,
    /** {@code Writer.write}. */
    WRITE,
    /** {@code Claim.acknowledge}. */
    ACKNOWLEDGE,
    /** {@code Claim.flush}. */
    FLUSH,
    /** {@code Claim.fold}. */
    FOLD,
    /** {@code Claim.end}. */
    END,
    /** {@code Claim.close}. */
    CLOSE
  }

  /** On which side of a step. */
  public enum Side {
    /** It has no effect any more. */
    BEFORE,
    /** It has had its effect, and nobody hears of it. */
    AFTER
  }

  /** Thrown by every step of a process that is dead. */
  public static final class ProcessDied extends Error {
    private static final long serialVersionUID = 1L;

    ProcessDied(String where) {
      super(where);
    }
  }

  private final @Nullable Point point;
  private final Side side;
  private int left;
  private boolean dead;

  private Death(@Nullable Point point, Side side, int left) {
    this.point = point;
    this.side = side;
    this.left = left;
  }

  /** The process lives. */
  public static Death never() {
    return new Death(null, Side.BEFORE, 0);
  }

  /**
   * The process dies at a step.
   *
   * @param nth 1 for the first time that it comes to this step
   */
  public static Death at(Point point, Side side, int nth) {
    return new Death(point, side, nth);
  }

  /**
   * The process has come to a step.
   *
   * @throws ProcessDied if it dies here, or is dead
   */
  public synchronized void pass(Point at, Side on) {
    if (!dead && at == point && on == side && --left == 0) {
      dead = true;
    }
    if (dead) {
      throw new ProcessDied(at + " " + on);
    }
  }

  /** Whether the process has died. */
  public synchronized boolean isDead() {
    return dead;
  }

  @Override
  public synchronized String toString() {
    return point == null ? "lives" : "dies " + side + " " + point + " in " + left;
  }
}
