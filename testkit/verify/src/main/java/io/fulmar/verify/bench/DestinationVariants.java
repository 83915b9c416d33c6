package io.fulmar.verify.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.JsonLinesDestination;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/**
 * The variants of the benchmark of destinations, in one JVM, in turn: a first run of TPC-H orders
 * into each, and one with every row changed into the table. Only the step "deliver" counts. Beside
 * them, a bare {@code COPY} of the same rows into an empty table with the same primary key, and a
 * staged upsert as one writes it by hand: one {@code COPY}, one statement, one transaction.
 */
final class DestinationVariants {
  private static final String COLUMNS =
      "o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk, o_shippriority, o_comment";

  private static final String SELECT = "select %s from orders".formatted(COLUMNS);

  private static final String[] MAKE_TARGET = {
    "drop table if exists target", "create table target (like orders including indexes)"
  };

  /** As one would write it by hand. */
  private static final String STAGE =
      """
      create temporary table stage on commit drop as
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
        o_clerk, o_shippriority, o_comment
      from target with no data
      """;

  private static final String UPSERT =
      """
      insert into target
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
        o_clerk, o_shippriority, o_comment
      from stage
      on conflict (o_orderkey) do update set
        o_custkey = excluded.o_custkey, o_orderstatus = excluded.o_orderstatus,
        o_totalprice = excluded.o_totalprice, o_orderdate = excluded.o_orderdate,
        o_orderpriority = excluded.o_orderpriority, o_clerk = excluded.o_clerk,
        o_shippriority = excluded.o_shippriority, o_comment = excluded.o_comment
      """;

  /** Rows in a batch; HTTP and JSON lines take fewer. */
  private static final int BATCH = 50_000;

  /** Lanes into the table: one reads and makes lines while the other waits for the server. */
  private static final int LANES = 2;

  private final Source source;
  private final String url;
  private final Path root;
  private final Map<String, List<Double>> seconds = new LinkedHashMap<>();

  private DestinationVariants(String[] args) throws IOException {
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

  /** Arguments: host, port, database, user, heap, rounds. */
  public static void main(String[] args) throws Exception {
    DestinationVariants variants = new DestinationVariants(args);
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext("/", DestinationVariants::swallow);
    http.setExecutor(Executors.newFixedThreadPool(8, DestinationVariants::daemon));
    http.start();
    try {
      variants.time(Integer.parseInt(args[5]), http.getAddress().getPort(), args[4]);
    } finally {
      http.stop(0);
      delete(variants.root);
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  }

  private static void swallow(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(204, -1);
    }
  }

  private void time(int rounds, int httpPort, String heap) throws Exception {
    long rows = 0;
    for (int round = 0; round <= rounds; round++) {
      if (round == 1) {
        seconds.clear(); // the first round was for the compiler
      }
      byte[] before = text();
      execute(MAKE_TARGET);
      timed("bare COPY", () -> copy("copy target from stdin", before));
      execute("update orders set o_totalprice = o_totalprice + 1", "vacuum analyze orders");
      byte[] after = text();
      execute("vacuum analyze target");
      timed("staged upsert by hand, all rows changed", () -> stagedUpsert(after));

      execute(MAKE_TARGET);
      Path state = Files.createTempDirectory(root, "state");
      rows = run("PostgreSQL, first run", state, table(), LANES);
      execute("update orders set o_totalprice = o_totalprice + 1", "vacuum analyze orders");
      execute("vacuum analyze target");
      run("PostgreSQL, all rows changed", state, table(), LANES);
      Path lines = Files.createTempFile(root, "orders", ".jsonl");
      run(
          "JSON lines",
          Files.createTempDirectory(root, "s"),
          JsonLinesDestination.builder(lines).build(),
          1);
      run(
          "HTTP, batches of 1,000, 4 lanes",
          Files.createTempDirectory(root, "s"),
          http(httpPort, 1_000),
          4);
      run(
          "HTTP, batches of 100, 4 lanes",
          Files.createTempDirectory(root, "s"),
          http(httpPort, 100),
          4);
      run(
          "a function that does nothing",
          Files.createTempDirectory(root, "s"),
          Destination.of("bench", batch -> Delivery.allAccepted()),
          1);
      delete(root);
      Files.createDirectory(root);
    }
    print(rows, heap);
  }

  private void print(long rows, String heap) {
    double copy = median("bare COPY");
    double upsert = median("staged upsert by hand, all rows changed");
    System.out.printf(
        "%n%,d rows, into the table in batches of %,d on %d lanes%n%n", rows, BATCH, LANES);
    System.out.printf(
        "| step deliver (heap %s) | median s | min | max | rows/s | rate to bare COPY | time to staged upsert |%n",
        heap);
    System.out.println("|---|---|---|---|---|---|---|");
    seconds.forEach(
        (name, times) -> {
          double median = median(name);
          boolean isUpdate = name.endsWith("changed");
          System.out.printf(
              "| %s | %.2f | %.2f | %.2f | %,.0f | %s | %s |%n",
              name,
              median,
              times.stream().min(Comparator.naturalOrder()).orElse(0.0),
              times.stream().max(Comparator.naturalOrder()).orElse(0.0),
              rows / median,
              isUpdate ? "" : "%.2f".formatted(copy / median),
              isUpdate ? "%.2f".formatted(median / upsert) : "");
        });
    System.out.printf(
        "%nGoals for PostgreSQL: first run at least 0.60 of the rate of bare COPY, changes at most 1.50 of the time of the staged upsert%n");
  }

  private PostgresDestination table() {
    return PostgresDestination.builder(source).table("public", "target").maxRows(BATCH).build();
  }

  private static HttpDestination http(int port, int rows) {
    return HttpDestination.builder(URI.create("http://127.0.0.1:" + port))
        .allowPlainHttp()
        .allowPrivateAddresses()
        .batchesOf(rows)
        .request(Action.UPSERT, "POST", "orders")
        .build();
  }

  private long run(String name, Path state, Destination destination, int lanes) {
    Sync sync =
        Sync.builder("orders")
            .model(Model.query("orders", SELECT).key("o_orderkey"))
            .to(destination)
            .batchRows(BATCH)
            .lanes(lanes)
            .guardChanges(1, 1)
            .build();
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      SyncReport report = engine.run(sync).throwIfFailed();
      if (report.total().accepted() == 0 || report.total().failed() > 0) {
        throw new IllegalStateException("not all was accepted: " + report.total());
      }
      seconds
          .computeIfAbsent(name, n -> new ArrayList<>())
          .add(report.times().deliver().toNanos() / 1e9);
      return report.total().accepted();
    }
  }

  private byte[] text() throws Exception {
    try (Connection connection = DriverManager.getConnection(url)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      copies(connection).copyOut("copy (%s) to stdout".formatted(SELECT), bytes);
      return bytes.toByteArray();
    }
  }

  private void copy(String sql, byte[] rows) throws Exception {
    try (Connection connection = DriverManager.getConnection(url)) {
      copies(connection).copyIn(sql, new ByteArrayInputStream(rows), 64 << 10);
    }
  }

  private void stagedUpsert(byte[] rows) throws Exception {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(STAGE);
      copies(connection).copyIn("copy stage from stdin", new ByteArrayInputStream(rows), 64 << 10);
      statement.execute(UPSERT);
      connection.commit();
    }
  }

  private static CopyManager copies(Connection connection) throws SQLException {
    return connection.unwrap(PGConnection.class).getCopyAPI();
  }

  private void execute(String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private interface Work {
    void run() throws Exception;
  }

  private void timed(String name, Work work) throws Exception {
    long began = System.nanoTime();
    work.run();
    seconds.computeIfAbsent(name, n -> new ArrayList<>()).add((System.nanoTime() - began) / 1e9);
  }

  private double median(String name) {
    List<Double> sorted = seconds.getOrDefault(name, List.of()).stream().sorted().toList();
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
