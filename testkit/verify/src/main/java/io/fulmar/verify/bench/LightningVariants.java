package io.fulmar.verify.bench;

import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The variants of the benchmark of Lightning, in one JVM, in turn, beside the statements that they
 * are held against: a count of the table, a join by the key alone, and what peers do.
 */
final class LightningVariants {
  private static final String COLUMNS =
      """
      o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk,
             o_shippriority, o_comment""";

  /** A unique index proves its key. */
  private static final String PROVEN = "select %s from orders".formatted(COLUMNS);

  /** Nothing proves its key, since it joins. */
  private static final String UNPROVEN =
      "select %s from orders join (values ('F'), ('O'), ('P')) as of_interest (status) on status = o_orderstatus"
          .formatted(COLUMNS);

  /** The settings under which the engine plans, for what it is held against. */
  private static final String SETTINGS =
      "set work_mem = '64MB'; set max_parallel_workers_per_gather = 2; set jit = off";

  private static final Map<String, String> GOALS =
      Map.of(
          "unchanged table (delta scan)", "2 x count(*) + 0.1 s",
          "unchanged query, proven", "2.2 x floor",
          "unchanged query, not proven", "2.6 x floor",
          "1 % changed, query", "unchanged + 1.5 s",
          "1 % changed, table", "unchanged + 1.5 s",
          "full join on md5(row::text) of two copies", "3 x unchanged query",
          "EXCEPT both ways", "5 x unchanged query",
          "first run", "a third of Debezium's snapshot");

  private final String url;
  private final Source source;
  private final AtomicLong delivered = new AtomicLong();
  private final Rounds rounds = new Rounds();

  private LightningVariants(String[] args) {
    url = "jdbc:postgresql://%s:%s/%s?user=%s".formatted(args[0], args[1], args[2], args[3]);
    source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(args[3])
            .withoutTls()
            .build();
  }

  /** Arguments: host, port, database, user, heap, then "time" and rounds, or "growth". */
  public static void main(String[] args) throws Exception {
    LightningVariants variants = new LightningVariants(args);
    variants.setUp();
    if ("time".equals(args[5])) {
      variants.time(Integer.parseInt(args[6]), args[4]);
    } else {
      variants.growth();
    }
  }

  private void setUp() throws SQLException {
    execute("create schema if not exists fulmar_planner; create schema if not exists fulmar_audit");
  }

  // ---------------------------------------------------------------------------------------- syncs

  private Sync sync(String name, Model model) {
    return Sync.builder(name)
        .model(model)
        .to(
            Destination.of(
                "bench",
                batch -> {
                  delivered.addAndGet(batch.size());
                  return Delivery.allAccepted();
                }))
        .onRemoved(Removal.DELETE)
        .build();
  }

  private Sync query(String name, String sql) {
    return sync(name, Model.query(name, sql).key("o_orderkey"));
  }

  private Sync table() {
    return sync("bench_table", Model.table("bench_table", "public", "orders").key("o_orderkey"));
  }

  /** One run; fails if it did not deliver what it should, or went another way. */
  private SyncReport runExpecting(Sync sync, ChangeSet.Way.Kind way, long added, long changed) {
    delivered.set(0);
    try (SyncEngine engine =
        LightningEngine.builder(source).fullDiffEvery(Duration.ofDays(1)).build()) {
      SyncReport report = engine.run(sync).throwIfFailed();
      boolean right =
          report.counts(Operation.ADDED).accepted() == added
              && report.counts(Operation.CHANGED).accepted() == changed
              && report.counts(Operation.REMOVED).planned() == 0
              && delivered.get() == added + changed
              && report.way().map(ChangeSet.Way::kind).filter(way::equals).isPresent();
      if (!right) {
        throw new IllegalStateException(
            "expected %d added and %d changed by %s, got %s by %s"
                .formatted(added, changed, way, report.counts(), report.way()));
      }
      if (Boolean.getBoolean("bench.steps")) {
        System.out.println(sync.name() + " " + report.times());
      }
      return report;
    }
  }

  private void forget(Sync sync) {
    try (SyncEngine engine = LightningEngine.on(source)) {
      engine.forget(sync);
    }
  }

  // -------------------------------------------------------------------------------------- variants

  private void time(int counted, String heap) throws Exception {
    PeakHeap peak = new PeakHeap();
    long rows = number("select count(*) from orders");
    Sync table = table();
    Sync proven = query("bench_proven", PROVEN);
    Sync unproven = query("bench_unproven", UNPROVEN);
    Sync fresh = query("bench_fresh", PROVEN);
    for (Sync sync : new Sync[] {table, proven, unproven}) {
      runExpecting(sync, ChangeSet.Way.Kind.FULL, rows, 0);
    }
    execute("create table by_md5 as select o_orderkey, md5(orders::text) as hash from orders");
    execute("create table copied as %s".formatted(PROVEN));
    execute("analyze by_md5; analyze copied");
    long leastWal = Long.MAX_VALUE;
    long mostWal = 0;
    for (int round = 0; round <= counted; round++) {
      if (round == 1) {
        rounds.warm();
      }
      String floor = floor(state("bench_proven"), PROVEN);
      String otherFloor = floor(state("bench_unproven"), UNPROVEN);
      rounds.timed("count(*)", () -> number("select count(*) from orders"));
      rounds.timed(
          "unchanged table (delta scan)", () -> unchanged(table, ChangeSet.Way.Kind.DELTA));
      rounds.timed("floor: join by the key alone", () -> number(floor));
      rounds.timed("unchanged query, proven", () -> unchanged(proven, ChangeSet.Way.Kind.FULL));
      rounds.timed("floor, not proven", () -> number(otherFloor));
      long before = written();
      rounds.timed(
          "unchanged query, not proven", () -> unchanged(unproven, ChangeSet.Way.Kind.FULL));
      mostWal = Math.max(mostWal, written() - before);
      before = written();
      unchanged(unproven, ChangeSet.Way.Kind.FULL);
      leastWal = Math.min(leastWal, written() - before);
      rounds.timed("full join on md5(row::text) of two copies", () -> nothing(MD5_OF_COPIES));
      rounds.timed("the same, one md5 stored", () -> nothing(BY_MD5));
      rounds.timed("EXCEPT both ways", () -> nothing(EXCEPT));
      execute(
          "update orders set o_totalprice = o_totalprice + 1 where mod(o_orderkey, 100) = %d"
              .formatted(round));
      execute("vacuum (analyze) orders");
      long changed =
          number("select count(*) from orders where mod(o_orderkey, 100) = %d".formatted(round));
      rounds.timed(
          "1 % changed, query", () -> runExpecting(proven, ChangeSet.Way.Kind.FULL, 0, changed));
      rounds.timed(
          "1 % changed, table", () -> runExpecting(table, ChangeSet.Way.Kind.DELTA, 0, changed));
      runExpecting(unproven, ChangeSet.Way.Kind.FULL, 0, changed);
      execute("drop table by_md5, copied");
      execute("create table by_md5 as select o_orderkey, md5(orders::text) as hash from orders");
      execute("create table copied as %s".formatted(PROVEN));
      execute("analyze by_md5; analyze copied");
      rounds.timed("first run", () -> runExpecting(fresh, ChangeSet.Way.Kind.FULL, rows, 0));
      forget(fresh);
    }
    System.out.printf(
        "WAL of an unchanged run: %,d bytes (goal 1 MB); right after 1 %% had changed, whose pages it prunes: %,d. State: %.1f bytes a row without its index (goal 64). Most heap in use after a collection: %.1f MB%n%n",
        leastWal,
        mostWal,
        (double) number("select pg_relation_size('%s')".formatted(state("bench_proven"))) / rows,
        peak.megabytes());
    print(rows, heap);
  }

  private static final String MD5_OF_COPIES =
      """
      select count(*) from (
        select o.o_orderkey, md5(o::text) as hash from orders as o
      ) as m full join (
        select c.o_orderkey, md5(c::text) as hash from copied as c
      ) as s using (o_orderkey) where m.hash is distinct from s.hash
      """;

  private static final String BY_MD5 =
      """
      select count(*) from (
        select o.o_orderkey, md5(o::text) as hash from orders as o
      ) as m full join by_md5 as s using (o_orderkey) where m.hash is distinct from s.hash
      """;

  private static final String EXCEPT =
      """
      select count(*) from (
        (select * from copied except select * from orders)
        union all
        (select * from orders except select * from copied)
      ) as different
      """;

  private static String floor(String state, String model) {
    return """
        select count(*) from (select o_orderkey from (%s) as model) as m
        full join %s as s on s.k0 = m.o_orderkey
        """
        .formatted(model, state);
  }

  private void unchanged(Sync sync, ChangeSet.Way.Kind way) {
    runExpecting(sync, way, 0, 0);
  }

  private void nothing(String sql) throws SQLException {
    if (number(sql) != 0) {
      throw new IllegalStateException("a difference where there is none: " + sql);
    }
  }

  private void print(long rows, String heap) {
    double floor = rounds.median("floor: join by the key alone");
    System.out.printf(
        "| variant (heap %s) | median s | min | max | rows/s | ratio to floor | goal |%n", heap);
    System.out.println("|---|---|---|---|---|---|---|");
    for (String name : rounds.names()) {
      double median = rounds.median(name);
      double base = name.endsWith("not proven") ? rounds.median("floor, not proven") : floor;
      System.out.printf(
          "| %s | %.2f | %.2f | %.2f | %,.0f | %.2f | %s |%n",
          name,
          median,
          rounds.least(name),
          rounds.most(name),
          rows / median,
          median / base,
          GOALS.getOrDefault(name, ""));
    }
  }

  /** First, unchanged and 1 % changed at this number of rows, for the growth with it. */
  private void growth() throws Exception {
    long rows = number("select count(*) from orders");
    Sync proven = query("bench_growth", PROVEN);
    rounds.timed("first run", () -> runExpecting(proven, ChangeSet.Way.Kind.FULL, rows, 0));
    for (int i = 0; i < 3; i++) {
      rounds.timed("unchanged", () -> unchanged(proven, ChangeSet.Way.Kind.FULL));
    }
    execute("update orders set o_totalprice = o_totalprice + 1 where o_orderkey % 100 = 7");
    execute("vacuum (analyze) orders");
    long changed = number("select count(*) from orders where o_orderkey % 100 = 7");
    rounds.timed("1 % changed", () -> runExpecting(proven, ChangeSet.Way.Kind.FULL, 0, changed));
    for (String name : rounds.names()) {
      System.out.printf(
          "| %s | %,d | %.2f | %.2f |%n",
          name, rows, rounds.median(name), rounds.median(name) / rows * 1e6);
    }
  }

  // -----------------------------------------------------------------------------------------
  // server

  private String state(String sync) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select concat('fulmar_planner.s', slot, '_state_', generation)
                from fulmar_planner.fulmar_syncs where sync = '%s'
                """
                    .formatted(sync))) {
      row.next();
      return row.getString(1);
    }
  }

  private long written() throws SQLException {
    return number("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8");
  }

  private long number(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(SETTINGS);
      try (ResultSet row = statement.executeQuery(sql)) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      for (String each : sql.split(";")) {
        statement.execute(each);
      }
    }
  }
}
