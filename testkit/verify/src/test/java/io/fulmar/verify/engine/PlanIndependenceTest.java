package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A join and an aggregate over 6,000 rows, in a server whose buffers are small beside them, so that
 * scans of the table start where another one is. Between runs the settings of the database make the
 * planner choose otherwise.
 */
@DisplayName("G-10: the diff is the same whatever the plan, and in whatever order rows come")
class PlanIndependenceTest {
  private static final String SQL =
      """
      select o.id, o.note, c.name, l.lines
      from orders o
      join customer c on c.id = o.customer_id
      left join (select order_id, count(*) as lines from line group by order_id) l on l.order_id = o.id
      """;

  /** Each makes another plan of the query, together with the ones before it. */
  private static final List<List<String>> SETTINGS =
      List.of(
          List.of("enable_hashjoin = off"),
          List.of("enable_mergejoin = off", "enable_sort = off"),
          List.of("enable_seqscan = off", "work_mem = '64kB'"),
          List.of("enable_indexscan = off", "enable_hashjoin = on", "enable_nestloop = off"),
          List.of(
              "enable_seqscan = on",
              "parallel_setup_cost = 0",
              "parallel_tuple_cost = 0",
              "min_parallel_table_scan_size = 0",
              "max_parallel_workers_per_gather = 4"));

  private static TestPostgres server;
  private static TestDatabase database;

  @TempDir Path state;

  @BeforeAll
  static void start() throws SQLException {
    server = TestPostgres.builder().parameter("shared_buffers", "2MB").start();
    database = server.createDatabase();
    database.execute(
        "create table customer (id int primary key, name text)",
        "insert into customer select i, 'c' || i from generate_series(1, 500) i",
        "create table orders (id int primary key, customer_id int, note text)",
        "insert into orders select i, 1 + i % 500, repeat('x', 60 + i % 90) from generate_series(1, 6000) i",
        "create table line (order_id int, n int)",
        "insert into line select 1 + i % 6000, i from generate_series(1, 9000) i",
        "create index on line (order_id)",
        "create index on orders (customer_id)",
        "analyze");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Source source() {
    return Source.builder()
        .host(database.host())
        .port(database.port())
        .database(database.name())
        .user(database.user())
        .withoutTls()
        .build();
  }

  private static String plan() throws SQLException {
    List<String> nodes = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet lines =
            statement.executeQuery("explain (costs off) select * from (" + SQL + ") q")) {
      while (lines.next()) {
        nodes.add(lines.getString(1));
      }
    }
    return String.join("\n", nodes);
  }

  private Sync sync(RecordingDestination destination, Model model) {
    return Sync.builder("orders").model(model).to(destination).onRemoved(Removal.DELETE).build();
  }

  @Test
  @DisplayName("G-10: each plan finds the one change that there is")
  void eachPlanFindsTheChange() throws SQLException {
    RecordingDestination destination = RecordingDestination.of("test:plans");
    Sync sync = sync(destination, Model.query("orders", SQL).key("id"));
    Set<String> plans = new TreeSet<>();
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isEqualTo(6_000);
    }
    int changed = 0;
    for (List<String> settings : SETTINGS) {
      for (String setting : settings) {
        database.execute("alter database \"" + database.name() + "\" set " + setting);
      }
      plans.add(plan());
      changed++;
      database.execute("update orders set note = 'changed' where id = " + changed);
      try (SyncEngine engine = StandardEngine.on(source(), state)) {
        SyncReport report = engine.run(sync).throwIfFailed();
        assertThat(destination.changes(report.run()))
            .as("%s", settings)
            .extracting(change -> change.operation() + " " + change.key().text("id"))
            .containsExactly("CHANGED " + changed);
      }
    }
    assertThat(plans).hasSize(SETTINGS.size());
    assertThat(plans).anyMatch(plan -> plan.contains("Gather"));
    assertThat(destination.violations()).isEmpty();
    database.execute("alter database \"" + database.name() + "\" reset all");
  }

  @Test
  @DisplayName("G-10: a scan that starts in the middle of the table, where another one is")
  void scansThatStartInTheMiddle() throws SQLException {
    RecordingDestination destination = RecordingDestination.of("test:scans");
    Sync sync = sync(destination, Model.table("orders", "public", "orders").key("id"));
    try (SyncEngine engine = StandardEngine.on(source(), state);
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isEqualTo(6_000);
      for (int start = 2_000; start < 6_000; start += 2_000) {
        statement.setFetchSize(start);
        try (ResultSet rows = statement.executeQuery("select note from orders")) {
          rows.next();
          String first =
              engine
                  .preview(Model.table("orders", "public", "orders").key("id"))
                  .rows()
                  .get(0)
                  .text("id");
          assertThat(first).as("the scan starts elsewhere").isNotEqualTo("1");
          assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
        }
        other.rollback();
      }
    }
    assertThat(destination.violations()).isEmpty();
  }
}
