package io.fulmar.verify.bench;

import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * The variants of the benchmark of the standard engine, in one JVM, in turn: the same machine, the
 * same minute.
 */
final class StandardVariants {
  private static final String SELECT =
      """
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
             o_clerk, o_shippriority, o_comment
      from orders
      """;
  private static final String COPY = "copy (%s) to stdout (format binary)".formatted(SELECT);
  private static final String CHANGE =
      "update orders set o_totalprice = o_totalprice + 1 where o_orderkey % 100 = ?";
  private static final String COUNT_CHANGED =
      "select count(*) from orders where o_orderkey % 100 = ?";

  private final String url;
  private final Source source;
  private final Path root;
  private final AtomicLong delivered = new AtomicLong();
  private final Rounds rounds = new Rounds();
  private int states;

  private StandardVariants(String[] args) throws IOException {
    url = "jdbc:postgresql://%s:%s/%s?user=%s".formatted(args[0], args[1], args[2], args[3]);
    source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(args[3])
            .withoutTls()
            .build();
    root = Files.createTempDirectory("fulmar-bench");
  }

  /** Arguments: host, port, database, user, heap, then "time" and rounds, or "heap". */
  public static void main(String[] args) throws Exception {
    StandardVariants variants = new StandardVariants(args);
    try {
      if ("time".equals(args[5])) {
        variants.time(Integer.parseInt(args[6]), args[4]);
      } else {
        variants.heap(args[4]);
      }
    } finally {
      delete(variants.root);
    }
  }

  private void time(int counted, String heap) throws Exception {
    long rows = read();
    Path kept = root.resolve("kept");
    runExpecting(kept, rows, 0);
    for (int round = 0; round <= counted; round++) {
      if (round == 1) {
        rounds.warm();
      }
      rounds.timed("read", this::read);
      rounds.timed("unchanged", () -> runExpecting(kept, 0, 0));
      change(round);
      long changed = changed(rows, round);
      rounds.timed("1 % changed", () -> runExpecting(kept, 0, changed));
      Path fresh = root.resolve("fresh-" + states++);
      rounds.timed("first", () -> runExpecting(fresh, rows, 0));
      delete(fresh);
    }
    double read = rounds.median("read");
    System.out.printf(
        "| variant (heap %s) | median s | min | max | rows/s | ratio to read | goal |%n", heap);
    System.out.println("|---|---|---|---|---|---|---|");
    Map<String, String> goals =
        Map.of("read", "", "unchanged", "1.2", "1 % changed", "1.3", "first", "2");
    for (String name : rounds.names()) {
      double median = rounds.median(name);
      System.out.printf(
          "| %s | %.2f | %.2f | %.2f | %,.0f | %.2f | %s |%n",
          name,
          median,
          rounds.least(name),
          rounds.most(name),
          rows / median,
          median / read,
          goals.getOrDefault(name, ""));
    }
    System.out.printf(
        "%nState on disk: %.1f bytes a row (goal 40)%n", (double) stateBytes(kept) / rows);
  }

  private void heap(String heap) throws Exception {
    PeakHeap peak = new PeakHeap();
    long rows = read();
    Path kept = root.resolve("kept");
    runExpecting(kept, rows, 0);
    runExpecting(kept, 0, 0);
    change(1);
    runExpecting(kept, 0, changed(rows, 1));
    System.gc();
    System.out.printf(
        "Heap %s, %,d rows: first, unchanged and 1 %% changed ran; most heap in use after a collection: %.1f MB%n",
        heap, rows, peak.megabytes());
  }

  /** The bare read: binary COPY through the driver, bytes thrown away. */
  private long read() throws SQLException {
    try (Connection connection = DriverManager.getConnection(url)) {
      CopyOut out = connection.unwrap(PGConnection.class).getCopyAPI().copyOut(COPY);
      long rows = -1; // the trailer is a message too
      while (out.readFromCopy() != null) {
        rows++;
      }
      return rows;
    }
  }

  private void change(int round) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        PreparedStatement update = connection.prepareStatement(CHANGE);
        Statement statement = connection.createStatement()) {
      update.setInt(1, round);
      update.executeUpdate();
      statement.execute("vacuum orders");
    }
  }

  private long changed(long rows, int round) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        PreparedStatement count = connection.prepareStatement(COUNT_CHANGED)) {
      count.setInt(1, round);
      try (ResultSet result = count.executeQuery()) {
        result.next();
        return Math.min(rows, result.getLong(1));
      }
    }
  }

  /** One run of the sync; fails if it did not deliver what it should. */
  private long runExpecting(Path state, long added, long changed) {
    Sync sync =
        Sync.builder("orders")
            .model(Model.query("orders", SELECT).key("o_orderkey"))
            .to(
                Destination.of(
                    "bench",
                    batch -> {
                      delivered.addAndGet(batch.size());
                      return Delivery.allAccepted();
                    }))
            .onRemoved(Removal.DELETE)
            .build();
    delivered.set(0);
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      SyncReport report = engine.run(sync).throwIfFailed();
      boolean right =
          report.counts(Operation.ADDED).accepted() == added
              && report.counts(Operation.CHANGED).accepted() == changed
              && report.counts(Operation.REMOVED).planned() == 0
              && delivered.get() == added + changed;
      if (!right) {
        throw new IllegalStateException(
            "expected %d added and %d changed, got %s".formatted(added, changed, report.counts()));
      }
      if (Boolean.getBoolean("bench.steps")) {
        System.out.println(report.times());
      }
      return added + changed;
    }
  }

  private static long stateBytes(Path state) throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  private static void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      try (Stream<Path> files = Files.walk(path)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
