package io.fulmar.verify.bench;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.tpch.Tpch;
import io.fulmar.verify.bench.compare.Comparison;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Starts a server of its own, makes TPC-H data, and measures each variant in a JVM of its own with
 * a stated heap. Prints Markdown on standard output and into {@code results.md}, and says on
 * standard error how far it is. Ends with 1 if anything that was delivered was wrong or a variant
 * failed, with 2 if the arguments are wrong.
 */
public final class Benchmark {
  /** In a source folder that only the profile of the benchmark compiles. */
  private static final String MICRO = "io.fulmar.verify.bench.micro.MicroBenchmarks";

  private static final String CIPHER = "aes128-gcm@openssh.com";
  private static final List<String> CIPHERS =
      List.of(CIPHER, "aes256-gcm@openssh.com", "aes128-ctr");
  private static final double ORDERS_AT_SCALE_1 = 1_500_000;

  private final TestPostgres postgres;
  private final Options options;
  private final Consumer<String> out;
  private final List<String> failures = new ArrayList<>();

  private Benchmark(TestPostgres postgres, Options options, Consumer<String> out) {
    this.postgres = postgres;
    this.options = options;
    this.out = out;
  }

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) throws Exception {
    Options options;
    try {
      options = Options.parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.println(Options.HELP);
      System.exit(2);
      return;
    }
    if (options.isHelp()) {
      System.out.println(Options.HELP);
      return;
    }
    List<String> failures = run(options);
    failures.forEach(each -> System.err.printf("FAILED: %s%n", each));
    System.exit(failures.isEmpty() ? 0 : 1);
  }

  private static List<String> run(Options options) throws Exception {
    Files.createDirectories(options.out());
    Path file = options.out().resolve("results.md");
    try (PrintStream copy =
            new PrintStream(Files.newOutputStream(file), true, StandardCharsets.UTF_8);
        TestPostgres postgres =
            TestPostgres.builder()
                .majorVersion(17)
                .parameter("shared_buffers", "2GB")
                .parameter("max_wal_size", "8GB")
                .parameter("checkpoint_timeout", "1h")
                .parameter("autovacuum", "off")
                // For Debezium, to which a server sends what it has written out, and no more.
                .parameter("wal_level", "logical")
                .parameter("synchronous_commit", "on")
                .start()) {
      return new Benchmark(
              postgres,
              options,
              line -> {
                System.out.println(line);
                copy.println(line);
              })
          .run();
    }
  }

  private List<String> run() throws Exception {
    title();
    for (Section each : sections()) {
      try {
        switch (each) {
          case COMPARE -> compare();
          case DELIVERY -> delivery();
          case DESTINATIONS -> destinations();
          case TUNNEL -> tunnel(List.of(CIPHER));
          case CIPHERS -> tunnel(CIPHERS);
          case MICRO -> micro();
        }
      } catch (IllegalStateException e) {
        failures.add("section %s: %s".formatted(each.label(), e.getMessage()));
      }
    }
    return failures;
  }

  private Set<Section> sections() {
    if (!options.sections().isEmpty()) {
      return options.sections();
    }
    Set<Section> possible = EnumSet.complementOf(EnumSet.of(Section.CIPHERS, Section.MICRO));
    if (!OpenSsh.isInstalled()) {
      possible.remove(Section.TUNNEL);
    }
    return possible;
  }

  private void title() throws SQLException {
    String version;
    TestDatabase database = postgres.createDatabase();
    try (Connection connection = database.connect()) {
      version = connection.getMetaData().getDatabaseProductVersion();
    }
    out.accept(
        String.format(
            Locale.ROOT,
            "## Benchmark of %s: PostgreSQL %s and JDK %s on %s %s, %d processors%s; counted rounds: %d",
            LocalDate.now(ZoneOffset.UTC),
            version,
            Runtime.version(),
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors(),
            Machine.description(),
            options.rounds()));
  }

  private void micro() throws ReflectiveOperationException {
    Class.forName(MICRO)
        .getMethod("main", String[].class)
        .invoke(null, (Object) options.jmh().toArray(String[]::new));
  }

  private void compare() throws Exception {
    failures.addAll(
        new Comparison(
                postgres,
                new Comparison.Plan(
                    options.rows(),
                    options.shapeRows(),
                    options.rounds(),
                    options.only(),
                    options.shapes(),
                    options.out(),
                    options.isResumed()))
            .run(out));
  }

  private void tunnel(List<String> ciphers) throws Exception {
    heading("Tunnel, %,d orders", options.mostRows());
    TestDatabase database = load(options.mostRows());
    List<String> failed = new ArrayList<>();
    for (String cipher : ciphers) {
      try {
        run(TunnelVariants.class, database, "256m", rounds(), cipher);
      } catch (IllegalStateException e) {
        failed.add(cipher);
      }
    }
    database.drop();
    if (!failed.isEmpty()) {
      throw new IllegalStateException("failed: %s".formatted(failed));
    }
  }

  private void delivery() throws Exception {
    heading("Delivery");
    TestDatabase database = postgres.createDatabase();
    String count = Long.toString(options.mostRows() / 3);
    run(DeliveryVariants.class, database, "256m", "time", count, rounds());
    run(DeliveryVariants.class, database, "256m", "accepted", count);
    run(DeliveryVariants.class, database, "256m", "rejected", count);
    out.accept("Goal: the two at most 64 MB apart");
    database.drop();
  }

  private void destinations() throws Exception {
    heading("Destinations, %,d orders", options.mostRows() / 3);
    TestDatabase database = load(options.mostRows() / 3);
    run(DestinationVariants.class, database, "1g", rounds());
    database.drop();
  }

  private String rounds() {
    return Integer.toString(options.rounds());
  }

  private void heading(String format, Object... args) {
    out.accept("");
    out.accept("### ".concat(String.format(Locale.ROOT, format, args)));
    out.accept("");
  }

  private TestDatabase load(long rows) throws SQLException {
    TestDatabase database = postgres.createDatabase();
    try (Connection connection = database.connect()) {
      Tpch.atScale(rows / ORDERS_AT_SCALE_1).loadOrders(connection);
    }
    database.execute("vacuum (analyze, freeze) orders");
    return database;
  }

  private void run(Class<?> variants, TestDatabase database, String heap, String... args)
      throws IOException, InterruptedException {
    System.err.printf("%s %s%n", variants.getSimpleName(), String.join(" ", args));
    List<String> all =
        new ArrayList<>(
            List.of(
                database.host(),
                Integer.toString(database.port()),
                database.name(),
                database.user(),
                "-Xmx".concat(heap)));
    all.addAll(List.of(args));
    ChildJvm.run(out, variants.getName(), heap, all);
  }
}
