package io.fulmar.verify.bench;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.tpch.Tpch;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a server of its own, loads TPC-H orders, and measures the standard engine beside the bare
 * read of the same rows, Lightning beside bare statements and what peers do, delivery beside what a
 * slow destination allows, and the ready-made destinations beside a bare COPY, each in a JVM of its
 * own with a stated heap. Prints one Markdown table for each; ratios are between medians of the
 * same run.
 *
 * <p>Arguments: rows in thousands (default 3000; a third of them is delivered), counted rounds
 * (default 5), and a section: standard, lightning, growth, delivery, destinations, tunnel, ciphers
 * or all (default, without growth, which takes the rows, a third and ten thirds of them, and
 * without tunnel and ciphers, which need the programs of OpenSSH; the second is the first with each
 * cipher).
 */
public final class Benchmark {
  /** In a source folder that only the profile of the benchmark compiles. */
  private static final String SNAPSHOT = "io.fulmar.verify.bench.DebeziumSnapshot";

  private static final String CIPHER = "aes128-gcm@openssh.com";
  private static final List<String> CIPHERS =
      List.of(CIPHER, "aes256-gcm@openssh.com", "aes128-ctr");

  private Benchmark() {}

  /**
   * Runs the benchmark.
   *
   * @param args rows in thousands, rounds, section
   */
  public static void main(String[] args) throws Exception {
    long thousands = args.length > 0 ? Long.parseLong(args[0]) : 3_000;
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 5;
    String section = args.length > 2 ? args[2] : "all";
    try (TestPostgres postgres =
        TestPostgres.builder()
            .majorVersion(17)
            .parameter("shared_buffers", "2GB")
            .parameter("max_wal_size", "8GB")
            .parameter("checkpoint_timeout", "1h")
            .parameter("wal_level", "logical") // for Debezium
            .start()) {
      boolean all = section.equals("all");
      if (all || section.equals("standard")) {
        standard(postgres, thousands, rounds);
      }
      if (all || section.equals("lightning")) {
        lightning(postgres, thousands, rounds);
      }
      if (section.equals("growth")) {
        growth(postgres, thousands);
      }
      if (section.equals("tunnel")) {
        tunnel(postgres, thousands, rounds, List.of(CIPHER));
      }
      if (section.equals("ciphers")) {
        tunnel(postgres, thousands, rounds, CIPHERS);
      }
      if (all || section.equals("delivery")) {
        delivery(postgres, thousands * 1_000 / 3, rounds);
      }
      if (all || section.equals("destinations")) {
        destinations(postgres, thousands / 3, rounds);
      }
    }
  }

  private static void standard(TestPostgres postgres, long thousands, int rounds) throws Exception {
    System.out.printf("%n## Standard engine, TPC-H orders, %s%n", machine());
    TestDatabase large = load(postgres, thousands);
    run(StandardVariants.class, large, "-Xmx256m", "time", Integer.toString(rounds));
    run(StandardVariants.class, large, "-Xmx64m", "heap");
    if (thousands >= 10) {
      run(StandardVariants.class, load(postgres, thousands / 10), "-Xmx64m", "heap");
    }
  }

  private static void lightning(TestPostgres postgres, long thousands, int rounds)
      throws Exception {
    System.out.printf("%n## Lightning, TPC-H orders, %s%n", machine());
    TestDatabase database = load(postgres, thousands);
    run(LightningVariants.class, database, "-Xmx256m", "time", Integer.toString(rounds));
    run(SNAPSHOT, database, "-Xmx256m", Integer.toString(Math.min(rounds, 3)));
  }

  private static void growth(TestPostgres postgres, long thousands) throws Exception {
    System.out.printf("%n## Growth of Lightning, TPC-H orders, %s%n", machine());
    for (long size : new long[] {thousands / 3, thousands, thousands * 10 / 3}) {
      TestDatabase database = load(postgres, Math.max(1, size));
      System.out.println("| variant | rows | s | s for a million rows |\n|---|---|---|---|");
      run(LightningVariants.class, database, "-Xmx256m", "growth");
    }
  }

  private static void tunnel(
      TestPostgres postgres, long thousands, int rounds, List<String> ciphers) throws Exception {
    System.out.printf("%n## Tunnel, TPC-H orders, %s%n", machine());
    TestDatabase database = load(postgres, thousands);
    List<String> failed = new ArrayList<>();
    for (String cipher : ciphers) {
      try {
        run(TunnelVariants.class, database, "-Xmx256m", Integer.toString(rounds), cipher);
      } catch (IllegalStateException e) {
        failed.add(cipher);
      }
    }
    if (!failed.isEmpty()) {
      throw new IllegalStateException("failed: " + failed);
    }
  }

  private static void delivery(TestPostgres postgres, long rows, int rounds) throws Exception {
    System.out.printf("%n## Delivery, %s%n", machine());
    TestDatabase database = postgres.createDatabase();
    String count = Long.toString(rows);
    run(DeliveryVariants.class, database, "-Xmx256m", "time", count, Integer.toString(rounds));
    run(DeliveryVariants.class, database, "-Xmx256m", "accepted", count);
    run(DeliveryVariants.class, database, "-Xmx256m", "rejected", count);
    System.out.println("Goal: the two at most 64 MB apart");
  }

  private static void destinations(TestPostgres postgres, long thousands, int rounds)
      throws Exception {
    System.out.printf("%n## Destinations, TPC-H orders, %s%n", machine());
    TestDatabase database = load(postgres, Math.max(1, thousands));
    run(DestinationVariants.class, database, "-Xmx1g", Integer.toString(rounds));
  }

  private static String machine() {
    return "PostgreSQL 17, Java %s, %d processors"
        .formatted(Runtime.version().feature(), Runtime.getRuntime().availableProcessors());
  }

  private static TestDatabase load(TestPostgres postgres, long thousands) throws SQLException {
    TestDatabase database = postgres.createDatabase();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      Tpch.atScale(thousands / 1_500.0).loadOrders(connection);
      statement.execute("vacuum (analyze, freeze) orders");
      try (ResultSet count = statement.executeQuery("select count(*) from orders")) {
        count.next();
        System.out.printf("%n%,d rows%n%n", count.getLong(1));
      }
    }
    return database;
  }

  private static void run(Class<?> variants, TestDatabase database, String heap, String... args)
      throws IOException, InterruptedException {
    run(variants.getName(), database, heap, args);
  }

  private static void run(String variants, TestDatabase database, String heap, String... args)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(heap, "-cp", System.getProperty("java.class.path")));
    if (Boolean.getBoolean("bench.steps")) {
      command.add("-Dbench.steps=true");
    }
    command.add(variants);
    command.addAll(
        List.of(
            database.host(),
            Integer.toString(database.port()),
            database.name(),
            database.user(),
            heap));
    command.addAll(List.of(args));
    int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (exit != 0) {
      throw new IllegalStateException("a variant ended with exit code " + exit);
    }
  }
}
