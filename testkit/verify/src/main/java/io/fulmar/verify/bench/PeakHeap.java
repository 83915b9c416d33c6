package io.fulmar.verify.bench;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

/** The most heap that was in use after a collection. This class is threadsafe. */
final class PeakHeap {
  private final AtomicLong bytes = new AtomicLong();

  /** Begins to watch this JVM. */
  PeakHeap() {
    for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) bean)
          .addNotificationListener(
              (notification, handback) -> {
                GarbageCollectionNotificationInfo info =
                    GarbageCollectionNotificationInfo.from(
                        (CompositeData) notification.getUserData());
                bytes.accumulateAndGet(
                    heapAfter(info.getGcInfo().getMemoryUsageAfterGc()), Math::max);
              },
              null,
              null);
    }
  }

  /** In millions of bytes. */
  double megabytes() {
    return bytes.get() / 1e6;
  }

  private static long heapAfter(Map<String, MemoryUsage> pools) {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(
            pool -> pools.containsKey(pool.getName()) ? pools.get(pool.getName()).getUsed() : 0)
        .sum();
  }
}
