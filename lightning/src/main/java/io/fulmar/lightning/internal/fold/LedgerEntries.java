package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.store.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What lanes note of positions of a plan until a transaction has written it. Whatever came together
 * since the last one goes into the next, and who waits for that finds his own written; what could
 * not be written is kept for the next attempt. This class is threadsafe.
 */
final class LedgerEntries {
  private static final int MOST_PENDING = 10_000;

  private final ReentrantLock writing = new ReentrantLock(true);
  private final Object noting = new Object();
  private final Supplier<? extends RuntimeException> refusal;

  // Guarded by noting: what no transaction has taken yet, and the entries that may still grow.
  private List<Entry> pending = new ArrayList<>();
  private final Map<Long, Entry> growing = new HashMap<>();
  private long newest;
  private long joined; // numbers of what is noted in transactions of others, below 0
  private boolean over;

  // Written under writing: what a transaction has taken and is not known to have written.
  private final List<Entry> taken = new ArrayList<>();
  private volatile long durable;

  /**
   * No entries yet.
   *
   * @param refusal what is thrown once it takes nothing more
   */
  LedgerEntries(Supplier<? extends RuntimeException> refusal) {
    this.refusal = refusal;
  }

  /** A row of the ledger. Once it is taken, it does not change. */
  static final class Entry {
    private final long id;
    private final long first;
    private long end;
    private final @Nullable Outcome outcome;
    private final long until;

    private Entry(long id, long first, long end, @Nullable Outcome outcome, long until) {
      this.id = id;
      this.first = first;
      this.end = end;
      this.outcome = outcome;
      this.until = until;
    }

    long id() {
      return id;
    }

    long first() {
      return first;
    }

    /** Position after the last. */
    long end() {
      return end;
    }

    /** What became of each of its positions; null as long as that is not known. */
    @Nullable Outcome outcome() {
      return outcome;
    }

    long until() {
      return until;
    }
  }

  /** Writes entries, all or none; called by one thread at a time. */
  @FunctionalInterface
  interface Sink {
    /** Durable on return; what it throws goes to whoever wanted something written. */
    void write(List<Entry> entries);
  }

  /**
   * Notes that a range is reserved.
   *
   * @return its number, which {@link #write} takes
   */
  long reserved(long from, long to, long until) {
    synchronized (noting) {
      checkOpen();
      return add(from, to, null, until).id;
    }
  }

  /**
   * Notes what became of changes.
   *
   * @param from position of the first
   * @param outcomes one for each position from there on
   * @return the newest number, if so much is pending that it should be written; else 0
   */
  long answered(long from, List<Outcome> outcomes) {
    synchronized (noting) {
      checkOpen();
      forEachRun(outcomes, (start, end, outcome) -> answered(from + start, from + end, outcome));
      return pending.size() > MOST_PENDING ? newest : 0;
    }
  }

  /** Entries for what became of changes, with numbers below 0, for the caller to write. */
  List<Entry> apart(long from, List<Outcome> outcomes) {
    List<Entry> entries = new ArrayList<>();
    synchronized (noting) {
      checkOpen();
      forEachRun(
          outcomes,
          (start, end, outcome) ->
              entries.add(new Entry(--joined, from + start, from + end, outcome, outcome.until())));
    }
    return entries;
  }

  /** Takes nothing more. */
  void end() {
    synchronized (noting) {
      over = true;
    }
  }

  private void checkOpen() {
    if (over) {
      throw refusal.get();
    }
  }

  /** Takes positions with the same answer. */
  private interface Run {
    void answered(int start, int end, Outcome outcome);
  }

  private static void forEachRun(List<Outcome> outcomes, Run run) {
    int start = 0;
    while (start < outcomes.size()) {
      Outcome outcome = outcomes.get(start);
      int end = start + 1;
      while (end < outcomes.size() && outcome.equals(outcomes.get(end))) {
        end++;
      }
      run.answered(start, end, outcome);
      start = end;
    }
  }

  /** Small batches of one lane follow one another, so their answers often make one row. */
  private void answered(long first, long end, Outcome outcome) {
    Entry before = growing.remove(first);
    if (before != null && outcome.equals(before.outcome)) {
      before.end = end;
      growing.put(end, before);
      return;
    }
    growing.put(end, add(first, end, outcome, outcome.until()));
  }

  private Entry add(long first, long end, @Nullable Outcome outcome, long until) {
    Entry entry = new Entry(++newest, first, end, outcome, until);
    pending.add(entry);
    return entry;
  }

  /** The number of what was noted last. */
  long newest() {
    synchronized (noting) {
      return newest;
    }
  }

  /** Whether all up to a number is written. */
  boolean isWritten(long upTo) {
    return durable >= upTo;
  }

  /**
   * Has all up to a number written, and what came after it as well, unless somebody has done it.
   */
  void write(long upTo, Sink sink) {
    writing.lock();
    try {
      if (durable >= upTo) {
        return;
      }
      long last;
      synchronized (noting) {
        taken.addAll(pending);
        pending = new ArrayList<>();
        growing.clear();
        last = newest;
      }
      sink.write(taken);
      taken.clear();
      durable = last;
    } finally {
      writing.unlock();
    }
  }
}
