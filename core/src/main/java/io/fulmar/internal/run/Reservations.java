package io.fulmar.internal.run;

import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlannedChange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What lanes have reserved of a plan that they read together, from its first position on. While
 * calls are fast, one durable write reserves what all lanes send next, so that durability costs
 * little; while they are slow, it reserves only what is sent at once. So what a death leaves
 * without an answer is what would have been sent within some 50 ms, or what was under way. This
 * class is threadsafe.
 */
final class Reservations {
  private static final int MOST_ROWS = 65_536;
  private static final long LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Claim claim;
  private final long total;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition over = lock.newCondition();

  // Guarded by the lock, which nobody holds while something is written.
  private final List<Part> parts = new ArrayList<>();
  private final List<Stretch> stretches = new ArrayList<>(); // those that end behind what is taken
  private long taken;
  private long reserved;
  private long rows;
  private long began;

  /** Positions that one write reserves. */
  private static final class Stretch {
    private final long from;
    private final long end;
    private boolean isOver; // written, or failed
    private long until;

    Stretch(long from, long end) {
      this.from = from;
      this.end = end;
    }

    boolean contains(Part part) {
      return from <= part.from && part.end <= end;
    }
  }

  /**
   * Nothing is reserved yet.
   *
   * @param claim takes note
   * @param total positions that are to be sent
   * @param nanoTime tells how long calls take
   */
  Reservations(Claim claim, long total, LongSupplier nanoTime) {
    this.claim = claim;
    this.total = total;
    this.nanoTime = nanoTime;
  }

  /** For one more lane. */
  Part part() {
    Part part = new Part();
    lock.lock();
    try {
      parts.add(part);
    } finally {
      lock.unlock();
    }
    return part;
  }

  /**
   * Gives back what was reserved and no lane has taken; called when none sends anything any more.
   */
  void release() {
    long from;
    int count;
    lock.lock();
    try {
      from = taken;
      count = Math.toIntExact(Math.max(0, reserved - taken));
      reserved = Math.min(reserved, taken);
    } finally {
      lock.unlock();
    }
    if (count > 0) {
      claim.acknowledge(from, Collections.nCopies(count, Outcome.NOT_TRIED));
    }
  }

  /** The range that one lane works on. */
  final class Part {
    private long from;
    private long end;
    private volatile boolean begun;
    private volatile long mayActUntil;

    private Part() {}

    /** Takes the next range of the plan in place of the one before. */
    void take(List<PlannedChange> range) {
      lock.lock();
      try {
        from = range.get(0).position();
        end = from + range.size();
        begun = from < reserved;
        taken = Math.max(taken, end);
        mayActUntil = 0;
        stretches.stream().filter(each -> each.contains(this)).forEach(this::isIn);
        stretches.removeIf(each -> each.isOver && each.end <= taken);
      } finally {
        lock.unlock();
      }
    }

    private void isIn(Stretch stretch) {
      begun = true;
      mayActUntil = Math.max(mayActUntil, stretch.until);
    }

    /** Whether some of the range may be on record as reserved. */
    boolean isBegun() {
      return begun;
    }

    /** The moment until which calls for the range may act; 0 as long as it is not reserved. */
    long mayActUntil() {
      return mayActUntil;
    }

    /**
     * Reserves the range, if nobody has done it or is about to; durable on return.
     *
     * @param atLeast the moment that has to be on record
     * @param wanted the one that is put on record if none as late is
     */
    void reserve(long atLeast, long wanted) {
      Stretch stretch = begin(this, atLeast);
      if (stretch == null) {
        return;
      }
      long until = 0;
      try {
        claim.reserve(stretch.from, stretch.end, wanted);
        until = wanted;
      } finally {
        end(stretch, until);
      }
    }
  }

  /** What one lane is to write for a range; null if it is on record. */
  private @Nullable Stretch begin(Part part, long atLeast) {
    lock.lock();
    try {
      while (part.mayActUntil < atLeast) {
        if (stretches.stream().noneMatch(each -> !each.isOver && each.contains(part))) {
          return begin(part);
        }
        over.awaitUninterruptibly();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private Stretch begin(Part part) {
    long end = part.end;
    if (end > reserved) {
      adapt(end - part.from);
      end = Math.max(end, Math.min(total, part.from + rows));
      reserved = end;
    }
    Stretch stretch = new Stretch(part.from, end);
    stretches.add(stretch);
    for (Part each : parts) {
      if (each.from < end && each.end > stretch.from) {
        each.begun = true;
      }
    }
    return stretch;
  }

  private void adapt(long least) {
    long now = nanoTime.getAsLong();
    if (rows > 0 && now - began < LONG_NANOS / 2) {
      rows = Math.min(MOST_ROWS, rows * 2);
    } else if (now - began > LONG_NANOS) {
      rows /= 2;
    }
    rows = Math.max(rows, least);
    began = now;
  }

  private void end(Stretch stretch, long until) {
    lock.lock();
    try {
      stretch.isOver = true;
      stretch.until = until;
      parts.stream().filter(stretch::contains).forEach(part -> part.isIn(stretch));
      stretches.removeIf(each -> each.isOver && each.end <= taken);
      over.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
