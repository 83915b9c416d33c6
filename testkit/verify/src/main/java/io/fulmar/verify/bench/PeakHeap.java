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
public final class PeakHeap {
  private final AtomicLong bytes = new AtomicLong();

  /** Begins to watch this JVM. */
  public PeakHeap() {
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

  /** Forgets what was seen so far. */
  public void reset() {
    bytes.set(0);
  }

  /**
   * The most since {@link #reset()}; to be called after {@code System.gc()}, which is told of later
   * than it returns.
   */
  public long bytesAfterCollection() {
    return bytes.accumulateAndGet(heapNow(), Math::max);
  }

  private static long heapNow() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(
            pool -> pool.getCollectionUsage() == null ? 0 : pool.getCollectionUsage().getUsed())
        .sum();
  }

  private static long heapAfter(Map<String, MemoryUsage> pools) {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(
            pool -> pools.containsKey(pool.getName()) ? pools.get(pool.getName()).getUsed() : 0)
        .sum();
  }
}
