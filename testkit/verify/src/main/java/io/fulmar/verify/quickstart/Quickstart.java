package io.fulmar.verify.quickstart;

import io.fulmar.ConsoleProgress;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.tpch.Tpch;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The main job on real data: customers of TPC-H with what they ordered, kept in step with a table
 * in a second database over six runs, while rows are added, changed and removed and one of them is
 * rejected. Every figure that it prints comes out of a report or a database.
 *
 * <p>{@code main} takes the scale of TPC-H, 0.1 unless given (15,000 customers, 150,000 orders),
 * and exits with 1 if source and destination are not equal in the end.
 */
public final class Quickstart implements AutoCloseable {
  private static final String MODEL =
      """
      select c.c_custkey as id,
             c.c_name as name,
             trim(c.c_mktsegment) as segment,
             trim(c.c_phone) as phone,
             c.c_acctbal as balance,
             count(o.o_orderkey) as orders,
             coalesce(sum(o.o_totalprice), 0.00) as total,
             max(o.o_orderdate) as last_order
      from customer c left join orders o on o.o_custkey = c.c_custkey
      group by c.c_custkey
      """;

  private static final String SOURCE_ROWS =
      "select * from (\n%s) as model order by id".formatted(MODEL);

  private static final String DESTINATION_ROWS =
      """
      select id, name, segment, phone, balance, orders, total, last_order
      from crm.customers order by id
      """;

  /** For a table that is not there yet. */
  private static final String NO_ROWS = "select null::bigint as id where false";

  /** A rule of the destination that a row of the source will break. */
  private static final String RULE =
      """
      alter table crm.customers add constraint phone_is_complete
        check (phone ~ '^[0-9]{2}-[0-9]{3}-[0-9]{3}-[0-9]{4}$')
      """;

  private static final List<String> CHANGES =
      List.of(
          """
          update customer set c_acctbal = c_acctbal + 100 where c_custkey % 100 = 1
          """,
          """
          insert into orders
            select (select max(o_orderkey) from orders) + c_custkey, c_custkey, 'O', 1999.99,
                   date '1998-12-01', '1-URGENT', 'Clerk#000000001', 0, 'new'
            from customer where c_custkey % 100 = 2
          """,
          """
          delete from orders where o_custkey % 100 = 4
          """,
          """
          insert into customer
            select (select max(c_custkey) from customer) + c_custkey, c_name || ' jun.', c_address,
                   c_nationkey, c_phone, 0, c_mktsegment, 'new'
            from customer where c_custkey % 300 = 7
          """,
          """
          delete from customer where c_custkey % 200 = 5
          """,
          """
          update customer set c_comment = c_comment || ' (a column that the model does not use)'
          """,
          """
          update customer set c_phone = 'unknown' where c_custkey = 10
          """);

  private static final String MENDED =
      """
      update customer set c_phone = '10-100-100-1000' where c_custkey = 10
      """;

  private final PrintStream out;
  private final Path stateDirectory;
  private final TestPostgres postgres;
  private final List<RunTable.Column> runs = new ArrayList<>();

  /**
   * Starts a server.
   *
   * @param out where to print
   * @throws IOException if there is no room for the engine's state
   */
  Quickstart(PrintStream out) throws IOException {
    this.out = out;
    this.postgres = TestPostgres.start();
    this.stateDirectory = Files.createTempDirectory("fulmar-quickstart-");
  }

  /**
   * Runs the main job.
   *
   * @param args the scale of TPC-H; 0.1 if there is none
   * @throws Exception whatever goes wrong
   */
  public static void main(String[] args) throws Exception {
    // The progress display and the table say what the log would; errors still show.
    System.setProperty("fulmar.log", System.getProperty("fulmar.log", "ERROR"));
    double scale = args.length == 0 ? 0.1 : Double.parseDouble(args[0]);
    long began = System.nanoTime();
    Comparison end;
    try (Quickstart quickstart = new Quickstart(System.out)) {
      end = quickstart.run(scale);
    }
    System.out.printf(Locale.ROOT, "Took %.0f s.%n", (System.nanoTime() - began) / 1e9);
    if (end.differing() > 0) {
      System.exit(1);
    }
  }

  /** What the runs did, in order. */
  List<RunTable.Column> runs() {
    return List.copyOf(runs);
  }

  /** Does the main job and says how source and destination compare in the end. */
  Comparison run(double scale) throws SQLException {
    TestDatabase shop = postgres.createDatabase();
    TestDatabase warehouse = postgres.createDatabase();
    say(
        "PostgreSQL %d, started for this; TPC-H at scale %s is the source:",
        postgres.majorVersion(), scale);
    try (Connection connection = shop.connect()) {
      say("%,12d customers", Tpch.atScale(scale).loadCustomer(connection));
      say("%,12d orders", Tpch.atScale(scale).loadOrders(connection));
    }
    say("");
    say("The model, to be kept in step with a table in another database:");
    sql(MODEL);
    warehouse.execute("create schema crm");

    Source source = source(shop).build();
    Sync sync =
        Sync.builder("customers")
            .model(Model.query("customers", MODEL).key("id"))
            .to(destination(warehouse))
            .mode(SyncMode.UPSERT)
            .onRemoved(Removal.DELETE)
            .listener(ConsoleProgress.to(out))
            .build();
    try (SyncEngine engine = StandardEngine.on(source, stateDirectory)) {
      run("the first run makes the table and fills it", engine, sync, shop, warehouse);
      run("nothing has changed", engine, sync, shop, warehouse);

      say("");
      say("Changes in the source:");
      for (String change : CHANGES) {
        execute(shop, change);
      }
      say("");
      say("The destination gets a rule, which the last of these rows breaks:");
      execute(warehouse, RULE);
      run("what changed, and one row is rejected", engine, sync, shop, warehouse);
      run("the rejected row comes back, and nothing else", engine, sync, shop, warehouse);

      say("");
      say("The row is mended in the source:");
      execute(shop, MENDED);
      run("it is accepted", engine, sync, shop, warehouse);
      run("nothing has changed", engine, sync, shop, warehouse);
    }
    say("");
    RunTable.print(out, runs);
    say("");
    Comparison end = compare(shop, warehouse);
    say("Both read whole and compared row by row, every column:");
    say("  %s.", end);
    say("Source and destination are %s.", end.differing() == 0 ? "equal" : "NOT EQUAL");
    return end;
  }

  private static Source.Builder source(TestDatabase database) {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(database.user())
        .withoutTls();
  }

  private static Destination destination(TestDatabase database) {
    Map<String, String> columns = new LinkedHashMap<>();
    columns.put("id", "bigint");
    columns.put("name", "text");
    columns.put("segment", "text");
    columns.put("phone", "text");
    columns.put("balance", "numeric(15,2)");
    columns.put("orders", "bigint");
    columns.put("total", "numeric(15,2)");
    columns.put("last_order", "date");
    return PostgresDestination.builder(
            source(database).statementTimeout(Duration.ofSeconds(30)).build())
        .table("crm", "customers")
        .createTableIfMissing(columns)
        .build();
  }

  private void run(
      String what, SyncEngine engine, Sync sync, TestDatabase shop, TestDatabase warehouse)
      throws SQLException {
    say("");
    say("Run %d: %s.", runs.size() + 1, what);
    Comparison before = compare(shop, warehouse);
    SyncReport report = engine.run(sync).throwIfFailed();
    for (SyncReport.FailureGroup failure : report.failures()) {
      say(
          "  %,d %s rejected, code %s: %s",
          failure.count(), failure.operation(), failure.code(), failure.message());
    }
    Comparison after = compare(shop, warehouse);
    runs.add(new RunTable.Column(before, report, engine.status(sync), after));
  }

  private static Comparison compare(TestDatabase shop, TestDatabase warehouse) throws SQLException {
    return Comparison.of(
        shop,
        SOURCE_ROWS,
        warehouse,
        exists(warehouse, "crm.customers") ? DESTINATION_ROWS : NO_ROWS);
  }

  private static boolean exists(TestDatabase database, String table) throws SQLException {
    try (Connection connection = database.connect();
        PreparedStatement statement =
            connection.prepareStatement("select to_regclass(?) is not null")) {
      statement.setString(1, table);
      try (ResultSet result = statement.executeQuery()) {
        return result.next() && result.getBoolean(1);
      }
    }
  }

  private void execute(TestDatabase database, String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      int rows = statement.executeUpdate(sql);
      sql(sql);
      if (rows > 0) {
        say("%,12d %s", rows, rows == 1 ? "row" : "rows");
      }
    }
  }

  private void sql(String sql) {
    sql.stripTrailing().lines().forEach(line -> out.println("    " + line));
  }

  private void say(String format, Object... arguments) {
    out.println(String.format(Locale.ROOT, format, arguments));
  }

  /** Stops the server and deletes what both it and the engine wrote. */
  @Override
  public void close() throws IOException {
    postgres.close();
    List<Path> files;
    try (Stream<Path> all = Files.walk(stateDirectory)) {
      files = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
