package io.fulmar.testkit.internal.memory;

import io.fulmar.internal.source.ServerIdentity;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** What stands in for a database: rows by the names of models, and faults. Threadsafe. */
public final class MemoryDatabase {
  private static final String NAME = "memory";

  private final long system = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
  private final Map<String, MemoryTable> tables = new LinkedHashMap<>();
  private final Deque<String> faults = new ArrayDeque<>();
  private boolean reachable = true;
  private long position = 1;

  /** Replaces the rows of a model. */
  public synchronized void set(String model, MemoryTable table) {
    tables.put(model, table);
    position++;
  }

  /** The rows of a model; null if there are none of that name. */
  synchronized @Nullable MemoryTable table(String model) {
    return tables.get(model);
  }

  /** The names of all models. */
  synchronized List<String> names() {
    return List.copyOf(tables.keySet());
  }

  /** Lets the next reads fail with this code, one after the other. */
  public synchronized void failNext(int times, String sqlState) {
    for (int i = 0; i < times; i++) {
      faults.add(sqlState);
    }
  }

  /** The code with which a read that begins now fails; null for none. */
  synchronized @Nullable String nextFault() {
    return faults.poll();
  }

  /** Whether it can be connected to. */
  public synchronized void reachable(boolean value) {
    reachable = value;
  }

  synchronized boolean isReachable() {
    return reachable;
  }

  /** How many reads are yet to fail. */
  public synchronized int faultsLeft() {
    return faults.size();
  }

  synchronized ServerIdentity identity(Instant now) {
    return new ServerIdentity(now.truncatedTo(ChronoUnit.MICROS), NAME, system, 1, position);
  }
}
