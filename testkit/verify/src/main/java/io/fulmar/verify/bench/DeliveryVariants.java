package io.fulmar.verify.bench;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.run.Runner;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The variants of the benchmark of delivery, in one JVM, in turn: first runs of a model whose rows
 * the server computes, to destinations that answer at once or after 100 ms. Only the step "deliver"
 * counts.
 */
final class DeliveryVariants {
  private static final int BATCH = 1_000;
  private static final int LANES = 8;
  private static final long LATENCY_MILLIS = 100;
  private static final Set<String> RECORDS = Set.of("reserve", "acknowledge", "flush");

  private final Source source;
  private final Path root;
  private final long rows;

  private DeliveryVariants(String[] args) throws IOException {
    source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(args[3])
            .withoutTls()
            .build();
    rows = Long.parseLong(args[6]);
    root = Files.createTempDirectory("fulmar-bench");
  }

  /**
   * Arguments: host, port, database, user, heap, then "time", rows and rounds, or "accepted" or
   * "rejected" and rows.
   */
  public static void main(String[] args) throws Exception {
    DeliveryVariants variants = new DeliveryVariants(args);
    try {
      switch (args[5]) {
        case "time" -> variants.time(Integer.parseInt(args[7]), args[4]);
        case "accepted" -> variants.heap(args[4], "accepted", batch -> Delivery.allAccepted());
        case "rejected" -> variants.heap(args[4], "rejected", DeliveryVariants::reject);
        default -> throw new IllegalArgumentException(args[5]);
      }
    } finally {
      delete(variants.root);
    }
  }

  private static Delivery reject(io.fulmar.spi.Batch batch) {
    Delivery.Builder answer = Delivery.builder();
    for (Change change : batch.changes()) {
      answer.rejected(
          change, "INVALID", "field 7 of request " + change.changeId() + " has no valid form");
    }
    return answer.build();
  }

  private static Delivery slow(io.fulmar.spi.Batch batch) throws InterruptedException {
    Thread.sleep(LATENCY_MILLIS);
    return Delivery.allAccepted();
  }

  private void time(int rounds, String heap) throws Exception {
    Map<String, List<Double>> seconds = new LinkedHashMap<>();
    for (int round = 0; round <= rounds; round++) {
      if (round == 1) {
        seconds.clear(); // the first round was for the compiler
      }
      measure(seconds, "at once, without records", false, batch -> Delivery.allAccepted());
      measure(seconds, "at once", true, batch -> Delivery.allAccepted());
      measure(seconds, "after 100 ms, without records", false, DeliveryVariants::slow);
      measure(seconds, "after 100 ms", true, DeliveryVariants::slow);
    }
    long calls = (rows + BATCH - 1) / BATCH;
    double allowed = (calls + LANES - 1) / LANES * (LATENCY_MILLIS / 1_000.0);
    System.out.printf(
        "%n%,d changes, batches of %,d, %d lanes; latency and lanes allow %.2f s%n%n",
        rows, BATCH, LANES, allowed);
    System.out.printf(
        "| destination answers (heap %s) | median s | min | max | ratio to what is allowed | ratio to without records |%n",
        heap);
    System.out.println("|---|---|---|---|---|---|");
    seconds.forEach(
        (name, times) -> {
          double median = median(times);
          double without = median(seconds.getOrDefault(name + ", without records", times));
          System.out.printf(
              "| %s | %.2f | %.2f | %.2f | %s | %.3f |%n",
              name,
              median,
              times.stream().min(Comparator.naturalOrder()).orElse(0.0),
              times.stream().max(Comparator.naturalOrder()).orElse(0.0),
              name.startsWith("after") ? "%.3f".formatted(median / allowed) : "",
              median / without);
        });
    System.out.printf("%nGoals for 100 ms: 1.1 of what is allowed, 1.05 of without records%n");
  }

  private void measure(
      Map<String, List<Double>> seconds, String name, boolean records, Writer writer)
      throws Exception {
    SyncReport report = run(records, writer);
    if (report.throwIfFailed().total().accepted() != rows) {
      throw new IllegalStateException("not all was accepted: " + report.total());
    }
    seconds
        .computeIfAbsent(name, n -> new ArrayList<>())
        .add(report.times().deliver().toNanos() / 1e9);
  }

  private void heap(String heap, String name, Writer writer) throws Exception {
    PeakHeap peak = new PeakHeap();
    SyncReport report = run(true, writer);
    if (report.total().attempted() != rows) {
      throw new IllegalStateException("not all was attempted: " + report.total());
    }
    System.gc();
    System.out.printf(
        "Heap %s, %,d changes, all %s: most heap in use after a collection: %.1f MB%n",
        heap, rows, name, peak.megabytes());
  }

  private SyncReport run(boolean records, Writer writer) throws IOException {
    Path state = Files.createTempDirectory(root, "state");
    Capabilities capabilities =
        Capabilities.builder().actions(Action.values()).concurrency(LANES).build();
    Sync sync =
        Sync.builder("numbers")
            .model(
                Model.query(
                        "numbers",
                        "select i as id, 'a value of row ' || i as v from generate_series(1, %d) as i"
                            .formatted(rows))
                    .key("id"))
            .to(Destination.of("bench", capabilities, writer))
            .batchRows(BATCH)
            .lanes(LANES)
            .failFast(1, 1)
            .build();
    Clock clock = Clock.systemUTC();
    try (StandardStore store =
            new StandardStore(source, state, StandardStore.MissingState.BEGIN, 64L << 20, clock);
        Runner runner =
            new Runner(records ? store : withoutRecords(store), RunnerSettings.defaults())) {
      return runner.run(sync);
    } finally {
      delete(state);
    }
  }

  /** The store, but that nothing of what is sent is put on record. */
  private static SyncStore withoutRecords(SyncStore store) {
    return decorated(
        SyncStore.class,
        (proxy, method, args) -> {
          Object result = invoke(store, method, args);
          return result instanceof Claim claim
              ? decorated(
                  Claim.class,
                  (proxyOfClaim, ofClaim, argsOfClaim) ->
                      RECORDS.contains(ofClaim.getName())
                          ? null
                          : invoke(claim, ofClaim, argsOfClaim))
              : result;
        });
  }

  private static <T> T decorated(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            DeliveryVariants.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Object invoke(Object target, java.lang.reflect.Method method, Object[] args)
      throws Throwable {
    try {
      return method.invoke(target, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
