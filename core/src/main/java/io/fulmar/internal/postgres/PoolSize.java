package io.fulmar.internal.postgres;

import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What a pool tells about itself, for messages. Fulmar depends on no pool of an application, so
 * this asks by the names that the getters have in HikariCP, DBCP2, Tomcat JDBC, c3p0 and Agroal,
 * and behind Spring's and datasource-proxy's wrappers.
 *
 * @param size most connections at once
 * @param inUse how many are lent now
 */
record PoolSize(int size, int inUse) {
  private static final List<String> TARGETS =
      List.of("getTargetDataSource", "getResolvedDefaultDataSource", "getDataSource");
  private static final List<String> SIZES =
      List.of("getMaximumPoolSize", "getMaxTotal", "getMaxPoolSize", "getMaxActive", "maxSize");
  private static final List<String> LENT =
      List.of("getActiveConnections", "getNumActive", "getNumBusyConnections", "getActive");
  private static final int DEEPEST = 8;

  /** Asks a data source; empty if it is no pool, or tells nothing. */
  static Optional<PoolSize> of(DataSource dataSource) {
    Object pool = dataSource;
    for (int i = 0; i < DEEPEST; i++) {
      Object size = ask(pool, SIZES);
      Object statistics = ask(pool, List.of("getHikariPoolMXBean"));
      Object inUse = ask(statistics != null ? statistics : pool, LENT);
      if (size instanceof Integer most && inUse instanceof Integer lent) {
        return Optional.of(new PoolSize(most, lent));
      }
      Optional<PoolSize> agroal = ofAgroal(pool);
      if (agroal.isPresent()) {
        return agroal;
      }
      Object target = ask(pool, TARGETS);
      if (!(target instanceof DataSource)) {
        return Optional.empty();
      }
      pool = target;
    }
    return Optional.empty();
  }

  private static Optional<PoolSize> ofAgroal(Object pool) {
    Object configuration = ask(pool, List.of("getConfiguration"));
    Object ofPool =
        configuration == null ? null : ask(configuration, List.of("connectionPoolConfiguration"));
    Object counts = configuration == null ? null : ask(configuration, List.of("metricsEnabled"));
    // Without metrics it says 0, whatever is lent.
    Object metrics = Boolean.TRUE.equals(counts) ? ask(pool, List.of("getMetrics")) : null;
    Object size = ofPool == null ? null : ask(ofPool, SIZES);
    Object inUse = metrics == null ? null : ask(metrics, List.of("activeCount"));
    return size instanceof Integer most && inUse instanceof Long lent
        ? Optional.of(new PoolSize(most, Math.toIntExact(lent)))
        : Optional.empty();
  }

  /** What the first of these methods gives that there is and that may be called. */
  private static @Nullable Object ask(Object target, List<String> names) {
    for (String name : names) {
      // The class may be hidden where an interface that it implements is not.
      for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
        Object answer = ask(target, type, name);
        for (Class<?> role : type.getInterfaces()) {
          answer = answer == null ? ask(target, role, name) : answer;
        }
        if (answer != null) {
          return answer;
        }
      }
    }
    return null;
  }

  private static @Nullable Object ask(Object target, Class<?> type, String name) {
    try {
      return type.getMethod(name).invoke(target);
    } catch (InvocationTargetException e) {
      // A pool that is closed or has no statistics says so in its own way: it tells nothing.
      return null;
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether every connection is lent. */
  boolean isExhausted() {
    return inUse >= size;
  }

  /** {@code "pool of 1, 1 in use"}. */
  @Override
  public String toString() {
    return "pool of " + size + ", " + inUse + " in use";
  }
}
