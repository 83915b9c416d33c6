package io.fulmar.verify.contract;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What a {@link MemoryDestination} writes to. Guarded by itself. */
final class MemoryTarget {
  final Map<Long, Map<String, @Nullable String>> records = new TreeMap<>();
  final Map<Long, Long> sequences = new HashMap<>();
  final Set<String> done = new HashSet<>();
  final AtomicInteger writers = new AtomicInteger();

  /** Lets go of calls that nothing else ends. */
  final CountDownLatch end = new CountDownLatch(1);

  volatile boolean isAway;
  volatile CountDownLatch silence = new CountDownLatch(0);

  synchronized Map<Long, Map<String, @Nullable String>> copy() {
    Map<Long, Map<String, @Nullable String>> copy = new TreeMap<>();
    records.forEach((id, record) -> copy.put(id, new HashMap<>(record)));
    return copy;
  }

  AutoCloseable away() {
    isAway = true;
    return () -> isAway = false;
  }

  AutoCloseable silent() {
    CountDownLatch until = new CountDownLatch(1);
    silence = until;
    return until::countDown;
  }
}
